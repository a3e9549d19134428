"""Telling each member of this side's issuer and of its status lists.

A member is told of the issuer when it is new, when keys or types have changed, and once a day besides; of a
status list when something in it has changed, and before the one that it has grows too old.
"""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from kouan.apps.evidence import keys, statuses
from kouan.apps.evidence.crossings import (
    ISSUER,
    ISSUER_1,
    MOST_KEYS,
    STATUS,
    ClaimOfKind,
    IssuerKeyTold,
    IssuerTold,
    IssuerTold1,
    Names,
    StatusListTold,
    TypeTold,
)
from kouan.apps.evidence.issuing import vct_of
from kouan.apps.evidence.kinds import catalogue
from kouan.apps.evidence.models import Announced, StatusList, StatusTold
from kouan.apps.evidence.sdjwt import status
from kouan.core.database.locks import take_turn
from kouan.core.errors import KouanError
from kouan.core.exchange.outbox import send
from kouan.core.trust.queries import members

if TYPE_CHECKING:
    from datetime import datetime

    from kouan.core.text import Localised

log = logging.getLogger(__name__)

AGAIN_AFTER: Final = timedelta(days=1)
STATUS_AGAIN_AFTER: Final = statuses.TTL / 2
REFUSED_AGAIN_AFTER: Final = timedelta(minutes=1)
_AT_ONCE: Final = 50
_silent: dict[str, str] = {}
"""Why a member is not told, by side, as this process has logged it."""


def announce(*, now: datetime | None = None) -> bool:
    """Tell each member what it does not know yet; say whether more waits."""
    now = now or timezone.now()
    keys.current(now=now)
    keys.renew(now=now)
    said = _said()
    more = False
    for member in members():
        if _is_due(member.side, said, now):
            _tell(member.side, said, now)
        more |= _tell_lists(member.side, now)
    return more


def tell_list(row: StatusList, side: str, *, now: datetime) -> None:
    """Tell one member of one list, in the caller's transaction; what is not allowed now waits."""
    told, _made = StatusTold.objects.get_or_create(
        side=side, list=row, defaults={"version": 0, "next_at": now}
    )
    try:
        with transaction.atomic():
            send(STATUS, to=side, payload=StatusListTold(token=statuses.token_of(row, now=now)))
    except KouanError as error:
        _say_once(side, f"{side} is not told of the status of this side's evidence: {error}")
        told.version, told.next_at = 0, now + REFUSED_AGAIN_AFTER
    else:
        told.version, told.next_at = row.version, now + STATUS_AGAIN_AFTER
    told.save()


def issuer_not_told(*, side: str) -> None:
    """Have a member told again soon whose node did not take what it was told."""
    Announced.objects.filter(side=side).update(digest=b"", next_at=timezone.now() + REFUSED_AGAIN_AFTER)


def understands(*, side: str, version: int) -> None:
    """Tell a member in this version of the message from now on; if that is another one, at once."""
    others = Announced.objects.filter(side=side).exclude(version=version)
    others.update(version=version, digest=b"", next_at=timezone.now())


def status_not_told(*, side: str) -> None:
    """Have a member told of the lists again soon."""
    StatusTold.objects.filter(side=side).update(version=0, next_at=timezone.now() + REFUSED_AGAIN_AFTER)


def _is_due(side: str, said: IssuerTold, now: datetime) -> bool:
    row = Announced.objects.filter(side=side).first()
    if row is None:
        return True
    # What was refused or not allowed waits a little; what has changed since does not.
    return row.next_at <= now or bytes(row.digest) not in {_digest(said), b""}


def _digest(said: IssuerTold) -> bytes:
    return hashlib.sha256(json.dumps(said.model_dump(), sort_keys=True).encode()).digest()


def _tell(side: str, said: IssuerTold, now: datetime) -> None:
    with transaction.atomic():
        take_turn(f"evidence-announcement-{side}")  # of several workers one tells
        if not _is_due(side, said, now):
            return
        row, _made = Announced.objects.get_or_create(side=side, defaults={"next_at": now})
        serial = max(row.serial + 1, int(now.timestamp()))
        try:
            with transaction.atomic():
                _send(said.model_copy(update={"serial": serial}), side=side, version=row.version)
        except KouanError as error:
            _say_once(side, f"{side} is not told of this side's issuer of evidence: {error}")
            row.digest, row.next_at = b"", now + REFUSED_AGAIN_AFTER
        else:
            _silent.pop(side, None)
            row.serial, row.digest, row.next_at = serial, _digest(said), now + AGAIN_AFTER
        row.save()


def _send(said: IssuerTold, *, side: str, version: int) -> None:
    if version == ISSUER.version:
        send(ISSUER, to=side, payload=said)
        return
    before = said.model_dump(exclude={"types": {"__all__": {"claims": {"__all__": {"element"}}}}})
    send(ISSUER_1, to=side, payload=IssuerTold1.model_validate(before))


def _tell_lists(side: str, now: datetime) -> bool:
    if not StatusList.objects.filter(audience=side).exists():
        with transaction.atomic():
            take_turn(f"evidence-list-{side}")
            if not StatusList.objects.filter(audience=side).exists():
                statuses.opened(side)  # told ahead, so that it is there before the first credential
    due = _due_lists(side, now)
    if not due:
        return False
    with transaction.atomic():
        take_turn(f"evidence-status-{side}")
        for row in _due_lists(side, now):
            tell_list(row, side, now=now)
    return len(due) == _AT_ONCE


def _due_lists(side: str, now: datetime) -> list[StatusList]:
    # What was refused (version 0) waits for its time; what has changed since it was told does not.
    waits = StatusTold.objects.filter(
        Q(version=0) | Q(version=F("list__version")), side=side, next_at__gt=now
    )
    concerned = StatusList.objects.filter(audience__in=(side, "")).exclude(
        next__gte=status.SIZE, expires_at__lt=now
    )
    return list(concerned.exclude(pk__in=waits.values("list_id")).order_by("pk")[:_AT_ONCE])


def _say_once(side: str, why: str) -> None:
    if _silent.get(side) != why:
        _silent[side] = why
        log.warning("%s", why)


def _said() -> IssuerTold:
    return IssuerTold(
        issuer=settings.NODE.portal_origin,
        serial=0,
        keys=[
            IssuerKeyTold(
                kid=row.kid,
                x=row.public["x"],
                y=row.public["y"],
                since=int(row.since.timestamp()),
                until=int(row.until.timestamp()),
            )
            for row in keys.published()[-MOST_KEYS:]
        ],
        types=[
            TypeTold(
                code=each.code,
                vct=vct_of(each.code),
                title=_names(each.title),
                department=each.department,
                department_name=_names(each.department_name),
                requirements=sorted(each.requirements),
                claims=[
                    ClaimOfKind(name=claim.name, title=_names(claim.title), element=claim.element)
                    for claim in each.claims
                ],
                level=each.level,
            )
            for each in catalogue().types.values()
        ],
    )


def _names(text: Localised) -> Names:
    return Names(en=text.en, zh_hant=text.zh_hant, zh_hans=text.zh_hans)
