"""Where this node stands, and what the peer's word of where *it* stands proves about this node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone

from kouan.core.exchange import wire
from kouan.core.exchange.epochs import current_epoch, epoch_origin
from kouan.core.exchange.models import Batch, ReceivedBatch, Stream
from kouan.core.exchange.recovery.forms import MAX_STANDING, STANDING_TYPE, Standing
from kouan.core.exchange.recovery.halts import Loss, channel
from kouan.core.exchange.reported import log_keys
from kouan.core.exchange.shapes import MalformedWire
from kouan.core.exchange.times import from_milliseconds, milliseconds
from kouan.core.ledger import queries as ledger
from kouan.core.ledger.checkpoint import Checkpoint, open_checkpoint
from kouan.core.ledger.models import Entry, WitnessedLog
from kouan.core.trust import cose
from kouan.core.trust.queries import get_member, own

if TYPE_CHECKING:
    from kouan.core.trust.member import MemberKeys


def our_standing(peer: str) -> bytes:
    """Return where we stand with ``peer``, signed: it holds the peer's newest signatures that we have."""
    row = channel(peer)
    member = get_member(peer)
    taken = ReceivedBatch.objects.filter(peer=peer).order_by("-pk").first()
    receipted = (
        Batch.objects.filter(peer=peer, pk__gt=row.batch_floor, receipt__isnull=False).order_by("-pk").first()
    )
    log = WitnessedLog.objects.filter(origin=epoch_origin(member.log_origin, row.log_epoch)).first()
    now = timezone.now()
    return Standing(
        sender=settings.NODE.side,
        receiver=peer,
        at=milliseconds(now),
        halted=row.cause or None,
        witnessing=row.log_epoch,
        seen=log.note if log is not None and log.note else None,
        took=None if taken is None else bytes(taken.statement),
        gave=None if receipted is None else bytes(receipted.receipt or b""),
    ).sign(own().signer(now))


def open_standing(data: bytes, member: MemberKeys) -> Standing:
    """Return a peer's standing if its signature holds and it is meant for us."""
    unverified = cose.read1(data, content_type=STANDING_TYPE, max_bytes=MAX_STANDING)
    standing = Standing.decode(unverified.payload)
    unverified.verify(member.verification_key(unverified.kid, from_milliseconds(standing.at)))
    check_sides(standing.sender, standing.receiver, member)
    return standing


def check_sides(sender: str, receiver: str, member: MemberKeys) -> None:
    """Refuse what another side signed or what is for another; raises ``NotForUs``."""
    from kouan.core.exchange.opening import NotForUs  # noqa: PLC0415 - the inbox asks this package too

    if (sender, receiver) != (member.side, settings.NODE.side):
        raise NotForUs(signer=member.side, sender=sender[:16], receiver=receiver[:16])


def judge(standing: Standing) -> Loss | None:
    """Return what this node has forgotten, as the peer's standing proves it; None if it proves nothing.

    Only our own signatures count: a peer cannot make us halt by its word alone. Raises the trust or
    ledger error that names what is wrong with its proof.
    """
    peer = standing.sender
    sent, taken, seen = _sent_there(standing), _taken_there(standing), _seen(standing)
    apart = standing.witnessing != current_epoch()
    if not (sent or taken or seen or apart):
        return None
    stream = Stream.objects.filter(peer=peer).first() or Stream(peer=peer)
    newest = Entry.objects.order_by("-index").values_list("at", flat=True).first()
    return Loss(
        sent_here=stream.out_sequence,
        sent_there=sent or 0,
        taken_here=stream.in_sequence,
        taken_there=taken or 0,
        ledger_here=ledger.size(),
        ledger_there=seen or 0,
        epoch_apart=apart and not (sent or taken or seen),
        until="" if newest is None else newest.isoformat(timespec="seconds"),
    )


def _sent_there(standing: Standing) -> int | None:
    """Return the last number of a batch that we signed and do not know any more."""
    if standing.took is None:
        return None
    unverified = cose.read1(
        standing.took, content_type=wire.BATCH_TYPE, max_bytes=wire.MAX_STATEMENT + cose.OVERHEAD
    )
    statement = wire.Statement.decode(unverified.payload)
    if Batch.objects.filter(statement_digest=wire.digest(standing.took)).exists():
        return None
    at = from_milliseconds(statement.sealed_at)
    unverified.verify(own().public.verification_key(unverified.kid, at))
    if (statement.sender, statement.receiver) != (settings.NODE.side, standing.sender):
        raise MalformedWire(what="standing", detail="a statement for another side")
    return statement.first + statement.count - 1


def _taken_there(standing: Standing) -> int | None:
    """Return the last number of a batch for which we signed a receipt and do not know it any more."""
    if standing.gave is None:
        return None
    unverified = cose.read1(standing.gave, content_type=wire.RECEIPT_TYPE, max_bytes=wire.MAX_RECEIPT)
    receipt = wire.Receipt.decode(unverified.payload)
    if ReceivedBatch.objects.filter(statement_digest=receipt.statement).exists():
        return None
    at = from_milliseconds(receipt.accepted_at)
    unverified.verify(own().public.verification_key(unverified.kid, at))
    if (receipt.sender, receipt.receiver) != (settings.NODE.side, standing.sender):
        raise MalformedWire(what="standing", detail="a receipt for another side")
    stream = Stream.objects.filter(peer=standing.sender).first()
    return (stream.in_sequence if stream else 0) + len(receipt.statuses)


def _seen(standing: Standing) -> int | None:
    """Return the size of a checkpoint that we signed and that our ledger does not lead up to."""
    if standing.seen is None:
        return None
    public = own().public
    origin = epoch_origin(public.log_origin, standing.witnessing)
    opened = open_checkpoint(standing.seen.encode(), log_keys=log_keys(public, origin=origin)).checkpoint
    return None if _leads_up_to(opened) else opened.size


def _leads_up_to(checkpoint: Checkpoint) -> bool:
    held = ledger.size()
    return checkpoint.size <= held and ledger.root_at(checkpoint.size) == checkpoint.root
