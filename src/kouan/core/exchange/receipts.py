"""The peer's receipts for what we posted: checked, logged, and what they say of each message recorded."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kouan.core.database.rows import among, execute_many, fetch, keepable, update_many
from kouan.core.errors import KouanError
from kouan.core.exchange import incidents, wire
from kouan.core.exchange.models import Batch, OutboxMessage, Stream
from kouan.core.exchange.streams import lock_stream
from kouan.core.exchange.times import RECEIPT_BORNE, from_milliseconds
from kouan.core.ledger import services as ledger
from kouan.core.trust import cose
from kouan.core.trust.queries import get_member
from kouan.core.watch import channel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kouan.core.exchange.sealing import Sealed

State = OutboxMessage.State

_RECEIPTED: Final = ("id", "peer", "first", "count", "root", "statement_digest", "sealed_at", "receipt")
_ACCEPT: Final = (
    f"UPDATE {OutboxMessage._meta.db_table} SET peer_ledger_index = position + %s, "  # noqa: S608 - the table's own name
    f"state = CASE WHEN state = '{State.SEALED}' THEN '{State.ACCEPTED}' ELSE state END WHERE batch_id = %s"
)


class ReceiptMismatch(KouanError):
    """The peer's answer is not a receipt for the batch that was sent."""

    code = "receipt-mismatch"
    status = 502
    message = _("The answer of %(peer)s is not a receipt for this batch: %(detail)s.")


class Answered(NamedTuple):
    """A batch that was posted, and the bytes of the peer's receipt for it."""

    sealed: Sealed
    data: bytes


class Checked(NamedTuple):
    """A receipt whose signature holds, for a batch that it has not been compared with yet."""

    answered: Answered
    receipt: wire.Receipt


def answers_to(posted: Sequence[Sealed], body: bytes) -> list[Answered]:
    """Return which batch each receipt of an answer is for: the first ones of what was posted, in order.

    Raises ``MalformedWire`` or ``ReceiptMismatch``.
    """
    receipts = wire.decode_receipts(body)
    if not 1 <= len(receipts) <= len(posted):
        raise ReceiptMismatch(peer=posted[0].peer, detail=f"{len(receipts)} for {len(posted)} batches")
    return [Answered(sealed, data) for sealed, data in zip(posted, receipts, strict=False)]


def take_receipt(sealed: Sealed, data: bytes) -> wire.Receipt:
    """Check the peer's receipt for ``sealed`` and record what it says, in one transaction.

    Raises ``ReceiptMismatch`` or the trust error that names what is wrong; then the batch stays
    unreceipted and is posted again.
    """
    checked = check([Answered(sealed, data)])
    take(checked)
    return checked[0].receipt


def take(checked: Sequence[Checked]) -> None:
    """Record receipts in one transaction; raises ``ReceiptMismatch``, and then records none."""
    now = timezone.now()
    with transaction.atomic():
        lock_stream(checked[0].answered.sealed.peer)
        with ledger.appending(now=now) as log:
            record(checked, log, now)


def check(answered: Sequence[Answered]) -> list[Checked]:
    """Read receipts and verify their signatures."""
    checked = []
    for answer in answered:
        member = get_member(answer.sealed.peer)
        signed = cose.read1(answer.data, content_type=wire.RECEIPT_TYPE, max_bytes=wire.MAX_RECEIPT)
        receipt = wire.Receipt.decode(signed.payload)
        # The stored receipt of an earlier delivery may come back: its key counts at the time it signed.
        with incidents.noting_once("receipt", answer.data):
            signed.verify(member.verification_key(signed.kid, from_milliseconds(receipt.accepted_at)))
        checked.append(Checked(answer, receipt))
    return checked


def record(checked: Sequence[Checked], log: ledger.Appender, now: datetime) -> None:
    """Record receipts for one peer in the caller's transaction; what is recorded already stays as it is."""
    these, keys = among("id", [each.answered.sealed.pk for each in checked])
    batches = {
        batch.pk: batch for batch in fetch(Batch, f"{these} ORDER BY id", keys, names=_RECEIPTED, lock=True)
    }
    news = []
    for each in checked:
        batch = batches[each.answered.sealed.pk]
        if batch.receipt is None:
            _compare(each.receipt, batch, now)
            news.append((each, batch))
        elif bytes(batch.receipt) != each.answered.data and each.receipt.statement == bytes(
            batch.statement_digest
        ):
            detail = f"batch from number {batch.first}"
            incidents.note(
                batch.peer,
                incidents.RECEIPT_CONFLICT,
                detail,
                each.answered.data,
                bytes(batch.receipt),
                now=now,
            )
    if not news:
        return
    log.append([ledger.Record("receipt-received", each.answered.data) for each, _batch in news])
    update_many(
        Batch,
        ["receipt", "receipted_at", "wire"],
        [(each.answered.data, now, None, batch.pk) for each, batch in news],
    )
    # A notice that a message was handled may have overtaken this receipt: leave that state alone.
    execute_many(_ACCEPT, [(each.receipt.log_first, batch.pk) for each, batch in news if batch.count])
    for each, batch in news:
        _record_refusals(batch, each.receipt, now)
        accepted = each.receipt.statuses.count(None)
        transaction.on_commit(
            partial(
                channel.batch_receipted,
                batch.peer,
                batch.pk,
                accepted=accepted,
                refused=len(each.receipt.statuses) - accepted,
            )
        )
    newest, batch = news[-1]
    update_many(
        Stream,
        ["credits", "last_contact_at", "last_error", "last_error_at"],
        [(newest.receipt.credits, now, "", None, batch.peer)],
        key="peer",
    )


def _compare(receipt: wire.Receipt, batch: Batch, now: datetime) -> None:
    # Which of its keys count is judged at the time that the peer gives: so it is not its own to choose.
    at = from_milliseconds(receipt.accepted_at)
    in_time = batch.sealed_at - RECEIPT_BORNE <= at <= now + RECEIPT_BORNE
    wrong = (
        ("its sides", (receipt.sender, receipt.receiver) != (batch.peer, settings.NODE.side)),
        ("its batch", receipt.statement != bytes(batch.statement_digest)),
        ("its root", receipt.root != bytes(batch.root)),
        ("its number of messages", len(receipt.statuses) != batch.count),
        ("its time", not in_time),
    )
    for detail, is_wrong in wrong:
        if is_wrong:
            raise ReceiptMismatch(peer=batch.peer, detail=detail)


def _record_refusals(batch: Batch, receipt: wire.Receipt, now: datetime) -> None:
    for position, code in enumerate(receipt.statuses):
        if code is not None:
            OutboxMessage.objects.filter(batch=batch, position=position).update(
                state=State.REFUSED, code=keepable(code, 64), finished_at=now
            )
