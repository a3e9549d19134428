"""One bad message in a batch: refused alone, by its code in the receipt, while the rest goes on."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from core.exchange.peer import HOUR, sha256
from kouan.core import cbor
from kouan.core.exchange import Consent, handling, inbox, wire
from kouan.core.exchange.models import InboxMessage, Incident
from kouan.core.ledger import queries as ledger

pytestmark = pytest.mark.usefixtures("note")


def undecryptable(gd):
    draft = gd.say()
    draft.sealed = bytes(64)
    return draft


def too_short_to_open(gd):
    draft = gd.say()
    draft.sealed = b""
    return draft


def sealed_under_anothers_key(gd):
    draft = gd.say()
    draft.key_of = bytes(16)
    return draft


def header_with_trailing_bytes(gd):
    draft = gd.say()
    draft.raw_header = cbor.encode({"seq": 2} | draft.header) + b"\x00"
    return draft


def header_with_keys_in_another_order(gd):
    draft = gd.say()
    fields = {"seq": 2} | draft.header
    draft.raw_header = b"\xae" + b"".join(
        cbor.encode(key) + cbor.encode(fields[key]) for key in reversed(list(fields))
    )
    return draft


def header_with_a_tag(gd):
    draft = gd.say()
    draft.raw_header = b"\xd8\x1c" + cbor.encode({"seq": 2} | draft.header)
    return draft


def body_of_three_parts(gd):
    return gd.say(raw_body=cbor.encode([bytes(16), b"", b""]))


def payload_twice(gd):
    return gd.say(raw_body=cbor.encode([bytes(16), cbor.encode({"text": "a"})]) * 2)


def deep_payload(gd):
    return gd.say(raw_payload=b"\x81" * 400 + b"\x80")


def cyclic_payload(gd):
    return gd.say(raw_payload=bytes.fromhex("d81c81d81d00"))


def payload_with_duplicate_keys(gd):
    return gd.say(raw_payload=bytes.fromhex("a2647465787461616474657874 6162".replace(" ", "")))


POISON = {
    "cannot-open": [undecryptable, too_short_to_open, sealed_under_anothers_key],
    "unreadable": [lambda gd: gd.say(body=sha256(b"another content"))],
    "not-deterministic-cbor": [
        header_with_trailing_bytes,
        header_with_keys_in_another_order,
        header_with_a_tag,
        deep_payload,
        cyclic_payload,
        payload_with_duplicate_keys,
        lambda gd: gd.say(type="x" * 1100),
        lambda gd: gd.say(raw_payload=b""),
        lambda gd: gd.say(raw_payload=b"\xff"),
        lambda gd: gd.say(raw_payload=b"\x9f\xff"),
    ],
    "malformed-wire": [
        body_of_three_parts,
        payload_twice,
        lambda gd: gd.say(v=2),
        lambda gd: gd.say(id=bytes(15)),
        lambda gd: gd.say(body=bytes(31)),
        lambda gd: gd.say(basis=["tests", bytes(32)]),
        lambda gd: gd.say(basis=["tests", bytes(31), "1"]),
        lambda gd: gd.say(basis=["tests", None, "1"]),
        lambda gd: gd.say(consent=5),
        lambda gd: gd.say(made=-1),
        lambda gd: gd.say(until=1 << 53),
        lambda gd: gd.say(until=1.5),
        lambda gd: gd.say(tv=1 << 16),
        lambda gd: gd.say(tv=True),
        lambda gd: gd.say(more=1),
        lambda gd: gd.say(raw_body=b"\xf6"),
        lambda gd: gd.say(raw_body=b"\x40"),
    ],
    "undeclared-crossing": [
        lambda gd: gd.say(type="test.unheard-of"),
        lambda gd: gd.say(type=""),
        lambda gd: gd.say(type="香港" * 40),
        lambda gd: gd.say(tv=2),
        lambda gd: gd.say(tv=0),
    ],
    "ill-formed-payload": [
        lambda gd: gd.say({}),
        lambda gd: gd.say({"text": 5}),
        lambda gd: gd.say({"text": b"bytes"}),
        lambda gd: gd.say({"text": "a", "more": "b"}),
        lambda gd: gd.say({"text": {"a": 1}}),
        lambda gd: gd.say({5: "a"}),
        lambda gd: gd.say([]),
        lambda gd: gd.say(raw_payload=b"\xf6"),
        lambda gd: gd.say(raw_payload=b"\x1b" + b"\xff" * 8),
    ],
    "oversized-payload": [lambda gd: gd.say({"text": "x" * 4090})],
    "expired": [
        lambda gd: gd.say(until=gd.now() - 1000),
        lambda gd: gd.say(until=0),
    ],
    "counts-too-long": [
        lambda gd: gd.say(until=(1 << 53) - 1),
        lambda gd: gd.say(until=gd.now() + 2 * HOUR),
        lambda gd: gd.say(made=gd.now() - HOUR),
        lambda gd: gd.say(made=0),
    ],
    "misaddressed": [
        lambda gd: gd.say(to="mo"),
        lambda gd: gd.say(**{"from": "mo"}),
        lambda gd: gd.say(seq=1),
        lambda gd: gd.say(seq=99),
    ],
    "other-agreement-text": [
        lambda gd: gd.say(basis=["tests", bytes(32), "1"]),
        lambda gd: gd.say(basis=["another", sha256(b"another"), "1"]),
    ],
    "other-clause": [
        lambda gd: gd.say(basis=["tests", gd.agreement.digest, "2"]),
        lambda gd: gd.say(basis=["another", gd.agreement.digest, "1"]),
    ],
}
CASES = [(code, number, make) for code, makes in POISON.items() for number, make in enumerate(makes)]


@pytest.mark.parametrize(
    ("code", "make"),
    [(code, make) for code, _, make in CASES],
    ids=[f"{code}-{number}" for code, number, _ in CASES],
)
def test_the_bad_one_is_refused_alone(gd, code, make):
    posted = gd.batch(gd.say({"text": "before"}), make(gd), gd.say({"text": "after"}))
    receipt = gd.read_receipt(inbox.accept(posted.wire), posted)
    assert receipt["status"] == [None, code, None]

    kinds = [entry.kind for entry in reversed(ledger.entries())]
    assert kinds == ["received", "refused", "received", "receipt-given"]
    for row in InboxMessage.objects.filter(state="refused"):
        assert (row.code, row.body, row.notified) == (code, None, True)
    assert handling.handle_waiting() == 2
    assert sorted(group.name.split()[0] for group in Group.objects.all()) == ["after", "before"]
    gd.advance(posted)
    following = gd.batch(gd.say())
    assert gd.read_receipt(inbox.accept(following.wire), following)["status"] == [None]


def test_every_kind_of_poison_in_one_batch(gd):
    makes = [(code, make) for code, _, make in CASES if code != "misaddressed"]
    drafts = [gd.say()]
    for _code, make in makes:
        draft = make(gd)
        if draft.raw_header is None:
            drafts.append(draft)
    codes = [None, *(code for code, make in makes if make(gd).raw_header is None)]
    posted = gd.batch(*drafts)
    assert gd.read_receipt(inbox.accept(posted.wire), posted)["status"] == codes
    assert handling.handle_waiting() == 1


def test_an_agreement_that_has_ended(gd, declare, node):
    from kouan.core.policy import policy_of  # noqa: PLC0415 - only here

    declare("test.lapsed")
    lapsed = next(each for each in policy_of(node.agreements).agreements if each.id == "lapsed")
    posted = gd.batch(gd.say(type_="test.lapsed", basis=["lapsed", lapsed.digest, "1"]), gd.say())
    assert gd.read_receipt(inbox.accept(posted.wire), posted)["status"] == ["agreement-not-in-force", None]


def test_a_type_that_the_agreement_lets_go_the_other_way_only(gd, declare):
    declare("test.outward")
    posted = gd.batch(gd.say(type_="test.outward", basis=["tests", gd.agreement.digest, "2"]))
    assert gd.read_receipt(inbox.accept(posted.wire), posted)["status"] == ["no-agreement"]


def test_a_sender_that_the_declaration_does_not_name(gd, declare):
    declare("test.reply", senders=["mo"])
    posted = gd.batch(gd.say(type_="test.reply"))
    assert gd.read_receipt(inbox.accept(posted.wire), posted)["status"] == ["party-not-named"]


def test_a_message_that_needs_a_consent_which_nobody_can_confirm(gd, declare):
    declare("test.personal", consent=Consent.REQUIRED)
    posted = gd.batch(gd.say(type_="test.personal"), gd.say(type_="test.personal", consent="receipt-1"))
    assert gd.read_receipt(inbox.accept(posted.wire), posted)["status"] == ["consent-missing"] * 2


def test_one_id_with_two_contents_is_an_incident(gd):
    first = gd.say({"text": "first"})
    posted = gd.batch(first)
    inbox.accept(posted.wire)
    gd.advance(posted)
    again = gd.batch(gd.say({"text": "second"}, id=first.header["id"]), gd.say({"text": "third"}))
    assert gd.read_receipt(inbox.accept(again.wire), again)["status"] == ["id-conflict", None]
    incident = Incident.objects.get()
    assert (incident.peer, incident.kind) == ("gd", "id-conflict")
    assert bytes(incident.evidence) == again.pairs[0][0]
    assert handling.handle_waiting() == 2
    assert sorted(group.name.split()[0] for group in Group.objects.all()) == ["first", "third"]


def test_one_id_twice_in_one_batch_counts_once(gd):
    first = gd.say({"text": "first"})
    posted = gd.batch(first, gd.say({"text": "second"}, id=first.header["id"]))
    assert gd.read_receipt(inbox.accept(posted.wire), posted)["status"] == [None, "id-conflict"]
    assert Incident.objects.count() == 1
    assert handling.handle_waiting() == 1


def test_two_peers_may_use_one_id(peer_of):
    gd, mo = peer_of("gd"), peer_of("mo")
    for peer in (gd, mo):
        posted = peer.batch(peer.say(id=bytes(range(16))))
        assert peer.read_receipt(inbox.accept(posted.wire), posted)["status"] == [None]
    assert not Incident.objects.exists()


def test_a_message_is_taken_until_its_expiry(gd):
    made = gd.now() - HOUR // 2
    posted = gd.batch(gd.say(until=gd.now() + HOUR), gd.say(made=made, until=made + HOUR))
    assert gd.read_receipt(inbox.accept(posted.wire), posted)["status"] == [None, None]


def test_a_payload_of_exactly_the_declared_size(gd, note):
    head = len(cbor.encode({"text": "x" * 300})) - 300
    exact = gd.say({"text": "x" * (note.max_bytes - head)})
    beyond = gd.say({"text": "x" * (note.max_bytes - head + 1)})
    posted = gd.batch(exact, beyond)
    assert gd.read_receipt(inbox.accept(posted.wire), posted)["status"] == [None, "oversized-payload"]


def test_no_code_in_a_receipt_says_what_a_message_held(gd):
    number = "A123456(3)"
    posted = gd.batch(gd.say({"text": 5, number: number}), gd.say(type=f"test.{number}"))
    receipt = inbox.accept(posted.wire)
    assert number.encode() not in receipt
    assert wire.Receipt.decode(cbor.decode(receipt, max_bytes=9999)[2]).statuses == (
        "ill-formed-payload",
        "undeclared-crossing",
    )
