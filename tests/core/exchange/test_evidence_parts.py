"""The later parts of a bundle: time-stamps, further witnesses, declarations; and what was not kept."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from django.db import transaction
from django.utils import timezone

from core.exchange.authority import establish, serving
from core.exchange.declared import Note
from kouan.core import cbor
from kouan.core.exchange import Keep, agreements, bodies, bundle, inbox, outbox, stamping, wire, witnesses
from kouan.core.exchange.bundle import Bundle
from kouan.core.exchange.evidence import NotYetProvable, evidence_bundle
from kouan.core.exchange.models import InboxMessage, OutboxMessage
from kouan.core.exchange.receipts import take_receipt
from kouan.core.exchange.sealing import seal_batch
from kouan.core.exchange.verify import verify_bundle
from kouan.core.policy import policy_of
from kouan.core.trust import cose
from kouan.core.trust.queries import own
from kouan.sections import TimeSettings

NEW = ("1/stamp", "witness/w.example/one", "declaration/test.note.1")


@pytest.fixture(scope="module")
def established(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("needs the program openssl")
    return establish(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def delivered(gd, note):
    with transaction.atomic():
        sent = outbox.send(note, to="gd", payload=Note(text="outward"))
    sealed = seal_batch("gd")
    take_receipt(sealed, gd.receipt(gd.open(sealed.wire)))
    return sent


@pytest.fixture
def full(gd, delivered, settings, established, cosigned, third):  # noqa: PLR0913, PLR0917 - fixtures
    """A bundle with everything: two witnesses and a time-stamp."""
    settings.NODE = replace(settings.NODE, witnesses=(third.settings,), quorum=2)
    cosigned(gd)
    witnesses.ask(third.settings)
    with serving(established.reply) as url:
        settings.NODE = replace(settings.NODE, time=TimeSettings(url, established.ca))
        stamping.stamp_due()
    return evidence_bundle([delivered])


def rebuilt(parts):
    """A bundle over these parts with a table of contents that holds."""
    at = timezone.now()
    digests = {name: wire.digest(part) for name, part in parts.items()}
    contents = bundle.encode_contents(side="hk", made=int(at.timestamp() * 1000), digests=digests)
    return Bundle(cose.sign1(contents, own().signer(at), content_type=bundle.CONTENTS_TYPE), parts).encode()


def at_fault(report):
    return {check.part for check in report.problems}


def test_everything_is_proved(full, third, established):
    report = verify_bundle(full, quorum=2)
    assert report.holds, report.problems
    (facts,) = report.messages
    assert sorted(each.name for each in facts.cosigned) == ["gd.kouan/witness", "w.example/one"]
    assert abs((facts.stamp.at - timezone.now()).total_seconds()) < 60
    assert report.witnesses == {"w.example/one": third.settings.key}
    assert list(report.authorities.values()) == [facts.stamp.authority]
    declared = report.declarations["test.note", 1]
    assert declared["legal_basis"] == "tests"
    assert set(declared["purpose"]) == {"en", "zh-hant", "zh-hans"}
    assert set(NEW) <= set(Bundle.decode(full).parts)


def test_keys_from_elsewhere(full, third):
    good = verify_bundle(full)
    (root,) = good.authorities
    assert verify_bundle(full, authorities=[root], witnesses={"w.example/one": third.settings.key}).holds
    assert at_fault(verify_bundle(full, authorities=["0" * 64])) == {"1/stamp"}
    other = verify_bundle(full, witnesses={"w.example/one": third.settings.key[:-4] + "AAA="})
    assert "witness/w.example/one" in at_fault(other)
    assert at_fault(verify_bundle(full, quorum=3)) == {"1/ledger", "1/stamp"}


@pytest.mark.parametrize("name", NEW)
def test_every_changed_bit_of_a_later_part_is_found(full, name):
    opened = Bundle.decode(full)
    data = opened.parts[name]
    for at in range(0, len(data), max(1, len(data) // 60)):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        report = verify_bundle(Bundle(opened.contents, {**opened.parts, name: bytes(changed)}).encode())
        assert name in at_fault(report)
        assert name in report.altered or name not in report.problems


@pytest.mark.parametrize("name", ["1/stamp", "witness/w.example/one"])
def test_a_later_part_that_its_maker_swapped(full, name):
    parts = dict(Bundle.decode(full).parts)
    token, chain = bundle.decode_stamp(parts["1/stamp"])
    forged = {
        "1/stamp": [
            b"",
            cbor.encode([token, []]),
            cbor.encode([token, [*chain, b"x"]]),
            cbor.encode([token[:-1], chain]),
            cbor.encode([b"", chain]),
            cbor.encode([token, 7]),
        ],
        "witness/w.example/one": [b"", b"x", b"\xff", parts["witness/w.example/one"] + b"\n"],
    }
    for each in forged[name]:
        assert name in at_fault(verify_bundle(rebuilt({**parts, name: each})))
    # Whom to trust for the time is the reader's to say: a shorter chain ends in another authority.
    (root,) = verify_bundle(full).authorities
    shorter = rebuilt({**parts, "1/stamp": cbor.encode([token, chain[:1]])})
    assert root not in verify_bundle(shorter).authorities
    assert at_fault(verify_bundle(shorter, authorities=[root])) == {"1/stamp"}


def test_a_stamp_on_another_checkpoint(full):
    parts = dict(Bundle.decode(full).parts)
    text, line, rest = parts["1/ledger"].decode().partition("— ")
    changed = parts | {"1/ledger": f"{text}{line}{rest}".replace("index", "extra AAAA\nindex").encode()}
    assert verify_bundle(rebuilt(changed)).holds  # what is beside the note is not stamped
    first, second = [f"— {each}" for each in f"{line}{rest}".split("— ")[1:3]]
    swapped = parts["1/ledger"].decode().replace(first + second, second + first)
    assert "1/stamp" in at_fault(verify_bundle(rebuilt(parts | {"1/ledger": swapped.encode()})))


def test_a_bundle_without_the_later_parts_still_verifies(full):
    parts = {name: part for name, part in Bundle.decode(full).parts.items() if name not in NEW}
    report = verify_bundle(rebuilt(parts))
    assert report.holds, report.problems
    assert report.messages[0].stamp is None
    assert [each.name for each in report.messages[0].cosigned] == ["gd.kouan/witness"]


def test_a_later_part_that_was_taken_out_is_named(full):
    opened = Bundle.decode(full)
    for name in NEW:
        parts = {each: part for each, part in opened.parts.items() if each != name}
        assert name in at_fault(verify_bundle(Bundle(opened.contents, parts).encode()))


def test_a_quorum_has_to_be_reached(gd, delivered, settings, cosigned, third):
    settings.NODE = replace(settings.NODE, witnesses=(third.settings,), quorum=2)
    cosigned(gd)
    with pytest.raises(NotYetProvable):
        evidence_bundle([delivered])
    witnesses.ask(third.settings)
    assert verify_bundle(evidence_bundle([delivered]), quorum=2).holds


def test_the_stamp_nearest_to_the_message_is_taken(  # noqa: PLR0913, PLR0917 - fixtures
    full, gd, delivered, note, cosigned, third
):
    """A newer checkpoint would do, but the older one was stamped with a time nearer to the message."""
    with transaction.atomic():
        outbox.send(note, to="gd", payload=Note(text="later"))
    sealed = seal_batch("gd")
    take_receipt(sealed, gd.receipt(gd.open(sealed.wire)))
    cosigned(gd)
    witnesses.ask(third.settings)
    old, new = verify_bundle(full), verify_bundle(evidence_bundle([delivered]))
    assert new.messages[0].stamp == old.messages[0].stamp


def test_the_text_of_an_agreement_whose_file_is_gone(node, gd, delivered, cosigned):
    agreements.keep_all()
    agreements.keep_all()
    cosigned(gd)
    (node.agreements / "tests.toml").unlink()
    policy_of.cache_clear()
    report = verify_bundle(evidence_bundle([delivered]))
    assert report.holds, report.problems


def test_a_file_that_is_being_edited_keeps_nothing_and_stops_nothing(node, gd):
    (node.agreements / "half.toml").write_text("id = ", encoding="utf-8")
    assert agreements.keep_all() is False


@pytest.fixture
def refused(gd, note, cosigned):
    """A peer's message that was refused at our door; what it said was not kept."""
    posted = gd.batch(gd.say({"text": "x" * 5000}), gd.say({"text": "good"}))
    inbox.accept(posted.wire)
    cosigned(gd)
    row = InboxMessage.objects.get(state="refused")
    assert row.body is None
    return row.message_id


def test_a_refused_message_of_the_peer_is_proved_as_far_as_it_was_kept(refused):
    data = evidence_bundle([refused])
    report = verify_bundle(data)
    assert report.holds, report.problems
    (facts,) = report.messages
    assert (facts.accepted, facts.code) == (False, InboxMessage.objects.get(state="refused").code)
    assert "1/body" not in Bundle.decode(data).parts
    assert any(check.part == "1/body" and "not kept" in check.what and check.holds for check in report.checks)


def test_a_refused_message_under_an_agreement_that_was_never_held(gd, note, cosigned):
    posted = gd.batch(gd.say(basis=["unheard-of", bytes(32), "1"]))
    inbox.accept(posted.wire)
    cosigned(gd)
    report = verify_bundle(evidence_bundle([InboxMessage.objects.get().message_id]))
    assert report.holds, report.problems
    assert report.messages[0].code == "other-agreement-text"


def test_the_content_of_an_accepted_message_cannot_be_left_out(gd, delivered, cosigned):
    cosigned(gd)
    parts = dict(Bundle.decode(evidence_bundle([delivered])).parts)
    del parts["1/body"]
    assert at_fault(verify_bundle(rebuilt(parts))) == {"1/body"}


def test_what_is_said_about_a_person_can_be_withheld_and_the_rest_is_proved(
    gd, delivered, cosigned, note, monkeypatch
):
    cosigned(gd)
    assert "1/body" in Bundle.decode(evidence_bundle([delivered], personal=False)).parts
    monkeypatch.setattr(note, "kept", Keep.TERM)
    assert "1/body" in Bundle.decode(evidence_bundle([delivered])).parts
    data = evidence_bundle([delivered], personal=False)
    made = Bundle.decode(data)
    assert "1/body" not in made.parts
    report = verify_bundle(data)
    assert report.holds, report.problems
    assert report.messages[0].payload is None
    assert any("was left out" in check.what for check in report.checks)
    for other in ("header", "receipt", "path", "entry"):
        parts = dict(made.parts)
        del parts[f"1/{other}"]
        assert not verify_bundle(rebuilt(parts)).holds
    forged = dict(made.parts) | {"1/body": cbor.encode([bytes(16), b"another content"])}
    assert "1/body" in at_fault(verify_bundle(rebuilt(forged)))


def test_an_erased_content_is_said_to_be_and_the_rest_is_proved(gd, delivered, cosigned):
    cosigned(gd)
    OutboxMessage.objects.update(state="handled")
    assert bodies.erase_sent([delivered]) == 1
    made = Bundle.decode(evidence_bundle([delivered]))
    assert "1/body" not in made.parts
    report = verify_bundle(rebuilt(dict(made.parts)))
    assert report.holds, report.problems
    assert any("was erased" in check.what for check in report.checks)
    for other in ("header", "receipt", "path", "entry"):
        parts = dict(made.parts)
        del parts[f"1/{other}"]
        assert not verify_bundle(rebuilt(parts)).holds
    forged = dict(made.parts) | {"1/body": cbor.encode([bytes(16), b"another content"])}
    assert "1/body" in at_fault(verify_bundle(rebuilt(forged)))
