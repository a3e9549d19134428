"""Whose certificate is judged, and as of when: ways to have a signature pass that must not.

Where pyHanko by itself lets one pass, that is shown, too: there this node is stricter on purpose.
"""

from __future__ import annotations

import asyncio
import io
import itertools

import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.signers import PdfTimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore

import signed_papers as papers
from apps.signing.validating import signed_text as text
from apps.signing.validating import test_ocsp as answers
from apps.signing.validating.test_cades import Made
from as_it_comes import OK, AsItComes
from kouan.apps.signing.validating.algorithms import Checker
from kouan.apps.signing.validating.engine import MAX_CERTIFICATES, Engine
from kouan.apps.signing.validating.pipeline import validated
from kouan.apps.signing.validating.report import SubIndication, Verdict
from kouan.apps.signing.validating.trust import Period, Trust
from signed_papers import DAY, NOW

PASSED, OPEN = Verdict.TOTAL_PASSED, Verdict.INDETERMINATE


def trust(**more):
    known = {
        "roots": (papers.root().der,),
        "certificates": (papers.authority().der,),
        "crls": lists(),
        "moment": NOW,
    }
    return Trust(**{**known, **more})


def judged(data, **more):
    return validated(io.BytesIO(data), Engine(trust(**more), Checker()))


def lists(at=NOW - DAY, revoked=(), above=()):
    """Return the lists of both authorities; ``revoked`` and ``above``: who is on them, how many days ago."""
    return tuple(
        papers.crl(
            issuer,
            [(who.certificate.serial_number, NOW - days * DAY) for who, days in on],
            at=at,
            until=at + 2 * DAY,
        )
        for issuer, on in ((papers.root(), above), (papers.authority(), revoked))
    )


def xml(who, at):
    root = text.enveloped(who)
    text.with_signature_stamp(root, at)
    return text.written(root)


def jws(who, at):
    made = text.Jws(who=who)
    made.stamp(at)
    return made.written()


STAMPED = {
    "pdf": lambda who, at: papers.signed_pdf(who, stamped_at=at),
    "cms": lambda who, at: papers.signed_cms(who, stamper=papers.time_stamper(at)),
    "xml": xml,
    "jws": jws,
}


# Whose certificate


def impostor(of=None, *, identifier=None):
    """Return somebody who names the signer's issuer and serial number, or key, as their own."""
    victim, key = (of or papers.signer()).certificate, papers._ec()
    builder = (
        x509.CertificateBuilder()
        .subject_name(papers._name("Mallory"))
        .issuer_name(victim.issuer)
        .public_key(key.public_key())
        .serial_number(victim.serial_number)
        .not_valid_before(papers.SINCE)
        .not_valid_after(papers.UNTIL)
        # Longer than the victim's: in a set of DER the longer element comes later.
        .add_extension(
            x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x04\x82\x01\x00" + bytes(256)),
            critical=False,
        )
        .add_extension(identifier or x509.SubjectKeyIdentifier(b"other"), critical=False)
    )
    return papers.Authority(builder.sign(papers._ec(), hashes.SHA256()), key)


def nobody_who_stamps():
    key = papers.rsa.generate_private_key(65537, 2048)
    return papers._issue("Mallory's Time", key, None, stamps=True)


def forged(*, archived, identifier=False):
    """Return a signature of the impostor's key that carries the victim's certificate before their own."""
    named = papers.signer().certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    made = Made(impostor(identifier=named if identifier else None), stamped=None)
    if archived:
        made.archive(NOW - DAY, who=nobody_who_stamps())
    if identifier:
        made.signer["sid"] = asn1_cms.SignerIdentifier("subject_key_identifier", named.digest)
    own = [each for each in made.signed["certificates"] if "Mallory" in str(each.chosen.subject.native)]
    others = [each for each in made.signed["certificates"] if each not in own]
    victim = asn1_cms.CertificateChoices("certificate", papers.signer().asn1)
    made.signed["certificates"] = asn1_cms.CertificateSet([victim, *others, *own])
    return made.written()


@pytest.mark.parametrize("archived", [True, False])
@pytest.mark.parametrize("identifier", [True, False])
def test_nobody_signs_in_the_name_of_another_whose_certificate_they_put_in_before_their_own(
    archived, identifier
):
    found = judged(forged(archived=archived, identifier=identifier))
    assert (found.verdict, found.sub_indication) == (OPEN, SubIndication.NO_SIGNING_CERTIFICATE_FOUND)
    assert (found.signer, [each.code for each in found.reasons]) == ("", ["several-signing-certificates"])


def test_nor_in_a_pdf():
    found = judged(papers.signed_pdf(impostor(), embedded=[papers.signer()]))
    assert (found.verdict, found.signer) == (OPEN, "")
    assert [each.code for each in found.reasons] == ["several-signing-certificates"]


def test_an_archive_that_nobody_known_stamped_lends_an_impostor_nothing():
    """Without the victim's certificate it is the impostor's own that is judged; no authority signed that."""
    made = Made(impostor(), stamped=None).archive(NOW - DAY, who=nobody_who_stamps())
    found = judged(made.written())
    assert (found.verdict, found.signer) == (OPEN, "Mallory")


def test_a_certificate_that_is_there_twice_is_one():
    made = Made(papers.signer(), stamped=None)
    own = [each for each in made.signed["certificates"] if each.chosen.dump() == papers.signer().der]
    made.signed["certificates"] = asn1_cms.CertificateSet([*made.signed["certificates"], *own])
    assert judged(made.written()).verdict is PASSED


# As of when: expiry and revocation


def pyhanko(data, **more):
    """Return what pyHanko by itself says of the one signature in a PDF, or in CMS; not of time-stamps."""
    plain = AsItComes.of(trust(**more))
    return (plain.pdf if data[:1] == b"%" else plain.cms)(data)[0]


@pytest.mark.parametrize("kind", STAMPED)
@pytest.mark.parametrize("days", [1, 40])
def test_an_expired_signer_needs_a_time_stamp_of_before_and_a_list_of_that_time(kind, days):
    """The certificate ended 30 days ago. Of a list of today it may have been left out since."""
    data = STAMPED[kind](papers.short_lived(), NOW - days * DAY)
    assert judged(data).verdict is OPEN
    then = lists(NOW - days * DAY - DAY / 2)
    assert judged(data, crls=(*lists(), *then)).verdict is (PASSED if days > 30 else OPEN)
    if kind in {"pdf", "cms"}:  # it compares the time-stamp with the certificate's first day alone
        assert pyhanko(data) == OK


@pytest.mark.parametrize("kind", STAMPED)
def test_an_expired_signer_who_had_been_revoked_before_the_time_stamp_does_not_pass(kind):
    data = STAMPED[kind](papers.short_lived(), NOW - 40 * DAY)
    told = lists(revoked=[(papers.short_lived(), 100)])
    assert judged(data, crls=told).verdict is OPEN
    found = judged(data, crls=(*told, *lists(NOW - 40.5 * DAY)))
    assert (found.verdict, found.sub_indication) == (OPEN, SubIndication.REVOKED_NO_POE)
    later = lists(revoked=[(papers.short_lived(), 39)])
    assert judged(data, crls=(*later, *lists(NOW - 40.5 * DAY))).verdict is PASSED


@pytest.mark.parametrize("kind", STAMPED)
@pytest.mark.parametrize(("days", "verdict"), [(10, OPEN), (110, PASSED)])
def test_a_time_stamp_counts_only_from_before_the_revocation_of_the_issuing_authority(kind, days, verdict):
    data = STAMPED[kind](papers.signer(), NOW - days * DAY)
    told = lists(above=[(papers.authority(), 100)])
    assert judged(data, crls=told).verdict is verdict
    if kind in {"pdf", "cms"}:  # it compares nothing
        assert pyhanko(data, crls=told) == OK


# As of when: archives of PDF


def stored(data, crls=(), ocsps=(), certificates=()):
    """Return a PDF with a security store."""
    output = io.BytesIO(data)
    DocumentSecurityStore.add_dss(
        output,
        PdfFileReader(output).embedded_signatures[0].pkcs7_content,
        certs=[papers.authority().asn1, papers.root().asn1, *(each.asn1 for each in certificates)],
        crls=[asn1_crl.CertificateList.load(each) for each in crls],
        ocsps=[asn1_ocsp.OCSPResponse.load(each) for each in ocsps],
    )
    return output.getvalue()


def archived(who, days, listed, *, certificates=(), ocsps=(), stamper=None):  # noqa: PLR0913 - what it may hold
    """Return a PDF that was stamped so many days ago, and as a document a day later, with lists in it."""
    data = papers.signed_pdf(who, stamped_at=NOW - days * DAY, stamper=stamper)
    writer = IncrementalPdfFileWriter(io.BytesIO(stored(data, listed, ocsps, certificates)))
    output = io.BytesIO()
    by = PdfTimeStamper(papers.time_stamper(NOW - (days - 1) * DAY))
    asyncio.run(by.async_timestamp_pdf(writer, "sha256", output=output))
    return output.getvalue()


def test_an_archived_pdf_outlives_its_certificate_and_a_revocation_that_came_later():
    data = archived(papers.short_lived(), 40, lists(NOW - 40.5 * DAY))
    for told in (lists(), lists(revoked=[(papers.short_lived(), 35)])):
        found = judged(data, crls=told)
        one = found.signatures[0]
        assert (found.verdict, found.level, one.time_source) == (PASSED, "B-LTA", "timestamp"), one
        assert [(each.kind, each.holds) for each in one.time_stamps] == [
            ("signature", True), ("archive", True),
        ]  # fmt: skip


@pytest.mark.parametrize("days", [101, 40.5])
def test_a_list_from_before_the_revocation_that_a_pdf_carries_does_not_hide_it(days):
    data = archived(papers.short_lived(), 40, lists(NOW - days * DAY))
    told = lists(revoked=[(papers.short_lived(), 100)])
    assert judged(data, crls=told).verdict is OPEN


@pytest.mark.parametrize("who", ["signer", "authority"])
def test_nor_that_of_who_signed_after_it_or_of_the_authority_above(who):
    gone = getattr(papers, who)()
    told = lists(**{"revoked" if who == "signer" else "above": [(gone, 100)]})
    found = judged(archived(papers.signer(), 10, lists(NOW - 101 * DAY)), crls=told)
    assert found.verdict is OPEN
    assert found.sub_indication in {SubIndication.REVOKED_NO_POE, SubIndication.REVOKED_CA_NO_POE}


def test_an_archive_that_began_after_the_certificate_had_ended_proves_nothing():
    data = archived(papers.short_lived(), 3, lists(NOW - 3.5 * DAY))
    assert judged(data, crls=(*lists(), *lists(NOW - 2.5 * DAY))).verdict is OPEN


# Whatever else says that it is good


def responses():
    """Return an old response in its time that says *good*, and what says otherwise since."""
    who = answers.signer()
    good = answers.response(at=NOW - 5 * DAY, until=NOW + 4 * DAY)
    listed = (papers.crl(papers.root()), *lists(revoked=[(who, 2)]))
    other = answers.response(at=NOW - DAY, revoked_at=NOW - 2 * DAY)
    return who, good, listed, other


def bare_xml(who):
    return text.written(text.enveloped(who))


@pytest.mark.parametrize("make", [papers.signed_pdf, papers.signed_cms, bare_xml])
def test_an_old_response_does_not_outweigh_a_list_that_says_revoked(make):
    who, good, listed, _ = responses()
    data = make(who)
    assert judged(data, ocsps=(good,), crls=(papers.crl(papers.root()),)).verdict is PASSED
    found = judged(data, ocsps=(good,), crls=listed)
    assert (found.verdict, found.sub_indication) == (OPEN, SubIndication.REVOKED_NO_POE)


@pytest.mark.parametrize("order", [0, 1])
def test_of_two_responses_the_one_that_says_revoked_counts_wherever_they_are(order):
    who, good, _, other = responses()
    carried, known = (good, other) if order else (other, good)
    data = stored(papers.signed_pdf(who), ocsps=[carried])
    found = judged(data, ocsps=(known,), crls=(papers.crl(papers.root()),))
    assert (found.verdict, found.sub_indication) == (OPEN, SubIndication.REVOKED_NO_POE)


@pytest.mark.parametrize(("days", "verdict"), [(1, OPEN), (4, PASSED)])
@pytest.mark.parametrize("kind", STAMPED)
def test_a_list_says_revoked_of_a_stamped_signature_too_whatever_a_response_says(kind, days, verdict):
    who, good, listed, _ = responses()
    found = judged(STAMPED[kind](who, NOW - days * DAY), ocsps=(good,), crls=listed)
    assert found.verdict is verdict


def test_a_response_of_who_may_not_answer_outweighs_nothing():
    who, good, *_ = responses()
    forged_ = answers.response(answers.elsewhere(), revoked_at=NOW - 2 * DAY)
    found = judged(papers.signed_cms(who), ocsps=(good, forged_), crls=(papers.crl(papers.root()),))
    assert found.verdict is PASSED


# Who may stamp


@pytest.mark.parametrize(
    "purposes",
    [
        (ExtendedKeyUsageOID.TIME_STAMPING,),
        (ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.EMAIL_PROTECTION),
        (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,),
        (),
    ],
    ids=["not critical", "not alone", "any", "none"],
)
def test_a_time_stamp_of_a_key_that_is_not_for_time_stamps_alone_proves_nothing(purposes):
    """RFC 3161 section 2.3: one purpose, and critical. The signer was revoked three days ago."""
    key = papers.rsa.generate_private_key(65537, 2048)
    who = papers._issue("Somebody", key, papers.authority(), purposes=purposes)
    at = NOW - 10 * DAY
    told = lists(revoked=[(papers.signer(), 3)])
    by_right = papers.signed_pdf(stamper=papers.time_stamper(at))
    assert judged(by_right, crls=told).verdict is PASSED
    data = papers.signed_pdf(stamper=papers.time_stamper(at, who, papers.authority()))
    found = judged(data, crls=told)
    (stamp,) = found.signatures[0].time_stamps
    assert (found.verdict, stamp.holds) == (OPEN, False)
    assert stamp.sub_indication is SubIndication.CHAIN_CONSTRAINTS_FAILURE


def test_a_time_stamp_of_which_it_is_open_whose_it_is_proves_nothing():
    at, told = NOW - 10 * DAY, lists(revoked=[(papers.signer(), 3)])
    stamper = papers.time_stamper(at)
    stamper.certs_to_embed.append(impostor(papers.stamper()).asn1)
    found = judged(papers.signed_cms(stamper=stamper), crls=told)
    (stamp,) = found.signatures[0].time_stamps
    assert (found.verdict, stamp.holds) == (OPEN, False)
    assert stamp.sub_indication is not None


# Roots of which the time has ended


@pytest.mark.parametrize("place", ["nothing", "before", "after", "response"])
def test_no_store_however_full_leads_to_a_root_that_is_trusted_no_more(place):
    """The path to it leads through a certificate that stands in the file's store."""
    root = papers._issue("Former Root", papers._ec(), None, ca=True)
    between = papers._issue("Former CA", papers._ec(), root, ca=True)
    key = papers.rsa.generate_private_key(65537, 2048)
    stamper = papers.time_stamper(NOW - 10 * DAY, papers._issue("Former", key, between, stamps=True))
    many = papers._issue("Many", papers._ec(), None, ca=True)
    junk = [
        papers._issue(f"J{n}", many.key, many, ca=True)
        for n in range(MAX_CERTIFICATES + 5 if place in {"before", "after"} else 0)
    ]
    brought = {"after": [between, *junk], "response": []}.get(place, [*junk, between])
    ocsps = [answers.response(with_=[between])] if place == "response" else []
    data = archived(papers.signer(), 10, (), certificates=brought, ocsps=ocsps, stamper=stamper)
    more = {
        "time_roots": (root.der,),
        "crls": (
            *lists(revoked=[(papers.signer(), 3)]),
            *itertools.chain.from_iterable((papers.crl(each),) for each in (root, between)),
        ),
    }
    stamps = judged(data, **more, periods=(Period(root.der),)).signatures[0].time_stamps
    assert stamps[0].holds is (place != "before")  # one bound for all that a document brings along
    ended = (Period(root.der, until=NOW - 30 * DAY),)
    assert judged(data, **more, periods=ended).signatures[0].time_stamps[0].holds is False
