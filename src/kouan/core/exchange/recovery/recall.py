"""What the peer still holds of what this node sent and forgot: asked for, proved, and put on record again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.core.exchange import wire
from kouan.core.exchange.contents import OutboxBody
from kouan.core.exchange.crossing import registry
from kouan.core.exchange.models import Batch, InboxMessage, OutboxMessage, ReceivedBatch
from kouan.core.exchange.receipts import take_receipt
from kouan.core.exchange.recovery.forms import (
    MAX_KNOWN,
    MAX_RECALL,
    RECALL_TYPE,
    HeldBatch,
    HeldMessage,
    Recall,
    decode_held,
    encode_held,
)
from kouan.core.exchange.recovery.judging import check_sides
from kouan.core.exchange.sealing import Sealed
from kouan.core.exchange.shapes import MalformedWire
from kouan.core.exchange.streams import lock_stream
from kouan.core.exchange.times import RECEIPT_BORNE, check_clock, from_milliseconds, milliseconds
from kouan.core.ledger import services as ledger
from kouan.core.ledger.merkle import leaf_hash, root_of, split_hashes
from kouan.core.trust import cose
from kouan.core.trust.queries import get_member, own

if TYPE_CHECKING:
    import uuid

    from kouan.core.trust.member import MemberKeys

State = OutboxMessage.State


class _Proved(NamedTuple):
    """A message of a recalled batch, shown to be the one that this side signed."""

    held: HeldMessage
    header: wire.Header
    position: int
    leaf: bytes


def answer_recall(data: bytes, member: MemberKeys) -> bytes:
    """Return the next batch of the asking peer's that this node accepted, as it keeps it."""
    unverified = cose.read1(data, content_type=RECALL_TYPE, max_bytes=MAX_RECALL)
    recall = Recall.decode(unverified.payload)
    check_clock(milliseconds(timezone.now()), recall.at, past=True)
    unverified.verify(member.verification_key(unverified.kid, from_milliseconds(recall.at)))
    check_sides(recall.sender, recall.receiver, member)
    held = ReceivedBatch.objects.filter(peer=member.side).order_by("pk")
    known = dict(held.filter(statement_digest__in=recall.after).values_list("statement_digest", "pk"))
    keys = {bytes(digest): pk for digest, pk in known.items()}
    start = next((keys[digest] for digest in recall.after if digest in keys), 0)
    held = held.filter(pk__gt=start)
    batch = held.first()
    return encode_held(None if batch is None else _held(batch))


def _held(batch: ReceivedBatch) -> HeldBatch:
    rows = {row.position: row for row in batch.messages.select_related("content")}
    messages = [_held_message(rows[position]) for position in range(batch.count) if position in rows]
    hashes = split_hashes(bytes(batch.leaves))
    return HeldBatch(bytes(batch.statement), bytes(batch.receipt), tuple(hashes), tuple(messages))


def _held_message(row: InboxMessage) -> HeldMessage:
    return HeldMessage(
        bytes(row.header),
        bytes(row.ciphertext_digest),
        row.body,
        row.state,
        row.code,
    )


def ask_recall(peer: str, *, newest: bytes = b"") -> bytes:
    """Return the signed question for what follows ``newest``, or what this node holds receipts for.

    The peer may have forgotten some of those: so older ones are named as well, ever further apart.
    """
    receipted = Batch.objects.filter(peer=peer, receipt__isnull=False).order_by("-pk")
    digests = receipted.values_list("statement_digest", flat=True)
    count = receipted.count()
    places = [0, *(1 << step for step in range(MAX_KNOWN - 2))]
    known = [bytes(digests[place]) for place in places if place < count]
    now = timezone.now()
    after = (newest, *known) if newest else tuple(known)
    return Recall(settings.NODE.side, peer, milliseconds(now), after).sign(own().signer(now))


def take_recalled(peer: str, data: bytes) -> bytes:
    """Put a recalled batch on record, in one transaction; return its digest, nothing if there was none.

    Everything in it is proved: the statement by our own signature, its messages by their Merkle root, what
    became of them at the door by the peer's receipt. Raises what is wrong with it; then nothing has changed.
    """
    held = decode_held(data)
    if held is None:
        return b""
    statement = _our_statement(held, peer)
    messages = _proved(held, statement)
    digest = wire.digest(held.statement)
    with transaction.atomic():
        lock_stream(peer)
        known = Batch.objects.filter(statement_digest=digest).first()
        if known is None:
            _restore(held, messages, statement, peer)
        else:
            take_receipt(Sealed(known.pk, peer, known.count, digest, b""), held.receipt)
        for message in messages:
            _note_end(message.held, message.header.id, peer)
    return digest


def _our_statement(held: HeldBatch, peer: str) -> wire.Statement:
    unverified = cose.read1(
        held.statement, content_type=wire.BATCH_TYPE, max_bytes=wire.MAX_STATEMENT + cose.OVERHEAD
    )
    statement = wire.Statement.decode(unverified.payload)
    at = from_milliseconds(statement.sealed_at)
    unverified.verify(own().public.verification_key(unverified.kid, at))
    if (statement.sender, statement.receiver) != (settings.NODE.side, peer):
        raise MalformedWire(what="recalled batch", detail="it is another side's")
    return statement


def _proved(held: HeldBatch, statement: wire.Statement) -> list[_Proved]:
    """Return a batch's messages, each the one that was signed at its place.

    The peer may hold fewer: a header that could not be read at its door has no row there.
    """
    if len(held.leaves) != statement.count or root_of(held.leaves) != statement.root:
        raise MalformedWire(what="recalled batch", detail="its messages are not those that were signed")
    found = []
    for message in held.messages:
        header = wire.Header.decode(message.header)
        position, leaf = header.sequence - statement.first, wire.leaf(message.header, message.sealed)
        if not 0 <= position < statement.count or leaf_hash(leaf) != held.leaves[position]:
            raise MalformedWire(what="recalled batch", detail="a message is not the one that was signed")
        if (header.sender, header.receiver) != (statement.sender, statement.receiver):
            raise MalformedWire(what="recalled batch", detail="a message's sides")
        found.append(_Proved(message, header, position, leaf))
    if len({message.position for message in found}) != len(found):
        raise MalformedWire(what="recalled batch", detail="a message twice")
    return found


def _restore(held: HeldBatch, messages: list[_Proved], statement: wire.Statement, peer: str) -> None:
    receipt = _their_receipt(held, statement, peer)
    now = timezone.now()
    batch = Batch.objects.create(
        peer=peer,
        first=statement.first,
        count=statement.count,
        root=statement.root,
        statement=held.statement,
        statement_digest=wire.digest(held.statement),
        leaves=b"".join(held.leaves),
        wire=None,
        wire_bytes=0,
        sealed_at=from_milliseconds(statement.sealed_at),
        receipt=held.receipt,
        receipted_at=now,
    )
    records = [ledger.Record("recovered", message.leaf) for message in messages]
    appended = ledger.append([*records, ledger.Record("receipt-received", held.receipt)], now=now)
    for offset, message in enumerate(messages):
        _restore_message(
            message.held,
            message.header,
            receipt.statuses[message.position],
            batch=batch,
            position=message.position,
            ledger_index=appended.first_index + offset,
            peer_ledger_index=receipt.log_first + message.position,
        )


def _their_receipt(held: HeldBatch, statement: wire.Statement, peer: str) -> wire.Receipt:
    member = get_member(peer)
    signed = cose.read1(held.receipt, content_type=wire.RECEIPT_TYPE, max_bytes=wire.MAX_RECEIPT)
    receipt = wire.Receipt.decode(signed.payload)
    signed.verify(member.verification_key(signed.kid, from_milliseconds(receipt.accepted_at)))
    agrees = (
        (receipt.sender, receipt.receiver) == (peer, settings.NODE.side)
        and receipt.statement == wire.digest(held.statement)
        and receipt.root == statement.root
        and len(receipt.statuses) == statement.count
        and from_milliseconds(receipt.accepted_at) >= from_milliseconds(statement.sealed_at) - RECEIPT_BORNE
    )
    if not agrees:
        raise MalformedWire(what="recalled batch", detail="its receipt is for another")
    return receipt


def _restore_message(message: HeldMessage, header: wire.Header, code: str | None, **place: object) -> None:
    """Put a message on record as sent: one that still waited here, or one that is not known here any more."""
    body = message.body or b""
    if body and wire.digest(body) != header.body:
        raise MalformedWire(what="recalled batch", detail="a body is not the one that was sent")
    row = OutboxMessage.objects.filter(message_id=header.id).first() or OutboxMessage(
        message_id=header.id,
        peer=header.receiver,
        type=header.type,
        version=header.version,
        conversation=header.conversation,
        agreement=header.agreement,
        agreement_digest=header.agreement_digest,
        clause=header.clause,
        consent=header.consent,
        size=len(body),
        body_digest=header.body,
        created_at=from_milliseconds(header.created),
        expires_at=from_milliseconds(header.expires),
    )
    for name, value in place.items():
        setattr(row, name, value)
    row.sequence, row.header, row.ciphertext_digest = header.sequence, message.header, message.sealed
    row.state, row.code = (State.ACCEPTED, "") if code is None else (State.REFUSED, code[:64])
    row.finished_at = None if code is None else timezone.now()
    new = row.pk is None
    row.save()
    if new and body:
        OutboxBody.objects.create(message=row, body=body, keep=registry.kept(row.type, row.version).stored)


def _note_end(message: HeldMessage, message_id: uuid.UUID, peer: str) -> None:
    """Note what the peer's handler made of a message: its notice of that may be among what was lost."""
    ended = {InboxMessage.State.HANDLED: State.HANDLED, InboxMessage.State.REFUSED: State.REFUSED}
    state = ended.get(InboxMessage.State(message.state)) if message.state in InboxMessage.State else None
    if state is None:
        return
    OutboxMessage.objects.filter(
        message_id=message_id, peer=peer, state__in=[State.SEALED, State.ACCEPTED]
    ).update(state=state, code=message.code[:64], finished_at=timezone.now())
