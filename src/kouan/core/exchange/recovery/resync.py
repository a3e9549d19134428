"""Beginning both streams with a peer anew, once operators of both sides have agreed.

Each side signs where it stands while it is halted. From both agreements each computes the same: the
number at which each stream goes on, and the digest that its first batch follows, so that nothing sealed
before can be taken for something of after. What the peer lost, or never took, is offered again under the
same ids; what the peer took and this node forgot was fetched before (``recall``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kouan.core import cbor
from kouan.core.errors import KouanError
from kouan.core.exchange import wake, wire
from kouan.core.exchange.crossing import UndeclaredCrossing, registry
from kouan.core.exchange.epochs import current_epoch, epoch_origin
from kouan.core.exchange.models import (
    Batch,
    Channel,
    InboxMessage,
    LedgerEpoch,
    OutboxMessage,
    ReceivedBatch,
    Stream,
)
from kouan.core.exchange.recovery.forms import (
    AGREEMENT_TYPE,
    MAX_AGREEMENT,
    MAX_STANDING,
    STANDING_TYPE,
    Agreement,
    Position,
    Standing,
    resync_digest,
)
from kouan.core.exchange.recovery.halts import channel, halt
from kouan.core.exchange.recovery.judging import check_sides
from kouan.core.exchange.streams import lock_stream
from kouan.core.exchange.times import check_clock, from_milliseconds, milliseconds
from kouan.core.ledger import queries as ledger_queries
from kouan.core.ledger import services as ledger
from kouan.core.ledger.merkle import EMPTY_ROOT
from kouan.core.ledger.models import SignedCheckpoint, WitnessedCheckpoint, WitnessedLog
from kouan.core.trust import cose
from kouan.core.trust.queries import get_member, own

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from django.db.models import QuerySet

    from kouan.core.trust.member import MemberKeys

State = OutboxMessage.State
_OFFERED_AGAIN: Final = (State.SEALED, State.ACCEPTED, State.HANDLED)
"""Messages that the peer never took, or took and forgot. One that it refused stays refused."""


class NotHeardYet(KouanError):
    """The peer has not been asked yet where it stands."""

    code = "not-heard-yet"
    status = 409
    message = _(
        "The channel with %(peer)s is halted now, but its node has not answered yet what it holds of ours. "
        "Run this again when the line works and this node's worker runs."
    )


class NotRecalled(KouanError):
    """The peer says that it holds a batch of this node's, and did not hand it out."""

    code = "not-recalled"
    status = 502
    message = _("%(peer)s holds batches of ours that it has not told us about. Nothing was changed.")


class UnprovenBase(KouanError):
    """A peer's agreement names a checkpoint of its ledger that this node never co-signed."""

    code = "unproven-base"
    status = 422
    message = _(
        "%(peer)s wants to go on from a checkpoint of its ledger that this node has not co-signed. "
        "Its history there cannot be checked."
    )


def agree(peer: str) -> bytes:
    """Give this side's word to resynchronise with ``peer``, signed; doing it twice changes nothing.

    Halts the channel if it is open. Raises ``UnknownMember``, or ``NotHeardYet`` before the worker has
    heard from the peer what this node may have forgotten.
    """
    member = get_member(peer)
    halt(peer, Channel.Cause.ASKED)
    with transaction.atomic():
        stream = lock_stream(peer)
        row = channel(peer, lock=True)
        if row.ours:
            return bytes(row.ours)
        if not row.evidence:
            raise NotHeardYet(peer=peer)
        now = timezone.now()
        row.ours = Agreement(
            sender=settings.NODE.side,
            receiver=peer,
            at=milliseconds(now),
            out=Position(stream.out_sequence, _newest(Batch, peer)),
            inn=Position(stream.in_sequence, _newest(ReceivedBatch, peer)),
            epoch=_next_epoch(row),
            base=_base(member),
        ).sign(own().signer(now))
        row.delivered = False
        row.save(update_fields=["ours", "delivered"])
        return bytes(row.ours)


def _newest(model: type[Batch | ReceivedBatch], peer: str) -> bytes:
    digest = (
        model.objects.filter(peer=peer).order_by("-pk").values_list("statement_digest", flat=True).first()
    )
    return wire.GENESIS if digest is None else bytes(digest)


def _next_epoch(row: Channel) -> int:
    """Return under which ledger this node goes on: a new one if it has lost entries since the last began.

    What it lost may include that it began one before: so the peer's word of that counts too.
    """
    present = current_epoch()
    if row.cause != Channel.Cause.RESTORED or row.since is None:
        return present
    if LedgerEpoch.objects.filter(number=present, begun_at__gte=row.since).exists():
        return present
    said = cose.read1(bytes(row.evidence), content_type=STANDING_TYPE, max_bytes=MAX_STANDING)
    return max(present, Standing.decode(said.payload).witnessing) + 1


def _base(member: MemberKeys) -> Position | None:
    size = ledger_queries.cosigned_size(member.witness_name)
    row = SignedCheckpoint.objects.filter(size=size).first() if size else None
    return None if row is None else Position(row.size, bytes(row.root))


def take_agreement(data: bytes, member: MemberKeys) -> None:
    """Keep the word of a peer's operator, and halt an open channel; raises what is wrong with it."""
    row = channel(member.side)
    if data == bytes(row.theirs):
        return  # it came again, maybe after the streams have begun anew
    unverified = cose.read1(data, content_type=AGREEMENT_TYPE, max_bytes=MAX_AGREEMENT)
    agreement = Agreement.decode(unverified.payload)
    check_clock(milliseconds(timezone.now()), agreement.at, past=False)
    unverified.verify(member.verification_key(unverified.kid, from_milliseconds(agreement.at)))
    check_sides(agreement.sender, agreement.receiver, member)
    _check_base(agreement, member, row.log_epoch)
    halt(member.side, Channel.Cause.PEER_ASKED)
    Channel.objects.filter(peer=member.side).exclude(cause="").update(theirs=data)


def _check_base(agreement: Agreement, member: MemberKeys, known_epoch: int) -> None:
    """Refuse a ledger that would not go on from something that this node co-signed itself."""
    if agreement.epoch < known_epoch:
        raise UnprovenBase(peer=member.side)
    if agreement.epoch == known_epoch or agreement.base is None:
        return
    history = _cosigned(member, known_epoch).filter(size=agreement.base.number)
    if history.exists() and not history.filter(root=agreement.base.mark).exists():
        raise UnprovenBase(peer=member.side)


def _cosigned(member: MemberKeys, epochs: int) -> QuerySet[WitnessedCheckpoint]:
    """Return all that this node has co-signed of the peer's ledgers."""
    origins = [epoch_origin(member.log_origin, number) for number in range(1, epochs + 1)]
    return WitnessedCheckpoint.objects.filter(log__origin__in=origins)


def may_begin(row: Channel) -> bool:
    """Whether both words are here, and the peer is known to hold ours."""
    return bool(row.cause and row.ours and row.theirs and row.delivered)


def begin(peer: str) -> None:
    """Begin both streams anew, all of it in one transaction."""
    with transaction.atomic():
        stream = lock_stream(peer)
        row = channel(peer, lock=True)
        if not may_begin(row):
            return
        ours, theirs = Agreement.read(bytes(row.ours)), Agreement.read(bytes(row.theirs))
        root = resync_digest(bytes(row.ours), bytes(row.theirs))
        now = timezone.now()
        _offer_again(peer, _not_held(peer, theirs.inn), now)
        Stream.objects.filter(pk=stream.pk).update(
            out_sequence=max(ours.out.number, theirs.inn.number),
            out_last=root,
            in_sequence=max(ours.inn.number, theirs.out.number),
            in_last=root,
            last_error="",
            last_error_at=None,
        )
        if ours.epoch > current_epoch():
            LedgerEpoch.objects.create(number=ours.epoch, size=ledger_queries.size(), begun_at=now)
        _follow_ledger(theirs, get_member(peer), row)
        signed = cbor.encode([bytes(row.ours), bytes(row.theirs)])
        ledger.append([ledger.Record("resynced", signed)], now=now)
        row.batch_floor = Batch.objects.aggregate(last=Max("pk"))["last"] or 0
        row.log_epoch, row.cause, row.since = theirs.epoch, "", None
        row.save()
        wake.ring_on_commit(wake.OUTBOX)


def _not_held(peer: str, position: Position) -> list[Batch]:
    """Return the batches that the peer, by its own word, does not hold."""
    batches = Batch.objects.filter(peer=peer).order_by("pk")
    last = batches.filter(statement_digest=position.mark, receipt__isnull=False).first()
    if last is None and position.mark != wire.GENESIS:
        raise NotRecalled(peer=peer)
    after = batches.filter(pk__gt=0 if last is None else last.pk)
    return [*batches.filter(receipt__isnull=True, pk__lte=0 if last is None else last.pk), *after]


def _lifetime(message: OutboxMessage) -> timedelta:
    """Return for how long a message counts, as declared: what is offered a second time had its end moved."""
    try:
        return registry.get(message.type, message.version).expires_after
    except UndeclaredCrossing:
        return message.expires_at - message.created_at


def _offer_again(peer: str, batches: Iterable[Batch], now: datetime) -> None:
    """Put what was in these batches back into the line, in its old order; give their notices again.

    What was erased here has nothing to say any more: it stays as it ended, or is cancelled.
    """
    notices: list[wire.Notice] = []
    for batch in batches:
        for message in batch.messages.select_for_update().filter(state__in=_OFFERED_AGAIN, size__gt=0):
            message.expires_at = max(message.expires_at, now + _lifetime(message))
            message.state, message.code, message.finished_at = State.WAITING, "", None
            message.batch = message.position = message.sequence = message.header = None
            message.ciphertext_digest = message.ledger_index = message.peer_ledger_index = None
            message.save()
        batch.messages.filter(state=State.SEALED, size=0).update(
            state=State.CANCELLED, code="erased", finished_at=now
        )
        notices += wire.Statement.decode(
            cose.read1(
                bytes(batch.statement),
                content_type=wire.BATCH_TYPE,
                max_bytes=wire.MAX_STATEMENT + cose.OVERHEAD,
            ).payload
        ).notices
        if batch.receipt is None:
            # Nobody will ever take it: the ledger says that it was sealed, and that is all there is to it.
            batch.messages.update(batch=None)
            batch.delete()
    states = InboxMessage.State
    for at in range(0, len(notices), 500):
        InboxMessage.objects.filter(
            peer=peer,
            message_id__in=[notice.message for notice in notices[at : at + 500]],
            state__in=[states.HANDLED, states.REFUSED],
        ).update(notified=False)


def _follow_ledger(theirs: Agreement, member: MemberKeys, row: Channel) -> None:
    """Co-sign the peer's next ledger from now on, from the newest checkpoint that both hold of the last."""
    if theirs.epoch <= row.log_epoch:
        return
    base = theirs.base
    known = None
    if base is not None:
        known = _cosigned(member, row.log_epoch).filter(size=base.number, root=base.mark).first()
    WitnessedLog.objects.get_or_create(
        origin=epoch_origin(member.log_origin, theirs.epoch),
        defaults={
            "size": 0 if known is None else known.size,
            "root": EMPTY_ROOT if known is None else bytes(known.root),
            "at": timezone.now(),
        },
    )
