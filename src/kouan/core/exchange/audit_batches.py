"""Auditing batches and their messages: what was signed, what is kept of it, and what the ledger says."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import cbor2
from django.conf import settings
from django.db import connection

from kouan.core.errors import KouanError
from kouan.core.exchange import wire
from kouan.core.exchange.models import Batch, InboxMessage, OutboxMessage, ReceivedBatch, Stream
from kouan.core.exchange.times import from_milliseconds
from kouan.core.ledger.merkle import HASH_BYTES, leaf_hash, root_of, split_hashes
from kouan.core.ledger.models import Entry
from kouan.core.trust import cose
from kouan.core.trust.errors import UnknownKey
from kouan.core.trust.member import MemberKeys
from kouan.core.trust.queries import member_documents, own

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from kouan.core.exchange.audit import Logged
    from kouan.core.ledger.findings import Findings

_CHUNK: Final = 200
_ANY: Final = b"any"
"""Stands for the code of a notice, whatever it was."""
_ENTRY_SQL: Final = (
    'SELECT "index", kind, record '  # noqa: S608 - the table's own name
    f'FROM {Entry._meta.db_table} WHERE "index" >= %s AND "index" <= %s'
)


@dataclass(slots=True)
class _Chain:
    """Where a stream stands."""

    next: int = 1
    last: bytes = wire.GENESIS
    """The digest of its last statement."""


class _Batches:
    """What both directions have in common."""

    model: ClassVar[Any]
    given: ClassVar[str]
    """The kind of the ledger's record of the receipt."""
    told: ClassVar[str]
    """The kind of the ledger's record of the notices."""

    def __init__(self, findings: Findings, logged: Logged, *, signatures: bool) -> None:
        self._findings = findings
        self._logged = logged
        self._signatures = signatures
        self._members: dict[str, list[MemberKeys]] = {}
        self._chains: dict[str, _Chain] = {}
        self.notices: set[int] = set()
        """What the statements told of the other direction's messages: hashes of (id, code)."""

    def _sides(self, peer: str) -> tuple[str, str]:
        raise NotImplementedError

    def _stream(self, row: Stream) -> tuple[int, bytes]:
        raise NotImplementedError

    def batches(self) -> None:
        """Look at every batch: its statement, its root, its place in the chain, its receipt."""
        for row in _rows(self.model):
            self._findings.batches += 1
            self._batch(row)
        for stream in Stream.objects.all():
            chain = self._chains.get(stream.peer, _Chain())
            number, last = self._stream(stream)
            holds = number == chain.next - 1 and last == chain.last
            self._findings.check(holds, f"stream {'→'.join(self._sides(stream.peer))}", "stream")

    def name(self, row: Any) -> str:
        """Return how a batch is called."""
        return f"batch {'→'.join(self._sides(row.peer))} {row.first}+{row.count}"

    def _batch(self, row: Any) -> None:
        where, check = self.name(row), self._findings.check
        signed, leaves = bytes(row.statement), bytes(row.leaves)
        statement = self._statement(where, signed)
        chain = self._chains.setdefault(row.peer, _Chain())
        if statement is None or not check(
            wire.digest(signed) == bytes(row.statement_digest), where, "statement"
        ):
            chain.next, chain.last = row.first + row.count, bytes(row.statement_digest)
            return
        said = (statement.sender, statement.receiver, statement.first, statement.count, statement.root)
        check(said == (*self._sides(row.peer), row.first, row.count, bytes(row.root)), where, "columns")
        parts = split_hashes(leaves)
        check(len(parts) == statement.count and root_of(parts) == statement.root, where, "leaves")
        check(statement.first == chain.next, where, "sequence")
        check(statement.previous == chain.last, where, "chain")
        chain.next, chain.last = statement.first + statement.count, wire.digest(signed)
        for each in statement.notices:
            self.notices |= {hash((each.message.bytes, each.code)), hash((each.message.bytes, _ANY))}
        if statement.notices:
            check(self._logged.holds(self.told, signed), where, "notices-not-logged")
        if row.receipt is not None:
            self._receipt(where, row, bytes(row.receipt))

    def _statement(self, where: str, signed: bytes) -> wire.Statement | None:
        try:
            outer = cose.read1(
                signed, content_type=wire.BATCH_TYPE, max_bytes=wire.MAX_STATEMENT + cose.OVERHEAD
            )
            statement = wire.Statement.decode(outer.payload)
        except KouanError:
            self._findings.wrong(where, "statement")
            return None
        self._signature(where, outer, statement.sender, from_milliseconds(statement.sealed_at))
        return statement

    def _receipt(self, where: str, row: Any, data: bytes) -> None:
        self._findings.check(self._logged.holds(self.given, data), where, "receipt-not-logged")
        receipt = read_receipt(data)
        if receipt is None:
            self._findings.wrong(where, "receipt")
            return
        said = (receipt.receiver, receipt.sender, receipt.statement, receipt.root, len(receipt.statuses))
        wanted = (*self._sides(row.peer), bytes(row.statement_digest), bytes(row.root), row.count)
        self._findings.check(said == wanted, where, "receipt")
        if self._signatures:
            outer = cose.read1(
                data, content_type=wire.RECEIPT_TYPE, max_bytes=wire.MAX_RECEIPT + cose.OVERHEAD
            )
            self._signature(where, outer, receipt.sender, from_milliseconds(receipt.accepted_at))

    def _signature(self, where: str, signed: cose.Unverified, side: str, at: datetime) -> None:
        if not self._signatures:
            return
        for member in self._known(side):
            try:
                signed.verify(member.verification_key(signed.kid, at, despite_reports=True))
            except UnknownKey:
                continue
            except KouanError:
                self._findings.wrong(where, "signature")
            return
        self._findings.unknown_keys += 1

    def _known(self, side: str) -> list[MemberKeys]:
        """Return a side's keys by every document that this node has had of it."""
        if side not in self._members:
            found = [own().public] if side == settings.NODE.side else []
            for document in member_documents(side[:16]):
                with contextlib.suppress(KouanError):
                    found.append(MemberKeys.from_bytes(document))
            self._members[side] = found
        return self._members[side]

    def _entries(self, rows: list[Any]) -> dict[int, tuple[str, bytes | None]]:
        """Return kind and record of the ledger's entries that messages of one batch name."""
        places = [row.ledger_index for row in rows if row.ledger_index is not None]
        if not places or max(places) - min(places) > 2 * wire.MAX_MESSAGES:
            found = Entry.objects.filter(pk__in=places[: wire.MAX_MESSAGES])
            return {
                each.index: (each.kind, None if each.record is None else bytes(each.record)) for each in found
            }
        with connection.cursor() as cursor:
            cursor.execute(_ENTRY_SQL, (min(places), max(places)))
            return {index: (kind, record) for index, kind, record in cursor.fetchall()}

    def _message(  # noqa: PLR0913, PLR0917 - what is known of one message, from five places
        self,
        row: Any,
        name: str,
        batch: Any,
        kind: str,
        leaves: bytes,
        entries: dict[int, tuple[str, bytes | None]],
    ) -> None:
        """Look at what does not depend on the direction: header, leaf, content, entry."""
        check = self._findings.check
        self._findings.messages += 1
        header = bytes(row.header or b"")
        data = wire.leaf(header, bytes(row.ciphertext_digest or b""))
        place = row.position * HASH_BYTES
        check(leaf_hash(data) == leaves[place : place + HASH_BYTES], name, "leaf")
        body_digest = None
        try:
            said = cbor2.loads(header)
            told = (said["id"], said["type"], said["conv"], said["seq"], said["basis"][0], said["basis"][2])
            kept = (
                row.message_id.bytes,
                row.type,
                row.conversation.bytes,
                row.sequence,
                row.agreement,
                row.clause,
            )
            check(told == kept and row.sequence == batch.first + row.position, name, "header")
            body_digest = said["body"]
        except (cbor2.CBORDecodeError, KeyError, IndexError, TypeError, ValueError):
            self._findings.wrong(name, "header")
        check(row.size == (None if row.body is None else len(row.body)), name, "body")
        if row.body:
            check(hashlib.sha256(row.body).digest() == body_digest, name, "body")
        kept_kind, record = entries.get(row.ledger_index, ("", b""))
        check(kept_kind == kind and (record is None or bytes(record) == data), name, "entry")


class SentBatches(_Batches):
    """Our batches and messages."""

    model = Batch
    given = "receipt-received"
    told = "notices-sent"

    def _sides(self, peer: str) -> tuple[str, str]:
        return settings.NODE.side, peer

    def _stream(self, row: Stream) -> tuple[int, bytes]:
        return row.out_sequence, bytes(row.out_last)

    def messages(self, *, told: set[int]) -> None:
        """Look at every message that was sealed; ``told`` is what the peers' notices said."""
        for batch in _rows(Batch):
            rows = _messages(OutboxMessage, batch)
            positions = [row.position for row in rows]
            self._findings.check(positions == list(range(batch.count)), self.name(batch), "columns")
            receipt = None if batch.receipt is None else read_receipt(bytes(batch.receipt))
            entries, leaves = self._entries(rows), bytes(batch.leaves)
            for row in rows:
                name = f"message {settings.NODE.side} {row.message_id}"
                self._message(row, name, batch, "sent", leaves, entries)
                # What was erased has no bytes, and says so; its fingerprint is the header's.
                erased = row.size == 0 and not row.body
                digest = bytes(row.body_digest)
                self._findings.check(erased or digest == hashlib.sha256(row.body).digest(), name, "body")
                if receipt is not None or batch.receipt is None:
                    self._findings.check(_sent_state(row, receipt, told), name, "state")


class ReceivedBatches(_Batches):
    """The peers' batches and messages."""

    model = ReceivedBatch
    given = "receipt-given"
    told = "notices-received"

    def _sides(self, peer: str) -> tuple[str, str]:
        return peer, settings.NODE.side

    def _stream(self, row: Stream) -> tuple[int, bytes]:
        return row.in_sequence, bytes(row.in_last)

    def messages(self, *, told: set[int]) -> None:
        """Look at every message that arrived; ``told`` is what our notices said."""
        for batch in _rows(ReceivedBatch):
            rows = _messages(InboxMessage, batch)
            receipt = read_receipt(bytes(batch.receipt))
            if receipt is None:
                continue
            entries, leaves = self._entries(rows), bytes(batch.leaves)
            self._all_there(batch, rows, receipt)
            for row in rows:
                name = f"message {batch.peer} {row.message_id}"
                at_door = 0 <= row.position < len(receipt.statuses)
                status = receipt.statuses[row.position] if at_door else None
                self._message(row, name, batch, "received" if status is None else "refused", leaves, entries)
                check = self._findings.check
                check(row.ledger_index == receipt.log_first + row.position, name, "entry")
                check(wire.digest(bytes(row.header)) == bytes(row.header_digest), name, "header")
                check(at_door and _received_state(row, status, told), name, "state")

    def _all_there(self, batch: Any, rows: list[Any], receipt: wire.Receipt) -> None:
        """Name what was accepted and is not kept: it may only be a repetition of what was kept before."""
        positions = [row.position for row in rows]
        missing = set(range(len(receipt.statuses))) - set(positions)
        repeated = len(positions) != len(set(positions))
        for position in sorted(missing):
            if receipt.statuses[position] is None and not self._kept_before(batch, receipt, position):
                self._findings.wrong(f"{self.name(batch)}, number {batch.first + position}", "missing")
        self._findings.check(not repeated, self.name(batch), "columns")

    def _kept_before(self, batch: Any, receipt: wire.Receipt, position: int) -> bool:
        record = (
            Entry.objects.filter(pk=receipt.log_first + position).values_list("record", flat=True).first()
        )
        try:
            header, _sealed = cbor2.loads(bytes(record or b""))
        except (cbor2.CBORDecodeError, TypeError, ValueError):
            return False
        earlier = InboxMessage.objects.filter(peer=batch.peer, header_digest=wire.digest(header))
        return earlier.exclude(batch=batch, position=position).exists()


def _messages(model: Any, batch: Any) -> list[Any]:
    return list(model.objects.filter(batch=batch).select_related("content").order_by("position"))


def _sent_state(row: OutboxMessage, receipt: wire.Receipt | None, told: set[int]) -> bool:
    """Whether a message's state follows from its receipt and from what the peer's notices said."""
    states = OutboxMessage.State
    key = row.message_id.bytes
    statuses = () if receipt is None else receipt.statuses
    at_door = row.position is not None and 0 <= row.position < len(statuses)
    status = statuses[row.position] if at_door and row.position is not None else None
    if status is not None:
        return row.state == states.REFUSED and row.code == status[:64]
    match row.state:
        case states.SEALED:
            return receipt is None and hash((key, _ANY)) not in told
        case states.ACCEPTED:
            return receipt is not None and hash((key, _ANY)) not in told
        case states.HANDLED:
            return hash((key, None)) in told
        case states.REFUSED:
            return hash((key, row.code)) in told
        case _:
            return False


def _received_state(row: InboxMessage, status: str | None, told: set[int]) -> bool:
    """Whether a message's state follows from our receipt and from what our notices said."""
    states = InboxMessage.State
    if status is not None:
        return row.state == states.REFUSED and row.code == status[:64]
    if row.state in {states.HANDLED, states.REFUSED} and row.notified:
        return hash((row.message_id.bytes, row.code or None)) in told
    return row.state in set(states) and not (row.notified or hash((row.message_id.bytes, _ANY)) in told)


def read_receipt(data: bytes) -> wire.Receipt | None:
    """Return a kept receipt without checking its signature, or None if it is none."""
    try:
        outer = cose.read1(data, content_type=wire.RECEIPT_TYPE, max_bytes=wire.MAX_RECEIPT + cose.OVERHEAD)
        return wire.Receipt.decode(outer.payload)
    except KouanError:
        return None


def _rows(model: Any) -> Iterator[Any]:
    """Return every batch of a direction, in the order in which they were made."""
    after = 0
    while True:
        rows = model.objects.filter(pk__gt=after).order_by("pk")
        # The bytes on their way are the only ones that are large, and of no interest here.
        found = list((rows.defer("wire") if model is Batch else rows)[:_CHUNK])
        if not found:
            return
        yield from found
        after = found[-1].pk
