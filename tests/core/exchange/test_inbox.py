"""The door's transaction: what a whole batch must be, and that a refused one leaves nothing behind."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from core.exchange.peer import HOUR, RECEIPT
from kouan.core import cbor
from kouan.core.errors import KouanError
from kouan.core.exchange import handling, inbox, wire
from kouan.core.exchange.inbox import SequenceGap
from kouan.core.exchange.models import InboxMessage, Incident, ReceivedBatch, Stream
from kouan.core.exchange.opening import NotForUs, RootMismatch, UnknownSealKey
from kouan.core.exchange.times import ClockApart
from kouan.core.ledger import queries as ledger
from kouan.core.trust import document, queries
from kouan.core.trust.errors import (
    BadSignature,
    CannotOpen,
    KeyNotValid,
    MalformedSignature,
    UnknownKey,
    UnknownMember,
    UnknownSuite,
)
from kouan.core.trust.keys import KeyUse
from kouan.core.trust.services import import_document
from kouan.core.trust.store import KeyStore

pytestmark = pytest.mark.usefixtures("note")


def test_a_batch_is_taken_logged_and_receipted(gd):
    posted = gd.batch(gd.say({"text": "one"}), gd.say({"text": "two"}))
    receipt = gd.read_receipt(inbox.accept(posted.wire), posted)
    assert receipt["status"] == [None, None]
    assert receipt["log"] == 0
    assert receipt["credits"] > 0
    assert abs(receipt["at"] - gd.now()) < 60_000

    entries = {entry.index: entry for entry in ledger.entries()}
    assert [entries[at].kind for at in range(3)] == ["received", "received", "receipt-given"]
    for place, (raw, sealed) in enumerate(posted.pairs):
        assert entries[place].body == cbor.encode([raw, wire.digest(sealed)])
    rows = list(InboxMessage.objects.order_by("pk"))
    assert [row.state for row in rows] == ["waiting", "waiting"]
    assert [row.ledger_index for row in rows] == [0, 1]
    assert [row.sequence for row in rows] == [1, 2]
    stream = Stream.objects.get(peer="gd")
    assert (stream.in_sequence, bytes(stream.in_last)) == (2, posted.digest)
    assert handling.handle_waiting() == 2
    assert Group.objects.count() == 2


def test_the_same_batch_again_gets_the_same_receipt_and_has_no_second_effect(gd, unchanged):
    posted = gd.batch(gd.say())
    first = inbox.accept(posted.wire)
    handling.handle_waiting()
    with unchanged():
        assert inbox.accept(posted.wire) == first
        assert inbox.accept(posted.wire, now=timezone.now() + timedelta(days=400)) == first
    gd.advance(posted)
    later = gd.batch(gd.say())
    inbox.accept(later.wire)
    with unchanged():
        assert inbox.accept(posted.wire) == first
    assert ReceivedBatch.objects.count() == 2


def test_batches_follow_each_other(gd, unchanged):
    first = gd.batch(gd.say(), gd.say())
    inbox.accept(first.wire)
    other = gd.batch(gd.say())  # the same place once more, with another content
    with pytest.raises(SequenceGap) as caught:
        inbox.accept(other.wire)
    incident = Incident.objects.get()
    assert (incident.kind, bytes(incident.evidence)) == ("stream-fork", other.signed)
    with unchanged(), pytest.raises(SequenceGap):
        inbox.accept(gd.batch(gd.say()).wire)  # it is told once
    assert caught.value.params == {"first": 1, "expected": 3}
    assert caught.value.status == 409
    gd.advance(first)
    with unchanged(), pytest.raises(SequenceGap):
        inbox.accept(gd.batch(gd.say(), first=4).wire)
    with unchanged(), pytest.raises(SequenceGap):
        inbox.accept(gd.batch(gd.say(), prev=bytes(32)).wire)
    second = gd.batch(gd.say())
    assert gd.read_receipt(inbox.accept(second.wire), second)["status"] == [None]


def test_each_peer_has_a_sequence_of_its_own(peer_of):
    gd, mo = peer_of("gd"), peer_of("mo")
    for peer in (gd, mo):
        posted = peer.batch(peer.say(), peer.say())
        assert peer.read_receipt(inbox.accept(posted.wire), posted)["status"] == [None, None]
    assert {stream.peer: stream.in_sequence for stream in Stream.objects.all()} == {"gd": 2, "mo": 2}


def test_an_old_batch_is_taken_since_it_is_sent_until_it_is_receipted(gd):
    gd.clock = gd.now() - HOUR // 2
    posted = gd.batch(gd.say())
    gd.clock = None
    assert gd.read_receipt(inbox.accept(posted.wire), posted)["status"] == [None]


def test_a_batch_from_the_future_is_refused(gd, unchanged):
    gd.clock = gd.now() + 10 * 60 * 1000
    posted = gd.batch(gd.say())
    with unchanged(), pytest.raises(ClockApart) as caught:
        inbox.accept(posted.wire)
    assert 595 <= caught.value.params["seconds"] <= 600
    assert inbox.accept(posted.wire, now=timezone.now() + timedelta(minutes=9))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"to": "mo"}, NotForUs),
        ({"to": ""}, NotForUs),
        ({"from": "mo"}, UnknownKey),
        ({"from": "xx"}, UnknownMember),
        ({"from": "gd" + "x" * 100}, UnknownMember),
        ({"from": "hk"}, UnknownMember),
        ({"suite": 2}, wire.MalformedWire),
        ({"suite": 99}, UnknownSuite),
        ({"suite": (1 << 64) - 1}, UnknownSuite),
        ({"root": bytes(32)}, RootMismatch),
        ({"n": 2}, RootMismatch),
        ({"n": 0}, wire.MalformedWire),
        ({"n": 1001}, wire.MalformedWire),
        ({"n": -1}, wire.MalformedWire),
        ({"first": 0}, wire.MalformedWire),
        ({"first": 1 << 53}, wire.MalformedWire),
        ({"first": True}, wire.MalformedWire),
        ({"v": 2}, wire.MalformedWire),
        ({"v": "1"}, wire.MalformedWire),
        ({"at": -1}, wire.MalformedWire),
        ({"at": 1 << 53}, wire.MalformedWire),
        ({"at": 1.5}, wire.MalformedWire),
        ({"rkid": bytes(16)}, UnknownSealKey),
        ({"key": bytes(80)}, CannotOpen),
        ({"key": b""}, CannotOpen),
        ({"prev": b""}, wire.MalformedWire),
        ({"extra": 1}, wire.MalformedWire),
        ({"done": [[bytes(15), None, 1]]}, wire.MalformedWire),
        ({"done": [[bytes(16), "x" * 65, 1]]}, wire.MalformedWire),
        ({"done": [[bytes(16), None, -1]]}, wire.MalformedWire),
        ({"done": [[bytes(16), None, True]]}, wire.MalformedWire),
        ({"done": [[bytes(16), None]]}, wire.MalformedWire),
        ({"done": [[bytes(16), None, 1]] * 1001}, wire.MalformedWire),
        ({"done": {}}, wire.MalformedWire),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, dict) else None,
)
def test_a_statement_that_is_not_right_refuses_the_whole_batch(peer_of, unchanged, change, error):
    gd, _mo = peer_of("gd"), peer_of("mo")
    posted = gd.batch(gd.say(), **change)
    with unchanged(), pytest.raises(error) as caught:
        inbox.accept(posted.wire)
    assert len(str(caught.value)) < 300


def test_a_statement_without_a_field_is_refused(gd, unchanged):
    whole = gd.batch(gd.say())
    for name in whole.statement:
        less = {key: value for key, value in whole.statement.items() if key != name}
        with unchanged(), pytest.raises(wire.MalformedWire):
            inbox.accept(resigned(gd, whole, cbor.encode(less)))


def resigned(peer, posted, payload):
    """The batch with another statement under a signature that holds."""
    from kouan.core.trust import cose  # noqa: PLC0415 - only here

    signed = cose.sign1(payload, peer.signer(), content_type="application/kouan-batch+cose")
    return cbor.encode([signed, posted.pairs])


def test_a_signature_by_another_key_is_refused(peer_of, stores, tmp_path, unchanged):
    gd, mo = peer_of("gd"), peer_of("mo")
    stranger = KeyStore.create(tmp_path / "stranger", "gd")
    signer = stranger.signer_of(next(key for key in stranger.keys if key.use is KeyUse.SIGN))
    ours = stores["hk"].signer_of(next(key for key in stores["hk"].keys if key.use is KeyUse.SIGN))
    for key in (signer, ours, mo.signer(), gd.signer(KeyUse.ANCHOR)):
        with unchanged(), pytest.raises(UnknownKey):
            inbox.accept(gd.batch(gd.say(), signer=key).wire)


def test_a_changed_statement_does_not_verify(gd, unchanged):
    posted = gd.batch(gd.say())
    parts = cbor.decode(posted.signed, max_bytes=1 << 20)
    other = cbor.encode({**posted.statement, "at": posted.statement["at"] + 1})
    for changed in (
        [parts[0], {}, other, parts[3]],
        [parts[0], {}, parts[2], bytes(64)],
        [parts[0], {}, parts[2], b"\xff" * 64],
    ):
        with unchanged(), pytest.raises(BadSignature):
            inbox.accept(cbor.encode([cbor.encode(changed), posted.pairs]))
    with unchanged(), pytest.raises(MalformedSignature):
        inbox.accept(gd.batch(gd.say(), typ=RECEIPT).wire)


def test_what_signs_as_one_suite_and_says_another_is_refused(peer_of, unchanged):
    mo = peer_of("mo")
    assert mo.signer().cose_alg == -8
    with unchanged(), pytest.raises(wire.MalformedWire):
        inbox.accept(mo.batch(mo.say(), suite=1).wire)
    posted = mo.batch(mo.say())
    assert mo.read_receipt(inbox.accept(posted.wire), posted)["status"] == [None]


def test_a_key_counts_in_its_time_alone(gd, unchanged):
    key = next(key for key in gd.store.keys if key.use is KeyUse.SIGN)
    for at in (key.since - timedelta(seconds=1), key.until, key.until + timedelta(days=9)):
        gd.clock = int(at.timestamp() * 1000)
        posted = gd.batch(gd.say())
        with unchanged(), pytest.raises(KeyNotValid):
            inbox.accept(posted.wire, now=at)


def test_no_member_can_take_anothers_batches_by_listing_its_key(peer_of, stores, unchanged):
    """A side that puts another side's key into its own document neither speaks for it nor silences it."""
    mo = peer_of("mo")
    gd_store = stores["gd"]
    content = gd_store.content("https://gd.example:8443")
    borrowed = tuple(
        key for key in stores["mo"].content("https://mo.example:8443").keys if key.use is KeyUse.SIGN
    )
    thief = document.Content(
        side="gd",
        door_url=content.door_url,
        log_origin=content.log_origin,
        anchor_spki=content.anchor_spki,
        keys=content.keys + borrowed,
        tls_ca=content.tls_ca,
        suites=content.suites,
    )
    anchor = gd_store.signer(KeyUse.ANCHOR, timezone.now())
    data = document.build(thief, serial=7, issued=timezone.now(), anchor=anchor)
    import_document(data, expected_fingerprint=document.fingerprint(document.parse(data)))
    assert [member.side for member in queries.members()] == ["gd", "mo"]
    posted = mo.batch(mo.say())
    assert mo.read_receipt(inbox.accept(posted.wire), posted)["status"] == [None]


def test_a_batch_sealed_for_another_place_does_not_open(peer_of, unchanged):
    gd, mo = peer_of("gd"), peer_of("mo")
    with unchanged(), pytest.raises(CannotOpen):
        inbox.accept(gd.batch(gd.say(), info=b"elsewhere").wire)
    stolen = mo.batch(mo.say())
    with unchanged(), pytest.raises(CannotOpen):  # mo's wrapped key, under gd's own signature
        inbox.accept(gd.batch(gd.say(), key=stolen.statement["key"]).wire)


def test_messages_other_than_the_signed_ones_refuse_the_batch(gd, unchanged):
    posted = gd.batch(gd.say(), gd.say(), gd.say())
    one, two, three = posted.pairs
    for pairs in (
        [one, two],
        [one, two, three, three],
        [two, one, three],
        [],
        [one, two, [three[0], three[1] + b"\x00"]],
        [one, two, [three[0], two[1]]],
    ):
        with unchanged(), pytest.raises(RootMismatch):
            inbox.accept(cbor.encode([posted.signed, pairs]))


def test_notices_travel_without_messages(gd, unchanged):
    posted = gd.batch(
        notices=[(uuid.uuid4().bytes, None, gd.now()), (uuid.uuid4().bytes, "expired", gd.now())]
    )
    receipt = inbox.accept(posted.wire)
    assert gd.read_receipt(receipt, posted)["status"] == []
    with unchanged():
        assert inbox.accept(posted.wire) == receipt
    gd.advance(posted)
    following = gd.batch(gd.say())
    assert gd.read_receipt(inbox.accept(following.wire), following)["status"] == [None]
    assert [entry.kind for entry in ledger.entries()] == [
        "receipt-given",
        "received",
        "receipt-given",
        "notices-received",
    ]
    assert not Incident.objects.exists()


def test_the_most_messages_that_a_batch_may_hold(gd, unchanged):
    drafts = [gd.say() for _ in range(1001)]
    with unchanged(), pytest.raises(wire.MalformedWire):
        inbox.accept(gd.batch(*drafts).wire)
    most = gd.batch(*drafts[:1000])
    receipt = inbox.accept(most.wire)
    assert len(receipt) < wire.MAX_RECEIPT
    assert gd.read_receipt(receipt, most)["status"] == [None] * 1000


def test_the_longest_receipt_fits(gd):
    """A thousand refusals with the longest code that any error has."""
    longest = max((error.code for error in errors(KouanError)), key=len)
    assert len(longest) <= 64
    receipt = wire.Receipt("hk", "gd", bytes(32), bytes(32), ("x" * 64,) * 1000, 0, 0, 0).encode()
    assert len(receipt) + 512 < wire.MAX_RECEIPT


def errors(base):
    for error in base.__subclasses__():
        yield error
        yield from errors(error)
