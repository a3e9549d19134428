"""A database that went back: what proves it, what is refused meanwhile, what no word alone can do."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kouan.core.errors import KouanError
from kouan.core.exchange import Keep, bodies, inbox, outbox, sealing, wire, witness
from kouan.core.exchange.models import Batch, Channel, OutboxBody, OutboxMessage, ReceivedBatch, Stream
from kouan.core.exchange.opening import NotForUs
from kouan.core.exchange.recovery import chore, door, halts, recall, resync
from kouan.core.exchange.recovery.forms import (
    STANDING_TYPE,
    Agreement,
    HeldBatch,
    HeldMessage,
    Position,
    Standing,
    decode_hello,
    encode_held,
    encode_hello,
    resync_digest,
)
from kouan.core.exchange.recovery.judging import judge, open_standing
from kouan.core.exchange.recovery.words import halted_channels
from kouan.core.exchange.shapes import MalformedWire
from kouan.core.ledger.merkle import leaf_hash
from kouan.core.trust import cose
from kouan.core.trust.errors import BadSignature, UnknownKey
from kouan.core.trust.queries import get_member

QUICK = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def standing_of(gd, **changed):
    values = {
        "sender": "gd",
        "receiver": "hk",
        "at": gd.now(),
        "halted": None,
        "witnessing": 1,
        "seen": None,
        "took": None,
        "gave": None,
    }
    return Standing(**values | changed)


def hello(gd, agreement=b"", signer=None, **changed):
    return encode_hello(standing_of(gd, **changed).sign(signer or gd.signer()), agreement)


def agreement_of(gd, **changed):
    zero = Position(0, bytes(32))
    values = {
        "sender": "gd",
        "receiver": "hk",
        "at": gd.now(),
        "out": zero,
        "inn": zero,
        "epoch": 1,
        "base": None,
    }
    return Agreement(**values | changed).sign(gd.signer())


def send(note, text="a note"):
    with transaction.atomic():
        return outbox.send(note, to="gd", payload=note.payload(text=text))


def test_a_hello_is_answered_with_our_own_standing(gd):
    signed, agreement = decode_hello(door.answer(door.HELLO, hello(gd)))
    assert agreement == b""
    payload = cose.read1(signed, content_type=STANDING_TYPE, max_bytes=1 << 20).payload
    said = Standing.decode(payload)
    assert (said.sender, said.receiver, said.halted, said.took) == ("hk", "gd", None, None)


def test_what_we_signed_and_do_not_know_is_lost(gd, note):
    send(note)
    (batch,) = sealing.advance("gd")
    statement = bytes(Batch.objects.get().statement)
    shown = standing_of(gd, took=statement)
    assert judge(shown) is None
    OutboxMessage.objects.update(batch=None)
    Batch.objects.all().delete()
    loss = judge(shown)
    assert loss is not None
    assert (loss.sent_there, batch.count) == (1, 1)


def test_a_receipt_that_we_gave_and_do_not_know_is_lost(gd, note):
    posted = gd.batch(gd.say({"text": "one"}))
    inbox.accept(posted.wire)
    row = ReceivedBatch.objects.get()
    shown = standing_of(gd, gave=bytes(row.receipt))
    assert judge(shown) is None
    row.messages.all().delete()
    row.delete()
    assert judge(shown).taken_there


def test_a_checkpoint_of_another_history_is_lost(gd, note, cosigned):
    send(note)
    sealing.advance("gd")
    witness.publish()
    size, body = witness.request_for("gd")
    checkpoint = body.decode().split("\n\n", 1)[1]
    shown = standing_of(gd, seen=checkpoint)
    assert judge(shown) is None
    from kouan.core.ledger.models import Entry, LedgerHead  # noqa: PLC0415 - put back by hand, here alone

    Entry.objects.all().delete()
    LedgerHead.objects.update(size=0, frontier=b"")
    assert judge(shown).ledger_there == size


def test_a_peers_word_alone_makes_no_loss(gd, peer_of, note):
    theirs = gd.batch(gd.say({"text": "one"}))
    with pytest.raises((MalformedWire, UnknownKey, BadSignature)):
        judge(standing_of(gd, took=theirs.signed))
    with pytest.raises(UnknownKey):
        open_standing(standing_of(gd).sign(peer_of("mo").signer()), get_member("gd"))
    with pytest.raises(NotForUs):
        open_standing(standing_of(gd, receiver="mo").sign(gd.signer()), get_member("gd"))
    assert not Channel.objects.exclude(cause="").exists()


def test_nothing_is_taken_in_or_sealed_while_the_channel_is_halted(gd, note, unchanged):
    send(note)
    chore._halt_everywhere("gd", halts.Loss(sent_here=1, sent_there=4), b"proof")
    posted = gd.batch(gd.say({"text": "one"}))
    with unchanged(), pytest.raises(halts.RestoredFromBackup) as caught:
        inbox.accept(posted.wire)
    assert (caught.value.status, caught.value.code) == (503, "restored-from-backup")
    assert sealing.advance("gd") == []
    assert witness.publish() is False
    (view,) = halted_channels()
    assert "1" in view.missing[0]
    assert "4" in view.missing[0]
    assert any("kouan channel resync --peer gd" in step for step in view.steps)


def test_the_peers_halt_is_followed_and_ends_with_it(gd):
    door.answer(door.HELLO, hello(gd, halted="restored"))
    assert halts.halted("gd") == "peer-restored"
    door.answer(door.HELLO, hello(gd))
    assert halts.halted("gd") == ""


def test_an_operators_word_comes_after_the_peer_was_heard(gd):
    with pytest.raises(resync.NotHeardYet):
        resync.agree("gd")
    assert halts.halted("gd") == "asked"
    Channel.objects.update(evidence=standing_of(gd).sign(gd.signer()))
    first = resync.agree("gd")
    assert resync.agree("gd") == first


def test_a_batch_that_the_peer_never_took_is_offered_again_under_the_same_id(gd, note):
    key = send(note)
    (sealed,) = sealing.advance("gd")
    halts.halt("gd", Channel.Cause.ASKED)
    Channel.objects.update(evidence=standing_of(gd).sign(gd.signer()))
    resync.agree("gd")
    door.answer(door.HELLO, hello(gd, agreement_of(gd)))
    Channel.objects.update(delivered=True)
    resync.begin("gd")
    row = OutboxMessage.objects.get(message_id=key)
    assert (row.state, row.batch_id, row.sequence) == ("waiting", None, None)
    (again,) = sealing.advance("gd")
    assert again.statement_digest != sealed.statement_digest
    row.refresh_from_db()
    assert (row.sequence, halts.halted("gd")) == (2, "")


def begun_anew(gd):
    """The streams with Guangdong begin anew; each test's next batch is the first of Guangdong's new one."""
    halts.halt("gd", Channel.Cause.ASKED)
    Channel.objects.update(evidence=standing_of(gd).sign(gd.signer()))
    resync.agree("gd")
    word = agreement_of(gd)
    door.answer(door.HELLO, hello(gd, word))
    Channel.objects.update(delivered=True)
    resync.begin("gd")
    row = Channel.objects.get(peer="gd")
    gd.out_last = resync_digest(bytes(row.ours), bytes(row.theirs))


def status_of(gd, now=None, **header):
    """How a message of Guangdong's is taken."""
    posted = gd.batch(gd.say({"text": "one"}, **header))
    (status,) = gd.read_receipt(inbox.accept(posted.wire, **({} if now is None else {"now": now})), posted)[
        "status"
    ]
    gd.advance(posted)
    return status


def test_what_a_peer_offers_again_counts_from_when_the_streams_began_anew(gd, note):
    """A message of long ago, which this side took and forgot, has the end that it was given anew."""
    life = note.expires_after // timedelta(milliseconds=1)
    old = {"made": gd.now() - 2000 * life}
    assert status_of(gd, **old) == "counts-too-long"
    begun_anew(gd)
    until = gd.now() + life
    assert status_of(gd, **old, until=until) is None
    assert status_of(gd, **old, until=until + life) == "counts-too-long"
    after = {"made": Agreement.read(bytes(Channel.objects.get(peer="gd").theirs)).at + 1}
    assert status_of(gd, **after, until=after["made"] + 2 * life) == "counts-too-long"
    gd.clock = gd.now() + life
    later = timezone.now() + note.expires_after
    assert status_of(gd, **old, until=gd.now() + life, now=later) == "counts-too-long"


def test_what_is_offered_again_twice_counts_no_longer_for_it(gd, note):
    key = send(note)
    OutboxMessage.objects.update(created_at=timezone.now() - timedelta(days=40))
    sealing.advance("gd")
    begun_anew(gd)
    assert OutboxMessage.objects.get(message_id=key).expires_at <= timezone.now() + note.expires_after


def test_what_was_erased_is_not_offered_again(gd, note):
    key = send(note)
    sealing.advance("gd")
    assert bodies.erase_sent([key]) == 0
    assert bodies.erase_sent([key], arrived=True) == 1
    halts.halt("gd", Channel.Cause.ASKED)
    Channel.objects.update(evidence=standing_of(gd).sign(gd.signer()))
    resync.agree("gd")
    door.answer(door.HELLO, hello(gd, agreement_of(gd)))
    Channel.objects.update(delivered=True)
    resync.begin("gd")
    row = OutboxMessage.objects.get(message_id=key)
    assert (row.state, row.code, row.batch_id) == ("cancelled", "erased", None)
    assert sealing.advance("gd") == []


def test_what_the_peer_said_before_it_began_anew_halts_nothing_again(gd, note):
    send(note)
    sealing.advance("gd")
    halts.halt("gd", Channel.Cause.ASKED)
    Channel.objects.update(evidence=standing_of(gd).sign(gd.signer()))
    resync.agree("gd")
    word = agreement_of(gd)
    door.answer(door.HELLO, hello(gd, word))
    Channel.objects.update(delivered=True)
    resync.begin("gd")
    halts.doubt("gd")
    of_before = {"halted": "peer-restored", "witnessing": 2}
    chore.hear(get_member("gd"), hello(gd, word, **of_before))
    assert (halts.halted("gd"), halts.may_go("gd")) == ("", False)
    chore.hear(get_member("gd"), hello(gd))
    assert (halts.halted("gd"), halts.may_go("gd")) == ("", True)
    chore.hear(get_member("gd"), hello(gd, agreement_of(gd, at=gd.now() + 1), **of_before))
    assert halts.halted("gd") == "restored"


def test_a_ledger_goes_on_only_from_what_was_co_signed(gd):
    halts.channel("gd")
    Channel.objects.update(log_epoch=3)
    with pytest.raises(resync.UnprovenBase):
        door.answer(door.HELLO, hello(gd, agreement_of(gd, epoch=2)))


def test_what_the_peer_hands_out_must_be_ours(gd, note, unchanged):
    theirs = gd.batch(gd.say({"text": "one"}))
    held = HeldBatch(
        theirs.signed, b"receipt", (bytes(32),), (HeldMessage(b"h", bytes(32), None, "handled", ""),)
    )
    with unchanged(), pytest.raises(KouanError):
        recall.take_recalled("gd", encode_held(held))
    assert recall.take_recalled("gd", encode_held(None)) == b""


def held_by(gd, opened, **changed):
    """What gd keeps of a batch of ours: ``changed`` are its parts."""
    pairs = [(raw, wire.digest(sealed)) for raw, sealed in opened.pairs]
    values = {
        "statement": opened.signed,
        "receipt": gd.receipt(opened),
        "leaves": tuple(leaf_hash(wire.leaf(*pair)) for pair in pairs),
        "messages": tuple(HeldMessage(*pair, None, "handled", "") for pair in pairs),
    }
    return HeldBatch(**values | changed)


def recalled(held, *, known):
    """Take what gd hands out, by a node that has forgotten it unless it is ``known``."""
    with transaction.atomic():
        if not known:
            OutboxMessage.objects.filter(peer="gd").delete()
            Batch.objects.all().delete()
        return recall.take_recalled("gd", encode_held(held))


@pytest.mark.parametrize("known", [True, False])
def test_what_the_peer_still_holds_is_put_on_record_message_by_message(gd, note, known):
    keys = [send(note), send(note)]
    opened = gd.open(sealing.seal_batch("gd").wire)
    held = held_by(gd, opened)
    some = replace(held, messages=held.messages[1:])  # of the other the peer keeps no row
    assert recalled(some, known=known) == wire.digest(opened.signed)
    states = dict(OutboxMessage.objects.values_list("message_id", "state"))
    assert states == {keys[1]: "handled"} | ({keys[0]: "accepted"} if known else {})
    assert bytes(Batch.objects.get().leaves) == b"".join(held.leaves)


def test_a_recalled_batch_holds_nothing_but_what_was_signed(gd, note, unchanged):
    """Whatever else the peer says of our messages: those to a third side, ones that it made up, one twice."""
    send(note)
    opened = gd.open(sealing.seal_batch("gd").wire)
    other = OutboxMessage.objects.create(
        message_id=uuid.uuid4(), peer="mo", type="x.y", version=1, conversation=uuid.uuid4(), agreement="a",
        agreement_digest=b"", clause="1", size=1, body_digest=b"", state="sealed",
        created_at=timezone.now(), expires_at=timezone.now(),
    )  # fmt: skip
    held = held_by(gd, opened)
    (message,) = held.messages
    header = wire.Header.decode(message.header)
    made_up = replace(message, header=replace(header, id=other.message_id, receiver="mo").encode())
    elsewhere = replace(message, header=replace(header, sequence=header.sequence + 1).encode())
    for changed in (
        {"messages": (made_up,)},
        {"messages": (elsewhere,)},
        {"messages": (replace(message, sealed=bytes(32)),)},
        {"messages": (message, message)},
        {"leaves": ()},
        {"leaves": (leaf_hash(wire.leaf(made_up.header, made_up.sealed)),), "messages": (made_up,)},
    ):
        for known in (True, False):
            with unchanged(), pytest.raises(MalformedWire):
                recalled(replace(held, **changed), known=known)
    assert recall.take_recalled("gd", encode_held(held))


@QUICK
@given(data=st.binary(max_size=300))
def test_any_bytes_are_refused(data, gd):
    for path in door.LIMITS:
        with pytest.raises(KouanError) as caught:
            door.answer(path, data)
        assert 400 <= caught.value.status < 500
    if data == encode_held(None):  # the one that says that there is nothing more
        return
    with pytest.raises(KouanError):
        recall.take_recalled("gd", data)


@QUICK
@given(draw=st.data())
def test_a_hello_with_something_changed_is_refused(draw, gd):
    data = bytearray(hello(gd, agreement_of(gd)))
    at = draw.draw(st.integers(0, len(data) * 8 - 1))
    data[at // 8] ^= 1 << at % 8
    with pytest.raises(KouanError) as caught:
        door.answer(door.HELLO, bytes(data))
    assert 400 <= caught.value.status < 500


@pytest.mark.parametrize("kept", [True, False])
def test_what_the_peer_hands_out_stays_as_long_as_anything_that_was_sent(gd, declare, kept):
    key = send(declare("test.note", keep=Keep.TERM))
    (sealed,) = sealing.advance("gd")
    row = OutboxMessage.objects.get(message_id=key)
    held = held_by(gd, gd.open(sealed.wire))
    (message,) = held.messages
    held = replace(held, messages=(replace(message, body=row.body if kept else None),))
    OutboxMessage.objects.all().delete()
    Batch.objects.all().delete()
    Stream.objects.update(out_sequence=0, out_last=bytes(32))
    assert recall.take_recalled("gd", encode_held(held))
    back = OutboxMessage.objects.get(message_id=key)
    assert (back.state, back.size > 0) == ("handled", kept)
    assert list(OutboxBody.objects.values_list("keep", flat=True)) == (["term"] if kept else [])
