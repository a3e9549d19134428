"""A side that signs by SM2 as well: both ends of the channel, its ledger, its evidence, and who drops it."""

from __future__ import annotations

import base64
import shutil
from dataclasses import replace

import pytest
from django.db import transaction
from django.utils import timezone

from core.exchange.declared import Note
from core.exchange.peer import Peer, sha256
from kouan.apps.operations import facts
from kouan.core import cbor
from kouan.core.exchange import inbox, keynews, keyset, outbox, wire, witness
from kouan.core.exchange.audit import audit
from kouan.core.exchange.bundle import Bundle, stamped_note
from kouan.core.exchange.evidence import evidence_bundle
from kouan.core.exchange.models import Batch, InboxMessage, Incident, OutboxMessage
from kouan.core.exchange.receipts import take_receipt
from kouan.core.exchange.resigning import sign_again
from kouan.core.exchange.sealing import seal_batch
from kouan.core.exchange.shapes import MalformedWire
from kouan.core.exchange.signedby import signed_since
from kouan.core.exchange.verify import verify_bundle
from kouan.core.ledger import queries as ledger
from kouan.core.ledger.models import SignedCheckpoint
from kouan.core.policy import policy_of
from kouan.core.trust import changes, cose, queries, services, sm2
from kouan.core.trust.errors import BadSignature, SecondSignatureMissing
from kouan.core.trust.keys import DoubleSigner, KeyUse, LocalSigner, generate
from kouan.core.trust.own import load
from kouan.core.trust.rotation import compromise, end_second
from kouan.core.trust.services import import_document
from kouan.core.trust.store import KeyStore

SM2_TYPE = b"\xffkouan/sm2-sm3\n"
LEAVES = [sha256(bytes([at])) for at in range(3)]


class TwicePeer(Peer):
    """A peer that keeps its promise of a second signature, or breaks it."""

    def signer(self, use=KeyUse.SIGN):
        first = super().signer(use)
        return DoubleSigner(first, super().signer(KeyUse.SIGN_SM2)) if use is KeyUse.SIGN else first

    @property
    def one_signer(self):
        return super().signer()

    def batch(self, *drafts, **changed):
        return super().batch(*drafts, **{"suite": 3} | changed)

    def checkpoint(self, leaves, *, second=True):
        note = super().checkpoint(leaves)
        text = note[: note.rindex("\n\n") + 1]
        key = next(key for key in self.store.keys if key.use is KeyUse.LOG_SM2)
        name = f"{self.side}.kouan/ledger"
        key_id = sha256(name.encode(), b"\n", SM2_TYPE, key.public.spki)[:4]
        line = base64.b64encode(key_id + self.store.signer_of(key).sign(text.encode())).decode()
        return note + f"— {name} {line}\n" if second else note


@pytest.fixture(scope="session")
def twice_stores(tmp_path_factory):
    home = tmp_path_factory.mktemp("twice")
    return {
        side: KeyStore.create(home / side, side, hosts=("127.0.0.1",), suite_id=3) for side in ("hk", "gd")
    }


@pytest.fixture
def promising(node, twice_stores):
    """Guangdong as a side that signs twice."""
    agreement = next(each for each in policy_of(node.agreements).agreements if each.id == "tests")
    peer = TwicePeer("gd", twice_stores["gd"], queries.own().public, agreement)
    import_document(peer.document, expected_fingerprint=peer.fingerprint)
    return peer


@pytest.fixture
def twice_node(settings, node, twice_stores):
    """This node as one that signs twice."""
    settings.NODE = replace(settings.NODE, keys=twice_stores["hk"].directory, second_signature="sm2")
    return settings.NODE


def send(note, *texts):
    with transaction.atomic():
        return [outbox.send(note, to="gd", payload=Note(text=text)) for text in texts]


def incidents_of(kind="signed-once"):
    return [row.detail.partition(",")[0] for row in Incident.objects.filter(kind=kind).order_by("pk")]


# Its peer signs twice


def test_what_the_peer_signed_twice_is_taken_in(promising, note):
    posted = promising.batch(promising.say())
    assert promising.read_receipt(inbox.accept(posted.wire), posted)["status"] == [None]


@pytest.mark.parametrize("suite", [1, 3])
def test_a_batch_whose_second_signature_was_dropped_is_refused_and_shown(promising, note, suite):
    posted = promising.batch(promising.say(), signer=promising.one_signer, suite=suite)
    for _ in range(2):
        with pytest.raises(SecondSignatureMissing) as refused:
            inbox.accept(posted.wire)
    assert (refused.value.code, refused.value.status) == ("second-signature-missing", 403)
    assert not InboxMessage.objects.exists()
    assert incidents_of() == ["batch"]
    assert bytes(Incident.objects.get().evidence) == posted.signed


def test_a_suite_that_speaks_of_other_signatures_than_there_are_is_malformed(promising, note):
    with pytest.raises(MalformedWire):
        inbox.accept(promising.batch(promising.say(), suite=1).wire)


def test_a_side_that_promises_nothing_is_held_to_its_word_under_the_first_signature(gd, note):
    """Its document may be on its way: the second signature is passed over, but not its absence."""
    second = LocalSigner(generate("SM2"))
    posted = gd.batch(gd.say(), suite=3, signer=DoubleSigner(gd.signer(), second))
    assert gd.read_receipt(inbox.accept(posted.wire), posted)["status"] == [None]
    gd.advance(posted)
    with pytest.raises(MalformedWire):
        inbox.accept(gd.batch(gd.say(), suite=3).wire)
    assert incidents_of() == []


def test_a_second_signature_by_a_stranger_is_refused(promising, note):
    thief = DoubleSigner(promising.one_signer, LocalSigner(generate("SM2")))
    with pytest.raises(Exception, match="not in the trust document"):
        inbox.accept(promising.batch(promising.say(), signer=thief).wire)
    assert not InboxMessage.objects.exists()


def test_receipts_that_are_signed_twice_are_told_apart_in_one_answer(promising, note):
    send(note, "one")
    opened = promising.open(seal_batch("gd").wire)
    receipts = [promising.receipt(opened, take=False), promising.receipt(opened, signer=promising.one_signer)]
    assert list(wire.decode_receipts(b"".join(receipts))) == receipts
    protected, unprotected, payload, signature = cbor.decode(receipts[0], max_bytes=4096)
    second = unprotected[cose.COUNTERSIGNATURE]
    for wrong in (
        {12: second},
        {11: second, 12: b""},
        {11: [*second, b""]},
        {11: [second[0], {1: 1}, b""]},
        {11: b""},
    ):
        with pytest.raises(MalformedWire):
            list(wire.decode_receipts(cbor.encode([protected, wrong, payload, signature])))


def test_a_receipt_without_the_second_signature_is_refused_and_shown(promising, note):
    send(note, "one")
    sealed = seal_batch("gd")
    opened = promising.open(sealed.wire)
    with pytest.raises(SecondSignatureMissing):
        take_receipt(sealed, promising.receipt(opened, signer=promising.one_signer, take=False))
    assert OutboxMessage.objects.get().state == OutboxMessage.State.SEALED
    assert incidents_of() == ["receipt"]
    take_receipt(sealed, promising.receipt(opened))
    assert OutboxMessage.objects.get().state == OutboxMessage.State.ACCEPTED


def test_a_checkpoint_without_the_second_signature_is_not_cosigned_and_shown(promising):
    once = promising.add_checkpoint(promising.checkpoint(LEAVES, second=False), old_size=0)
    refused = witness.add_checkpoint(once)
    assert (refused.status, refused.body) == (403, b"second-signature-missing\n")
    assert incidents_of() == ["checkpoint"]
    both = promising.add_checkpoint(promising.checkpoint(LEAVES), old_size=0)
    assert witness.add_checkpoint(both).status == 200
    # Both lines are kept: they are what the other side can be held to.
    assert ledger.witnessed_checkpoint("gd.kouan/ledger").count("— gd.kouan/ledger ") == 2


def test_a_checkpoint_with_the_second_signature_alone_is_not_cosigned(promising):
    note = promising.checkpoint(LEAVES)
    text, lines = note.split("\n\n")
    only = text + "\n\n" + lines.split("\n")[1] + "\n"
    assert witness.add_checkpoint(promising.add_checkpoint(only, old_size=0)).status == 403


def test_a_wrong_second_signature_on_a_checkpoint_is_refused(promising):
    other = promising.checkpoint(LEAVES[:2]).splitlines()[-1]
    note = promising.checkpoint(LEAVES, second=False) + other + "\n"
    assert witness.add_checkpoint(promising.add_checkpoint(note, old_size=0)).status == 403


def test_a_document_that_drops_the_promise_is_shown(promising, note, tmp_path):
    folder = tmp_path / "gd"
    shutil.copytree(promising.store.directory, folder)
    end_second(KeyStore.open(folder))
    dropped = load(folder, side="gd", door_url=promising.door_url)
    trust = dropped.public.trust
    change = changes.Change("gd", trust.serial, bytes.fromhex(trust.digest), promising.now())
    signed = changes.sign_change(change, [signer for _, signer in dropped.vouching()])
    with transaction.atomic():
        keyset.take_in("gd", keyset.KeySet(document=dropped.document, statements=signed))
    assert incidents_of() == [f"trust document {trust.serial}"]
    queries.forget_members()
    plain = Peer("gd", KeyStore.open(folder), promising.node, promising.agreement)
    posted = plain.batch(plain.say())
    assert plain.read_receipt(inbox.accept(posted.wire), posted)["status"] == [None]


# This node signs twice


@pytest.fixture
def reader(twice_node, stores):
    """Guangdong, which signs once, as a reader of what this node signs."""
    agreement = next(each for each in policy_of(twice_node.agreements).agreements if each.id == "tests")
    peer = Peer("gd", stores["gd"], queries.own().public, agreement)
    import_document(peer.document, expected_fingerprint=peer.fingerprint)
    return peer


def test_batches_and_receipts_are_signed_twice(reader, note):
    send(note, "one")
    sealed = seal_batch("gd")
    opened = reader.open(sealed.wire)
    assert opened.statement["suite"] == 3
    assert _second_of(opened.signed) is not None
    take_receipt(sealed, reader.receipt(opened))
    posted = reader.batch(reader.say())
    receipt = inbox.accept(posted.wire)
    reader.read_receipt(receipt, posted)
    assert _second_of(receipt) is not None


def test_checkpoints_have_two_lines_and_any_reader_verifies_the_second(reader, note, cosigned):
    posted = reader.batch(reader.say())
    inbox.accept(posted.wire)
    witness.publish()
    text, _parted, lines = ledger.latest_checkpoint().note.rpartition("\n\n")
    text += "\n"
    first, second = lines.splitlines()
    listed = next(key for key in reader.node.trust.content.keys if key.use is KeyUse.LOG_SM2)
    data = base64.b64decode(second.split(" ")[2])
    assert data[:4] == sha256(b"hk.kouan/ledger\n", SM2_TYPE, listed.spki)[:4]
    sm2.PublicKey.from_spki(listed.spki).verify(sm2.der_of(data[4:]), text.encode())
    cosigned(reader)
    assert ledger.latest_cosigned().size == 2
    # The stamp is over what the log alone signed: both lines.
    assert stamped_note(ledger.latest_cosigned().note + "— gd.kouan/witness x\n") == (
        f"{text}\n{first}\n{second}\n".encode()
    )


def test_the_audit_looks_at_both_signatures_of_a_checkpoint(reader, note, cosigned):
    inbox.accept(reader.batch(reader.say()).wire)
    cosigned(reader)
    sound = audit()
    assert (sound.problems, sound.checkpoints, sound.signed_twice) == ([], 1, 1)
    row = SignedCheckpoint.objects.get()
    head, second = row.note.rstrip("\n").rsplit("\n", 1)
    words, line = second.rsplit(" ", 1)
    data = bytearray(base64.b64decode(line))
    data[-1] ^= 1
    for changed, code in (
        (f"{head}\n{words} {base64.b64encode(data).decode()}\n", "second-signature"),
        (f"{head}\n", "second-signature-missing"),
    ):
        SignedCheckpoint.objects.update(note=changed)
        found = audit()
        assert [(each.where, each.code) for each in found.problems] == [(f"checkpoint {row.size}", code)]
        assert (found.signed_twice, "SM2" in found.problems[0].text) == (0, True)


def test_evidence_needs_both_signatures(reader, note, cosigned):
    (sent,) = send(note, "outward")
    sealed = seal_batch("gd")
    take_receipt(sealed, reader.receipt(reader.open(sealed.wire)))
    posted = reader.batch(reader.say())
    inbox.accept(posted.wire)
    received = InboxMessage.objects.get().message_id
    cosigned(reader)
    made = evidence_bundle([sent, received])
    report = verify_bundle(made)
    assert report.holds, report.problems
    opened = Bundle.decode(made)
    notes = opened.parts["1/ledger"]
    lines = notes.splitlines(keepends=True)
    second = next(at for at, line in enumerate(lines) if line.startswith("— hk".encode())) + 1
    for part, changed in {
        "1/statement": _once(opened.parts["1/statement"]),
        "2/receipt": _once(opened.parts["2/receipt"]),
        "1/ledger": b"".join(lines[:second] + lines[second + 1 :]),
    }.items():
        forged = replace(opened, parts=dict(opened.parts) | {part: changed})
        problems = {
            check.part: check.problem
            for check in verify_bundle(forged.encode()).problems
            if not check.altered
        }
        assert "promises a second signature" in problems[part]


@pytest.fixture
def own_folder(reader, settings, tmp_path):
    """This node's keys as a copy that a test may change."""
    folder = tmp_path / "keys"
    shutil.copytree(settings.NODE.keys, folder)
    settings.NODE = replace(settings.NODE, keys=folder)
    return folder


def test_a_reported_second_key_has_what_waits_signed_anew(reader, own_folder, note):
    send(note, "one")
    sealed = seal_batch("gd")
    before = cose.read1(
        reader.open(sealed.wire).signed, content_type="application/kouan-batch+cose", max_bytes=4096
    )
    stolen = before.second.kid
    services.report_compromised(
        KeyUse.SIGN_SM2,
        stolen.hex(),
        since=queries.own().current(KeyUse.SIGN_SM2, timezone.now()).since,
        reason="lost",
    )
    found = signed_since(stolen.hex())
    assert [one.kind for one in found.listed] == ["batch-sent"]
    assert sign_again("gd") == 1
    again = replace_node(reader)
    opened = again.open(bytes(Batch.objects.get().wire))
    assert (
        stolen
        not in cose.read1(opened.signed, content_type="application/kouan-batch+cose", max_bytes=4096).kids
    )


def test_a_reported_second_key_of_the_log_shows_its_checkpoints(reader, own_folder, note, cosigned):
    inbox.accept(reader.batch(reader.say()).wire)
    cosigned(reader)
    key = queries.own().current(KeyUse.LOG_SM2, timezone.now())
    compromise(
        KeyStore.open(own_folder),
        KeyUse.LOG_SM2,
        key.kid.hex(),
        since=key.since,
        reason="lost",
        hosts=("127.0.0.1",),
    )
    assert [one.kind for one in signed_since(key.kid.hex()).listed] == ["checkpoint"]


def test_nobody_is_reminded_of_keys_that_were_ended_on_purpose(reader, own_folder, settings):
    settings.NODE = replace(settings.NODE, second_signature="")
    assert keynews.ending_soon(queries.own()) == []
    ours = services.end_second_signature()
    assert not ours.suite.twice
    assert keynews.ending_soon(ours) == []
    assert {fact.use for fact in facts._keys(timezone.now()) if fact.side == "hk"}.isdisjoint(
        {"sign-sm2", "log-sm2"}
    )


def test_a_node_begins_to_sign_twice_by_its_settings_alone(node, settings, gd, note, tmp_path):
    folder = tmp_path / "keys"
    shutil.copytree(node.keys, folder)
    settings.NODE = replace(node, keys=folder, second_signature="sm2")
    send(note, "one")
    sealed = seal_batch("gd")
    # The peer knows of no second key yet, and reads the batch that may carry the news of it.
    opened = gd.open(sealed.wire)
    assert opened.statement["suite"] == 3
    assert _second_of(opened.signed) is not None


def test_a_changed_first_signature_is_told_from_a_missing_second(promising, note):
    posted = promising.batch(promising.say(), signer=promising.one_signer, suite=1)
    protected, unprotected, payload, signature = cbor.decode(posted.signed, max_bytes=4096)
    forged = cbor.encode([protected, unprotected, payload, bytes([signature[0] ^ 1]) + signature[1:]])
    with pytest.raises(BadSignature):
        inbox.accept(cbor.encode([forged, posted.pairs]))
    assert incidents_of() == []


def _second_of(signed):
    return cbor.decode(signed, max_bytes=8192)[1].get(cose.COUNTERSIGNATURE)


def _once(signed):
    protected, _unprotected, payload, signature = cbor.decode(signed, max_bytes=8192)
    return cbor.encode([protected, {}, payload, signature])


def replace_node(peer):
    peer.node, peer.in_next, peer.in_last = queries.own().public, 1, bytes(32)
    return peer
