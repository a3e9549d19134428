"""Certification authorities, time-stamping and signed documents for tests, in SM2 too."""

from __future__ import annotations

import asyncio
import hashlib
import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from asn1crypto import algos, cms, keys
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.ades.qualified_asn1 import QcCertificateType, QcStatements
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore
from reportlab.pdfgen.canvas import Canvas

from kouan.apps.signing.ofd.writing import package, sealing
from kouan.apps.signing.validating import algorithms  # noqa: F401 - it knows what GM/T 0010 calls data
from kouan.core.trust import sm2, sm2_certificates

POLICY = "2.16.344.8.2.2008.810.2.2012.1.0"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
"""When tests judge, if they say nothing else."""
SINCE, UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2035, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """A CA: its certificate and key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def asn1(self) -> asn1.Certificate:
        return asn1.Certificate.load(self.der)


Signer = Authority


def _name(common, organisation=""):
    parts = [x509.NameAttribute(NameOID.COUNTRY_NAME, "HK"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if organisation:
        parts.insert(1, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    return x509.Name(parts)


def _issue(  # noqa: PLR0913 - a certificate's fields
    common, key, issuer, *, ca=False, policies=(), since=SINCE, until=UNTIL, stamps=False, usage=True,
    organisation="", purposes=(), states=(),
):  # fmt: skip
    name = _name(common, organisation)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    signing = (issuer.key if issuer else key).public_key()
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signing), critical=False
    )
    if usage:
        builder = builder.add_extension(
            x509.KeyUsage(
                digital_signature=not ca, content_commitment=not ca, key_encipherment=False,
                data_encipherment=False,
                key_agreement=False, key_cert_sign=ca, crl_sign=ca, encipher_only=False, decipher_only=False,
            ),
            critical=True,
        )  # fmt: skip
    if policies:
        listed = [x509.PolicyInformation(x509.ObjectIdentifier(each), None) for each in policies]
        builder = builder.add_extension(x509.CertificatePolicies(listed), critical=False)
    if stamps:
        purposes = (ExtendedKeyUsageOID.TIME_STAMPING,)
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=stamps)
    if states:
        types = QcCertificateType([f"qct_{each}" for each in states])
        stated = QcStatements([{"statement_id": "qc_type", "statement_info": types}])
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3"), stated.dump())
        builder = builder.add_extension(unknown, critical=False)
    return Authority(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def _ec():
    return ec.generate_private_key(ec.SECP256R1())


@cache
def root():
    return _issue("Test Root", _ec(), None, ca=True)


@cache
def authority():
    return _issue("Test Issuing CA", _ec(), root(), ca=True, policies=(POLICY,))


@cache
def signer(kind="ec", name="Chan Tai Man"):
    key = _ec() if kind == "ec" else rsa.generate_private_key(65537, 2048)
    return _issue(name, key, authority(), policies=(POLICY,))


@cache
def holder(*, organisation="", purposes=(), states=(), policies=()):
    """Return somebody whose certificate says more of who they are; ``states`` are of ``QcType``."""
    return _issue(
        "Chan Tai Man", _ec(), authority(), organisation=organisation, purposes=purposes, states=states,
        policies=(POLICY, *policies),
    )  # fmt: skip


@cache
def short_lived():
    """Return somebody whose certificate ended before ``NOW``."""
    return _issue("Wong Siu Ming", _ec(), authority(), policies=(POLICY,), until=NOW - 30 * DAY)


@cache
def stamper():
    return _issue("Test Time-Stamping", rsa.generate_private_key(65537, 2048), root(), stamps=True)


def crl(issuer, revoked=(), *, at=NOW - DAY, until=NOW + 7 * DAY):
    """Return a CRL in DER; ``revoked`` are serial numbers with the moment."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(at)
        .next_update(until)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False
        )
        .add_extension(x509.CRLNumber(int(at.timestamp())), critical=False)
    )
    for serial, moment in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(moment).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def plain_pdf(text="A contract", pages=1):
    output = io.BytesIO()
    canvas = Canvas(output, invariant=True)
    for _ in range(pages):
        canvas.drawString(72, 700, text)
        canvas.showPage()
    canvas.save()
    return output.getvalue()


def _pdf_signer(who, embedded=()):
    der = who.key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    store = SimpleCertificateStore()
    store.register_multiple([authority().asn1, root().asn1, *(each.asn1 for each in embedded)])
    return signers.SimpleSigner(
        signing_cert=who.asn1, signing_key=keys.PrivateKeyInfo.load(der), cert_registry=store
    )


def time_stamper(at, who=None, above=None):
    """Return a time-stamping authority whose clock stands still."""
    who = who or stamper()
    der = who.key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    store = SimpleCertificateStore()
    store.register((above or root()).asn1)
    return DummyTimeStamper(who.asn1, keys.PrivateKeyInfo.load(der), certs_to_embed=store, fixed_dt=at)


def signed_pdf(  # noqa: PLR0913 - what a signature may have
    who=None,
    *,
    data=None,
    stamped_at=None,
    stamper=None,
    crls=(),
    lta=False,
    field="Signature1",
    box=(50, 50, 250, 120),
    embedded=(),
):
    """Return a PDF signed at B, with a time-stamp at T, with ``crls`` at LT, or at LTA."""
    who = who or signer()
    writer = IncrementalPdfFileWriter(io.BytesIO(plain_pdf() if data is None else data))
    context = None
    if crls:
        context = ValidationContext(
            trust_roots=[root().asn1], other_certs=[authority().asn1], crls=list(crls), moment=stamped_at,
            revocation_mode="hard-fail",
        )  # fmt: skip
    meta = signers.PdfSignatureMetadata(
        field_name=field,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        embed_validation_info=bool(crls),
        use_pades_lta=lta,
        validation_context=context,
    )
    from pyhanko.sign.fields import SigFieldSpec  # noqa: PLC0415 - for this alone

    pdf_signer = signers.PdfSigner(
        meta,
        signer=_pdf_signer(who, embedded),
        timestamper=stamper or (time_stamper(stamped_at) if stamped_at else None),
        new_field_spec=SigFieldSpec(sig_field_name=field, box=box),
    )
    output = io.BytesIO()
    asyncio.run(pdf_signer.async_sign_pdf(writer, output=output))
    return output.getvalue()


def signed_cms(who=None, content=b"A permit", *, detached=False, stamper=None, embedded=()):
    """Return a CMS signature with its content, or without it, DER; ``embedded`` are further authorities."""
    who = who or signer()
    made = asyncio.run(
        _pdf_signer(who, embedded).async_sign_general_data(
            content, "sha256", detached=detached, timestamper=stamper
        )
    )
    return made.dump()


# SM2


@cache
def sm2_root():
    return sm2_certificates.self_signed_ca(
        sm2_certificates.name_of(country_name="CN", common_name="SM2 Root"), since=SINCE, until=UNTIL
    )


@cache
def sm2_authority():
    name = sm2_certificates.name_of(country_name="CN", common_name="SM2 Issuing CA")
    return sm2_certificates.issue_ca(sm2_root(), name, since=SINCE, until=UNTIL)


@cache
def sm2_signer(organisation=None):
    key = sm2.PrivateKey.generate()
    body = {"organization_name": organisation} if organisation else {}
    name = sm2_certificates.name_of(country_name="CN", **body, common_name=organisation or "李小明")
    certificate = sm2_certificates.issue_signer(
        sm2_authority(), name, key.public_key(), since=SINCE, until=UNTIL, policies=(POLICY,)
    )
    return certificate, key


def sm2_crls(revoked=(), *, at=NOW - DAY, until=NOW + 7 * DAY):
    return (
        sm2_certificates.issue_crl(sm2_root(), (), at=at, until=until),
        sm2_certificates.issue_crl(sm2_authority(), revoked, at=at, until=until),
    )


def sm2_cms(content=b"\xe8\xae\xb8\xe5\x8f\xaf", *, attributes=True, gm=True, detached=False):
    """Return CMS as GM/T 0010 has it: its own content types, with signed attributes or without."""
    certificate, key = sm2_signer()
    inner, outer = ("gm_data", "gm_signed_data") if gm else ("data", "signed_data")
    signed = b""
    info = {
        "version": "v1",
        "sid": {
            "issuer_and_serial_number": {
                "issuer": certificate.issuer,
                "serial_number": certificate.serial_number,
            }
        },
        "digest_algorithm": algos.DigestAlgorithm({"algorithm": "sm3"}),
        "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": "sm2" if gm else "sm2_sm3"}),
    }
    if attributes:
        attrs = cms.CMSAttributes(
            [
                cms.CMSAttribute({"type": "content_type", "values": [inner]}),
                cms.CMSAttribute(
                    {"type": "message_digest", "values": [hashlib.new("sm3", content).digest()]}
                ),
            ]
        )
        info["signed_attrs"] = attrs
        signed = attrs.dump()
    info["signature"] = key.sign(signed or content)
    data = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [{"algorithm": "sm3"}],
            "encap_content_info": {"content_type": inner, **({} if detached else {"content": content})},
            "certificates": [certificate, sm2_authority().certificate],
            "signer_infos": [info],
        }
    )
    return cms.ContentInfo({"content_type": outer, "content": data}).dump()


# OFD


class _Sm2:
    """Who seals: a certificate and an SM2 key, as the writer of OFD takes them."""

    algorithm = "1.2.156.10197.1.501"

    def __init__(self, certificate, key):
        self.certificate, self.sign = certificate.dump(), key.sign


def sm2_nobody():
    """Return a certificate that stands under no authority that anybody lists, with its key."""
    name = sm2_certificates.name_of(country_name="CN", common_name="某制章中心")
    nobody = sm2_certificates.self_signed_ca(name, since=SINCE, until=UNTIL)
    return nobody.certificate, nobody.key


def red_square():
    """Return a picture for a seal, PNG."""
    look = io.BytesIO()
    Image.new("RGBA", (20, 20), (200, 0, 0, 255)).save(look, "PNG")
    return look.getvalue()


def sealed_ofd(  # noqa: PLR0913 - what a seal says, by name
    edition=4, *, changed=False, maker=None, name="李小明之印", organisation=None, until=UNTIL, time=NOW - DAY
):
    """Return an OFD document of a page with a seal on it, of GB/T 38540 in one of its editions."""
    who = _Sm2(*(sm2_signer(organisation) if organisation else sm2_signer()))
    seal = sealing.make_seal(
        edition=edition, identifier="44030000000001", name=name,
        look=sealing.Look("png", red_square()),
        holders=[who.certificate], maker=_Sm2(*maker) if maker else who, since=SINCE, until=until,
    )  # fmt: skip
    parts = package.document(
        ([package.Line("许可证", 20, 30, 6)],),
        identifier="0" * 31 + "1",
        title="许可证",
        created="2026-05-01",
    )
    place = sealing.Place(package.page_identifier(0), (130, 200, 40, 40))
    made = sealing.seal_document(parts, edition=edition, seal=seal, signer=who, time=time, places=[place])
    if changed:
        name = next(each for each in made if each.endswith("Content.xml"))
        made = {**made, name: made[name].replace("许可证".encode(), "许可證".encode())}
    return package.pack(made)
