"""From the outbox to the wire: number, seal and sign a batch, and take in its receipt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kouan.core.database.rows import fetch, insert_one, update_many
from kouan.core.errors import KouanError
from kouan.core.exchange import wire
from kouan.core.exchange.models import Batch, InboxMessage, OutboxMessage, Stream
from kouan.core.exchange.recovery.halts import halted
from kouan.core.exchange.times import from_milliseconds, milliseconds
from kouan.core.ledger import services as ledger
from kouan.core.ledger.merkle import leaf_hash, root_of
from kouan.core.trust import cose, sealing
from kouan.core.trust.queries import get_member, own
from kouan.core.trust.suites import common_suite

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

State = OutboxMessage.State

NOTICE_LINGER: Final = timedelta(milliseconds=100)
"""How long a notice waits for a batch with messages before it travels in one of its own."""
_MANY_NOTICES: Final = 200
_RECEIPTED: Final = ("id", "peer", "count", "root", "statement_digest", "receipt")


class ReceiptMismatch(KouanError):
    """The peer's answer is not a receipt for the batch that was sent."""

    code = "receipt-mismatch"
    status = 502
    message = _("The answer of %(peer)s is not a receipt for this batch: %(detail)s.")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A batch ready to post."""

    pk: int
    peer: str
    count: int
    statement_digest: bytes
    wire: bytes


def unreceipted(peer: str, *, after: int = 0) -> Sealed | None:
    """Return the oldest batch for ``peer`` without a receipt, beyond the key ``after``, if there is one."""
    batch = Batch.objects.filter(peer=peer, receipt__isnull=True, pk__gt=after).order_by("pk").first()
    if batch is None or batch.wire is None:
        return None
    return Sealed(batch.pk, peer, batch.count, bytes(batch.statement_digest), bytes(batch.wire))


class Waiting(NamedTuple):
    """What there is to seal for a peer."""

    messages: int
    notices: bool


def waiting(peer: str, *, limit: int) -> Waiting:
    """Return how many messages wait for ``peer``, counted up to ``limit``, and whether notices are due.

    A glance that takes no lock: the worker looks often.
    """
    due = connection.ops.adapt_datetimefield_value(timezone.now() - NOTICE_LINGER)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT (SELECT count(*) FROM (SELECT 1 FROM {OutboxMessage._meta.db_table} "  # noqa: S608 - the tables' own names
            "WHERE peer = %s AND state = 'waiting' LIMIT %s) AS some), "
            f"EXISTS (SELECT 1 FROM {InboxMessage._meta.db_table} WHERE peer = %s AND notified = %s "
            "AND state IN ('handled', 'refused') AND finished_at <= %s)",
            (peer, limit, peer, False, due),
        )
        messages, notices = cursor.fetchone()
    return Waiting(messages, bool(notices))


def seal_batch(peer: str) -> Sealed | None:
    """Seal what waits for ``peer`` (messages and notices) into one batch, durably; None if nothing does.

    One transaction numbers the messages, logs them in the ledger and stores the very bytes that will
    be posted, again and again if need be. Notices wait a moment for a batch that carries messages anyway.
    """
    with transaction.atomic():
        return _seal_waiting(peer)


def advance(peer: str, answered: tuple[Sealed, bytes] | None) -> Sealed | None:
    """Record the receipt of the last batch and seal the next, in one transaction; None if nothing waits.

    ``answered`` is a posted batch and the answer's bytes. Raises what ``take_receipt`` raises; then
    nothing was sealed either.
    """
    receipt = None if answered is None else _checked_receipt(*answered)
    if receipt is None and not any(waiting(peer, limit=1)):
        return None
    with transaction.atomic():
        if answered is not None and receipt is not None:
            _record_receipt(*answered, receipt)
        return _seal_waiting(peer)


def _seal_waiting(peer: str) -> Sealed | None:
    keys = own()
    member = get_member(peer)
    stream = lock_stream(peer)
    if halted(peer):
        return None
    now = timezone.now()
    # By the index on the line alone: what is late is passed over here, and the sweeper puts it away.
    rows = fetch(
        OutboxMessage,
        "peer = %s AND state = 'waiting' ORDER BY id LIMIT %s",
        (peer, settings.NODE.exchange.batch_max),
    )
    rows = [row for row in rows if row.expires_at > now]
    rows = rows[: _fitting(rows)]
    notices = _notices(peer, now, alone=not rows)
    if not rows and not notices:
        return None
    first = stream.out_sequence + 1
    batch_key = sealing.new_batch_key()
    messages = [_seal(row, first + position, batch_key) for position, row in enumerate(rows)]
    leaves = [leaf_hash(message.leaf) for message in messages]
    root = root_of(leaves)
    recipient_kid, recipient = member.sealing_key(now)
    statement = wire.Statement(
        suite=common_suite(keys.suite.id, member.suites, side=peer).id,
        sender=settings.NODE.side,
        receiver=peer,
        first=first,
        count=len(rows),
        root=root,
        previous=bytes(stream.out_root),
        sealed_at=milliseconds(now),
        recipient_kid=recipient_kid,
        wrapped_key=sealing.wrap_batch_key(
            batch_key, recipient, info=key_info(settings.NODE.side, peer, first, root)
        ),
        notices=tuple(notice for _, notice in notices),
    )
    signed = cose.sign1(statement.encode(), keys.signer(now), content_type=wire.BATCH_TYPE)
    body = wire.encode_batch(signed, [(message.header, message.ciphertext) for message in messages])
    digest = wire.digest(signed)
    batch = insert_one(
        Batch,
        peer=peer,
        first=first,
        count=len(rows),
        root=root,
        statement=signed,
        statement_digest=digest,
        leaves=b"".join(leaves),
        wire=body,
        wire_bytes=len(body),
        sealed_at=now,
        attempts=0,
    )
    records = [ledger.Record("sent", message.leaf) for message in messages]
    if notices:
        records.append(ledger.Record("notices-sent", signed))
    ledger_first = ledger.append(records, now=now).first_index
    _mark_sealed(rows, messages, batch=batch, first=first, ledger_first=ledger_first)
    if notices:
        update_many(InboxMessage, ["notified"], [(True, key) for key, _ in notices])
    if rows:
        last = first + len(rows) - 1
        update_many(Stream, ["out_sequence", "out_root"], [(last, root, stream.pk)])
    elif root != bytes(stream.out_root):
        update_many(Stream, ["out_root"], [(root, stream.pk)])
    return Sealed(batch, peer, len(rows), digest, body)


def _fitting(rows: Sequence[OutboxMessage]) -> int:
    """Return how many of the rows, from the first, one batch on the wire can hold: one at least."""
    size = wire.MAX_STATEMENT
    for number, row in enumerate(rows):
        size += len(row.body) + wire.MAX_HEADER + wire.BODY_OVERHEAD
        if size > wire.MAX_BATCH_BYTES:
            return max(number, 1)
    return len(rows)


@dataclass(frozen=True, slots=True)
class _SealedMessage:
    """One message of a batch that is being made."""

    header: bytes
    ciphertext: bytes
    ciphertext_digest: bytes
    leaf: bytes


def _seal(row: OutboxMessage, sequence: int, batch_key: bytes) -> _SealedMessage:
    header = _header(row, sequence).encode()
    ciphertext = sealing.seal(sealing.message_key(batch_key, row.message_id.bytes), bytes(row.body), header)
    digest = wire.digest(ciphertext)
    return _SealedMessage(header, ciphertext, digest, wire.leaf(header, digest))


def key_info(sender: str, receiver: str, first: int, root: bytes) -> bytes:
    """Return what binds a wrapped batch key to its one batch (HPKE's ``info``, RFC 9180 section 5.1)."""
    return b"kouan-batch-key/1\0" + f"{sender}\0{receiver}\0{first}\0".encode() + root


def lock_stream(peer: str) -> Stream:
    """Return the peer's stream row, locked until the transaction ends."""
    rows = fetch(Stream, "peer = %s", (peer,), lock=True)
    if not rows:
        Stream.objects.get_or_create(peer=peer)
        rows = fetch(Stream, "peer = %s", (peer,), lock=True)
    return rows[0]


def _header(row: OutboxMessage, sequence: int) -> wire.Header:
    return wire.Header(
        id=row.message_id,
        sender=settings.NODE.side,
        receiver=row.peer,
        type=row.type,
        version=row.version,
        agreement=row.agreement,
        agreement_digest=bytes(row.agreement_digest),
        clause=row.clause,
        consent=row.consent,
        conversation=row.conversation,
        sequence=sequence,
        created=milliseconds(row.created_at),
        expires=milliseconds(row.expires_at),
        body=bytes(row.body_digest),
    )


def _notices(peer: str, now: datetime, *, alone: bool) -> list[tuple[int, wire.Notice]]:
    """Return what to tell the peer of its messages; ``alone`` says that nothing else would travel."""
    rows = fetch(
        InboxMessage,
        "peer = %s AND notified = %s AND state IN ('handled', 'refused') ORDER BY id LIMIT %s",
        (peer, False, wire.MAX_NOTICES),
        names=["id", "message_id", "code", "finished_at"],
    )
    fresh = all(row.finished_at is None or now - row.finished_at < NOTICE_LINGER for row in rows)
    if alone and fresh and len(rows) < _MANY_NOTICES:
        return []
    return [
        (row.pk, wire.Notice(row.message_id, row.code or None, milliseconds(row.finished_at or now)))
        for row in rows
    ]


def _mark_sealed(
    rows: list[OutboxMessage], messages: list[_SealedMessage], *, batch: int, first: int, ledger_first: int
) -> None:
    update_many(
        OutboxMessage,
        ["state", "batch_id", "position", "sequence", "header", "ciphertext_digest", "ledger_index"],
        [
            (
                State.SEALED.value,
                batch,
                position,
                first + position,
                message.header,
                message.ciphertext_digest,
                ledger_first + position,
                row.pk,
            )
            for position, (row, message) in enumerate(zip(rows, messages, strict=True))
        ],
    )


def take_receipt(sealed: Sealed, data: bytes) -> wire.Receipt:
    """Check the peer's receipt for ``sealed`` and record what it says, in one transaction.

    Raises ``ReceiptMismatch`` or the trust error that names what is wrong; then the batch stays
    unreceipted and is posted again.
    """
    receipt = _checked_receipt(sealed, data)
    with transaction.atomic():
        _record_receipt(sealed, data, receipt)
    return receipt


def _checked_receipt(sealed: Sealed, data: bytes) -> wire.Receipt:
    member = get_member(sealed.peer)
    signed = cose.read1(data, content_type=wire.RECEIPT_TYPE, max_bytes=wire.MAX_RECEIPT)
    receipt = wire.Receipt.decode(signed.payload)
    # The stored receipt of an earlier delivery may come back: its key counts at the time it signed.
    signed.verify(member.verification_key(signed.kid, from_milliseconds(receipt.accepted_at)))
    return receipt


def _record_receipt(sealed: Sealed, data: bytes, receipt: wire.Receipt) -> None:
    now = timezone.now()
    (batch,) = fetch(Batch, "id = %s", (sealed.pk,), names=_RECEIPTED, lock=True)
    if batch.receipt is not None:
        return
    _check_receipt(receipt, batch)
    ledger.append([ledger.Record("receipt-received", data)], now=now)
    update_many(Batch, ["receipt", "receipted_at", "wire"], [(data, now, None, batch.pk)])
    if batch.count:
        _record_statuses(batch, receipt, now)
    update_many(
        Stream,
        ["credits", "last_contact_at", "last_error", "last_error_at"],
        [(receipt.credits, now, "", None, sealed.peer)],
        key="peer",
    )


def _check_receipt(receipt: wire.Receipt, batch: Batch) -> None:
    wrong = (
        ("its sides", (receipt.sender, receipt.receiver) != (batch.peer, settings.NODE.side)),
        ("its batch", receipt.statement != bytes(batch.statement_digest)),
        ("its root", receipt.root != bytes(batch.root)),
        ("its number of messages", len(receipt.statuses) != batch.count),
    )
    for detail, is_wrong in wrong:
        if is_wrong:
            raise ReceiptMismatch(peer=batch.peer, detail=detail)


def _record_statuses(batch: Batch, receipt: wire.Receipt, now: datetime) -> None:
    # A notice that a message was handled may have overtaken this receipt: leave that state alone.
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {OutboxMessage._meta.db_table} SET peer_ledger_index = position + %s, "  # noqa: S608 - the table's own name
            "state = CASE WHEN state = %s THEN %s ELSE state END WHERE batch_id = %s",
            (receipt.log_first, State.SEALED.value, State.ACCEPTED.value, batch.pk),
        )
    for position, code in enumerate(receipt.statuses):
        if code is not None:
            OutboxMessage.objects.filter(batch=batch, position=position).update(
                state=State.REFUSED, code=code[:64], finished_at=now
            )
