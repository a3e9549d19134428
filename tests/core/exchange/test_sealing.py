"""From the outbox to a posted batch and back with its receipt, against a peer that reads for itself."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from core.exchange.peer import BATCH
from kouan.core.exchange import inbox, opening, outbox, sealing, wire
from kouan.core.exchange.models import Batch, OutboxMessage, Stream
from kouan.core.exchange.receipts import ReceiptMismatch, take_receipt
from kouan.core.exchange.sealing import seal_batch, unreceipted
from kouan.core.ledger import queries as ledger
from kouan.core.trust.errors import BadSignature, KeyNotValid, MalformedSignature, UnknownKey
from kouan.core.trust.keys import KeyUse

SEALED, ACCEPTED, HANDLED, REFUSED = (
    OutboxMessage.State.SEALED,
    OutboxMessage.State.ACCEPTED,
    OutboxMessage.State.HANDLED,
    OutboxMessage.State.REFUSED,
)


@pytest.fixture
def send(note):
    def queue(*texts, to="gd", crossing=None, **more):
        kind = crossing or note
        with transaction.atomic():
            return [outbox.send(kind, to=to, payload=kind.payload(text=text), **more) for text in texts]

    return queue


def states():
    return list(OutboxMessage.objects.order_by("pk").values_list("state", "code"))


def test_the_peer_can_read_what_was_sealed(gd, send):
    conversation = uuid.uuid4()
    ids = send("one", "two", conversation=conversation)
    sealed = seal_batch("gd")
    opened = gd.open(sealed.wire)
    assert [header["id"] for header in opened.headers] == [each.bytes for each in ids]
    assert opened.payloads == [{"text": "one"}, {"text": "two"}]
    for header in opened.headers:
        assert (header["from"], header["to"], header["type"], header["tv"]) == ("hk", "gd", "test.note", 1)
        assert header["basis"] == ["tests", gd.agreement.digest, "1"]
        assert (header["consent"], header["conv"]) == (None, conversation.bytes)
        assert header["until"] - header["made"] == 3_600_000
    assert states() == [(SEALED, "")] * 2
    assert [entry.kind for entry in ledger.entries()] == ["sent", "sent"]
    receipt = take_receipt(sealed, gd.receipt(opened))
    assert receipt.log_first == 7
    assert states() == [(ACCEPTED, "")] * 2
    assert list(OutboxMessage.objects.order_by("pk").values_list("peer_ledger_index", flat=True)) == [7, 8]
    stream = Stream.objects.get(peer="gd")
    assert (stream.out_sequence, bytes(stream.out_last)) == (2, wire.digest(opened.signed))
    assert (stream.credits, stream.last_error) == (1 << 20, "")
    assert ledger.entries(limit=1)[0].kind == "receipt-received"
    assert Batch.objects.get().wire is None


def test_batches_follow_each_other_in_order(gd, send, settings):
    settings.NODE = replace(settings.NODE, exchange=replace(settings.NODE.exchange, batch_max=2))
    send("1", "2", "3", "4", "5")
    seen = []
    while (sealed := seal_batch("gd")) is not None:
        opened = gd.open(sealed.wire)  # checks number and previous root
        seen.append([payload["text"] for payload in opened.payloads])
        take_receipt(sealed, gd.receipt(opened))
    assert seen == [["1", "2"], ["3", "4"], ["5"]]


def test_the_same_bytes_go_until_the_receipt_is_here(gd, send):
    assert unreceipted("gd") == []
    send("one")
    sealed = seal_batch("gd")
    send("two")
    assert unreceipted("gd") == [sealed]
    following = seal_batch("gd")  # sealed ahead; the older one goes first until it is receipted
    assert unreceipted("gd") == [sealed, following]
    assert unreceipted("gd", after=sealed.pk) == [following]
    assert unreceipted("gd", after=following.pk) == []
    take_receipt(sealed, gd.receipt(gd.open(sealed.wire)))
    assert unreceipted("gd") == [following]
    opened = gd.open(following.wire)
    assert opened.payloads == [{"text": "two"}]
    take_receipt(following, gd.receipt(opened))
    assert unreceipted("gd") == []


def test_a_batch_never_grows_beyond_what_the_door_takes(gd, send, declare):
    large = declare("test.large", max_bytes=1 << 20)
    text = "x" * 100_000
    send(*[text] * 200, crossing=large)
    counts = []
    while (sealed := seal_batch("gd")) is not None:
        assert len(sealed.wire) <= wire.MAX_BATCH_BYTES
        opened = gd.open(sealed.wire)
        counts.append(len(opened.payloads))
        take_receipt(sealed, gd.receipt(opened, credits=64 << 20))
    assert sum(counts) == 200
    assert len(counts) == 2


def test_nothing_to_seal(gd, note):
    assert seal_batch("gd") is None
    assert not Batch.objects.exists()


def test_what_has_expired_is_not_sealed(gd, send):
    send("late")
    OutboxMessage.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert seal_batch("gd") is None


def test_two_sealed_messages_share_no_bytes(gd, send):
    """The same payload twice: the salt and the key of each differ."""
    send("same", "same")
    opened = gd.open(seal_batch("gd").wire)
    (_, one), (_, two) = opened.pairs
    assert one != two
    assert opened.headers[0]["body"] != opened.headers[1]["body"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"batch": bytes(32)}, ReceiptMismatch),
        ({"root": bytes(32)}, ReceiptMismatch),
        ({"status": []}, ReceiptMismatch),
        ({"status": [None, None, None]}, ReceiptMismatch),
        ({"from": "mo"}, ReceiptMismatch),
        ({"to": "mo"}, ReceiptMismatch),
        ({"v": 2}, wire.MalformedWire),
        ({"status": [None, 5]}, wire.MalformedWire),
        ({"status": "ok"}, wire.MalformedWire),
        ({"log": -1}, wire.MalformedWire),
        ({"log": 1 << 53}, wire.MalformedWire),
        ({"credits": -1}, wire.MalformedWire),
        ({"credits": 1 << 63}, wire.MalformedWire),
        ({"root": bytes(31)}, wire.MalformedWire),
        ({"more": 1}, wire.MalformedWire),
        ({"at": 0}, KeyNotValid),
    ],
    ids=str,
)
def test_a_receipt_that_is_not_for_this_batch_changes_nothing(gd, send, unchanged, change, error):
    send("one", "two")
    sealed = seal_batch("gd")
    opened = gd.open(sealed.wire)
    with unchanged(), pytest.raises(error):
        take_receipt(sealed, gd.receipt(opened, take=False, **change))
    assert unreceipted("gd") == [sealed]
    take_receipt(sealed, gd.receipt(opened))
    assert states() == [(ACCEPTED, "")] * 2


def test_a_receipt_signed_by_anybody_else(peer_of, send, unchanged, stores):
    gd, mo = peer_of("gd"), peer_of("mo")
    send("one")
    sealed = seal_batch("gd")
    opened = gd.open(sealed.wire)
    own = stores["hk"].signer_of(next(key for key in stores["hk"].keys if key.use is KeyUse.SIGN))
    for signer in (mo.signer(), own, gd.signer(KeyUse.ANCHOR)):
        with unchanged(), pytest.raises(UnknownKey):
            take_receipt(sealed, gd.receipt(opened, take=False, signer=signer))
    good = bytearray(gd.receipt(opened))
    good[-1] ^= 1
    with unchanged(), pytest.raises(BadSignature):
        take_receipt(sealed, bytes(good))
    for nonsense in (b"", b"ok", b"\xd8\x1c\x81\xd8\x1d\x00", bytes(200_000), gd.receipt(opened, typ=BATCH)):
        with unchanged(), pytest.raises(MalformedSignature):
            take_receipt(sealed, nonsense)


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_receipt_is_of_the_time_in_which_the_batch_was_taken(gd, send, unchanged, hours):
    """Its time says which of the peer's keys count, so that it is not the signer's to choose."""
    send("one")
    sealed = seal_batch("gd")
    opened = gd.open(sealed.wire)
    with unchanged(), pytest.raises(ReceiptMismatch, match="its time"):
        take_receipt(sealed, gd.receipt(opened, at=gd.now() + hours * 3_600_000))
    take_receipt(sealed, gd.receipt(opened, take=False))


def test_an_earlier_batchs_receipt_does_not_do_for_the_next(gd, send, unchanged):
    send("one")
    first = seal_batch("gd")
    receipt = gd.receipt(gd.open(first.wire))
    take_receipt(first, receipt)
    send("two")
    second = seal_batch("gd")
    with unchanged(), pytest.raises(ReceiptMismatch):
        take_receipt(second, receipt)
    with unchanged():
        take_receipt(first, receipt)  # the same receipt again is no news


def test_what_the_peer_refused_is_a_dead_letter_and_the_rest_is_not(gd, send):
    send("one", "two", "three")
    sealed = seal_batch("gd")
    take_receipt(sealed, gd.receipt(gd.open(sealed.wire), None, "ill-formed-payload", "x" * 500))
    assert states() == [(ACCEPTED, ""), (REFUSED, "ill-formed-payload"), (REFUSED, "x" * 64)]


def test_a_notice_may_overtake_the_receipt(gd, send, note):
    ids = send("one", "two")
    sealed = seal_batch("gd")
    opened = gd.open(sealed.wire)
    notices = gd.batch(notices=[(ids[0].bytes, None, gd.now()), (ids[1].bytes, "not-found", gd.now())])
    inbox.accept(notices.wire)
    assert states() == [(HANDLED, ""), (REFUSED, "not-found")]
    take_receipt(sealed, gd.receipt(opened))
    assert states() == [(HANDLED, ""), (REFUSED, "not-found")]


def test_notices_about_anything_else_change_nothing(peer_of, send, unchanged):
    gd, mo = peer_of("gd"), peer_of("mo")
    ids = send("for gd")
    sealed = seal_batch("gd")
    take_receipt(sealed, gd.receipt(gd.open(sealed.wire)))
    waiting = send("still here")
    foreign = mo.batch(notices=[(ids[0].bytes, None, mo.now()), (uuid.uuid4().bytes, "gone", mo.now())])
    inbox.accept(foreign.wire)
    early = gd.batch(notices=[(waiting[0].bytes, None, gd.now()), (ids[0].bytes, None, gd.now())])
    inbox.accept(early.wire)
    assert states() == [(HANDLED, ""), ("waiting", "")]
    gd.advance(early)
    inbox.accept(gd.batch(notices=[(ids[0].bytes, "changed-my-mind", gd.now())]).wire)
    assert states() == [(HANDLED, ""), ("waiting", "")]


def test_how_messages_ended_travels_back(gd, note, declare, monkeypatch):
    from kouan.core.exchange import handling  # noqa: PLC0415 - only here

    stubborn = declare("test.reply")

    @stubborn.handler
    def _refuse(_received):
        raise opening.Expired

    posted = gd.batch(gd.say(), gd.say(type_="test.reply"), gd.say(type="test.unheard-of"))
    inbox.accept(posted.wire)
    assert handling.handle_waiting() == 2
    assert seal_batch("gd") is None  # a notice waits a moment for company
    monkeypatch.setattr(sealing, "NOTICE_LINGER", timedelta(0))
    sealed = seal_batch("gd")
    opened = gd.open(sealed.wire)
    told = {message: code for message, code, _at in opened.statement["done"]}
    one, two, _three = (draft[0] for draft in posted.pairs)
    from kouan.core import cbor  # noqa: PLC0415 - only here

    ids = [cbor.decode(raw, max_bytes=1024)["id"] for raw in (one, two)]
    assert told == {ids[0]: None, ids[1]: "expired"}  # the third was refused by the receipt already
    take_receipt(sealed, gd.receipt(opened))
    assert seal_batch("gd") is None
