"""The door's one transaction: check a peer's batch, log it, store it, and sign its receipt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kouan.core.database.rows import fetch, insert_many, insert_one, update_many
from kouan.core.errors import KouanError
from kouan.core.exchange import wake, wire
from kouan.core.exchange.crossing import registry
from kouan.core.exchange.models import InboxMessage, Incident, OutboxMessage, ReceivedBatch, Stream
from kouan.core.exchange.outbox import decide
from kouan.core.exchange.recovery.halts import require_open
from kouan.core.exchange.sealing import key_info, lock_stream
from kouan.core.exchange.times import check_clock, from_milliseconds, milliseconds
from kouan.core.ledger import services as ledger
from kouan.core.ledger.merkle import leaf_hash, root_of
from kouan.core.policy import Denied
from kouan.core.trust import cose, sealing
from kouan.core.trust.errors import UnknownKey
from kouan.core.trust.queries import get_member, own
from kouan.core.trust.suites import get_suite

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_ID: Final = InboxMessage._meta.get_field("message_id")
INBOX_CREDIT: Final = 64 << 20
"""How many bytes of unhandled messages a node is ready to hold for one peer."""


class NotForUs(KouanError):
    """A batch whose statement names another sender or receiver."""

    code = "not-for-us"
    status = 403
    message = _("The batch is signed by %(signer)s but says it goes from %(sender)s to %(receiver)s.")


class SequenceGap(KouanError):
    """A batch that does not follow the last one: one before it is missing, or was another."""

    code = "sequence-gap"
    status = 409
    message = _("The batch begins with message %(first)s; message %(expected)s is expected next.")


class RootMismatch(KouanError):
    """The messages are not those that were signed."""

    code = "root-mismatch"
    status = 422
    message = _("The messages in the batch are not those that its signature covers.")


class UnknownSealKey(KouanError):
    """The batch is sealed to a key that this node does not have (any more)."""

    code = "unknown-seal-key"
    status = 422
    message = _(
        "The batch is sealed to a key that this node does not hold. Import its newest trust document."
    )


class Unreadable(KouanError):
    """One message that cannot be opened or does not hold what its header promises."""

    code = "unreadable"
    status = 422
    message = _("The message cannot be opened, or is not what its header promises.")


class Expired(KouanError):
    """One message that arrived after its time."""

    code = "expired"
    status = 422
    message = _("The message arrived after its expiry.")


class Misaddressed(KouanError):
    """One message whose header does not agree with its batch."""

    code = "misaddressed"
    status = 422
    message = _("The message's header does not agree with its batch.")


class OtherClause(Denied):
    """One message that relies on another clause than the one that allows it."""

    code = "other-clause"
    status = 422
    message = _("The message does not rely on the clause that allows it (%(clause)s).")


class IdConflict(KouanError):
    """The same message id with another content."""

    code = "id-conflict"
    status = 409
    message = _("A message with this id and another content was received before.")


@dataclass(slots=True)
class _Opened:
    """One message of a batch after the checks; ``code`` is why it is refused, if it is."""

    raw_header: bytes
    ciphertext_digest: bytes
    position: int
    header: wire.Header | None = None
    body: bytes | None = None
    code: str | None = None
    duplicate: bool = field(default=False)


def accept(data: bytes, *, now: datetime | None = None) -> bytes:
    """Take in a posted batch and return the signed receipt, to be sent as it is.

    The same batch again gets the stored, byte-identical receipt. Raises the ``KouanError`` that
    says why the whole batch is refused: then nothing has changed. A message that is bad by itself
    is refused alone, by its status in the receipt.
    """
    now = now or timezone.now()
    signed, pairs = wire.decode_batch(data)
    unverified = cose.read1(
        signed, content_type=wire.BATCH_TYPE, max_bytes=wire.MAX_STATEMENT + cose.OVERHEAD
    )
    statement = wire.Statement.decode(unverified.payload)
    check_clock(milliseconds(now), statement.sealed_at, past=False)
    # Only the keys of the side that the batch says it is from can prove that it is. The key must have
    # been valid when it signed: a batch is sent again until it is receipted.
    member = get_member(statement.sender[:16])
    unverified.verify(member.verification_key(unverified.kid, from_milliseconds(statement.sealed_at)))
    if (statement.sender, statement.receiver) != (member.side, settings.NODE.side):
        raise NotForUs(signer=member.side, sender=statement.sender[:16], receiver=statement.receiver[:16])
    digest = wire.digest(signed)
    stored = _stored_receipt(digest)
    if stored is not None:
        return stored
    if get_suite(statement.suite).cose_alg != unverified.alg:
        raise wire.MalformedWire(what="statement", detail="suite")
    leaves = _leaves(statement, pairs)
    opened = _open_all(statement, pairs, member.side, now)
    with transaction.atomic():
        stream = lock_stream(member.side)
        stored = _stored_receipt(digest)
        if stored is not None:
            return stored
        require_open(member.side)
        if statement.first != stream.in_sequence + 1 or statement.previous != bytes(stream.in_root):
            raise SequenceGap(first=statement.first, expected=stream.in_sequence + 1)
        _find_duplicates(member.side, opened, now)
        receipt = _store(statement, signed, leaves, opened, stream, len(data), now)
        wake.ring_on_commit(wake.INBOX)
    return receipt


def _stored_receipt(statement_digest: bytes) -> bytes | None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT receipt FROM {ReceivedBatch._meta.db_table} WHERE statement_digest = %s",  # noqa: S608 - the table's own name
            (statement_digest,),
        )
        row = cursor.fetchone()
    return None if row is None else bytes(row[0])


def _leaves(statement: wire.Statement, pairs: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
    if len(pairs) != statement.count:
        raise RootMismatch
    leaves = [leaf_hash(wire.leaf(header, wire.digest(ciphertext))) for header, ciphertext in pairs]
    if root_of(leaves) != statement.root:
        raise RootMismatch
    return leaves


def _open_all(
    statement: wire.Statement, pairs: Sequence[tuple[bytes, bytes]], peer: str, now: datetime
) -> list[_Opened]:
    try:
        private = own().decryption_key(statement.recipient_kid)
    except UnknownKey:
        raise UnknownSealKey from None
    info = key_info(peer, settings.NODE.side, statement.first, statement.root)
    batch_key = sealing.unwrap_batch_key(statement.wrapped_key, private, info=info)
    opened = []
    for position, (raw, ciphertext) in enumerate(pairs):
        item = _Opened(raw, wire.digest(ciphertext), position)
        try:
            item.header = _header(raw, statement, position)
            item.body = _body(item.header, raw, ciphertext, batch_key)
            _admit(item.header, item.body, peer, now)
        except KouanError as error:
            item.code = error.code
        opened.append(item)
    return opened


def _header(raw: bytes, statement: wire.Statement, position: int) -> wire.Header:
    header = wire.Header.decode(raw)
    if (header.sender, header.receiver, header.sequence) != (
        statement.sender,
        statement.receiver,
        statement.first + position,
    ):
        raise Misaddressed
    return header


def _body(header: wire.Header, raw: bytes, ciphertext: bytes, batch_key: bytes) -> bytes:
    body = sealing.open_sealed(sealing.message_key(batch_key, header.id.bytes), ciphertext, raw)
    if wire.digest(body) != header.body:
        raise Unreadable
    return body


def _admit(header: wire.Header, body: bytes, peer: str, now: datetime) -> None:
    """Hold an opened message against its declaration and this side's policy; raises why not."""
    if from_milliseconds(header.expires) < now:
        raise Expired
    crossing = registry.get(header.type, header.version)
    payload = wire.decode_body(body, max_bytes=crossing.max_bytes)
    crossing.decode_bytes(payload)
    allowed = decide(
        crossing,
        sender=peer,
        receiver=settings.NODE.side,
        consent=header.consent,
        at=now,
        agreement_digest=header.agreement_digest,
    )
    # Both sides hold the same words and decide alike: what the header relies on is what allows it.
    if (header.agreement, header.clause) != (allowed.agreement.id, allowed.clause.id):
        raise OtherClause(clause=allowed.clause.id)


def _find_duplicates(peer: str, opened: list[_Opened], now: datetime) -> None:
    """Mark what was accepted before: the same id and header is no news, another header an incident."""
    ids = [item.header.id for item in opened if item.header is not None]
    if not ids:
        return
    places = ", ".join(["%s"] * len(ids))
    known = {
        row.message_id: bytes(row.header_digest)
        for row in fetch(
            InboxMessage,
            f"peer = %s AND message_id IN ({places})",
            (peer, *(_ID.get_db_prep_value(message, connection) for message in ids)),
            names=["id", "message_id", "header_digest"],
        )
    }
    for item in opened:
        if item.header is None:
            continue
        header_digest = wire.digest(item.raw_header)
        before = known.setdefault(item.header.id, header_digest)
        if before is header_digest:
            continue
        item.duplicate = True
        if before != header_digest:
            item.code = IdConflict.code
    conflict = next((item for item in opened if item.code == IdConflict.code), None)
    if conflict is not None and conflict.header is not None:
        # One a batch is enough to tell the operator; the ledger holds every one of them.
        Incident.objects.create(
            peer=peer,
            kind=IdConflict.code,
            detail=f"message {conflict.header.id}",
            evidence=conflict.raw_header,
            at=now,
        )


def _store(  # noqa: PLR0913, PLR0917 - the pieces of one batch
    statement: wire.Statement,
    signed: bytes,
    leaves: list[bytes],
    opened: list[_Opened],
    stream: Stream,
    wire_bytes: int,
    now: datetime,
) -> bytes:
    records = [
        ledger.Record(
            "received" if item.code is None else "refused", wire.leaf(item.raw_header, item.ciphertext_digest)
        )
        for item in opened
    ]
    if statement.notices:
        records.append(ledger.Record("notices-received", signed))
    log_first = ledger.append(records, now=now).first_index
    receipt = cose.sign1(
        wire.Receipt(
            sender=settings.NODE.side,
            receiver=statement.sender,
            statement=wire.digest(signed),
            root=statement.root,
            statuses=tuple(item.code for item in opened),
            log_first=log_first,
            accepted_at=milliseconds(now),
            credits=INBOX_CREDIT,
        ).encode(),
        own().signer(now),
        content_type=wire.RECEIPT_TYPE,
    )
    ledger.append([ledger.Record("receipt-given", receipt)], now=now)
    batch = insert_one(
        ReceivedBatch,
        peer=statement.sender,
        first=statement.first,
        count=statement.count,
        root=statement.root,
        statement=signed,
        statement_digest=wire.digest(signed),
        leaves=b"".join(leaves),
        wire_bytes=wire_bytes,
        receipt=receipt,
        received_at=now,
    )
    rows = [
        _inbox_row(item, item.header, batch, log_first, now)
        for item in opened
        if item.header is not None and not item.duplicate
    ]
    if rows:
        insert_many(InboxMessage, list(rows[0]), [list(row.values()) for row in rows])
    _take_notices(statement)
    update_many(
        Stream,
        ["in_sequence", "in_root", "last_contact_at"],
        [(stream.in_sequence + statement.count, statement.root, now, stream.pk)],
    )
    return receipt


def _inbox_row(
    item: _Opened, header: wire.Header, batch: int, log_first: int, now: datetime
) -> dict[str, object]:
    refused = item.code is not None
    states = InboxMessage.State
    return {
        "peer": header.sender,
        "message_id": header.id,
        "type": header.type[:80],
        "version": header.version,
        "conversation": header.conversation,
        "agreement": header.agreement[:80],
        "clause": header.clause[:40],
        "header": item.raw_header,
        "header_digest": wire.digest(item.raw_header),
        "ciphertext_digest": item.ciphertext_digest,
        "body": None if refused else item.body,
        "created_at": from_milliseconds(header.created),
        "received_at": now,
        "batch_id": batch,
        "position": item.position,
        "sequence": header.sequence,
        "ledger_index": log_first + item.position,
        "state": (states.REFUSED if refused else states.WAITING).value,
        "code": item.code or "",
        "attempts": 0,
        "finished_at": now if refused else None,
        "notified": refused,
    }


def _take_notices(statement: wire.Statement) -> None:
    """Note how messages of ours ended at the peer; a notice about anything else changes nothing."""
    states = OutboxMessage.State
    open_ones = OutboxMessage.objects.filter(
        peer=statement.sender, state__in=[states.SEALED, states.ACCEPTED]
    )
    handled = [notice.message for notice in statement.notices if notice.code is None]
    if handled:
        open_ones.filter(message_id__in=handled).update(
            state=states.HANDLED, finished_at=from_milliseconds(statement.sealed_at)
        )
    for notice in statement.notices:
        if notice.code is not None:
            open_ones.filter(message_id=notice.message).update(
                state=states.REFUSED, code=notice.code, finished_at=from_milliseconds(notice.at)
            )
