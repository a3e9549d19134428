"""Telling each member of this side's list: every edition in order, until it says that it has taken it."""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.signing.crossings import LIST, ListAnswered
from kouan.apps.signing.crossings import ListTold as Payload
from kouan.apps.signing.lists.changes import Arrival
from kouan.apps.signing.models import ListEdition, ListTold
from kouan.core.database.locks import take_turn
from kouan.core.errors import KouanError
from kouan.core.exchange.outbox import send
from kouan.core.trust.queries import members

if TYPE_CHECKING:
    from datetime import datetime

log = logging.getLogger(__name__)

AGAIN_AFTER: Final = timedelta(minutes=1)
"""After it could not be sent."""
REFUSED_AGAIN_AFTER: Final = timedelta(hours=1)
"""After it was refused for what may pass: a trust document that the other side has not imported yet."""
_ANSWERS: Final = frozenset(Arrival)
_PASSING: Final = frozenset({Arrival.SIGNATURE, Arrival.BACKDATED})
_silent: dict[str, str] = {}
"""Why a member is not told, by side, as this process has logged it."""


def tell(*, now: datetime | None = None) -> bool:
    """Send each member the next edition that it was not sent; say whether more waits."""
    now = now or timezone.now()
    newest = (
        ListEdition.objects.filter(side=settings.NODE.side)
        .order_by("-sequence")
        .values_list("sequence", flat=True)
        .first()
    )
    if newest is None:
        return False
    waits = [_tell(each.side, newest, now) for each in members()]
    return any(waits)


def not_told(*, side: str) -> None:
    """Have a member told again soon, from the last edition that it is known to have."""
    with transaction.atomic():
        row = ListTold.objects.select_for_update().filter(side=side).first()
        if row is not None:
            row.sequence, row.next_at = row.taken, timezone.now() + AGAIN_AFTER
            row.save()


def answered(*, side: str, said: ListAnswered) -> None:
    """Note what a member said to an edition; send again from where it is, if something is missing there.

    An answer counts only if its digest is that of our own edition: whatever else it is about, we did not say.
    """
    row = ListTold.objects.select_for_update().filter(side=side).first()
    ours = ListEdition.objects.filter(side=settings.NODE.side, digest=said.digest).first()
    if row is None or ours is None or said.outcome not in _ANSWERS:
        log.warning("%s answered to an edition of the trust list that it was not sent", side)
        return
    newest = min(said.newest, row.sequence)
    known = said.outcome in {Arrival.TAKEN, Arrival.REPLAY, Arrival.ROLLBACK}
    row.taken = max(row.taken, newest) if known else newest
    row.refused = "" if known else said.outcome
    if said.outcome == Arrival.GAP:
        row.sequence, row.next_at = newest, timezone.now() + AGAIN_AFTER
    elif said.outcome in _PASSING:
        row.sequence, row.next_at = newest, timezone.now() + REFUSED_AGAIN_AFTER
    if row.refused and said.outcome != Arrival.GAP:
        log.error("%s does not take edition %s of the trust list: %s", side, ours.sequence, said.outcome)
    row.save()


def _tell(side: str, newest: int, now: datetime) -> bool:
    row = ListTold.objects.filter(side=side).first()
    if row is not None and (row.sequence >= newest or row.next_at > now):
        return False
    with transaction.atomic():
        take_turn(f"signing-list-{side}")  # of several workers one tells
        row, _made = ListTold.objects.get_or_create(side=side, defaults={"next_at": now})
        if row.sequence >= newest or row.next_at > now:
            return False
        edition = ListEdition.objects.get(side=settings.NODE.side, sequence=row.sequence + 1)
        payload = Payload(jws=edition.jws, sm2=bytes(edition.sm2_signature))
        try:
            with transaction.atomic():
                send(LIST, to=side, payload=payload, conversation=_conversation(side))
        except KouanError as error:
            if _silent.get(side) != str(error):
                _silent[side] = str(error)
                log.warning("%s is not told of this side's trust list: %s", side, error)
            row.next_at = now + AGAIN_AFTER
        else:
            _silent.pop(side, None)
            row.sequence, row.next_at = row.sequence + 1, now
        row.save()
    return row.sequence < newest and row.next_at <= now


def _conversation(side: str) -> uuid.UUID:
    """Return the one conversation with a member: its editions are handled in order."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"urn:kouan:trust-list:{settings.NODE.side}:{side}")
