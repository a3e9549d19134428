"""PDF and CMS, signed with keys in files: read by pyHanko, by ``openssl``, and by the rules of GM/T 0010."""

from __future__ import annotations

import asyncio
import hashlib
import io
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import pem, x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from apps.signing.making.conftest import DAY, chain
from apps.signing.making.conftest import NOW as TODAY
from kouan.apps.signing.making import cms, keys, pdf
from kouan.apps.signing.making.errors import NoSuchSigner, NotSignable, SignerUnusable
from kouan.apps.signing.making.pdf import Level
from kouan.core.exchange.stamper import stamper
from kouan.core.trust import sm2
from kouan.core.trust import sm2_certificates as sm2c

NOW = datetime(2026, 11, 1, 8, 30, tzinfo=UTC)


def status_of(data, root, *, place=0):
    embedded = PdfFileReader(io.BytesIO(data)).embedded_regular_signatures[place]
    context = ValidationContext(trust_roots=[x509.Certificate.load(root)], allow_fetching=False)
    return asyncio.run(async_validate_pdf_signature(embedded, context))


def cms_of(signer, content, *, inside=False):
    return (cms.enclosing if inside else cms.detached)(content, signer, at=NOW)


@pytest.mark.parametrize("kind", ["rsa", "p256"])
def test_a_pdf_is_signed_and_any_reader_verifies_it(node, signers, paper, kind):
    data = pdf.sign(paper, keys.signer(kind), reason="Approved")
    assert data.startswith(paper)
    status = status_of(data, signers[kind].certificates[-1])
    assert status.bottom_line
    assert status.signing_cert.dump() == signers[kind].certificates[0]


def test_a_second_signature_stands_beside_the_first(node, signers, paper):
    data = pdf.sign(pdf.sign(paper, keys.signer("rsa")), keys.signer("p256"))
    reader = PdfFileReader(io.BytesIO(data))
    assert [each.field_name for each in reader.embedded_regular_signatures] == ["Signature1", "Signature2"]
    assert all(
        status_of(data, signers[kind].certificates[-1], place=place).valid
        for place, kind in enumerate(("rsa", "p256"))
    )


def test_a_pdf_bears_a_time_stamp_where_it_is_asked_for(node, authority, signers, paper):
    data = pdf.sign(paper, keys.signer("rsa"), level=Level.T, stamper=stamper())
    status = status_of(data, signers["rsa"].certificates[-1])
    assert status.timestamp_validity.valid
    with pytest.raises(NotSignable, match="time-stamping authority"):
        pdf.sign(paper, keys.signer("rsa"), level=Level.T)


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7\n", b"hello", b"%PDF-1.7\ntrailer<</Root 1 0 R>>\n%%EOF"])
def test_what_is_no_sound_pdf_is_not_signed(node, data):
    with pytest.raises(NotSignable):
        pdf.sign(data, keys.signer("rsa"))
    with pytest.raises(NotSignable):
        pdf.prepare(data, name="x", reason="", at=NOW, known_certificate=False)


def test_a_pdf_whose_author_permits_no_changes_is_not_signed(node, signers, paper, tmp_path):
    own = tmp_path / "own.der"
    own.write_bytes(signers["rsa"].certificates[0])
    made = PdfSigner(
        PdfSignatureMetadata("Author", certify=True, docmdp_permissions=MDPPerm.NO_CHANGES),
        SimpleSigner.load(signers["rsa"].settings.key, str(own)),
    )
    closed = made.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(paper))).getvalue()
    with pytest.raises(NotSignable, match="permits no changes"):
        pdf.sign(closed, keys.signer("p256"))
    with pytest.raises(NotSignable, match="permits no changes"):
        pdf.prepare(closed, name="x", reason="", at=NOW, known_certificate=False)


def test_a_pdf_is_not_signed_with_sm2(node, paper):
    with pytest.raises(NotSignable, match="CMS"):
        pdf.sign(paper, keys.signer("sm2"))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl program here")
@pytest.mark.parametrize("kind", ["rsa", "p256"])
@pytest.mark.parametrize("inside", [True, False])
def test_openssl_verifies_the_cms(node, signers, tmp_path, kind, inside):
    content = b"a statement\n"
    signature, root, data = (tmp_path / name for name in ("signature", "root", "data"))
    signature.write_bytes(cms_of(keys.signer(kind), content, inside=inside))
    root.write_bytes(signers[kind].certificates[-1])
    data.write_bytes(content)
    given = [] if inside else ["-content", str(data)]
    done = subprocess.run(
        [
            "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", str(signature), *given,
            "-CAfile", str(tmp_path / "root.pem"), "-purpose", "any", "-cades",
        ],
        capture_output=True,
        check=False,
    ) if _to_pem(root, tmp_path / "root.pem") else None  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == content


def _to_pem(der, target):
    from asn1crypto import pem  # noqa: PLC0415 - one use

    return target.write_bytes(pem.armor("CERTIFICATE", der.read_bytes()))


@pytest.mark.parametrize("inside", [True, False])
def test_sm2_signs_in_the_form_of_gm_t_0010(node, signers, inside):
    content = "批准".encode()
    signer = keys.signer("sm2")
    whole = asn1_cms.ContentInfo.load(cms_of(signer, content, inside=inside), strict=True)
    assert whole["content_type"].dotted == "1.2.156.10197.6.1.4.2.2"
    body = whole["content"]
    assert [each["algorithm"].dotted for each in body["digest_algorithms"]] == [sm2c.SM3]
    encapsulated = body["encap_content_info"]
    assert encapsulated["content_type"].dotted == "1.2.156.10197.6.1.4.2.1"
    assert encapsulated["content"].native == (content if inside else None)
    (info,) = body["signer_infos"]
    assert info["signature_algorithm"]["algorithm"].dotted == "1.2.156.10197.1.301.1"
    attributes = {each["type"].native: each["values"] for each in info["signed_attrs"]}
    assert attributes["message_digest"][0].native == hashlib.new("sm3", content).digest()
    assert attributes["content_type"][0].dotted == "1.2.156.10197.6.1.4.2.1"
    public = sm2.PublicKey.from_spki(signer.certificate.public_key.dump())
    # RFC 5652 section 5.4: what is signed is the SET, whose tag is another than the one inside.
    public.verify(info["signature"].native, b"\x31" + info["signed_attrs"].dump()[1:])


def test_every_signature_is_checked_before_anybody_gets_it(node, signers, paper):
    signer = keys.signer("rsa")
    other = keys.signer("p256")
    with pytest.raises(SignerUnusable, match="does not verify"):
        pdf.sign(paper, replace(signer, raw=other.raw))


def test_an_unknown_signer_is_named_with_the_known_ones(node):
    with pytest.raises(NoSuchSigner, match=r"rsa, p256, sm2"):
        keys.signer("seal")


def test_a_key_file_that_others_may_read_is_not_used(node, settings, signers, tmp_path):
    loose = tmp_path / "key"
    loose.write_bytes((tmp_path / "x").read_bytes() if (tmp_path / "x").exists() else b"")
    loose.chmod(0o644)
    given = replace(signers["rsa"].settings, key=str(loose))
    with pytest.raises(SignerUnusable, match="chmod 600"):
        keys.opened(given)


def test_certificates_that_are_none_are_told(signers, tmp_path):
    junk = tmp_path / "junk.pem"
    junk.write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(SignerUnusable, match="not a certificate"):
        keys.opened(replace(signers["rsa"].settings, certificates=junk))
    with pytest.raises(SignerUnusable, match="No such file"):
        keys.opened(replace(signers["rsa"].settings, certificates=tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("days", "place", "told"),
    [
        ((-9, -1), 0, "has ended"),
        ((1, 9), 0, "not valid yet"),
        ((-1, 1), 1, "not for signing documents"),
    ],
)
def test_a_certificate_that_no_validation_would_accept_signs_nothing(signers, tmp_path, days, place, told):
    since, until = (TODAY + each * DAY for each in days)
    certificates = chain(signers["rsa"].key, since=since, until=until)
    (tmp_path / "it.pem").write_bytes(pem.armor("CERTIFICATE", certificates[place]))
    with pytest.raises(SignerUnusable, match=told):
        keys.opened(replace(signers["rsa"].settings, certificates=tmp_path / "it.pem"))
