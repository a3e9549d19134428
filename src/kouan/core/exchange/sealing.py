"""From the outbox to the wire: number, seal and sign what waits for a peer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.core.database.rows import fetch, insert_many, new_keys, select, stored, update_many
from kouan.core.exchange import credit, receipts, wire
from kouan.core.exchange.contents import OutboxBody
from kouan.core.exchange.models import Batch, InboxMessage, OutboxMessage, Stream
from kouan.core.exchange.recovery.halts import halted
from kouan.core.exchange.streams import lock_stream
from kouan.core.exchange.times import milliseconds
from kouan.core.ledger import services as ledger
from kouan.core.ledger.merkle import leaf_hash, root_of
from kouan.core.trust import cose, sealing
from kouan.core.trust.queries import get_member, own
from kouan.core.trust.suites import common_suite
from kouan.core.watch import channel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kouan.core.trust.member import MemberKeys
    from kouan.core.trust.own import OwnKeys

State = OutboxMessage.State

NOTICE_LINGER: Final = timedelta(milliseconds=100)
"""How long a notice waits for a batch with messages before it travels in one of its own."""
AT_ONCE: Final = 32
"""The most batches that are sealed in one transaction and posted in one request."""
MESSAGES_AT_ONCE: Final = 500
"""The most messages in those batches together, unless one batch alone may hold more."""
_MANY_NOTICES: Final = 200


_SEALED: Final = (
    "id", "message_id", "peer", "type", "version", "conversation", "agreement", "agreement_digest", "clause",
    "consent", "size", "body_digest", "created_at", "expires_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sealed:
    """A batch ready to post."""

    pk: int
    peer: str
    count: int
    statement_digest: bytes
    wire: bytes


def unreceipted(peer: str, *, after: int = 0) -> list[Sealed]:
    """Return the oldest batches for ``peer`` without a receipt, beyond the key ``after``: one request's."""
    found: list[Sealed] = []
    size = messages = 0
    waiting = Batch.objects.filter(peer=peer, receipt__isnull=True, pk__gt=after).order_by("pk")
    for batch in waiting[:AT_ONCE].iterator(chunk_size=1):
        if batch.wire is None:
            break
        size, messages = size + batch.wire_bytes, messages + batch.count
        if found and (size > wire.MAX_BATCH_BYTES or messages > wire.MAX_MESSAGES):
            break
        found.append(Sealed(batch.pk, peer, batch.count, bytes(batch.statement_digest), bytes(batch.wire)))
    return found


class Waiting(NamedTuple):
    """What there is to seal for a peer."""

    messages: int
    notices: bool


_GLANCE: Final = (
    f"SELECT (SELECT count(*) FROM (SELECT 1 FROM {OutboxMessage._meta.db_table} "  # noqa: S608 - the tables' own names
    "WHERE peer = %s AND state = 'waiting' LIMIT %s) AS found), "
    f"EXISTS (SELECT 1 FROM {InboxMessage._meta.db_table} WHERE peer = %s AND NOT notified "
    "AND state IN ('handled', 'refused') AND finished_at <= %s)"
)


def waiting(peer: str, *, limit: int) -> Waiting:
    """Return how many messages wait for ``peer``, counted up to ``limit``, and whether notices are due.

    A glance that takes no lock: the worker looks often.
    """
    due = stored(timezone.now() - NOTICE_LINGER)
    ((messages, notices),) = select(_GLANCE, (peer, limit, peer, due))
    return Waiting(messages, bool(notices))


def seal_batch(peer: str) -> Sealed | None:
    """Seal what waits for ``peer`` into one batch, durably; None if nothing does."""
    return next(iter(advance(peer, most=1)), None)


def advance(peer: str, answered: Sequence[receipts.Answered] = (), *, most: int = AT_ONCE) -> list[Sealed]:
    """Record the receipts of what was posted and seal what waits now, in one transaction.

    The batches, at most ``most``, follow each other and fit into one request. Sealing numbers the messages,
    logs them in the ledger and stores the very bytes that will be posted, again and again if need be.
    Notices wait a moment for a batch that carries messages anyway. Raises what ``receipts.check`` and
    ``receipts.record`` raise; then nothing was sealed either.
    """
    checked = receipts.check(answered)
    there = waiting(peer, limit=1)
    now = timezone.now()
    if not checked and not (there.notices or (there.messages and not credit.spent(peer, now))):
        return []
    with transaction.atomic():
        stream = lock_stream(peer)
        with ledger.appending(now=now) as log:
            if checked:
                receipts.record(checked, log, now)
            return [] if halted(peer) else _Sealer(stream, log, now).seal(most)


class _Sealer:
    """Seals for one peer within one transaction."""

    def __init__(self, stream: Stream, log: ledger.Appender, now: datetime) -> None:
        self._stream = stream
        self._log = log
        self._now = now
        self._keys: OwnKeys = own()
        self._member: MemberKeys = get_member(stream.peer)
        self._marks: list[tuple[object, ...]] = []
        self._batches: list[dict[str, object]] = []

    def seal(self, most: int) -> list[Sealed]:
        """Seal up to ``most`` batches of what waits."""
        batch_max = settings.NODE.exchange.batch_max
        rows = fetch(
            OutboxMessage,
            "peer = %s AND state = 'waiting' ORDER BY id LIMIT %s",
            (self._stream.peer, max(batch_max, min(batch_max * most, MESSAGES_AT_ONCE))),
            names=_SEALED,
            beside=(OutboxBody, "body"),
            lock=True,  # whoever expires or cancels one of them is before us or after us
        )
        # Found by the index on the line alone; what is late the sweeper puts away.
        rows = [row for row in rows if row.expires_at > self._now]
        rows = rows[: _fitting(rows, batch_max)]
        rows = rows[: credit.covered(self._stream, rows, self._now)]
        notices = _notices(self._stream.peer, self._now, alone=not rows)
        made = []
        starts = range(0, len(rows), batch_max) or ([0] if notices else [])
        keys = new_keys(Batch, len(starts)) if starts else []
        for key, start in zip(keys, starts, strict=True):
            told = [notice for _key, notice in notices]
            made.append(self._batch(key, rows[start : start + batch_max], told))
            notices_told, notices = notices, []
            if notices_told:
                update_many(InboxMessage, ["notified"], [(True, key) for key, _notice in notices_told])
        if made:
            insert_many(Batch, list(self._batches[0]), [list(row.values()) for row in self._batches])
            update_many(
                OutboxMessage,
                ["state", "batch_id", "position", "sequence", "header", "ciphertext_digest", "ledger_index"],
                self._marks,
            )
            update_many(
                Stream,
                ["out_sequence", "out_last", "out_at"],
                [(self._stream.out_sequence, self._stream.out_last, self._stream.out_at, self._stream.pk)],
            )
        return made

    def _batch(self, key: int, rows: Sequence[OutboxMessage], notices: Sequence[wire.Notice]) -> Sealed:
        stream, side = self._stream, settings.NODE.side
        first = stream.out_sequence + 1
        # A peer refuses what says that it is older than the batch before; our clock may have been set back.
        tolerance = settings.NODE.exchange.clock_tolerance_s * 1000
        sealed_at = max(milliseconds(self._now), stream.out_at - tolerance)
        stream.out_at = max(stream.out_at, sealed_at)
        batch_key = sealing.new_batch_key()
        messages = [_seal(row, first + position, batch_key) for position, row in enumerate(rows)]
        leaves = [leaf_hash(message.leaf) for message in messages]
        root = root_of(leaves)
        recipient_kid, recipient = self._member.sealing_key(self._now)
        statement = wire.Statement(
            suite=common_suite(self._keys.suite_at(self._now).id, self._member.suites, side=stream.peer).id,
            sender=side,
            receiver=stream.peer,
            first=first,
            count=len(rows),
            root=root,
            previous=bytes(stream.out_last),
            sealed_at=sealed_at,
            recipient_kid=recipient_kid,
            wrapped_key=sealing.wrap_batch_key(
                batch_key, recipient, info=key_info(side, stream.peer, first, root)
            ),
            notices=tuple(notices),
        )
        signed = cose.sign1(statement.encode(), self._keys.signer(self._now), content_type=wire.BATCH_TYPE)
        body = wire.encode_batch(signed, [(message.header, message.ciphertext) for message in messages])
        digest = wire.digest(signed)
        self._batches.append(
            {
                "id": key,
                "peer": stream.peer,
                "first": first,
                "count": len(rows),
                "root": root,
                "statement": signed,
                "statement_digest": digest,
                "leaves": b"".join(leaves),
                "wire": body,
                "wire_bytes": len(body),
                "sealed_at": self._now,
                "attempts": 0,
            }
        )
        records = [ledger.Record("sent", message.leaf) for message in messages]
        if notices:
            records.append(ledger.Record("notices-sent", signed))
        self._mark(rows, messages, key, first, self._log.append(records).first_index)
        stream.out_sequence += len(rows)
        stream.out_last = digest
        transaction.on_commit(
            partial(
                channel.batch_sealed,
                stream.peer,
                key,
                messages=[(row.message_id, row.created_at) for row in rows],
                size=len(body),
                began=self._now.timestamp(),
            )
        )
        return Sealed(key, stream.peer, len(rows), digest, body)

    def _mark(
        self,
        rows: Sequence[OutboxMessage],
        messages: Sequence[_SealedMessage],
        batch: int,
        first: int,
        ledger_first: int,
    ) -> None:
        """Note what becomes of the messages' rows; all of them are written at the end."""
        self._marks += [
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
        ]


def _fitting(rows: Sequence[OutboxMessage], batch_max: int) -> int:
    """Return how many of the rows, from the first, one request can hold: one at least."""
    size = 0
    for number, row in enumerate(rows):
        size += row.size + wire.MAX_HEADER + wire.BODY_OVERHEAD
        if number % batch_max == 0:
            size += wire.MAX_STATEMENT if number == 0 else _STATEMENT
        if size > wire.MAX_BATCH_BYTES:
            return max(number, 1)
    return len(rows)


_STATEMENT: Final = 1024
"""What a signed statement without notices takes, at most."""


@dataclass(frozen=True, slots=True)
class _SealedMessage:
    """One message of a batch that is being made."""

    header: bytes
    ciphertext: bytes
    ciphertext_digest: bytes
    leaf: bytes


def _seal(row: OutboxMessage, sequence: int, batch_key: bytes) -> _SealedMessage:
    header = _header(row, sequence).encode()
    ciphertext = sealing.seal(sealing.message_key(batch_key, row.message_id.bytes), row.body, header)
    digest = wire.digest(ciphertext)
    return _SealedMessage(header, ciphertext, digest, wire.leaf(header, digest))


def key_info(sender: str, receiver: str, first: int, root: bytes) -> bytes:
    """Return what binds a wrapped batch key to its one batch (HPKE's ``info``, RFC 9180 section 5.1)."""
    return b"kouan-batch-key/1\0" + f"{sender}\0{receiver}\0{first}\0".encode() + root


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
        "peer = %s AND NOT notified AND state IN ('handled', 'refused') ORDER BY id LIMIT %s",
        (peer, wire.MAX_NOTICES),
        names=["id", "message_id", "code", "finished_at"],
    )
    fresh = all(row.finished_at is None or now - row.finished_at < NOTICE_LINGER for row in rows)
    if alone and fresh and len(rows) < _MANY_NOTICES:
        return []
    return [
        (row.pk, wire.Notice(row.message_id, row.code or None, milliseconds(row.finished_at or now)))
        for row in rows
    ]
