from __future__ import annotations

import datetime as dt
import io

import pytest
from asn1crypto import keys, x509
from cryptography import x509 as cx509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer
from pyhanko.sign import signers
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from kouan.apps.validation.errors import EncryptedPDF, UnusablePDF
from kouan.apps.validation.marks import Mark, take_fingerprint
from kouan.apps.validation.marks.pdf import find_mark
from kouan.apps.validation.marks.pdfwriting import put_mark


def marked(data: bytes, mark: Mark) -> bytes:
    output = io.BytesIO()
    put_mark(io.BytesIO(data), output, mark)
    return output.getvalue()


@pytest.fixture
def mark() -> Mark:
    return Mark.new(side="hk", issuer="hku")


@pytest.fixture(scope="module")
def signer() -> signers.SimpleSigner:
    key = ec.generate_private_key(ec.SECP256R1())
    name = cx509.Name([cx509.NameAttribute(NameOID.COMMON_NAME, "An officer")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        cx509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(1))
        .not_valid_after(now + dt.timedelta(1))
        .add_extension(cx509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            cx509.KeyUsage(
                digital_signature=True,
                content_commitment=True,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=False,
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    der = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return signers.SimpleSigner(
        signing_cert=x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER)),
        signing_key=keys.PrivateKeyInfo.load(der),
        cert_registry=SimpleCertificateStore(),
    )


@pytest.mark.parametrize("kind", ["pdf", "pdf_with_xref_stream"])
def test_the_mark_goes_in_after_the_documents_own_bytes(kind, mark, request):
    data = request.getfixturevalue(kind)
    carried = marked(data, mark)
    assert carried.startswith(data)
    assert find_mark(io.BytesIO(carried)) == mark
    assert len(carried) - len(data) < 1200
    reader = PdfFileReader(io.BytesIO(carried))
    assert str(mark.reference) in reader.trailer["/Info"]["/Kouan"]
    assert reader.root["/Pages"]["/Count"] == 1


def test_a_pdf_that_does_not_end_with_a_line_break_stays_readable(pdf, mark):
    carried = marked(pdf.rstrip(), mark)
    assert PdfFileReader(io.BytesIO(carried), strict=True).trailer["/Info"]["/Kouan"]


def test_a_pdf_without_information_dictionary_gets_one(mark):
    body = (
        b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
        b"2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n"
    )
    first, second = body.index(b"1 0 obj"), body.index(b"2 0 obj")
    data = (
        body
        + (
            f"xref\n0 3\n0000000000 65535 f \n{first:010} 00000 n \n{second:010} 00000 n \n"
            f"trailer\n<< /Size 3 /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF"
        ).encode()
    )
    carried = marked(data, mark)
    reader = PdfFileReader(io.BytesIO(carried))
    assert list(reader.trailer["/Info"]) == ["/Kouan"]
    assert "/Version" not in reader.root


@pytest.mark.parametrize("certify", [False, True])
def test_a_signature_keeps_its_byte_range_and_stays_valid(pdf, mark, signer, certify):
    metadata = signers.PdfSignatureMetadata(
        field_name="Signature",
        certify=certify,
        docmdp_permissions=MDPPerm.NO_CHANGES if certify else MDPPerm.FILL_FORMS,
    )
    signed = signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), metadata, signer=signer).getvalue()
    carried = marked(signed, mark)
    before = PdfFileReader(io.BytesIO(signed)).embedded_signatures[0]
    reader = PdfFileReader(io.BytesIO(carried))
    after = reader.embedded_signatures[0]
    assert list(after.byte_range) == list(before.byte_range)
    context = ValidationContext(trust_roots=[signer.signing_cert], allow_fetching=False)
    status = validate_pdf_signature(after, context)
    assert status.intact
    assert status.valid
    assert status.docmdp_ok
    assert status.modification_level == ModificationLevel.LTA_UPDATES


def test_an_encrypted_pdf_is_refused_with_a_way_out(encrypted_pdf, mark):
    with pytest.raises(EncryptedPDF, match="package"):
        marked(encrypted_pdf, mark)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=60,
    deadline=None,
)
@given(st.data())
def test_a_damaged_pdf_is_marked_or_refused(pdf, mark, data):
    cut = data.draw(st.integers(9, len(pdf)))
    noise = data.draw(st.binary(max_size=50))
    place = data.draw(st.integers(9, cut))
    damaged = pdf[:place] + noise + pdf[place:cut]
    try:
        carried = marked(damaged, mark)
    except UnusablePDF:
        return
    assert carried.startswith(damaged)
    assert find_mark(io.BytesIO(carried)) == mark


def test_a_pdf_saved_again_has_another_fingerprint(pdf, mark):
    carried = marked(pdf, mark)
    output = io.BytesIO()
    copy_into_new_writer(PdfFileReader(io.BytesIO(carried))).write(output)
    assert take_fingerprint(output) != take_fingerprint(io.BytesIO(carried))


def test_a_mark_is_found_across_the_scanners_windows(mark, pdf):
    tail = marked(pdf, mark)[len(pdf) :]
    place = tail.index(b"/Kouan (")
    for shift in (0, 1, 100, len(tail) - place):
        filler = b"%PDF-1.7\n" + b"x" * ((1 << 20) - 9 - place - shift)
        assert find_mark(io.BytesIO(filler + tail)) == mark


def test_the_last_mark_counts(mark):
    other = Mark.new(side="gd", issuer="sysu")
    text = "/Kouan (kouan-mark/1; reference={}; issuer={}; side={}; salt={})"
    data = "".join(
        text.format(item.reference, item.issuer, item.reference.side, item.salt.hex())
        for item in (other, mark)
    )
    assert find_mark(io.BytesIO(data.encode())) == mark


@given(st.binary(max_size=400))
def test_other_bytes_carry_no_mark(data):
    assert find_mark(io.BytesIO(b"%PDF-1.7 /Kouan (kouan-mark/1; " + data)) is None
