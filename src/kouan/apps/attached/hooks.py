"""What the worker does for webhooks: sees what changed, and posts what is due.

A delivery is taken by moving its next try into the future, in a transaction of its own, before it is
posted: a worker that is killed in between leaves it to be tried again, and two workers do not both post
it. So a receiver may get an event twice, always under the same id, and never not at all.
"""

from __future__ import annotations

import logging
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, OuterRef, Subquery
from django.utils import timezone

from kouan.apps.attached import vault
from kouan.apps.attached.domain import (
    DISABLE_AFTER,
    GIVE_UP_AFTER,
    OPEN,
    Event,
    pause_after,
    signature,
)
from kouan.apps.attached.errors import UnreadableSecret
from kouan.apps.attached.events import tell
from kouan.apps.attached.models import Delivery, Sent, System, Try
from kouan.core.exchange import posting
from kouan.core.exchange.models import OutboxMessage

if TYPE_CHECKING:
    from datetime import datetime

    from kouan.core.exchange.posting import Outcome

log = logging.getLogger(__name__)

AT_ONCE: Final = 8
TAKEN_FOR: Final = timedelta(seconds=60)
_GROUP: Final = 200
_EVENTS: Final = {
    "accepted": Event.ACCEPTED,
    "handled": Event.HANDLED,
    "refused": Event.REFUSED,
    "expired": Event.EXPIRED,
    "cancelled": Event.CANCELLED,
}


# What changed


def note_changes() -> bool:
    """Queue an event for each sent message whose state has changed; return whether more may have."""
    now_is = Subquery(OutboxMessage.objects.filter(message_id=OuterRef("message_id")).values("state")[:1])
    changed = (
        Sent.objects.filter(told__in=OPEN, system__webhook_url__gt="")
        .annotate(now_is=now_is)
        .filter(now_is__in=_EVENTS)
        .exclude(now_is=F("told"))
        .order_by("pk")
    )
    if not changed.exists():
        return False
    with transaction.atomic():
        rows = list(changed.select_related("system").select_for_update(of=("self",))[:_GROUP])
        messages = OutboxMessage.objects.in_bulk([row.message_id for row in rows], field_name="message_id")
        now = timezone.now()
        for row in rows:
            message = messages[row.message_id]
            if message.state not in _EVENTS or message.state == row.told:
                continue
            Sent.objects.filter(pk=row.pk).update(told=message.state)
            tell(
                row.system,
                _EVENTS[message.state],
                message_id=row.message_id,
                at=message.finished_at or now,
                more={"to": message.peer, "type": message.type, "state": message.state}
                | ({"code": message.code} if message.code else {}),
            )
    return len(rows) == _GROUP


# What is due


def deliver() -> bool:
    """Post what is due, several at once, and write down what came of it; return whether more is due."""
    now = timezone.now()
    taken = _take(now)
    if not taken:
        return False
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook") as threads:
        outcomes = list(threads.map(_post, taken))
    for delivery, outcome in zip(taken, outcomes, strict=True):
        _note(delivery, outcome)
    return len(taken) == AT_ONCE


def _take(now: datetime) -> list[Delivery]:
    """Take what is due, of each system the oldest alone while it fails, so that nobody waits behind it."""
    due = Delivery.objects.filter(
        state=Delivery.State.WAITING,
        next_at__lte=now,
        system__webhook_url__gt="",
        system__webhook_disabled_at__isnull=True,
        system__disabled_at__isnull=True,
    )
    if not due.exists():
        return []
    taken: list[Delivery] = []
    failing: set[int] = set()
    with transaction.atomic():
        for row in (
            due.select_related("system").select_for_update(of=("self",)).order_by("next_at")[: 4 * AT_ONCE]
        ):
            if row.system.webhook_failing_since is not None:
                if row.system_id in failing:
                    continue
                failing.add(row.system_id)
            taken.append(row)
            if len(taken) == AT_ONCE:
                break
        Delivery.objects.filter(pk__in=[row.pk for row in taken]).update(next_at=now + TAKEN_FOR)
    return taken


def _post(delivery: Delivery) -> Outcome:
    """Sign and post; runs in a thread of its own and touches no database."""
    system, body = delivery.system, bytes(delivery.body)
    try:
        secret = vault.unseal(bytes(system.webhook_secret or b""), system=system.name)
    except UnreadableSecret as error:
        return posting.Outcome(None, error.code, 0)
    at = timezone.now()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "kouan",
        "webhook-id": delivery.webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature(secret, delivery=delivery.webhook_id, at=at, body=body),
    }
    return posting.post(system.webhook_url, body, headers, ca=settings.NODE.attached.webhook_ca)


def _note(delivery: Delivery, outcome: Outcome) -> None:
    now = timezone.now()
    with transaction.atomic():
        Try.objects.create(
            delivery=delivery,
            at=now,
            status=outcome.status,
            problem=outcome.problem,
            milliseconds=outcome.milliseconds,
        )
        system = System.objects.select_for_update().get(pk=delivery.system_id)
        rows = Delivery.objects.filter(pk=delivery.pk)
        if outcome.arrived:
            rows.update(state=Delivery.State.DELIVERED, ended_at=now)
            if system.webhook_failing_since is not None:
                System.objects.filter(pk=system.pk).update(webhook_failing_since=None)
            return
        failures = delivery.failures + 1
        given_up = now - delivery.created_at > GIVE_UP_AFTER and failures > 1
        pause = pause_after(failures, random.random())  # noqa: S311 - jitter keeps no secret
        rows.update(
            failures=failures,
            next_at=now + pause,
            state=Delivery.State.GIVEN_UP if given_up else Delivery.State.WAITING,
            ended_at=now if given_up else None,
        )
        _note_failure(system, outcome, now)


def _note_failure(system: System, outcome: Outcome, now: datetime) -> None:
    since = system.webhook_failing_since or now
    changes: dict[str, object] = {"webhook_failing_since": since}
    why = "gone" if outcome.gone else "failing" if now - since > DISABLE_AFTER else ""
    if outcome.problem == UnreadableSecret.code:
        why = outcome.problem
    if why:
        changes |= {"webhook_disabled_at": now, "webhook_disabled_why": why}
        log.error(
            "the webhook of the attached system %s is switched off (%s); its events wait. See /attached/%s/",
            system.name, why, system.name,
        )  # fmt: skip
    System.objects.filter(pk=system.pk).update(**changes)
