"""Time-stamps on checkpoints, by a real authority (``openssl ts``), and by one that misbehaves."""

from __future__ import annotations

import hashlib
import shutil
import socket
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from core.exchange.authority import POLICY, establish, serving
from kouan.core import cbor
from kouan.core.exchange import services, stamp, stamping
from kouan.core.ledger import services as ledger
from kouan.core.ledger.models import Helper, SignedCheckpoint, TimeStamp
from kouan.sections import TimeSettings
from pace import patience

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the program openssl")

DIGEST = hashlib.sha256(b"something").digest()


@pytest.fixture(scope="module")
def established(tmp_path_factory):
    return establish(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def authority(established):
    established.answer = None
    established.asked.clear()
    with serving(established.reply) as url:
        established.url = url
        yield established


@pytest.fixture
def roots(established):
    return stamp.read_roots(established.ca.read_bytes())


@pytest.fixture
def grown(gd, settings, authority):
    """The node, with an authority, and a ledger that has grown to a checkpoint."""
    settings.NODE = replace(settings.NODE, time=TimeSettings(authority.url, authority.ca, every_s=60))

    def grow(count=1):
        from django.db import transaction  # noqa: PLC0415 - the database is ready by now

        from kouan.core.exchange import witness  # noqa: PLC0415 - as above

        with transaction.atomic():
            ledger.append([ledger.Record("test", b"x")] * count)
        with_no_other = SignedCheckpoint.objects.count()
        assert witness.publish()
        assert SignedCheckpoint.objects.count() == with_no_other + 1

    return grow


def ask(  # noqa: PLR0913 - what a test may want to be different
    authority, roots, *, digest=DIGEST, nonce=12345, policy="", now=None, signer="tsa"
):
    answer = authority.true_answer(stamp.request(DIGEST, nonce=12345, policy=policy), signer=signer)
    return stamp.read_answer(
        answer, digest=digest, nonce=nonce, policy=policy, roots=roots, now=now or timezone.now()
    )


def test_a_stamp_of_a_real_authority_holds(established, roots):
    found = ask(established, roots)
    assert abs(found.at - timezone.now()) < timedelta(minutes=1)
    assert found.policy == POLICY
    assert "Test stamps" in found.authority
    assert len(found.chain) == 3
    assert found.chain[-1] == roots[0]
    assert found.root_fingerprint == hashlib.sha256(roots[0]).hexdigest()
    again = stamp.verify(found.token, digest=DIGEST, roots=[found.chain[-1]])
    assert again == found


def test_a_stamp_under_another_policy_that_was_asked_for(established, roots):
    assert ask(established, roots, policy="1.2.3.4.5").policy == "1.2.3.4.5"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"digest": hashlib.sha256(b"else").digest()}, "something else"),
        ({"nonce": 54321}, "nonce"),
        ({"signer": "expired"}, "certificate"),
        ({"signer": "early"}, "certificate"),
        ({"signer": "self"}, "certificate"),
        ({"now": timezone.now() + timedelta(days=90)}, "certificate"),
    ],
    ids=["imprint", "nonce", "expired", "early", "self-made", "ended-since"],
)
def test_an_answer_that_does_not_hold(established, roots, wrong, says):
    with pytest.raises(stamp.StampDoesNotHold, match=says):
        ask(established, roots, **wrong)


def test_a_certificate_that_may_do_other_things_too(established, roots):
    # openssl refuses to stamp with it, so the question is whether we would see it: the token is a
    # good one, and the certificate in it is changed for one whose usage is not critical.
    from asn1crypto import cms, pem, tsp, x509  # noqa: PLC0415 - for this test alone

    answer = tsp.TimeStampResp.load(established.true_answer(stamp.request(DIGEST, nonce=1)), strict=True)
    soft = x509.Certificate.load(pem.unarmor((established.folder / "soft.pem").read_bytes())[2])
    signed = answer["time_stamp_token"]["content"]
    names = {each.chosen.subject.human_friendly: each for each in signed["certificates"]}
    others = [each for name, each in names.items() if "stamps" not in name]
    signed["certificates"] = cms.CertificateSet([cms.CertificateChoices("certificate", soft), *others])
    token = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump(force=True)
    with pytest.raises(stamp.StampDoesNotHold):
        stamp.verify(token, digest=DIGEST, roots=roots)


def test_a_second_certificate_of_the_name_by_which_a_stamp_calls_its_maker(established, roots):
    """Which of the two is asked when it ends is then for whoever put the second one in to say."""
    from asn1crypto import cms  # noqa: PLC0415 - for this test alone
    from cryptography import x509  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - as above

    token = cms.ContentInfo.load(ask(established, roots).token)
    signed = token["content"]
    (own,) = stamp.named_signers(signed)
    key = next(iter(established.issuers.values()))
    called = x509.load_der_x509_certificate(own.dump())
    twin = (
        x509.CertificateBuilder()
        .subject_name(called.subject)
        .issuer_name(called.issuer)
        .serial_number(called.serial_number)
        .public_key(key.public_key())
        .not_valid_before(called.not_valid_before_utc)
        .not_valid_after(called.not_valid_after_utc + timedelta(days=9999))
        .sign(key, hashes.SHA256())
    )
    second = cms.CertificateChoices.load(twin.public_bytes(serialization.Encoding.DER))
    signed["certificates"] = cms.CertificateSet([*signed["certificates"], second])
    changed = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump(force=True)
    with pytest.raises(stamp.StampDoesNotHold, match="several certificates"):
        stamp.verify(changed, digest=DIGEST, roots=roots)


def test_a_stamp_years_after_its_certificate_has_ended(established, roots):
    """It is checked as of its own time: that is what it is for."""
    found = ask(established, roots)
    assert stamp.verify(found.token, digest=DIGEST, roots=roots).at == found.at
    other = stamp.read_roots((established.folder / "other.pem").read_bytes())
    with pytest.raises(stamp.StampDoesNotHold, match="certificate"):
        stamp.verify(found.token, digest=DIGEST, roots=other)


def test_no_changed_bit_passes_and_nothing_raw_comes_out(established, roots):
    found = ask(established, roots)
    for at in range(0, len(found.token), 23):
        changed = bytearray(found.token)
        changed[at] ^= 1 << at % 8
        try:
            same = stamp.verify(bytes(changed), digest=DIGEST, roots=roots)
        except (stamp.StampDoesNotHold, stamp.MalformedStamp):
            continue
        # A certificate beside the path may change without changing what is proved.
        assert (same.at, same.serial) == (found.at, found.serial)


@pytest.mark.parametrize("data", [b"", b"\x30\x03\x02\x01\x02", bytes(1000), b"\x30\x80" + b"\xff" * 50])
def test_garbage_is_no_stamp(roots, data):
    with pytest.raises((stamp.MalformedStamp, stamp.StampRefused)):
        stamp.read_answer(data, digest=DIGEST, nonce=1, policy="", roots=roots, now=timezone.now())
    with pytest.raises((stamp.MalformedStamp, stamp.StampDoesNotHold)):
        stamp.verify(data, digest=DIGEST, roots=roots)


def test_a_refusal_is_told_in_one_line(established, roots):
    with pytest.raises(stamp.StampRefused, match="rejection"):
        ask(established, roots, policy="1.9.9.9")


@pytest.mark.parametrize(
    "data", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_file_without_certificates(data):
    with pytest.raises(ValueError, match=r"."):
        stamp.read_roots(data)


def test_the_newest_checkpoint_is_stamped_once_and_kept(grown, authority, roots):
    grown()
    assert not stamping.stamp_due()
    (row,) = TimeStamp.objects.all()
    digest = hashlib.sha256(row.checkpoint.note.encode()).digest()
    chain = cbor.decode(bytes(row.chain), max_bytes=1 << 16)
    assert stamp.verify(bytes(row.token), digest=digest, roots=chain[-1:]).at == row.at
    assert Helper.objects.get(name="time-stamp").problem == ""
    stamping.stamp_due()
    assert len(authority.asked) == 1


def test_the_next_stamp_waits_for_its_time_or_for_many_entries(grown, authority, settings):
    grown()
    stamping.stamp_due()
    grown()
    stamping.stamp_due()
    assert len(authority.asked) == 1
    TimeStamp.objects.update(stored_at=timezone.now() - timedelta(seconds=61))
    stamping.stamp_due()
    assert len(authority.asked) == 2
    settings.NODE = replace(settings.NODE, time=replace(settings.NODE.time, every_leaves=3))
    grown()
    stamping.stamp_due()
    assert len(authority.asked) == 2
    grown(2)
    stamping.stamp_due()
    assert TimeStamp.objects.count() == 3


def test_what_is_final_is_stamped_before_what_is_newest(grown, gd, cosigned):
    grown()
    cosigned(gd)
    grown()
    stamping.stamp_due()
    assert TimeStamp.objects.get().checkpoint.size == 1


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((500, "text/plain", b"no"), "HTTP 500"),
        ((200, "text/html", b"<html>"), "HTTP 200"),
        ((200, stamp.ANSWER_TYPE, b"garbage"), "not a time-stamp"),
        ((200, stamp.ANSWER_TYPE, bytes(stamp.MAX_ANSWER + 1)), "longer than"),
    ],
    ids=lambda each: str(each)[:30],
)
def test_an_authority_that_answers_nonsense_is_shown_and_changes_nothing(grown, authority, answer, says):
    authority.answer = lambda _question: answer
    grown()
    assert not stamping.stamp_due()
    assert not TimeStamp.objects.exists()
    assert says in Helper.objects.get(name="time-stamp").problem
    authority.answer = None
    stamping.stamp_due()
    assert TimeStamp.objects.count() == 1
    assert Helper.objects.get(name="time-stamp").problem == ""


def test_an_authority_that_answers_another_question(grown, authority):
    other = authority.true_answer(stamp.request(DIGEST, nonce=7))
    authority.answer = lambda _question: (200, stamp.ANSWER_TYPE, other)
    grown()
    stamping.stamp_due()
    assert "something else" in Helper.objects.get(name="time-stamp").problem


def test_nobody_there(grown, authority, settings):
    grown()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings.NODE = replace(settings.NODE, time=replace(settings.NODE.time, tsa=f"http://127.0.0.1:{port}"))
    stamping.stamp_due()
    assert "127.0.0.1 does not answer" in Helper.objects.get(name="time-stamp").problem


def test_a_service_that_trickles_its_answer_is_left():
    with socket.create_server(("127.0.0.1", 0)) as server:
        import threading  # noqa: PLC0415 - for this test alone

        def trickle():
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
                try:
                    for _each in range(1800):
                        connection.sendall(b"x")
                        time.sleep(0.05)
                except OSError:
                    pass

        thread = threading.Thread(target=trickle)
        thread.start()
        began = time.monotonic()
        with pytest.raises(services.ServiceUnreachable, match=r"slowly|timed out"):
            services.post(
                f"http://127.0.0.1:{server.getsockname()[1]}/x",
                b"?",
                content_type="text/plain",
                max_answer=10_000,
                limit=1.0,
            )
        assert time.monotonic() - began < patience(30)
        thread.join()


def test_without_an_authority_nothing_is_asked(grown, settings):
    grown()
    settings.NODE = replace(settings.NODE, time=None)
    assert not stamping.stamp_due()
    assert not TimeStamp.objects.exists()
    assert not Helper.objects.exists()
