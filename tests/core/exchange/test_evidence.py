"""Evidence bundles: made from what a node keeps, checked with nothing, and every change is found."""

from __future__ import annotations

import uuid

import pytest
from django.db import transaction
from django.utils import timezone

from core.exchange.declared import Note
from core.exchange.peer import sha256
from kouan.core import cbor
from kouan.core.exchange import bundle, inbox, outbox, wire
from kouan.core.exchange.bundle import Bundle
from kouan.core.exchange.evidence import NotYetProvable, UnknownMessage, evidence_bundle
from kouan.core.exchange.models import InboxMessage, OutboxMessage
from kouan.core.exchange.receipts import take_receipt
from kouan.core.exchange.sealing import seal_batch
from kouan.core.exchange.verify import verify_bundle
from kouan.core.ledger import services as ledger
from kouan.core.policy import policy_of
from kouan.core.trust import cose
from kouan.core.trust.queries import own

PARTS = ("body", "entry", "header", "ledger", "path", "receipt", "sealed", "statement")


@pytest.fixture
def sent(gd, note):
    def deliver(*texts, statuses=()):
        with transaction.atomic():
            ids = [outbox.send(note, to="gd", payload=Note(text=text)) for text in texts]
        sealed = seal_batch("gd")
        take_receipt(sealed, gd.receipt(gd.open(sealed.wire), *statuses))
        return ids

    return deliver


@pytest.fixture
def received(gd, note):
    def arrive(*texts):
        posted = gd.batch(*[gd.say({"text": text}) for text in texts])
        inbox.accept(posted.wire)
        gd.advance(posted)
        return list(InboxMessage.objects.filter(batch__root=posted.root).values_list("message_id", flat=True))

    return arrive


@pytest.fixture
def both(gd, sent, received, cosigned):
    """A bundle that proves one message of each direction."""
    ids = [*sent("outward", "beside it"), *received("inward", "beside it", "too")]
    cosigned(gd)
    return evidence_bundle([ids[0], ids[2]])


def parts_at_fault(report):
    return {check.part for check in report.problems}


def test_both_directions_are_proved(gd, both):
    report = verify_bundle(both)
    assert report.holds, report.problems
    outward, inward = report.messages
    assert (outward.header.sender, outward.header.receiver) == ("hk", "gd")
    assert (inward.header.sender, inward.header.receiver) == ("gd", "hk")
    assert outward.payload == {"text": "outward"}
    assert inward.payload == {"text": "inward"}
    for facts in report.messages:
        assert facts.accepted
        assert facts.entry.origin == "hk.kouan/ledger"
        assert [each.name for each in facts.entry.witnesses] == ["gd.kouan/witness"]
    assert (report.made_by, set(report.fingerprints)) == ("hk", {"hk", "gd"})
    assert report.fingerprints["gd"] == gd.fingerprint
    assert abs((report.made_at - timezone.now()).total_seconds()) < 60
    names = {f"{number}/{part}" for number in (1, 2) for part in PARTS}
    assert set(Bundle.decode(both).parts) == names | {
        "trust/hk",
        "trust/gd",
        "agreement/tests",
        "declaration/test.note.1",
    }


def test_nothing_of_the_neighbours_is_in_a_bundle(both):
    assert b"beside it" not in both


def test_fingerprints_from_elsewhere(gd, both):
    hk = own().fingerprint
    assert verify_bundle(both, trusted={"hk": hk, "gd": gd.fingerprint}).holds
    report = verify_bundle(both, trusted={"hk": hk, "gd": "0" * 64})
    assert not report.holds
    assert report.problems[0].part == "trust/gd"
    assert gd.fingerprint in report.problems[0].problem


@pytest.mark.parametrize("start", range(4))
def test_every_single_bit_that_is_changed_is_found(both, start):
    """Well over a thousand places all over the file, one bit each, another bit on each turn."""
    for number, at in enumerate(range(start, len(both), 4 * max(1, len(both) // 1200))):
        changed = bytearray(both)
        changed[at] ^= 1 << number % 8
        report = verify_bundle(bytes(changed))
        assert not report.holds, f"bit {number % 8} of byte {at} of {len(both)}"
        assert report.problems


@pytest.mark.parametrize(
    "name", [*(f"1/{part}" for part in PARTS), "2/body", "trust/hk", "trust/gd", "agreement/tests"]
)
def test_the_report_names_the_part_that_was_changed(both, name):
    opened = Bundle.decode(both)
    data = opened.parts[name]
    for at in {0, len(data) // 3, len(data) // 2, len(data) - 1}:
        changed = bytearray(data)
        changed[at] ^= 0x10
        report = verify_bundle(Bundle(opened.contents, {**opened.parts, name: bytes(changed)}).encode())
        assert name in parts_at_fault(report)
        assert not report.holds


@pytest.mark.parametrize(
    "name", [*(f"1/{part}" for part in PARTS), "trust/gd", "trust/hk", "agreement/tests"]
)
def test_a_missing_part_is_named(both, name):
    opened = Bundle.decode(both)
    report = verify_bundle(
        Bundle(opened.contents, {k: v for k, v in opened.parts.items() if k != name}).encode()
    )
    assert name in parts_at_fault(report)


def test_a_part_that_was_added_or_swapped(both):
    opened = Bundle.decode(both)
    for more in (
        {"3/header": opened.parts["1/header"]},
        {"note": b"x"},
        {"1/remark": b"x"},
        {"trust/mo": b"x"},
    ):
        report = verify_bundle(Bundle(opened.contents, {**opened.parts, **more}).encode())
        assert next(iter(more)) in parts_at_fault(report)
    swapped = {**opened.parts, "1/body": opened.parts["2/body"], "2/body": opened.parts["1/body"]}
    assert {"1/body", "2/body"} <= parts_at_fault(verify_bundle(Bundle(opened.contents, swapped).encode()))


def rebuilt(parts, signer, *, side="hk"):
    """A bundle over these parts with a table of contents that holds."""
    digests = {name: wire.digest(part) for name, part in parts.items()}
    at = int(timezone.now().timestamp() * 1000)
    contents = bundle.encode_contents(side=side, made=at, digests=digests)
    return Bundle(cose.sign1(contents, signer, content_type=bundle.CONTENTS_TYPE), parts).encode()


def test_a_dishonest_maker_cannot_change_what_the_other_side_signed(gd, both):
    """The table of contents is signed anew over changed parts: each part still speaks for itself."""
    opened = Bundle.decode(both)
    signer = own().signer(timezone.now())
    assert verify_bundle(rebuilt(dict(opened.parts), signer)).holds
    cases = {
        "1/body": cbor.encode([bytes(16), cbor.encode({"text": "forged"})]),
        "1/receipt": opened.parts["2/receipt"],
        "2/statement": opened.parts["1/statement"],
        "2/header": opened.parts["1/header"],
        "2/sealed": bytes(32),
        "2/path": opened.parts["2/path"][32:],
        "1/path": opened.parts["1/path"] + bytes(32),
        "1/entry": opened.parts["2/entry"],
        "1/ledger": opened.parts["2/ledger"],
        "agreement/tests": cbor.encode({"id": "tests"}),
        "trust/gd": opened.parts["trust/hk"],
    }
    for name, forged in cases.items():
        report = verify_bundle(rebuilt({**opened.parts, name: forged}, signer))
        assert not report.holds, name
        number = name.partition("/")[0] if name[0].isdecimal() else "1"
        assert any(part.startswith(number) for part in parts_at_fault(report)), name


def test_a_bundle_that_a_third_side_made_of_it_proves_no_ledger(peer_of, gd, both):
    """Somebody else's ledger, co-signed by somebody else's witness, does not stand for either side's."""
    mo = peer_of("mo")
    parts = {**Bundle.decode(both).parts, "trust/mo": mo.document}
    report = verify_bundle(rebuilt(parts, mo.signer(), side="mo"))
    assert {"1/ledger", "2/ledger"} <= parts_at_fault(report)
    # Even where it put the record into a log of its own, which a side of the message has co-signed.
    salt, record = cbor.decode(parts["1/entry"], max_bytes=4096)
    note = mo.checkpoint([sha256(salt, record)])
    parts["1/ledger"] = f"c2sp.org/tlog-proof@v1\nindex 0\n\n{note}{gd.cosign(note)}".encode()
    report = verify_bundle(rebuilt(parts, mo.signer(), side="mo"))
    assert "1/ledger" in parts_at_fault(report)
    assert report.messages[0].entry is None


@pytest.mark.parametrize(
    "change",
    [{"root": bytes(32)}, {"batch": bytes(32)}, {"status": [None]}, {"from": "hk"}, {"to": "mo"}, {"at": 0}],
    ids=str,
)
def test_a_receipt_for_something_else_is_named(gd, both, change):
    """The receiver's own signature, over a receipt that is not this message's."""
    opened = Bundle.decode(both)
    fields = cbor.decode(cbor.decode(opened.parts["1/receipt"], max_bytes=4096)[2], max_bytes=4096)
    forged = cose.sign1(cbor.encode(fields | change), gd.signer(), content_type=wire.RECEIPT_TYPE)
    report = verify_bundle(rebuilt({**opened.parts, "1/receipt": forged}, own().signer(timezone.now())))
    assert parts_at_fault(report) == {"1/receipt"}


def test_a_header_that_relies_on_a_clause_which_does_not_allow_it(gd, both):
    opened = Bundle.decode(both)
    header = wire.Header.decode(opened.parts["1/header"])
    for change in ({"clause": "2"}, {"clause": "9"}, {"agreement": "another"}):
        forged = wire.Header(**{name: getattr(header, name) for name in header.__slots__} | change).encode()
        report = verify_bundle(rebuilt({**opened.parts, "1/header": forged}, own().signer(timezone.now())))
        whats = [check.what for check in report.problems if check.part == "1/header"]
        assert "the agreement it relies on is in the bundle" in whats


def test_a_bundle_without_messages_proves_nothing(both):
    opened = Bundle.decode(both)
    parts = {name: part for name, part in opened.parts.items() if name.startswith(("trust", "agreement"))}
    report = verify_bundle(rebuilt(parts, own().signer(timezone.now())))
    assert not report.problems
    assert not report.holds


def test_an_empty_table_of_contents_names_no_part(both):
    payload = cbor.encode({"by": "hk", "made": 1_800_000_000_000, "parts": {}})
    signed = cose.sign1(payload, own().signer(timezone.now()), content_type=bundle.CONTENTS_TYPE)
    report = verify_bundle(Bundle(signed, Bundle.decode(both).parts).encode())
    assert not report.holds
    assert "1/body" in parts_at_fault(report)


def test_more_parts_than_can_be_named_are_not_looked_at():
    report = verify_bundle(Bundle(b"", {f"{number}/body": b"" for number in range(1, 7000)}).encode())
    assert [check.part for check in report.problems] == ["frame"]
    assert not report.messages


def test_a_table_of_contents_of_other_types_is_only_refused(both):
    parts = dict(Bundle.decode(both).parts)
    for digests in ({1: b"x", "a": b"y"}, {"a": 5}, {"a": None}, []):
        payload = cbor.encode({"by": "hk", "made": 1, "parts": digests})
        signed = cose.sign1(payload, own().signer(timezone.now()), content_type=bundle.CONTENTS_TYPE)
        report = verify_bundle(Bundle(signed, parts).encode())
        assert "contents" in parts_at_fault(report)


def test_an_erased_entry_is_said_to_be_erased(gd, sent, cosigned):
    (message,) = sent("to be forgotten")
    cosigned(gd)
    ledger.erase(index=OutboxMessage.objects.get().ledger_index)
    report = verify_bundle(evidence_bundle([message]))
    assert parts_at_fault(report) == {"1/entry", "1/ledger"}
    assert all("erased" in check.problem for check in report.problems)


def test_a_refused_message_of_ours_is_proved_to_be_refused(gd, sent, cosigned):
    refused, accepted = sent("no", "yes", statuses=("ill-formed-payload", None))
    cosigned(gd)
    report = verify_bundle(evidence_bundle([refused, accepted]))
    assert report.holds
    assert [facts.accepted for facts in report.messages] == [False, True]


def test_what_cannot_be_proved_yet(gd, note, sent, cosigned):
    with pytest.raises(UnknownMessage):
        evidence_bundle([uuid.uuid4()])
    with transaction.atomic():
        waiting = outbox.send(note, to="gd", payload=Note(text="a"))
    with pytest.raises(NotYetProvable):
        evidence_bundle([waiting])
    sealed = seal_batch("gd")
    with pytest.raises(NotYetProvable):
        evidence_bundle([waiting])  # no receipt
    take_receipt(sealed, gd.receipt(gd.open(sealed.wire)))
    with pytest.raises(NotYetProvable):
        evidence_bundle([waiting])  # no co-signed checkpoint
    cosigned(gd)
    (later,) = sent("later")
    assert verify_bundle(evidence_bundle([waiting])).holds
    with pytest.raises(NotYetProvable):
        evidence_bundle([later])  # the co-signed checkpoint is older


def test_of_three_sides_the_one_that_the_message_went_to_is_the_witness(peer_of, note, cosigned):
    gd, mo = peer_of("gd"), peer_of("mo")
    ids = {}
    for peer in (gd, mo):
        with transaction.atomic():
            ids[peer.side] = outbox.send(note, to=peer.side, payload=Note(text=peer.side))
        sealed = seal_batch(peer.side)
        take_receipt(sealed, peer.receipt(peer.open(sealed.wire)))
    cosigned(mo)
    with pytest.raises(NotYetProvable):
        evidence_bundle([ids["gd"]])
    assert verify_bundle(evidence_bundle([ids["mo"]])).holds
    cosigned(gd)
    posted = mo.batch(mo.say())
    inbox.accept(posted.wire)
    cosigned(mo)  # the newest co-signed checkpoint is mo's again
    report = verify_bundle(evidence_bundle([ids["gd"], ids["mo"]]))
    assert report.holds
    assert [facts.entry.witnesses[0].name for facts in report.messages] == [
        "gd.kouan/witness",
        "mo.kouan/witness",
    ]


def test_the_agreement_of_a_bundle_reads_as_the_file(node, both):
    (agreement,) = verify_bundle(both).agreements.values()
    assert agreement["clauses"][0]["text"]["zh-hant"] == "測試可傳送任何內容。"
    assert agreement["effective"] == "2025-01-01"
    assert policy_of(node.agreements).agreements[1].source == cbor.encode(agreement)
