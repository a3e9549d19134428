"""Telling services of this side that a sign-in has ended (OpenID Connect Back-Channel Logout 1.0).

A delivery is taken by moving its next try into the future before it is posted, so that two workers do not
both post it and a killed one leaves it to be tried again. A service may be told twice, and of a sign-in that
it has forgotten.
"""

from __future__ import annotations

import logging
import random
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.identity import keys
from kouan.apps.identity.models import LogoutDelivery, SigningKey
from kouan.apps.identity.provider.jose import sign
from kouan.core.exchange import posting

if TYPE_CHECKING:
    from datetime import datetime

    from kouan.apps.identity.models import SignIn
    from kouan.core.exchange.posting import Outcome

log = logging.getLogger(__name__)

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
TYPE: Final = "logout+jwt"
TOKEN_LIFE: Final = timedelta(minutes=2)
PAUSES: Final = (5, 30, 120, 600, 1800, 3600)
"""Seconds after each time that a service did not take it; the last one repeats."""
GIVE_UP_AFTER: Final = timedelta(days=1)
AT_ONCE: Final = 8
TAKEN_FOR: Final = timedelta(seconds=60)
State = LogoutDelivery.State


def logout_token(sign_in: SignIn, *, now: datetime) -> str:
    """Return the logout token for a sign-in's service (section 2.4)."""
    at = int(now.timestamp())
    claims = {
        "iss": settings.NODE.portal_origin,
        "aud": sign_in.client,
        "iat": at,
        "exp": at + int(TOKEN_LIFE.total_seconds()),
        "jti": secrets.token_urlsafe(24),
        "sub": sign_in.subject,
        "sid": str(sign_in.key),
        "events": {EVENT: {}},
    }
    return sign(claims, keys.current(SigningKey.Use.TOKEN, now=now), typ=TYPE)


def deliver() -> bool:
    """Post what is due, several at once, and write down what came of it; return whether more is due."""
    now = timezone.now()
    taken = _take(now)
    if not taken:
        return False
    tokens = [(row, logout_token(row.sign_in, now=now)) for row in taken]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="logout") as threads:
        outcomes = list(threads.map(lambda each: _post(each[0].uri, each[1]), tokens))
    for row, outcome in zip(taken, outcomes, strict=True):
        _note(row, outcome)
    return len(taken) == AT_ONCE


def _take(now: datetime) -> list[LogoutDelivery]:
    due = LogoutDelivery.objects.filter(state=State.WAITING, next_at__lte=now)
    if not due.exists():
        return []
    with transaction.atomic():
        held = due.select_related("sign_in").select_for_update(skip_locked=True, of=("self",))
        rows = list(held.order_by("next_at")[:AT_ONCE])
        LogoutDelivery.objects.filter(pk__in=[row.pk for row in rows]).update(next_at=now + TAKEN_FOR)
    return rows


def _post(uri: str, token: str) -> Outcome:
    """Post one token; runs in a thread of its own and touches no database."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "kouan"}
    body = urlencode({"logout_token": token}).encode()
    return posting.post(uri, body, headers, ca=settings.NODE.identity.ca)


def _note(row: LogoutDelivery, outcome: Outcome) -> None:
    now = timezone.now()
    rows = LogoutDelivery.objects.filter(pk=row.pk, state=State.WAITING)
    # Section 2.8: 200 is success; some frameworks say 204 for an empty answer.
    if outcome.status in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
        rows.update(state=State.DELIVERED, ended_at=now)
        return
    failures = row.failures + 1
    ended = row.sign_in.ended_at or now
    if now - ended > GIVE_UP_AFTER:
        log.error(
            "the service %s is not told of a sign-out any more: %s",
            row.sign_in.client, outcome.problem or outcome.status,
        )  # fmt: skip
        rows.update(state=State.GIVEN_UP, failures=failures, ended_at=now)
        return
    pause = PAUSES[min(failures, len(PAUSES)) - 1] * random.uniform(0.75, 1.25)  # noqa: S311 - jitter keeps no secret
    rows.update(failures=failures, next_at=now + timedelta(seconds=pause))
