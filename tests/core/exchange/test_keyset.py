"""Keys change as messages: a peer's, our own, and what stolen ones are worth."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from core.exchange.declared import Note
from core.exchange.peer import Peer
from kouan.core import cbor
from kouan.core.errors import KouanError
from kouan.core.exchange import (
    handling,
    inbox,
    keynews,
    keyset,
    keystatus,
    outbox,
    resigning,
    signedby,
    witness,
)
from kouan.core.exchange.evidence import evidence_bundle
from kouan.core.exchange.keyset import KEY_SET, KeySet, KeySetAnswer
from kouan.core.exchange.models import Batch, OutboxMessage
from kouan.core.exchange.receipts import take_receipt
from kouan.core.exchange.sealing import seal_batch, unreceipted
from kouan.core.exchange.verify import verify_bundle
from kouan.core.ledger.models import Entry
from kouan.core.policy import policy_of
from kouan.core.trust import changes, cose, document, queries, services
from kouan.core.trust.document import Revocation
from kouan.core.trust.errors import (
    AnchorChanged,
    ConflictingDocument,
    FingerprintMismatch,
    KeyCompromised,
    NoContinuity,
    NothingHeld,
    NotTheirs,
)
from kouan.core.trust.keys import KeyUse
from kouan.core.trust.member import MemberKeys
from kouan.core.trust.models import HeldDocument, KeyNews, Member, ReportedKey
from kouan.core.trust.own import load
from kouan.core.trust.rotation import compromise, rotate
from kouan.core.trust.store import KeyStore

NONE = timedelta(0)
HOUR = timedelta(hours=1)


@pytest.fixture
def own_store(node, stores, tmp_path, settings):
    """The node's keys in a folder of this test's own."""
    folder = tmp_path / "own-keys"
    shutil.copytree(stores["hk"].directory, folder)
    settings.NODE = replace(settings.NODE, keys=folder)
    return folder


@pytest.fixture
def gd(own_store, node, stores, tmp_path):
    """Guangdong with keys that the test may change."""
    folder = tmp_path / "gd-keys"
    shutil.copytree(stores["gd"].directory, folder)
    agreement = next(each for each in policy_of(node.agreements).agreements if each.id == "tests")
    peer = Peer(
        "gd", KeyStore.open(folder), queries.own().public, agreement, door_url="https://gd.example:8443"
    )
    services.import_document(peer.document, expected_fingerprint=peer.fingerprint)
    return peer


def again(peer):
    """Have the peer open its changed keys."""
    peer.store = KeyStore.open(peer.store.directory)
    peer.keys = load(peer.store.directory, side=peer.side, door_url=peer.door_url)


def key_set(peer, *, uses=None):
    """What the peer's own node would send about its present document."""
    public = peer.keys.public
    change = changes.Change(peer.side, public.serial, bytes.fromhex(public.trust.digest), peer.now())
    signers = [signer for key, signer in peer.keys.vouching() if uses is None or key.use in uses]
    return KeySet(document=peer.keys.document, statements=changes.sign_change(change, signers))


def deliver(peer, payload, **more):
    """Post a key set as a message; return the code with which it was handled."""
    basis = [peer.agreement.id, peer.agreement.digest, "9"]
    draft = peer.say(payload.model_dump(), type_="exchange.key-set", basis=basis)
    posted = peer.batch(draft, **more)
    receipt = peer.read_receipt(inbox.accept(posted.wire), posted)
    assert receipt["status"] == [None]
    peer.advance(posted)
    handling.handle_waiting()
    queries.forget_members()


def answers():
    """Return what the node has queued to say about key sets."""
    rows = OutboxMessage.objects.filter(type="exchange.key-set-answer").order_by("pk")
    payloads = [cbor.decode(cbor.decode(bytes(row.body), max_bytes=9999)[1], max_bytes=9999) for row in rows]
    return [changes.read_acknowledgement(payload["acknowledgement"]) for payload in payloads]


def kinds():
    return list(Entry.objects.order_by("index").values_list("kind", flat=True))


@pytest.mark.parametrize("use", [KeyUse.SIGN, KeyUse.DECRYPT, KeyUse.LOG, KeyUse.WITNESS, KeyUse.TLS_CA])
def test_a_peers_new_key_is_checked_installed_and_countersigned(gd, use):
    rotate(gd.store, use, hosts=("127.0.0.1",))
    again(gd)
    deliver(gd, key_set(gd))
    assert queries.get_member("gd").document == gd.document
    ((signed, answer),) = answers()
    hk = queries.own().public
    signed.verify(hk.verification_key(signed.kid, timezone.now()))
    digest = bytes.fromhex(gd.keys.public.trust.digest)
    assert (answer.by, answer.of, answer.verdict) == ("hk", "gd", "installed")
    assert (answer.document, answer.serial) == (digest, gd.keys.public.serial)
    assert kinds().count("keys-installed") == 1
    deliver(gd, key_set(gd))
    assert [each.encode() for _, each in answers()] == [answer.encode()] * 2
    assert kinds().count("keys-installed") == 1


def test_both_keys_count_during_the_overlap(gd, note):
    old = gd.signer()
    rotate(gd.store, KeyUse.SIGN)
    again(gd)
    deliver(gd, key_set(gd), signer=old)
    new = gd.store.signer_of(gd.store.of_use(KeyUse.SIGN)[-1])
    for signer in (old, new):
        posted = gd.batch(gd.say(), signer=signer)
        inbox.accept(posted.wire)
        gd.advance(posted)


def test_what_was_sealed_to_the_old_key_still_opens(gd, note):
    posted = gd.batch(gd.say())
    services.rotate_key(KeyUse.DECRYPT, overlap=NONE)
    assert gd.read_receipt(inbox.accept(posted.wire), posted)["status"] == [None]


def test_key_sets_that_are_unsound_change_nothing(gd, peer_of):
    before = Member.objects.values_list("document", flat=True).get()
    rotate(gd.store, KeyUse.SIGN)
    again(gd)
    peer_of("mo")
    with transaction.atomic(), pytest.raises(NoContinuity):
        keyset.take_in("gd", key_set(gd, uses={KeyUse.ANCHOR}))
    with transaction.atomic(), pytest.raises(NotTheirs):
        keyset.take_in("mo", key_set(gd))
    for body in (
        b"",
        b"\xa0",
        KEY_SET.encode(key_set(gd))[:-1],
        cbor.encode({"document": b"", "statements": []}),
    ):
        with pytest.raises(KouanError):
            keyset.accept_posted(body)
    assert bytes(Member.objects.values_list("document", flat=True).get(side="gd")) == bytes(before)
    assert not OutboxMessage.objects.exists()
    assert not [kind for kind in kinds() if kind.startswith("keys")]


def test_an_older_document_is_answered_and_another_of_the_same_number_is_not(gd):
    rotate(gd.store, KeyUse.LOG)
    again(gd)
    older = key_set(gd)
    rotate(gd.store, KeyUse.WITNESS)
    again(gd)
    keyset.accept_posted(KEY_SET.encode(key_set(gd)))
    _, answer = changes.read_acknowledgement(keyset.accept_posted(KEY_SET.encode(older)))
    assert answer.verdict == "superseded"
    assert queries.get_member("gd").serial == gd.keys.public.serial
    two = gd.store.content("https://gd.example:7777")
    anchor = gd.store.signer(KeyUse.ANCHOR, timezone.now())
    gd.keys = replace_document(
        gd, document.build(two, serial=gd.keys.public.serial, issued=timezone.now(), anchor=anchor)
    )
    with pytest.raises(ConflictingDocument):
        keyset.accept_posted(KEY_SET.encode(key_set(gd)))


def replace_document(peer, data):
    return replace(peer.keys, document=data, public=MemberKeys.from_bytes(data))


def test_a_new_anchor_waits_for_the_operator(gd):
    known = gd.fingerprint
    rotate(gd.store, KeyUse.ANCHOR)
    again(gd)
    deliver(gd, key_set(gd))
    assert queries.get_member("gd").fingerprint == known
    (held,) = keystatus.held()
    assert (held.known, held.fingerprint) == (known, gd.fingerprint)
    assert [answer.verdict for _, answer in answers()] == ["held"]
    with pytest.raises(FingerprintMismatch):
        keyset.confirm("gd", known, by="officer")
    with pytest.raises(NothingHeld):
        keyset.confirm("mo", gd.fingerprint, by="officer")
    row = keyset.confirm("gd", gd.fingerprint.upper(), by="officer")
    assert (row.fingerprint, row.imported_by) == (gd.fingerprint, "officer")
    assert [answer.verdict for _, answer in answers()] == ["held", "installed"]
    assert not HeldDocument.objects.exists()
    assert {"keys-held", "keys-installed"} <= set(kinds())


def test_an_anchor_that_no_known_key_vouches_for_is_refused(gd, stores):
    impostor = Peer("gd", KeyStore.create(gd.store.directory.parent / "other", "gd"), gd.node, gd.agreement)
    impostor.keys = load(impostor.store.directory, side="gd", door_url="https://gd.example:9")
    rotate(impostor.store, KeyUse.SIGN)
    again(impostor)
    now = timezone.now()
    anchor = impostor.store.signer(KeyUse.ANCHOR, now)
    content, serial = impostor.store.content("https://gd.example:9"), gd.keys.public.serial + 1
    data = document.build(content, serial=serial, issued=now, anchor=anchor)
    impostor.keys = replace_document(impostor, data)
    with pytest.raises((AnchorChanged, NoContinuity)):
        keyset.accept_posted(KEY_SET.encode(key_set(impostor)))
    assert not HeldDocument.objects.exists()


def test_a_reported_anchor_is_never_installed_again(gd):
    old_document, old_fingerprint = gd.document, gd.fingerprint
    kid = gd.store.of_use(KeyUse.ANCHOR)[0].kid.hex()
    compromise(gd.store, KeyUse.ANCHOR, kid, since=timezone.now(), reason="safe was opened")
    again(gd)
    keyset.accept_posted(KEY_SET.encode(key_set(gd)))
    keyset.confirm("gd", gd.fingerprint, by="officer")
    with pytest.raises(KeyCompromised):
        services.import_document(old_document, expected_fingerprint=old_fingerprint, replace_anchor=True)


@pytest.fixture
def stolen(gd):
    """Guangdong reports its sign key at our door; return the thief's signer."""
    thief = gd.signer()
    compromise(
        gd.store, KeyUse.SIGN, thief.kid.hex(), since=timezone.now() - HOUR, reason="a laptop was lost"
    )
    again(gd)
    return thief


def current_signer(peer):
    return peer.keys.signer(timezone.now())


def test_a_stolen_key_is_refused_at_once_whatever_time_it_claims(gd, stolen, note):
    before = gd.batch(gd.say(), signer=stolen)
    receipt = inbox.accept(before.wire)
    gd.advance(before)
    _, answer = changes.read_acknowledgement(keyset.accept_posted(KEY_SET.encode(key_set(gd))))
    assert answer.verdict == "installed"
    for at in (gd.now(), gd.now() - 20 * 3_600_000):
        with pytest.raises(KeyCompromised):
            inbox.accept(gd.batch(gd.say(), signer=stolen, at=at).wire)
    assert inbox.accept(before.wire) == receipt, "what was taken in stays taken in"
    fresh = gd.batch(gd.say(), signer=current_signer(gd))
    inbox.accept(fresh.wire)
    found = signedby.signed_since(stolen.kid.hex()[:8])
    assert [(one.kind, one.peer) for one in found.listed] == [("batch-received", "gd")]
    assert signedby.as_json(found)["reason"] == "a laptop was lost"
    with pytest.raises(signedby.NotReported):
        signedby.signed_since("00")


def test_a_report_in_a_held_document_counts_although_the_anchor_waits(gd, note):
    thief = gd.signer()
    rotate(gd.store, KeyUse.ANCHOR)
    compromise(
        KeyStore.open(gd.store.directory), KeyUse.SIGN, thief.kid.hex(), since=timezone.now(), reason="lost"
    )
    again(gd)
    _, answer = changes.read_acknowledgement(keyset.accept_posted(KEY_SET.encode(key_set(gd))))
    assert answer.verdict == "held"
    assert ReportedKey.objects.get().kid == thief.kid.hex()
    queries.forget_members()
    with pytest.raises(KeyCompromised):
        inbox.accept(gd.batch(gd.say(), signer=thief).wire)


# Our own keys


def queued():
    return OutboxMessage.objects.filter(type="exchange.key-set")


def acknowledge(peer, news, verdict="installed", **changed):
    fields = {
        "by": peer.side,
        "of": "hk",
        "serial": news.serial,
        "document": bytes.fromhex(news.digest),
        "verdict": verdict,
        "at": peer.now(),
    } | changed
    return cose.sign1(
        changes.Acknowledgement(**fields).encode(),
        current_signer(peer),
        content_type=changes.ACKNOWLEDGEMENT_TYPE,
    )


def test_the_first_document_is_no_news(gd):
    keynews.look_after()
    assert not KeyNews.objects.exists()
    assert [told.verdict for told in keystatus.status().told] == ["first"]


def test_a_change_of_ours_is_told_once_and_ends_the_old_key_when_acknowledged(gd):
    old = queries.own().signer(timezone.now()).kid
    services.rotate_key(KeyUse.SIGN, soon=True)
    for _ in range(3):
        keynews.look_after()
    assert queued().count() == 1
    assert kinds().count("keys-announced") == 1
    (news,) = KeyNews.objects.all()
    assert not news.urgent
    assert queries.own().signer(timezone.now()).kid == old
    for wrong in ({"by": "mo"}, {"of": "mo"}, {"document": bytes(32)}, {"serial": 77}):
        with transaction.atomic(), pytest.raises(changes.MalformedKeySet):
            keyset.take_acknowledgement("gd", acknowledge(gd, news, **wrong))
    with transaction.atomic():
        keyset.take_acknowledgement("gd", acknowledge(gd, news))
        keyset.take_acknowledgement("gd", acknowledge(gd, news, "superseded"))
    news.refresh_from_db()
    assert news.verdict == "installed"
    assert kinds().count("keys-acknowledged") == 1
    keynews.look_after()
    assert queries.own().signer(timezone.now()).kid != old
    assert not keystatus.status().ending


def test_nothing_ends_while_a_member_only_holds_it(gd):
    services.rotate_key(KeyUse.ANCHOR, soon=True)
    keynews.look_after()
    with transaction.atomic():
        keyset.take_acknowledgement("gd", acknowledge(gd, KeyNews.objects.get(), "held"))
    keynews.look_after()
    assert keystatus.status().ending == (KeyUse.ANCHOR,)
    assert keynews.unacknowledged(queries.own()) == ["gd"]


def test_a_refused_key_set_is_shown(gd):
    services.rotate_key(KeyUse.LOG)
    keynews.look_after()
    queued().update(state="refused", code="no-continuity")
    handling.report_undelivered()
    (told,) = keystatus.status().told
    assert (told.verdict, told.problem) == ("", "no-continuity")
    assert any("no-continuity" in line for line in keystatus.lines(keystatus.status()))


def test_without_an_agreement_the_operator_is_told(gd, settings, tmp_path):
    settings.NODE = replace(settings.NODE, agreements=tmp_path / "none")
    services.rotate_key(KeyUse.LOG)
    keynews.look_after()
    (told,) = keystatus.status().told
    assert "agreement" in told.problem
    assert not queued().exists()


def test_our_own_stolen_key_is_left_behind(gd, note):
    with transaction.atomic():
        outbox.send(note, to="gd", payload=Note(text="under way"))
    sealed = seal_batch("gd")
    stolen = queries.own().signer(timezone.now()).kid
    services.report_compromised(KeyUse.SIGN, stolen.hex(), since=timezone.now() - HOUR, reason="lost")
    keys = queries.own()
    assert keys.signer(timezone.now()).kid != stolen
    keynews.announce(keys)
    assert KeyNews.objects.get().urgent
    resigning.after_refusal("gd", KouanError(code="sequence-gap"))
    assert bytes(Batch.objects.get().statement) == cbor.decode(sealed.wire, max_bytes=1 << 20)[0]
    resigning.after_refusal("gd", KouanError(code="key-compromised"))
    (fresh,) = unreceipted("gd")
    gd.node = MemberKeys.from_bytes(keys.document)
    opened = gd.open(fresh.wire)
    assert opened.payloads == [{"text": "under way"}]
    take_receipt(fresh, gd.receipt(opened))
    assert kinds().count("signed-again") == 1
    assert resigning.sign_again("gd") == 0
    listed = signedby.signed_since(stolen.hex()).listed
    assert listed == (), "the batch now stands under the new key"


def test_a_receipt_under_our_stolen_key_is_given_again_under_the_new_one(gd, note):
    posted = gd.batch(gd.say())
    first = inbox.accept(posted.wire)
    kid = queries.own().signer(timezone.now()).kid
    services.report_compromised(KeyUse.SIGN, kid.hex(), since=timezone.now() - HOUR, reason="lost")
    gd.node = queries.own().public
    again_given = inbox.accept(posted.wire)
    assert again_given != first
    assert gd.read_receipt(again_given, posted)["status"] == [None]
    assert inbox.accept(posted.wire) == again_given


# Evidence


def bundle_of(gd, note, cosigned):
    with transaction.atomic():
        (sent,) = outbox.send_many(note, to="gd", payloads=[Note(text="out")])
    sealed = seal_batch("gd")
    take_receipt(sealed, gd.receipt(gd.open(sealed.wire)))
    cosigned(gd)
    return evidence_bundle([sent])


def remarks(report):
    return [check.part for check in report.checks if check.remark]


def test_evidence_outlives_every_rotation(gd, note, cosigned):
    for use in (KeyUse.SIGN, KeyUse.LOG, KeyUse.WITNESS):
        services.rotate_key(use, overlap=NONE)
        assert bundle_of_after(gd, note, cosigned)
    early = bundle_of(gd, note, cosigned)
    for use in (KeyUse.SIGN, KeyUse.LOG, KeyUse.WITNESS):
        services.rotate_key(use, overlap=NONE)
    report = verify_bundle(early, newer=[queries.own().public])
    assert report.holds, report.problems


def bundle_of_after(gd, note, cosigned):
    gd.node = queries.own().public
    report = verify_bundle(bundle_of(gd, note, cosigned))
    assert report.holds, report.problems
    return True


@pytest.mark.parametrize(("since", "holds"), [(HOUR, True), (-HOUR, False)])
def test_evidence_says_that_a_key_was_compromised_later_and_whether_it_is_anchored(
    gd, note, cosigned, since, holds
):
    """``since``: exposed an hour after the message crossed, or an hour before."""
    bundle = bundle_of(gd, note, cosigned)
    kid = queries.own().signer(timezone.now()).kid
    newer = queries.own().public
    report_ = replace_report(newer, KeyUse.SIGN, kid, timezone.now() + since)
    report = verify_bundle(bundle, newer=[report_])
    assert report.holds is holds
    if holds:
        assert remarks(report) == ["contents", "1/statement"]
        assert "later reported compromised" in "".join(check.remark for check in report.checks)
        assert "receipted it at" in "".join(check.remark for check in report.checks)
    else:
        (problem,) = report.problems
        assert problem.part == "1/statement"
        assert "nothing else in the bundle shows" in problem.problem


def test_a_receipt_under_a_stolen_key_needs_its_givers_ledger(gd, note, cosigned):
    bundle = bundle_of(gd, note, cosigned)
    theirs = replace_report(gd.keys.public, KeyUse.SIGN, gd.signer().kid, timezone.now() + HOUR)
    report = verify_bundle(bundle, newer=[theirs])
    assert [problem.part for problem in report.problems] == ["1/receipt"]


@pytest.mark.parametrize("since", [HOUR, -HOUR])
def test_who_receives_cannot_show_by_its_own_receipt_that_a_batch_was_there_before(gd, note, since):
    """It may have made both, with the stolen key and a clock of its own: the co-signature tells the time."""
    message = gd.say({"text": "in"})
    inbox.accept(gd.batch(message).wire)
    stolen = timezone.now()
    witness.publish()
    size, body = witness.request_for("gd")
    line = gd.cosign(body.decode().split("\n\n", 1)[1], at=int((stolen + HOUR / 2).timestamp()))
    witness.take_cosignature("gd", size, line.encode())
    bundle = evidence_bundle([uuid.UUID(bytes=message.header["id"])])
    theirs = replace_report(gd.keys.public, KeyUse.SIGN, gd.signer().kid, stolen + since)
    report = verify_bundle(bundle, newer=[theirs])
    assert report.holds is (since > HOUR / 2)
    assert "receipted it at" not in "".join(check.remark or "" for check in report.checks)


@pytest.mark.parametrize(("side", "use"), [("hk", KeyUse.LOG), ("gd", KeyUse.WITNESS)])
def test_a_stolen_log_or_witness_key_cannot_tell_the_time(gd, note, cosigned, side, use):
    bundle = bundle_of(gd, note, cosigned)
    public = queries.own().public if side == "hk" else gd.keys.public
    kid = public.of_use(use)[0].kid
    report = verify_bundle(bundle, newer=[replace_report(public, use, kid, timezone.now() + HOUR)])
    assert [problem.part for problem in report.problems] == ["1/ledger"]


def replace_report(member, use, kid, since):
    """Return a member's keys with one more report."""
    report = Revocation(use, kid, since, since, "lost")
    return MemberKeys.from_bytes(member.document, also_revoked=[report])


def test_an_answer_is_a_message_like_any_other(gd):
    services.rotate_key(KeyUse.SIGN)
    keynews.look_after()
    news = KeyNews.objects.get()
    payload = KeySetAnswer(acknowledgement=acknowledge(gd, news))
    basis = [gd.agreement.id, gd.agreement.digest, "9"]
    posted = gd.batch(gd.say(payload.model_dump(), type_="exchange.key-set-answer", basis=basis))
    inbox.accept(posted.wire)
    handling.handle_waiting()
    news.refresh_from_db()
    assert news.verdict == "installed"
