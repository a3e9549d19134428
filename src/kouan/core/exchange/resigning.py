"""Signing again what a key of ours signed that was then reported compromised, and that is still on its way.

The peer believes that key in nothing that it has not seen before. It says so of each batch in its turn
(``key-compromised``), after it has looked whether it took in that very batch: so a batch that is signed
again was never accepted under its first signature. What it holds stays the same, byte for byte.
"""

from __future__ import annotations

from dataclasses import replace

from django.db import transaction
from django.utils import timezone

from kouan.core.errors import KouanError
from kouan.core.exchange import wire
from kouan.core.exchange.models import Batch, ReceivedBatch, Stream
from kouan.core.exchange.streams import lock_stream
from kouan.core.exchange.times import milliseconds
from kouan.core.ledger import services as ledger
from kouan.core.trust import cose
from kouan.core.trust.errors import KeyCompromised
from kouan.core.trust.queries import own


def after_refusal(peer: str, error: Exception) -> None:
    """Sign again what waits for a receipt, if the peer refused it for a key that we reported."""
    if isinstance(error, KouanError) and error.params.get("code") == KeyCompromised.code:
        sign_again(peer)


def sign_again(peer: str) -> int:
    """Give the unreceipted batches under reported keys a new signature; return how many have one.

    A statement names the one before it by its digest: so from the first that changes on, all do.
    """
    keys, now = own(), timezone.now()
    with transaction.atomic():
        stream = lock_stream(peer)
        changed: list[Batch] = []
        for batch in Batch.objects.filter(peer=peer, receipt__isnull=True).order_by("pk"):
            signed = cose.read1(
                bytes(batch.statement),
                content_type=wire.BATCH_TYPE,
                max_bytes=wire.MAX_STATEMENT + cose.OVERHEAD,
            )
            if batch.wire is None or not (changed or signed.kids & keys.revoked):
                continue
            statement = replace(
                wire.Statement.decode(signed.payload),
                sealed_at=milliseconds(now),
                suite=keys.suite_at(now).id,
            )
            if changed:
                statement = replace(statement, previous=bytes(changed[-1].statement_digest))
            fresh = cose.sign1(statement.encode(), keys.signer(now), content_type=wire.BATCH_TYPE)
            _, pairs = wire.decode_batch(bytes(batch.wire))
            batch.statement, batch.statement_digest = fresh, wire.digest(fresh)
            batch.wire = wire.encode_batch(fresh, pairs)
            batch.wire_bytes = len(batch.wire)
            batch.save(update_fields=["statement", "statement_digest", "wire", "wire_bytes"])
            changed.append(batch)
        if changed:
            Stream.objects.filter(pk=stream.pk).update(out_last=changed[-1].statement_digest)
            records = [ledger.Record("signed-again", bytes(batch.statement)) for batch in changed]
            ledger.append(records, now=now)
    return len(changed)


def sound_receipt(receipt: bytes) -> bytes:
    """Return a stored receipt of ours, signed again first if its key was reported since."""
    signed = cose.read1(receipt, content_type=wire.RECEIPT_TYPE, max_bytes=wire.MAX_RECEIPT + cose.OVERHEAD)
    keys = own()
    if not signed.kids & keys.revoked:
        return receipt
    now = timezone.now()
    content = replace(wire.Receipt.decode(signed.payload), accepted_at=milliseconds(now))
    with transaction.atomic():
        row = ReceivedBatch.objects.select_for_update().get(statement_digest=content.statement)
        if bytes(row.receipt) != receipt:
            return bytes(row.receipt)
        row.receipt = cose.sign1(content.encode(), keys.signer(now), content_type=wire.RECEIPT_TYPE)
        row.save(update_fields=["receipt"])
        ledger.append([ledger.Record("receipt-given", row.receipt)], now=now)
    return bytes(row.receipt)
