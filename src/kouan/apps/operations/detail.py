"""One crossing, with everything that this node can say of it, except its content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from django.conf import settings

from kouan.apps.operations.domain import (
    DEAD_IN,
    DEAD_OUT,
    Direction,
    State,
    Step,
    Times,
    steps,
)
from kouan.apps.operations.errors import NoSuchCrossing
from kouan.apps.operations.listing import CrossingRow, conversation_rows, kept_until, one_row, peers
from kouan.core import cbor
from kouan.core.errors import KouanError
from kouan.core.exchange import wire
from kouan.core.exchange.crossing import MAX_PAYLOAD, Crossing, registry
from kouan.core.exchange.models import Batch, InboxMessage, OutboxMessage, ReceivedBatch
from kouan.core.exchange.times import from_milliseconds
from kouan.core.ledger import queries as ledger
from kouan.core.ledger.notes import is_epoch_of, log_name
from kouan.core.policy import policy_of
from kouan.core.trust import cose

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from django.utils.functional import _StrOrPromise

    from kouan.core.policy import Agreement, Clause

CONVERSATION_MOST: Final = 50
Stored: TypeAlias = "bytes | memoryview[int]"
"""Bytes as a database gives them."""
_MAX_SIGNED: Final = wire.MAX_STATEMENT + cose.OVERHEAD


@dataclass(frozen=True, slots=True)
class FieldSize:
    """A field of the payload: what it is for and how many bytes it has, not what it says."""

    name: str
    explanation: _StrOrPromise
    size: int


@dataclass(frozen=True, slots=True)
class ReceiptFacts:
    """A receipt as it was signed (its signature was checked when it was stored)."""

    signer: str
    key: str
    batch: str
    """SHA-256 of the batch's signed statement, hexadecimal."""
    root: str
    messages: int
    refused: int
    code: str | None
    """What it says of this message: ``None`` for accepted."""
    ledger_index: int
    at: datetime
    size: int


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """The batch in which the message went; sizes in bytes."""

    first: int
    count: int
    position: int
    sequence: int
    wire_bytes: int
    suite: int | None
    tries: int | None
    sealed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Where a message stands in one side's ledger, and which checkpoint holds it."""

    side: str
    index: int
    checkpoint_size: int | None = None
    witnesses: tuple[str, ...] = ()
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many bytes the message itself has."""

    header: int | None
    body: int | None
    payload: int | None


@dataclass(frozen=True, slots=True)
class CrossingDetail:
    """Everything the page of one crossing shows."""

    row: CrossingRow
    crossing: Crossing[Any] | None
    steps: tuple[Step, ...]
    created_at: datetime
    expires_at: datetime | None
    consent: str | None
    agreement: Agreement | None
    clause: Clause | None
    sizes: Sizes
    erased: bool
    """Whether what it said was here, and is no longer."""
    fields: tuple[FieldSize, ...]
    batch: BatchFacts | None
    receipt: ReceiptFacts | None
    ours: Inclusion | None
    theirs: Inclusion | None
    conversation: tuple[CrossingRow, ...]
    attempts: int
    next_attempt_at: datetime | None
    retry_of: UUID | None
    retried_as: UUID | None
    can_retry: bool
    can_cancel: bool

    @property
    def kept_until(self) -> datetime | None:
        """Until when it waits at most where it was set aside: then it is refused, and its content erased."""
        return kept_until(self.row)


def crossing_detail(message_id: UUID, *, sender: str = "") -> CrossingDetail:
    """Return one crossing; raises ``NoSuchCrossing``.

    Ids are each sender's own. Without ``sender``, a message of this side comes before a peer's.
    """
    if not sender or sender == settings.NODE.side:
        ours = OutboxMessage.objects.select_related("batch").filter(message_id=message_id).first()
        if ours is not None:
            return _outbound(ours)
    theirs = inbox_message(message_id, sender=sender)
    if theirs is None:
        raise NoSuchCrossing(message=str(message_id))
    return _inbound(theirs)


def inbox_message(message_id: UUID, *, sender: str = "") -> InboxMessage | None:
    """Return a peer's message by its id, the newest one if several peers should use the same."""
    rows = InboxMessage.objects.select_related("batch").filter(message_id=message_id)
    rows = rows.filter(peer__in=[sender] if sender else peers())
    return rows.order_by("-pk").first()


def _outbound(row: OutboxMessage) -> CrossingDetail:
    batch = row.batch
    receipt = _receipt(batch.receipt, row.peer, row.position) if batch is not None else None
    times = Times(
        made=row.created_at,
        sealed=batch.sealed_at if batch is not None else None,
        accepted=receipt.at if receipt is not None else None,
        finished=row.finished_at,
    )
    state = State(row.state)
    crossing = _declared(row.type, row.version)
    dead = state in DEAD_OUT and not row.dismissed
    return CrossingDetail(
        row=one_row(Direction.OUT, row.pk),
        crossing=crossing,
        steps=steps(state, Direction.OUT, times, refused_at_door=_refuses(receipt)),
        created_at=row.created_at,
        expires_at=row.expires_at,
        consent=row.consent,
        **_agreed(row.agreement, bytes(row.agreement_digest), row.clause),
        **_content(row.header, row.body or None, crossing),
        erased=not row.size,
        batch=_batch(batch, row),
        receipt=receipt,
        ours=_in_our_ledger(row.ledger_index),
        theirs=_in_their_ledger(row.peer, row.peer_ledger_index),
        conversation=_others(row.conversation, Direction.OUT, row.pk),
        attempts=batch.attempts if batch is not None else 0,
        next_attempt_at=None,
        retry_of=row.retry_of,
        retried_as=retried_as(row),
        can_retry=dead and bool(row.size),
        can_cancel=dead or state is State.WAITING,
    )


def _inbound(row: InboxMessage) -> CrossingDetail:
    statement = _statement(row.batch)
    receipt = _receipt(row.batch.receipt, settings.NODE.side, row.position)
    times = Times(
        made=row.created_at,
        sealed=from_milliseconds(statement.sealed_at) if statement is not None else None,
        accepted=row.received_at,
        finished=row.finished_at,
    )
    state = State(row.state)
    crossing = _declared(row.type, row.version)
    header = _header(row.header)
    return CrossingDetail(
        row=one_row(Direction.IN, row.pk),
        crossing=crossing,
        steps=steps(state, Direction.IN, times, refused_at_door=_refuses(receipt)),
        created_at=row.created_at,
        expires_at=from_milliseconds(header.expires) if header is not None else None,
        consent=header.consent if header is not None else None,
        **_agreed(row.agreement, header.agreement_digest if header is not None else b"", row.clause),
        **_content(row.header, row.body, crossing),
        erased=row.size is None and not _refuses(receipt),
        batch=_batch(row.batch, row, statement),
        receipt=receipt,
        ours=_in_our_ledger(row.ledger_index),
        theirs=None,
        conversation=_others(row.conversation, Direction.IN, row.pk),
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
        retry_of=None,
        retried_as=None,
        can_retry=state in DEAD_IN,
        can_cancel=False,
    )


def retried_as(row: OutboxMessage) -> UUID | None:
    """Return the message that was sent in place of a dead letter, if it was tried again."""
    if State(row.state) not in DEAD_OUT:
        return None
    again = OutboxMessage.objects.filter(conversation=row.conversation, retry_of=row.message_id)
    return again.values_list("message_id", flat=True).first()


def _others(conversation: UUID, direction: Direction, number: int) -> tuple[CrossingRow, ...]:
    rows = conversation_rows(conversation, CONVERSATION_MOST + 1)
    return tuple(row for row in rows if (row.direction, row.number) != (direction, number))[
        :CONVERSATION_MOST
    ]


def _declared(type_: str, version: int) -> Crossing[Any] | None:
    try:
        return registry.get(type_, version)
    except KouanError:
        return None


def _agreed(agreement_id: str, digest: bytes, clause_id: str) -> dict[str, Any]:
    """Return the agreement's text and clause, if this node holds that very text."""
    for agreement in policy_of(settings.NODE.agreements).agreements:
        if agreement.id == agreement_id and agreement.digest == digest:
            clause = next((clause for clause in agreement.clauses if clause.id == clause_id), None)
            return {"agreement": agreement, "clause": clause}
    return {"agreement": None, "clause": None}


def _content(header: Stored | None, body: Stored | None, crossing: Crossing[Any] | None) -> dict[str, Any]:
    """Return the sizes of a message's parts and of its payload's fields; nothing of what they say."""
    fields: tuple[FieldSize, ...] = ()
    payload_size: int | None = None
    if body is not None:
        try:
            payload = wire.decode_body(bytes(body), max_bytes=MAX_PAYLOAD)
            payload_size = len(payload)
            value = cbor.decode(payload, max_bytes=MAX_PAYLOAD)
        except KouanError:
            value = None
        if isinstance(value, dict):
            explained = crossing.fields if crossing is not None else {}
            fields = tuple(
                FieldSize(str(name)[:80], explained.get(str(name), ""), len(cbor.encode(inner)))
                for name, inner in value.items()
            )
    sizes = Sizes(
        header=None if header is None else len(header),
        body=None if body is None else len(body),
        payload=payload_size,
    )
    return {"sizes": sizes, "fields": fields}


def _header(data: Stored) -> wire.Header | None:
    try:
        return wire.Header.decode(bytes(data))
    except KouanError:
        return None


def _statement(batch: Batch | ReceivedBatch) -> wire.Statement | None:
    try:
        signed = cose.read1(bytes(batch.statement), content_type=wire.BATCH_TYPE, max_bytes=_MAX_SIGNED)
        return wire.Statement.decode(signed.payload)
    except KouanError:
        return None


def _refuses(receipt: ReceiptFacts | None) -> bool:
    return receipt is not None and receipt.code is not None


def _receipt(data: Stored | None, signer: str, position: int | None) -> ReceiptFacts | None:
    if data is None or position is None:
        return None
    try:
        signed = cose.read1(bytes(data), content_type=wire.RECEIPT_TYPE, max_bytes=_MAX_SIGNED)
        receipt = wire.Receipt.decode(signed.payload)
        code = receipt.statuses[position]
    except (KouanError, IndexError):
        return None
    return ReceiptFacts(
        signer=signer,
        key=signed.kid.hex(),
        batch=receipt.statement.hex(),
        root=receipt.root.hex(),
        messages=len(receipt.statuses),
        refused=sum(status is not None for status in receipt.statuses),
        code=code,
        ledger_index=receipt.log_first + position,
        at=from_milliseconds(receipt.accepted_at),
        size=len(data),
    )


def _batch(
    batch: Batch | ReceivedBatch | None,
    row: OutboxMessage | InboxMessage,
    statement: wire.Statement | None = None,
) -> BatchFacts | None:
    if batch is None or row.position is None or row.sequence is None:
        return None
    statement = statement or _statement(batch)
    return BatchFacts(
        first=batch.first,
        count=batch.count,
        position=row.position,
        sequence=row.sequence,
        wire_bytes=batch.wire_bytes,
        suite=statement.suite if statement is not None else None,
        tries=batch.attempts if isinstance(batch, Batch) else None,
        sealed_at=from_milliseconds(statement.sealed_at) if statement is not None else None,
    )


def _in_our_ledger(index: int | None) -> Inclusion | None:
    if index is None:
        return None
    checkpoint = ledger.latest_cosigned(covering=index + 1)
    if checkpoint is None:
        return Inclusion(settings.NODE.side, index)
    return Inclusion(settings.NODE.side, index, checkpoint.size, checkpoint.witnesses, checkpoint.cosigned_at)


def _in_their_ledger(peer: str, index: int | None) -> Inclusion | None:
    if index is None:
        return None
    for log in ledger.witnessed_logs():
        if is_epoch_of(log.origin, log_name(peer)) and log.size > index:
            return Inclusion(peer, index, log.size, (settings.NODE.side,), log.at)
    return Inclusion(peer, index)
