"""The door's one transaction: take in what a peer posted, log it, store it, and sign the receipts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kouan.core.database.rows import (
    among,
    execute,
    fetch,
    insert_many,
    keepable,
    new_keys,
    select,
    stored,
    update_many,
)
from kouan.core.errors import KouanError
from kouan.core.exchange import incidents, pressure, refusals, resigning, wake, wire
from kouan.core.exchange.blobs import expecting
from kouan.core.exchange.contents import InboxBody
from kouan.core.exchange.crossing import registry
from kouan.core.exchange.models import InboxMessage, OutboxMessage, ReceivedBatch, Stream
from kouan.core.exchange.opening import Examined, Opened, Signed, examine, read
from kouan.core.exchange.recovery.halts import require_open
from kouan.core.exchange.shapes import MalformedWire
from kouan.core.exchange.streams import lock_stream
from kouan.core.exchange.times import from_milliseconds, milliseconds
from kouan.core.ledger import services as ledger
from kouan.core.trust import cose
from kouan.core.trust.errors import KeyCompromised
from kouan.core.trust.queries import own
from kouan.core.watch import channel

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from datetime import datetime

    from kouan.core.policy import Denied


class SequenceGap(KouanError):
    """A batch that does not follow the last one: one before it is missing, or was another."""

    code = "sequence-gap"
    status = 409
    message = _("The batch begins with message %(first)s; message %(expected)s is expected next.")


class Backdated(KouanError):
    """A batch that says it was sealed well before the one that it follows."""

    code = "backdated"
    status = 403
    message = "The batch says that it is %(seconds)s seconds older than the one before it."


class IdConflict(KouanError):
    """The same message id with another content."""

    code = "id-conflict"
    status = 409
    message = _("A message with this id and another content was received before.")


_STORED: Final = f"SELECT statement_digest, receipt FROM {ReceivedBatch._meta.db_table}"  # noqa: S608 - the table's own name

_END: Final = (
    f"UPDATE {OutboxMessage._meta.db_table} SET state = %s, code = %s, finished_at = %s "  # noqa: S608 - the table's own name
    "WHERE peer = %s AND state IN ('sealed', 'accepted')"
)


class Taken(NamedTuple):
    """What became of a request's batches: receipts for the first ones, and why the next was refused."""

    receipts: list[bytes]
    refusal: KouanError | None


def accept(data: bytes, caller: str | None = None, *, now: datetime | None = None) -> bytes:
    """Take in what ``caller`` posted and return the signed receipts, one after the other, as they are sent.

    The same batch again gets the stored, byte-identical receipt. Raises the ``KouanError`` that says
    why the first batch is refused: then nothing has changed. Where a later one is refused, the answer
    has receipts for those before it alone, and posting the rest again tells why. A message that is bad
    by itself is refused alone, by its status in the receipt. ``caller`` is the side that the
    connection proves; without one, nothing came over a connection.
    """
    taken = take_in(data, caller, now=now or timezone.now())
    if taken.refusal is not None and not taken.receipts:
        raise taken.refusal
    return b"".join(taken.receipts)


def take_in(data: bytes, caller: str | None, *, now: datetime) -> Taken:
    """Take in batch after batch of one peer until one is refused, the new ones in one transaction."""
    receipts: list[bytes] = []
    new: list[Examined] = []
    refusal: KouanError | None = None
    posted = list(wire.decode_batches(data))
    stored_before = _stored_receipts([wire.digest(signed) for signed, _pairs in posted])
    for signed, pairs in posted:
        try:
            try:
                with incidents.noting_once("batch", signed):
                    batch = read(signed, pairs, now)
            except KeyCompromised:
                # What was taken in before the report stays taken in, and its sender needs to know.
                given = stored_before.get(wire.digest(signed))
                if given is None or new:
                    raise
                receipts.append(given)
                continue
            pressure.check_sender(batch.statement.sender, caller, batch.signed)
            given = stored_before.get(batch.digest)
            if given is None:
                pressure.check_room(batch.statement)
                new.append(_following(batch, new, now))
            elif new:  # its numbers are behind those of a new one: no node of ours posts so
                raise MalformedWire(what="request", detail="the order of its batches")
            else:
                receipts.append(given)
        except KouanError as error:
            refusal = error
            break
    if not new:
        return Taken(receipts, refusal)
    with transaction.atomic():
        taker = _Taker(new, now)
        taken = taker.take()
        if taken.receipts:
            wake.ring_on_commit(wake.INBOX)
        elif not taker.noted:
            transaction.set_rollback(True)
    return Taken(receipts + taken.receipts, taken.refusal or refusal)


def _following(batch: Signed, before: Sequence[Examined], now: datetime) -> Examined:
    if before and before[-1].batch.statement.sender != batch.statement.sender:
        raise MalformedWire(what="request", detail="batches of two sides")
    return examine(batch, now)


def _stored_receipts(digests: Sequence[bytes]) -> dict[bytes, bytes]:
    """Return the receipts that were given before, by the digests of what they are for."""
    these, params = among("statement_digest", digests)
    return {
        bytes(digest): resigning.sound_receipt(bytes(receipt))
        for digest, receipt in select(f"{_STORED} WHERE {these}", params)
    }


class _Taker:
    """Takes in examined batches of one peer within one transaction."""

    def __init__(self, batches: Sequence[Examined], now: datetime) -> None:
        self._batches = batches
        self._now = now
        self._peer = batches[0].batch.statement.sender
        self._signer = own().signer(now)
        self._rows: list[dict[str, object]] = []
        self._bodies: list[tuple[bytes, str | None] | None] = []
        self._taken: list[dict[str, object]] = []
        self._denied: list[tuple[wire.Header, bytes, Denied]] = []
        self.noted = False
        """Whether something was seen that the operator should know."""

    def take(self) -> Taken:
        """Take in one after the other until one does not follow."""
        stream = lock_stream(self._peer)
        require_open(self._peer)
        receipts: list[bytes] = []
        refusal: KouanError | None = None
        known = self._known_ids()
        # By another process, a moment ago.
        stored_now = _stored_receipts([each.batch.digest for each in self._batches])
        keys = new_keys(ReceivedBatch, len(self._batches))
        with ledger.appending(now=self._now) as log:
            for key, each in zip(keys, self._batches, strict=True):
                given = stored_now.get(each.batch.digest)
                if given is not None:
                    receipts.append(given)
                    continue
                statement = each.batch.statement
                if statement.first != stream.in_sequence + 1 or statement.previous != bytes(stream.in_last):
                    refusal = SequenceGap(first=statement.first, expected=stream.in_sequence + 1)
                    self._note_fork(each.batch, stream)
                    break
                early = (stream.in_at - statement.sealed_at) // 1000
                if early > settings.NODE.exchange.clock_tolerance_s:
                    # So a key whose time has ended cannot speak for the time before.
                    refusal = Backdated(seconds=early)
                    self._note(incidents.BACKDATED, f"number {statement.first}", each.batch.signed)
                    break
                self._mark_duplicates(each.opened, known)
                expecting.admit(each.opened, self._now)
                receipts.append(self._store(key, each, log))
                stream.in_sequence += statement.count
                stream.in_last = each.batch.digest
                stream.in_at = max(stream.in_at, statement.sealed_at)
        if self._taken:
            insert_many(ReceivedBatch, list(self._taken[0]), [list(row.values()) for row in self._taken])
        self._write_messages()
        refusals.tell_all(self._denied)
        if receipts:
            update_many(
                Stream,
                ["in_sequence", "in_last", "in_at", "last_contact_at"],
                [(stream.in_sequence, stream.in_last, stream.in_at, self._now, stream.pk)],
            )
        return Taken(receipts, refusal)

    def _write_messages(self) -> None:
        if not self._rows:
            return
        keys = new_keys(InboxMessage, len(self._rows))
        rows = [(key, *row.values()) for key, row in zip(keys, self._rows, strict=True)]
        insert_many(InboxMessage, ["id", *self._rows[0]], rows)
        kept = [(key, *body) for key, body in zip(keys, self._bodies, strict=True) if body is not None]
        insert_many(InboxBody, ["message_id", "body", "keep"], kept)

    def _known_ids(self) -> dict[uuid.UUID, bytes]:
        """Return which of the messages' ids this peer used before, with the digests of their headers."""
        ids = [item.header.id for each in self._batches for item in each.opened if item.header is not None]
        if not ids:
            return {}
        these, params = among("message_id", ids)
        before = fetch(
            InboxMessage,
            f"peer = %s AND {these}",
            (self._peer, *params),
            names=["id", "message_id", "header_digest"],
        )
        return {row.message_id: bytes(row.header_digest) for row in before}

    def _mark_duplicates(self, opened: Sequence[Opened], known: dict[uuid.UUID, bytes]) -> None:
        """Mark what was accepted before: the same id and header is no news, another header an incident."""
        conflict: Opened | None = None
        for item in opened:
            if item.header is None:
                continue
            before = known.setdefault(item.header.id, item.header_digest)
            if before is item.header_digest:
                continue
            item.duplicate = True
            if before != item.header_digest:
                item.code = IdConflict.code
                conflict = conflict or item
        if conflict is not None and conflict.header is not None:
            # One a batch is enough to tell the operator; the ledger holds every one of them.
            held = InboxMessage.objects.filter(peer=self._peer, message_id=conflict.header.id)
            before_it = held.values_list("header", flat=True).first()
            detail = f"message {conflict.header.id}"
            self._note(incidents.ID_CONFLICT, detail, conflict.raw_header, bytes(before_it or b""))

    def _note_fork(self, batch: Signed, stream: Stream) -> None:
        """Keep a statement that this peer signed for a place which another one of its statements has."""
        first = batch.statement.first
        if first > stream.in_sequence or not batch.statement.count:
            return
        held = ReceivedBatch.objects.filter(peer=self._peer, first__lte=first, count__gt=0).order_by("-first")
        before = held.values_list("statement", flat=True).first()
        self._note(incidents.STREAM_FORK, f"number {first}", batch.signed, bytes(before or b""))

    def _note(self, kind: str, detail: str, evidence: bytes, counterpart: bytes = b"") -> None:
        if incidents.note(self._peer, kind, detail, evidence, counterpart, now=self._now):
            self.noted = True

    def _store(self, key: int, each: Examined, log: ledger.Appender) -> bytes:
        statement, now = each.batch.statement, self._now
        records = [
            ledger.Record("received" if item.code is None else "refused", item.leaf) for item in each.opened
        ]
        if statement.notices:
            records.append(ledger.Record("notices-received", each.batch.signed))
        log_first = log.append(records).first_index
        receipt = cose.sign1(
            wire.Receipt(
                sender=settings.NODE.side,
                receiver=statement.sender,
                statement=each.batch.digest,
                root=statement.root,
                statuses=tuple(item.code for item in each.opened),
                log_first=log_first,
                accepted_at=milliseconds(now),
                credits=pressure.credits_left(self._peer, each.batch.size),
            ).encode(),
            self._signer,
            content_type=wire.RECEIPT_TYPE,
        )
        log.append([ledger.Record("receipt-given", receipt)])
        self._taken.append(
            {
                "id": key,
                "peer": statement.sender,
                "first": statement.first,
                "count": statement.count,
                "root": statement.root,
                "statement": each.batch.signed,
                "statement_digest": each.batch.digest,
                "leaves": b"".join(each.leaves),
                "wire_bytes": each.batch.size,
                "receipt": receipt,
                "received_at": now,
            }
        )
        for item in each.opened:
            if item.header is not None and not item.duplicate:
                self._rows.append(_inbox_row(item, item.header, key, log_first, now))
                self._bodies.append(_kept_body(item, item.header))
                if item.denied is not None and item.body is not None:
                    self._denied.append((item.header, item.body, item.denied))
        _take_notices(statement)
        pressure.count(self._peer, [item.code for item in each.opened])
        transaction.on_commit(
            partial(
                channel.batch_received,
                statement.sender,
                messages=[item.header.id for item in each.opened if item.header is not None],
                refused=sum(item.code is not None for item in each.opened),
                repeated=sum(item.duplicate and item.code is None for item in each.opened),
                ended=[(notice.message, notice.code is None) for notice in statement.notices],
                size=each.batch.size,
                began=now.timestamp(),
            )
        )
        return receipt


def _kept_body(item: Opened, header: wire.Header) -> tuple[bytes, str | None] | None:
    """Return what a message says and how long it is kept; nothing is kept of what is refused."""
    if item.code is not None or item.body is None:
        return None
    return item.body, registry.kept(header.type, header.version).stored


def _inbox_row(
    item: Opened, header: wire.Header, batch: int, log_first: int, now: datetime
) -> dict[str, object]:
    refused = item.code is not None
    states = InboxMessage.State
    return {
        "peer": header.sender,
        "message_id": header.id,
        "type": keepable(header.type, 80),
        "version": header.version,
        "conversation": header.conversation,
        "agreement": keepable(header.agreement, 80),
        "clause": keepable(header.clause, 40),
        "header": item.raw_header,
        "header_digest": item.header_digest,
        "ciphertext_digest": item.ciphertext_digest,
        "size": None if refused or item.body is None else len(item.body),
        "created_at": from_milliseconds(header.created),
        "received_at": now,
        "batch_id": batch,
        "position": item.position,
        "sequence": header.sequence,
        "ledger_index": log_first + item.position,
        "state": (states.REFUSED if refused else states.WAITING).value,
        "code": item.code or "",
        "attempts": 0,
        "next_attempt_at": item.held_until,
        "finished_at": now if refused else None,
        "notified": refused,
    }


def _take_notices(statement: wire.Statement) -> None:
    """Note how messages of ours ended at the peer; a notice about anything else changes nothing."""
    if not statement.notices:
        return
    handled = [notice.message for notice in statement.notices if notice.code is None]
    if handled:
        these, ids = among("message_id", handled)
        ended = stored(from_milliseconds(statement.sealed_at))
        execute(f"{_END} AND {these}", (OutboxMessage.State.HANDLED.value, "", ended, statement.sender, *ids))
    for notice in statement.notices:
        if notice.code is not None:
            this, ids = among("message_id", [notice.message])
            ended, code = stored(from_milliseconds(notice.at)), keepable(notice.code, 64)
            execute(
                f"{_END} AND {this}", (OutboxMessage.State.REFUSED.value, code, ended, statement.sender, *ids)
            )
