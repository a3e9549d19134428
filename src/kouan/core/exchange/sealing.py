"""From the outbox to the wire: number, seal and sign a batch, and take in its receipt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError
from kouan.core.exchange import wire
from kouan.core.exchange.models import Batch, InboxMessage, OutboxMessage, Stream
from kouan.core.exchange.times import from_milliseconds, milliseconds
from kouan.core.ledger import services as ledger
from kouan.core.ledger.merkle import leaf_hash, root_of
from kouan.core.trust import cose, sealing
from kouan.core.trust.queries import get_member, own
from kouan.core.trust.suites import common_suite

if TYPE_CHECKING:
    from datetime import datetime

State = OutboxMessage.State


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


def unreceipted(peer: str) -> Sealed | None:
    """Return the batch that was sealed for ``peer`` and has no receipt yet, if there is one."""
    batch = Batch.objects.filter(peer=peer, receipt__isnull=True).order_by("pk").first()
    if batch is None or batch.wire is None:
        return None
    return Sealed(batch.pk, peer, batch.count, bytes(batch.statement_digest), bytes(batch.wire))


def waiting_count(peer: str, limit: int) -> int:
    """Return how many messages wait for ``peer``, counted up to ``limit``."""
    return len(
        OutboxMessage.objects.filter(peer=peer, state=State.WAITING).order_by("pk").values("pk")[:limit]
    )


def seal_batch(peer: str) -> Sealed | None:
    """Seal what waits for ``peer`` (messages and notices) into one batch, durably; None if nothing does.

    One transaction numbers the messages, logs them in the ledger and stores the very bytes that will
    be posted, again and again if need be. Only one batch a peer is under way at any time.
    """
    keys = own()
    member = get_member(peer)
    with transaction.atomic():
        stream = lock_stream(peer)
        now = timezone.now()
        rows = list(
            OutboxMessage.objects.filter(peer=peer, state=State.WAITING, expires_at__gt=now).order_by("pk")[
                : settings.NODE.exchange.batch_max
            ]
        )
        notices = _notices(peer)
        if not rows and not notices:
            return None
        recipient_kid, recipient = member.sealing_key(now)
        batch_key = sealing.new_batch_key()
        first = stream.out_sequence + 1
        pairs: list[tuple[bytes, bytes]] = []
        leaf_data: list[bytes] = []
        for position, row in enumerate(rows):
            header = _header(row, first + position).encode()
            ciphertext = sealing.seal(
                sealing.message_key(batch_key, row.message_id.bytes), bytes(row.body), header
            )
            row.header, row.ciphertext_digest = header, wire.digest(ciphertext)
            row.position, row.sequence, row.state = position, first + position, State.SEALED
            pairs.append((header, ciphertext))
            leaf_data.append(wire.leaf(header, wire.digest(ciphertext)))
        leaves = [leaf_hash(data) for data in leaf_data]
        root = root_of(leaves)
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
        body = wire.encode_batch(signed, pairs)
        batch = Batch.objects.create(
            peer=peer,
            first=first,
            count=len(rows),
            root=root,
            statement=signed,
            statement_digest=wire.digest(signed),
            leaves=b"".join(leaves),
            wire=body,
            wire_bytes=len(body),
            sealed_at=now,
        )
        records = [ledger.Record("sent", data) for data in leaf_data]
        if notices:
            records.append(ledger.Record("notices-sent", signed))
        appended = ledger.append(records)
        _mark_sealed(rows, batch.pk, appended.first_index)
        InboxMessage.objects.filter(pk__in=[key for key, _ in notices]).update(notified=True)
        stream.out_sequence = first + len(rows) - 1
        stream.out_root = root
        stream.save(update_fields=["out_sequence", "out_root"])
    return Sealed(batch.pk, peer, len(rows), bytes(batch.statement_digest), body)


def key_info(sender: str, receiver: str, first: int, root: bytes) -> bytes:
    """Return what binds a wrapped batch key to its one batch (HPKE's ``info``, RFC 9180 section 5.1)."""
    return b"kouan-batch-key/1\0" + f"{sender}\0{receiver}\0{first}\0".encode() + root


def lock_stream(peer: str) -> Stream:
    """Return the peer's stream row, locked until the transaction ends."""
    Stream.objects.get_or_create(peer=peer)
    return Stream.objects.select_for_update().get(peer=peer)


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


def _notices(peer: str) -> list[tuple[int, wire.Notice]]:
    rows = (
        InboxMessage.objects.filter(peer=peer, state__in=["handled", "refused", "failed"], notified=False)
        .order_by("pk")
        .values_list("pk", "message_id", "code", "finished_at")[: wire.MAX_NOTICES]
    )
    return [
        (pk, wire.Notice(message_id, code or None, milliseconds(at or timezone.now())))
        for pk, message_id, code, at in rows
    ]


def _mark_sealed(rows: list[OutboxMessage], batch: int, ledger_first: int) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {OutboxMessage._meta.db_table} SET state=%s, batch_id=%s, position=%s, sequence=%s, "  # noqa: S608, SLF001 - the table's own name
            "header=%s, ciphertext_digest=%s, ledger_index=%s WHERE id=%s",
            [
                [
                    State.SEALED.value,
                    batch,
                    row.position,
                    row.sequence,
                    bytes(row.header or b""),
                    bytes(row.ciphertext_digest or b""),
                    ledger_first + (row.position or 0),
                    row.pk,
                ]
                for row in rows
            ],
        )


def take_receipt(sealed: Sealed, data: bytes) -> wire.Receipt:
    """Check the peer's receipt for ``sealed`` and record what it says, in one transaction.

    Raises ``ReceiptMismatch`` or the trust error that names what is wrong; then the batch stays
    unreceipted and is posted again.
    """
    member = get_member(sealed.peer)
    now = timezone.now()
    signed = cose.read1(data, content_type=wire.RECEIPT_TYPE, max_bytes=wire.MAX_RECEIPT)
    receipt = wire.Receipt.decode(signed.payload)
    # The stored receipt of an earlier delivery may come back: its key counts at the time it signed.
    signed.verify(member.verification_key(signed.kid, from_milliseconds(receipt.accepted_at)))
    with transaction.atomic():
        batch = Batch.objects.select_for_update().get(pk=sealed.pk)
        if batch.receipt is not None:
            return receipt
        _check_receipt(receipt, batch)
        ledger.append([ledger.Record("receipt-received", data)])
        batch.receipt, batch.receipted_at, batch.wire = data, now, None
        batch.save(update_fields=["receipt", "receipted_at", "wire"])
        _record_statuses(batch, receipt, now)
        Stream.objects.filter(peer=sealed.peer).update(
            credits=receipt.credits, last_contact_at=now, last_error="", last_error_at=None
        )
    return receipt


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
    messages = OutboxMessage.objects.filter(batch=batch)
    messages.update(peer_ledger_index=F("position") + receipt.log_first)
    # A notice that a message was handled may have overtaken this receipt: leave that state alone.
    messages.filter(state=State.SEALED).update(state=State.ACCEPTED)
    for position, code in enumerate(receipt.statuses):
        if code is not None:
            messages.filter(position=position).update(state=State.REFUSED, code=code[:64], finished_at=now)
