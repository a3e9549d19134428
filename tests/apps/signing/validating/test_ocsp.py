"""OCSP responses (RFC 6960), at hand on the node or in the file: which of them count, and for what."""

from __future__ import annotations

import io
from functools import cache

import pytest
from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID
from pyhanko.sign.validation.dss import DocumentSecurityStore

import signed_papers as papers
from kouan.apps.signing.models import RevocationData
from kouan.apps.signing.validating import bundles, services
from kouan.apps.signing.validating.algorithms import Checker
from kouan.apps.signing.validating.engine import Engine
from kouan.apps.signing.validating.pipeline import validated
from kouan.apps.signing.validating.report import SubIndication, Verdict
from kouan.apps.signing.validating.trust import Trust
from signed_papers import DAY, NOW

PASSED, OPEN = Verdict.TOTAL_PASSED, Verdict.INDETERMINATE


@cache
def signer(name="Chan Tai Man"):
    """Return somebody whose certificate says where its responder is: only then are responses asked for."""
    key = papers._ec()
    where = x509.UniformResourceIdentifier("http://ocsp.test.invalid")
    usage = dict.fromkeys(
        (
            "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
            "encipher_only", "decipher_only",
        ),
        False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(papers._name(name))
        .issuer_name(papers.authority().certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(papers.SINCE)
        .not_valid_after(papers.UNTIL)
        .add_extension(x509.KeyUsage(digital_signature=True, content_commitment=True, **usage), critical=True)
        .add_extension(
            x509.AuthorityInformationAccess(
                [x509.AccessDescription(AuthorityInformationAccessOID.OCSP, where)]
            ),
            critical=False,
        )
        .sign(papers.authority().key, hashes.SHA256())
    )
    return papers.Authority(certificate, key)


def signed_pdf(**more):
    return papers.signed_pdf(signer(), **more)


def signed_cms():
    return papers.signed_cms(signer())


@cache
def responder(issuer, *, appointed=True):
    """Return who answers for an authority: a certificate under it, for OCSP if it was appointed."""
    key = papers._ec()
    builder = (
        x509.CertificateBuilder()
        .subject_name(papers._name("Test OCSP"))
        .issuer_name(issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(papers.SINCE)
        .not_valid_after(papers.UNTIL)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.OCSPNoCheck(), critical=False)
    )
    if appointed:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), critical=False
        )
    return papers.Authority(builder.sign(issuer.key, hashes.SHA256()), key)


@cache
def elsewhere():
    """Return an authority of the name of the one that issued, with a key of its own."""
    return papers._issue("Test Issuing CA", papers._ec(), papers.root(), ca=True)


def response(  # noqa: PLR0913 - what a response says
    by=None, *, about=None, revoked_at=None, at=NOW - DAY, until=NOW + 7 * DAY, named=hashes.SHA256, with_=(),
):  # fmt: skip
    """Return a response in DER of the issuing authority or of ``by`` about the signer's certificate.

    ``with_`` are further certificates that it brings along.
    """
    issuer = papers.authority()
    by = by or issuer
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=(about or signer()).certificate,
            issuer=issuer.certificate,
            algorithm=named(),
            cert_status=ocsp.OCSPCertStatus.REVOKED if revoked_at else ocsp.OCSPCertStatus.GOOD,
            this_update=at,
            next_update=until,
            revocation_time=revoked_at,
            revocation_reason=None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, by.certificate)
    )
    brought = [each.certificate for each in (*([] if by is issuer else [by]), *with_)]
    if brought:
        builder = builder.certificates(brought)
    return builder.sign(by.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def judged(data, *ocsps):
    """Judge by the responses alone what the signer's certificate is about; the authority's has a list."""
    trust = Trust(roots=(papers.root().der,), crls=(papers.crl(papers.root()),), ocsps=ocsps, moment=NOW)
    return validated(io.BytesIO(data), Engine(trust, Checker()))


@pytest.mark.parametrize("make", [signed_pdf, signed_cms])
@pytest.mark.parametrize("named", [hashes.SHA1, hashes.SHA256])
def test_what_the_issuing_authority_says_is_good_passes(make, named):
    found = judged(make(), response(named=named))
    assert (found.verdict, found.sub_indication) == (PASSED, None)
    assert judged(make()).verdict is OPEN


def test_an_authority_may_have_another_answer_for_it():
    assert judged(signed_cms(), response(responder(papers.authority()))).verdict is PASSED


@pytest.mark.parametrize(
    "by",
    [
        lambda: responder(papers.authority(), appointed=False),
        lambda: responder(papers.root()),
        lambda: responder(elsewhere()),
        elsewhere,
        signer,
    ],
    ids=["not appointed", "of the root", "of another", "another of the name", "the signer"],
)
@pytest.mark.parametrize("revoked_at", [None, NOW - 3 * DAY])
def test_who_may_not_answer_for_the_authority_says_nothing(by, revoked_at):
    alone = judged(signed_cms(), response(by(), revoked_at=revoked_at))
    assert (alone.verdict, alone.signatures[0].intact) == (OPEN, True)
    assert alone.sub_indication is not SubIndication.REVOKED_NO_POE
    assert judged(signed_cms(), response(by(), revoked_at=revoked_at), response()).verdict is PASSED


def test_a_response_about_another_certificate_says_nothing():
    assert judged(signed_cms(), response(about=signer(name="Ho"))).verdict is OPEN


def test_a_response_that_is_out_of_date_leaves_it_open():
    found = judged(signed_cms(), response(at=NOW - 9 * DAY, until=NOW - 2 * DAY))
    assert (found.verdict, found.sub_indication) == (OPEN, SubIndication.TRY_LATER)


def test_a_changed_response_says_nothing():
    changed = response(revoked_at=NOW - 3 * DAY)
    changed = changed.replace(b"20260529120000Z", b"20270529120000Z")
    assert b"20270529120000Z" in changed
    assert judged(signed_cms(), changed).sub_indication is not SubIndication.REVOKED_NO_POE


def test_a_revoked_signer_without_a_time_stamp_does_not_pass():
    found = judged(signed_cms(), response(revoked_at=NOW - 3 * DAY))
    assert (found.verdict, found.sub_indication) == (OPEN, SubIndication.REVOKED_NO_POE)


@pytest.mark.parametrize(("days", "verdict"), [(10, PASSED), (1, OPEN)])
def test_a_time_stamp_before_the_revocation_keeps_it_good_and_one_after_does_not(days, verdict):
    data = signed_pdf(stamped_at=NOW - days * DAY)
    assert judged(data, response(revoked_at=NOW - 3 * DAY)).verdict is verdict


@pytest.mark.parametrize(("revoked_at", "verdict"), [(None, PASSED), (NOW - 3 * DAY, OPEN)])
def test_a_response_in_the_file_counts_and_is_named_in_the_report(revoked_at, verdict):
    data = io.BytesIO(signed_pdf())
    der = response(responder(papers.authority()), revoked_at=revoked_at)
    DocumentSecurityStore.add_dss(data, None, certs=(), ocsps=[asn1_ocsp.OCSPResponse.load(der)], crls=())
    found = judged(data.getvalue())
    assert found.verdict is verdict, found.reasons
    assert [each[:5] for each in found.signatures[0].revocation] == ["ocsp:"]


def test_a_bundle_brings_responses_to_the_node(node):
    der = response()
    bundle = bundles.pack([bundles.read(der, name="a.ocsp")])
    assert [each.kind for each in bundles.take(bundle, name="b")] == ["ocsp"]
    row = RevocationData.objects.get()
    assert (row.this_update, row.next_update) == (NOW - DAY, NOW + 7 * DAY)
    assert services.trust().ocsps == (der,)
