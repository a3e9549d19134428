"""What records say goes, on both sides, when the ground that it crossed on is gone or its days are over.

The importer's side erases, and tells the exporter's, now or as soon as it can. It refuses what was set aside
and may not be handled any more; the exporter's side erases what it may not send again. Of each message both
keep what says that it crossed, and nothing of what it said.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Final, Literal

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from kouan.apps.dataflow import errors
from kouan.apps.dataflow.contracts import terms_of, today
from kouan.apps.dataflow.crossings import CONSENT_GIVEN, DATA_RECORD, NOTICE_GIVEN, RECORDS_ERASED
from kouan.apps.dataflow.models import Contract, DataConsent, Record
from kouan.apps.dataflow.payloads import RecordsErased
from kouan.apps.dataflow.standing import counting, counts
from kouan.core.exchange import bodies, outbox, setaside, wire
from kouan.core.exchange.models import InboxMessage, OutboxMessage
from kouan.core.policy.decide import term_day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from django.db.models import QuerySet

    from kouan.core.exchange import Received

Because = Literal["withdrawn", "asked", "retention"]
_REFUSED: Final = {"withdrawn": errors.ConsentWithdrawn.code, "asked": errors.ErasedOnRequest.code}
"""With which code a record is refused that had not been handled when it was to be erased."""
_AT_ONCE: Final = 500


def erase(*, consent: DataConsent, because: Literal["withdrawn", "asked"]) -> list[uuid.UUID]:
    """Erase at the importer's side what a consent had let cross, and return the ids of its messages.

    It is erased also where the other side cannot be told now. Records that were set aside are refused.
    """
    erased = setaside.refuse(set_aside(consent), code=_REFUSED[because])
    while more := _erase(Record.objects.filter(consent=consent), because):
        erased += more
    return erased


def set_aside(consent: DataConsent) -> QuerySet[InboxMessage]:
    """Return the records under a consent whose handler broke, and which an operator may have tried again."""
    return InboxMessage.objects.filter(
        type=DATA_RECORD.type, peer=consent.peer, conversation=consent.key, state="failed"
    )


def refuse_withdrawn(*, peer: str, consent: uuid.UUID) -> bool:
    """Refuse a consent or a notice that was set aside, and withdrawn since; return whether there was one."""
    kinds = [CONSENT_GIVEN.type, NOTICE_GIVEN.type, DATA_RECORD.type]
    aside = InboxMessage.objects.filter(type__in=kinds, peer=peer, conversation=consent)
    return bool(setaside.refuse(aside, code=errors.ConsentWithdrawn.code))


def erase_overdue() -> bool:
    """Erase what was kept as long as its contract says, and what was refused; say whether more waits."""
    with transaction.atomic():
        refused = InboxMessage.objects.filter(type=DATA_RECORD.type, state="refused", size__isnull=False)
        bodies.erase(refused[:_AT_ONCE])  # it never counted here, so nobody here may have it
    overdue = Record.objects.filter(outgoing=False, erased_at=None, erase_on__lt=today())
    if not overdue.exists():
        return False
    with transaction.atomic():
        return bool(_erase(overdue, "retention"))


def refuse_lapsed() -> bool:
    """Refuse records that were set aside and may not be handled any more; nothing is left over.

    Their consent or contract is over, or they have lain for as many days as they might have been kept.
    """
    aside = InboxMessage.objects.filter(type=DATA_RECORD.type, state="failed")
    for code, condition in (
        (errors.ConsentWithdrawn.code, Q(withdrawn_at__isnull=False)),
        (errors.ConsentExpired.code, Q(expires_at__lte=timezone.now())),
    ):
        of = DataConsent.objects.filter(
            condition, key=OuterRef("conversation"), peer=OuterRef("peer"), person=""
        )
        setaside.refuse(aside.filter(Exists(of)), code=code)
    lapsed: dict[str, list[int]] = {}
    known: dict[bytes, tuple[bool, timedelta]] = {}
    for pk, header, received_at in aside.order_by("pk").values_list("pk", "header", "received_at"):
        digest = wire.Header.decode(bytes(header)).agreement_digest
        over, kept = known.get(digest) or known.setdefault(digest, _version(digest, today()))
        if over:
            lapsed.setdefault(errors.ContractOver.code, []).append(pk)
        elif term_day(received_at) + kept < today():
            lapsed.setdefault(setaside.NotHandledInTime.code, []).append(pk)
    for code, keys in lapsed.items():
        for at in range(0, len(keys), _AT_ONCE):
            setaside.refuse(aside.filter(pk__in=keys[at : at + _AT_ONCE]), code=code)
    return False


def _version(digest: bytes, day: date) -> tuple[bool, timedelta]:
    """Return whether nothing may come any more under a version, and how long it lets what came be kept."""
    row = Contract.objects.filter(digest=digest).first()
    if row is None:
        return True, timedelta()
    over = row.expires < day or not counts(row.state, row.ended_on, day)
    return over, timedelta(days=terms_of(row).retention_days)


def erase_unsendable() -> bool:
    """Erase what records of ours said that may not be sent again; say whether more waits.

    They never counted there, and an operator has put them away, the consent was withdrawn, the contract is
    over, the person asked, or the other side could not have kept them any longer either.
    """
    states = OutboxMessage.State
    day = today()
    standing = Contract.objects.filter(counting(day), contract=OuterRef("contract"), expires__gte=day)
    over = Record.objects.filter(message_id=OuterRef("message_id"), outgoing=True).filter(
        Q(erase_on__lt=day)
        | Q(erased_because=errors.ErasedOnRequest.code)
        | Q(consent__withdrawn_at__isnull=False)
        | ~Exists(standing)
    )
    dead = OutboxMessage.objects.filter(
        Q(dismissed=True) | Exists(over),
        type=DATA_RECORD.type,
        state__in=[states.REFUSED, states.EXPIRED, states.CANCELLED],
        reported=True,
        size__gt=0,
    )
    ids = list(dead.order_by("pk").values_list("message_id", flat=True)[:_AT_ONCE])
    return bool(ids) and bodies.erase_sent(ids) == _AT_ONCE


def _erase(found: QuerySet[Record], because: Because) -> list[uuid.UUID]:
    rows = list(
        found.select_for_update()
        .select_related("consent")
        .filter(outgoing=False, erased_at__isnull=True)
        .order_by("pk")[:_AT_ONCE]
    )
    now = timezone.now()
    by_peer: dict[str, list[Record]] = {}
    for row in rows:
        row.content, row.erased_at, row.erased_because, row.untold = None, now, because, True
        row.save(update_fields=["content", "erased_at", "erased_because", "untold"])
        by_peer.setdefault(row.consent.peer, []).append(row)
    for peer, theirs in by_peer.items():
        bodies.erase_received(peer, [row.message_id for row in theirs], kept=True)
        _tell(peer, theirs)
    return [row.message_id for row in rows]


def tell_erased() -> bool:
    """Tell the other sides of what was erased and they could not be told of; nothing is left over.

    Where a side still cannot be told, it waits for the next time.
    """
    untold = Record.objects.filter(untold=True)
    for peer in untold.order_by("consent__peer").values_list("consent__peer", flat=True).distinct():
        with transaction.atomic():  # of two workers one holds them; told twice it would be harmless
            theirs = untold.filter(consent__peer=peer).order_by("pk")
            _tell(peer, list(theirs.select_for_update(skip_locked=True, of=("self",))[:_AT_ONCE]))
    return False


def _tell(peer: str, rows: Sequence[Record]) -> None:
    """Tell a side of records that were erased, in messages of what went together."""

    def together(row: Record) -> tuple[datetime, str]:
        return row.erased_at or timezone.now(), row.erased_because

    for (at, because), group in groupby(sorted(rows, key=together), key=together):
        theirs = list(group)
        told = outbox.send_if_it_can(
            RECORDS_ERASED,
            to=peer,
            payload=RecordsErased(
                records=[row.message_id.bytes for row in theirs],
                because=because,  # type: ignore[arg-type]  # as ``_erase`` wrote it
                at=int(at.timestamp()),
            ),
        )
        if told:
            Record.objects.filter(pk__in=[row.pk for row in theirs]).update(untold=False)


def erased_there(*, message: Received[RecordsErased]) -> None:
    """Note that the other side has erased records of this side, and erase what was kept for sending them."""
    said = message.payload
    ours = Record.objects.filter(
        message_id__in=[uuid.UUID(bytes=each) for each in said.records],
        outgoing=True,
        consent__peer=message.sender,
    )
    ours.filter(erased_at=None).update(
        erased_at=datetime.fromtimestamp(said.at, tz=timezone.get_current_timezone()),
        erased_because=said.because,
    )
    bodies.erase_sent(ours.values_list("message_id", flat=True), arrived=True)
