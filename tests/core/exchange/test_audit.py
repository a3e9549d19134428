"""The audit: a sound node passes, and one changed bit anywhere is named where it is."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from django.db import connection, transaction
from django.utils import timezone

from core.exchange.authority import establish, serving
from core.exchange.declared import Note
from kouan.core.exchange import agreements, handling, inbox, outbox, stamping, witness
from kouan.core.exchange.audit import audit
from kouan.core.exchange.models import (
    Batch,
    InboxBody,
    InboxMessage,
    KeptAgreement,
    OutboxBody,
    OutboxMessage,
    ReceivedBatch,
    Stream,
)
from kouan.core.exchange.receipts import take_receipt
from kouan.core.exchange.sealing import seal_batch
from kouan.core.ledger import services as ledger
from kouan.core.ledger.models import Cosignature, Entry, LedgerHead, SignedCheckpoint, Tile, TimeStamp
from kouan.sections import TimeSettings


@pytest.fixture
def lived(gd, note, cosigned):
    """A node that has sent, received, handled, refused and been refused, with some tiles in its ledger."""
    with transaction.atomic():
        for number in range(4):
            outbox.send(note, to="gd", payload=Note(text=f"outward {number}"))
    sealed = seal_batch("gd")
    opened = gd.open(sealed.wire)
    take_receipt(sealed, gd.receipt(opened, None, "ill-formed-payload", None, None))
    handling.report_undelivered()
    cosigned(gd)
    told = [
        [opened.headers[0]["id"], None, gd.now()],
        [opened.headers[2]["id"], "not-wanted", gd.now()],
    ]
    posted = gd.batch(gd.say({"text": "inward"}), gd.say({"text": "x" * 5000}), gd.say(), notices=told)
    inbox.accept(posted.wire)
    gd.advance(posted)
    handling.handle_waiting()
    InboxMessage.objects.update(finished_at=timezone.now() - timezone.timedelta(seconds=5))
    answered = seal_batch("gd")
    take_receipt(answered, gd.receipt(gd.open(answered.wire)))
    with transaction.atomic():
        ledger.append([ledger.Record("filling", bytes([at % 256])) for at in range(700)])
    cosigned(gd)
    with transaction.atomic():
        outbox.send(note, to="gd", payload=Note(text="waits"))
        ledger.append([ledger.Record("filling", b"beyond the checkpoint")] * 600)
    agreements.keep_all()
    return gd


def flip(row, column):
    """Change one bit of a value as it stands in the database."""
    value = getattr(row, column)
    if isinstance(value, (bytes, memoryview)):
        data = bytearray(value)
        data[len(data) // 2] ^= 4
        changed = bytes(data)
    elif isinstance(value, bool):
        changed = not value
    elif isinstance(value, int):
        changed = value ^ 64
    elif isinstance(value, uuid.UUID):
        changed = uuid.UUID(int=value.int ^ 1 << 64)
    else:
        at = len(value) // 2
        changed = value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :]
    type(row).objects.filter(pk=row.pk).update(**{column: changed})


def found(**options):
    return {(problem.where, problem.code) for problem in audit(**options).problems}


def test_a_node_that_has_lived_is_sound(lived):
    findings = audit(signatures=True)
    assert findings.problems == []
    assert findings.holds
    assert findings.entries == Entry.objects.count() > 1300
    assert findings.tiles == 5  # two stored, three that no checkpoint has asked for
    assert (findings.checkpoints, findings.cosignatures) == (2, 2)
    assert (findings.batches, findings.messages) == (3, 7)
    assert findings.erased == findings.unknown_keys == 0


def test_an_empty_node_is_sound(gd):
    assert audit().problems == []


def test_erased_entries_are_counted_and_sound(lived):
    ledger.erase(index=OutboxMessage.objects.filter(batch__isnull=False)[0].ledger_index)
    findings = audit()
    assert findings.problems == []
    assert findings.erased == 1


ENTRY = "entry 7"
CASES = [
    (Entry, {"pk": 7}, "record", (ENTRY, "hash")),
    (Entry, {"pk": 7}, "salt", (ENTRY, "hash")),
    (Entry, {"pk": 7}, "leaf_hash", (ENTRY, "hash")),
    (Entry, {"kind": "sent"}, "kind", ("message hk", "entry")),
    (Entry, {"kind": "received"}, "kind", ("message gd", "entry")),
    (Entry, {"kind": "receipt-given"}, "kind", ("batch gd→hk 1+3", "receipt-not-logged")),
    (Entry, {"kind": "receipt-received"}, "record", ("batch hk→gd 1+4", "receipt-not-logged")),
    (Tile, {"level": 0, "index": 0}, "hashes", ("tile 0/0", "tile-hashes")),
    (Tile, {"level": 0, "index": 1}, "root", ("tile 0/1", "tile-root")),
    (Tile, {"level": 0, "index": 1}, "index", ("tile 0/1", "missing")),
    (LedgerHead, {"pk": 1}, "size", ("head", "size")),
    (LedgerHead, {"pk": 1}, "frontier", ("head", "frontier")),
    (SignedCheckpoint, {}, "root", ("checkpoint", "root")),
    (SignedCheckpoint, {}, "size", ("checkpoint", "root")),
    (SignedCheckpoint, {}, "note", ("checkpoint", "signature")),
    (Cosignature, {}, "line", ("cosignature", "signature")),
    (KeptAgreement, {}, "source", ("agreement", "agreement")),
    (KeptAgreement, {}, "digest", ("agreement", "agreement")),
    (Stream, {}, "out_sequence", ("stream hk→gd", "stream")),
    (Stream, {}, "in_sequence", ("stream gd→hk", "stream")),
    (Stream, {}, "out_last", ("stream hk→gd", "stream")),
    (Stream, {}, "in_last", ("stream gd→hk", "stream")),
    *[(model, {"count__gt": 0}, column, (name, code))
      for model, name in ((Batch, "batch hk→gd"), (ReceivedBatch, "batch gd→hk"))
      for column, code in (
          ("statement", "statement"), ("statement_digest", "statement"), ("leaves", "leaves"),
          ("root", "columns"), ("first", "columns"), ("count", "columns"), ("receipt", "receipt-not-logged"),
      )],
    *[(model, {}, column, (name, code))
      for model, name in ((OutboxMessage, "message hk"), (InboxMessage, "message gd"))
      for column, code in (
          ("header", "leaf"), ("ciphertext_digest", "leaf"), ("size", "body"), ("ledger_index", "entry"),
          ("sequence", "header"), ("message_id", "header"), ("conversation", "header"), ("type", "header"),
          ("agreement", "header"), ("clause", "header"), ("state", "state"),
      )],
    (OutboxMessage, {}, "body_digest", ("message hk", "body")),
    (OutboxBody, {}, "body", ("message hk", "body")),
    (InboxBody, {}, "body", ("message gd", "body")),
    (OutboxMessage, {"state": "refused"}, "code", ("message hk", "state")),
    (InboxMessage, {"state": "refused"}, "code", ("message gd", "state")),
    (InboxMessage, {}, "header_digest", ("message gd", "header")),
    (OutboxMessage, {}, "position", ("batch hk→gd 1+4", "columns")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("model", "which", "column", "expected"), CASES, ids=[f"{m.__name__}.{c}" for m, _w, c, _e in CASES]
)
def test_a_changed_bit_is_named(lived, model, which, column, expected):
    rows = model.objects.filter(**which).order_by("pk")
    if model is OutboxMessage:
        rows = rows.filter(batch__isnull=False)
    flip(rows[0], column)
    where, code = expected
    problems = found()
    assert any(place.startswith(where) and kind == code for place, kind in problems), problems


@pytest.mark.parametrize("state", OutboxMessage.State.values)
def test_a_message_in_a_state_that_it_cannot_be_in(lived, state):
    rows = OutboxMessage.objects.filter(batch__isnull=False).order_by("pk")
    for row in rows:
        if row.state == state:
            continue
        OutboxMessage.objects.filter(pk=row.pk).update(state=state)
        assert (f"message hk {row.message_id}", "state") in found(), (row.state, state)
        OutboxMessage.objects.filter(pk=row.pk).update(state=row.state)


def test_what_is_missing_is_named(lived):
    with connection.cursor() as cursor:
        cursor.execute('DELETE FROM ledger_entry WHERE "index" = 300')
    assert ("entry 300", "missing") in found()


def test_a_missing_tile_and_one_too_many(lived):
    Tile.objects.filter(index=1).delete()
    Tile.objects.create(level=0, index=9, root=bytes(32), hashes=bytes(8192))
    assert {("tile 0/1", "missing"), ("tile 0/9", "surplus")} <= found()


def test_a_missing_message_is_named_in_both_directions(lived):
    OutboxMessage.objects.filter(state="handled").delete()
    InboxMessage.objects.filter(state="handled", position=0).delete()
    problems = found()
    assert ("batch hk→gd 1+4", "columns") in problems
    assert ("batch gd→hk 1+3, number 1", "missing") in problems


def test_a_message_that_was_never_sealed_cannot_be_in_the_ledger(lived):
    row = OutboxMessage.objects.get(state="waiting")
    OutboxMessage.objects.filter(pk=row.pk).update(state="handled", ledger_index=3)
    assert {(f"message hk {row.message_id}", code) for code in ("state", "entry")} <= found()


def test_a_rewritten_ledger_that_agrees_with_itself_is_still_found(lived):
    """Whoever changes a record and all hashes over it cannot make the log's signatures."""
    from kouan.core.ledger.merkle import Frontier, entry_hash, root_of  # noqa: PLC0415 - for this test alone

    row = Entry.objects.get(pk=300)
    forged = entry_hash(bytes(row.salt), b"forged")
    Entry.objects.filter(pk=300).update(record=b"forged", leaf_hash=forged)
    hashes = [bytes(each) for each in Entry.objects.order_by("pk").values_list("leaf_hash", flat=True)]
    tree = Frontier()
    tree.extend(hashes)
    LedgerHead.objects.update(frontier=tree.to_bytes())
    tile = hashes[256:512]
    Tile.objects.filter(index=1).update(hashes=b"".join(tile), root=root_of(tile))
    newest = SignedCheckpoint.objects.order_by("-size")[0]
    SignedCheckpoint.objects.filter(pk=newest.pk).update(root=root_of(hashes[: newest.size]))
    assert found() == {(f"checkpoint {newest.size}", "note")}


def test_signatures_of_batches_and_receipts(lived, monkeypatch):
    """Bytes that agree with each other everywhere, and whose signature is another's."""
    from kouan.core.exchange import wire  # noqa: PLC0415 - for this test alone
    from kouan.core.trust import cose  # noqa: PLC0415 - as above

    batch = ReceivedBatch.objects.order_by("pk")[0]
    payload = cose.read1(bytes(batch.statement), content_type=wire.BATCH_TYPE, max_bytes=1 << 20).payload
    changed = bytearray(batch.statement)
    changed[-1] ^= 1
    assert cose.read1(bytes(changed), content_type=wire.BATCH_TYPE, max_bytes=1 << 20).payload == payload
    ReceivedBatch.objects.filter(pk=batch.pk).update(
        statement=bytes(changed), statement_digest=wire.digest(bytes(changed))
    )
    assert ("batch gd→hk 1+3", "signature") in found(signatures=True)


def test_time_stamps_are_audited(lived, settings, tmp_path, cosigned):
    authority = establish(tmp_path)
    with serving(authority.reply) as url:
        settings.NODE = replace(settings.NODE, time=TimeSettings(url, authority.ca))
        witness.publish()
        stamping.stamp_due()
    findings = audit()
    assert (findings.problems, findings.stamps) == ([], 1)
    row = TimeStamp.objects.select_related("checkpoint").get()
    for column in ("token", "chain"):
        before = bytes(getattr(row, column))
        flip(row, column)
        assert (f"time-stamp {row.checkpoint.size}", "stamp") in found()
        TimeStamp.objects.update(**{column: before})
    TimeStamp.objects.update(at=row.at + timezone.timedelta(seconds=1))
    assert (f"time-stamp {row.checkpoint.size}", "stamp") in found()
