"""Documents of every format, signed with keys of every kind, made here and now."""

from __future__ import annotations

import asyncio
import hashlib
import io
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from asn1crypto import algos, cms, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko_certvalidator.registry import SimpleCertificateStore

import signed_papers as papers
from apps.signing.validating import signed_text as text
from kouan.apps.signing.ofd.writing import package, sealing
from kouan.core.trust import sm2_certificates

if TYPE_CHECKING:
    from collections.abc import Callable

MORE = "http://www.w3.org/2001/04/xmldsig-more#"
CONTENT = b"Pay 100 yuan"


@dataclass(frozen=True)
class Holder:
    """Somebody with a key of some kind, and what each format calls its signatures."""

    der: bytes
    above: bytes
    sign: Callable[[bytes], bytes]
    """As CMS, PDF and OFD have it."""
    digest: str
    cms: dict[str, Any]
    xml: str
    jws: str
    ofd: str = "1.3.101.112"
    width: int = 0
    """Bytes of each half of a signature that XML and JWS have as two numbers side by side."""

    @property
    def certificate(self) -> bytes:
        return self.der

    @property
    def algorithm(self) -> str:
        return self.ofd

    def raw(self, data: bytes) -> bytes:
        """As XML and JWS have it."""
        made = self.sign(data)
        if not self.width:
            return made
        return b"".join(each.to_bytes(self.width, "big") for each in decode_dss_signature(made))


def _issued(key, sign, **more) -> Holder:
    one = papers._issue("Chan Tai Man", key, papers.authority(), policies=(papers.POLICY,))
    return Holder(one.der, papers.authority().der, sign, **more)


def _rsa() -> Holder:
    key = rsa.generate_private_key(65537, 2048)
    return _issued(
        key, lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA256()), digest="sha256",
        cms={"algorithm": "sha256_rsa"}, xml=f"{MORE}rsa-sha256", jws="RS256", ofd="1.2.840.113549.1.1.11",
    )  # fmt: skip


def _pss() -> Holder:
    key = rsa.generate_private_key(65537, 2048)
    mask = {"algorithm": "mgf1", "parameters": {"algorithm": "sha256"}}
    how = {"hash_algorithm": {"algorithm": "sha256"}, "mask_gen_algorithm": mask, "salt_length": 32}
    return _issued(
        key, lambda data: key.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()),
        digest="sha256", cms={"algorithm": "rsassa_pss", "parameters": algos.RSASSAPSSParams(how)},
        xml="http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", jws="PS256",
        ofd="1.2.840.113549.1.1.10",
    )  # fmt: skip


def _ecdsa(curve, bits: int, ofd: str) -> Holder:
    key, digest = ec.generate_private_key(curve), hashes.SHA256() if bits == 256 else hashes.SHA384()
    return _issued(
        key, lambda data: key.sign(data, ec.ECDSA(digest)), digest=f"sha{bits}",
        cms={"algorithm": f"sha{bits}_ecdsa"}, xml=f"{MORE}ecdsa-sha{bits}", jws=f"ES{bits}", ofd=ofd,
        width=bits // 8,
    )  # fmt: skip


def _ed25519() -> Holder:
    key = ed25519.Ed25519PrivateKey.generate()
    return _issued(
        key, key.sign, digest="sha512", cms={"algorithm": "ed25519"},
        xml="http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519", jws="EdDSA",
    )  # fmt: skip


def _sm2() -> Holder:
    certificate, key = papers.sm2_signer()
    return Holder(
        certificate.dump(), papers.sm2_authority().certificate.dump(), key.sign, digest="sm3",
        cms={"algorithm": "sm2_sm3"}, xml="urn:oid:1.2.156.10197.1.501", jws="SGD_SM3_SM2",
        ofd="1.2.156.10197.1.501", width=32,
    )  # fmt: skip


KEYS: dict[str, tuple[Callable[[], Holder], ...]] = {
    "RSA": (cache(_rsa),),
    "RSA-PSS": (cache(_pss),),
    "ECDSA": (
        cache(lambda: _ecdsa(ec.SECP256R1(), 256, "1.2.840.10045.4.3.2")),
        cache(lambda: _ecdsa(ec.SECP384R1(), 384, "1.2.840.10045.4.3.3")),
    ),
    "Ed25519": (cache(_ed25519),),
    "SM2": (cache(_sm2),),
}
"""By the table's columns; ECDSA with P-256 and with P-384."""


class _Signer(signers.Signer):
    def __init__(self, who: Holder) -> None:
        store = SimpleCertificateStore()
        store.register(sm2_certificates.load(who.above))
        super().__init__(
            signing_cert=sm2_certificates.load(who.der), cert_registry=store,
            signature_mechanism=algos.SignedDigestAlgorithm(who.cms),
        )  # fmt: skip
        self._who = who

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:  # noqa: ARG002, FBT001, FBT002 - the library's signature
        return self._who.sign(data)


def pdf(who: Holder) -> bytes:
    meta = signers.PdfSignatureMetadata(
        field_name="Signature1", md_algorithm=who.digest, subfilter=SigSeedSubFilter.PADES
    )
    output = io.BytesIO()
    writer = IncrementalPdfFileWriter(io.BytesIO(papers.plain_pdf()))
    asyncio.run(signers.PdfSigner(meta, signer=_Signer(who)).async_sign_pdf(writer, output=output))
    return output.getvalue()


def signed_cms(who: Holder, *, gm: bool = False, detached: bool = False) -> bytes:
    inner, outer = ("gm_data", "gm_signed_data") if gm else ("data", "signed_data")
    certificate, above = (sm2_certificates.load(each) for each in (who.der, who.above))
    attributes = cms.CMSAttributes(
        [
            cms.CMSAttribute({"type": "content_type", "values": [inner]}),
            cms.CMSAttribute(
                {"type": "message_digest", "values": [hashlib.new(who.digest, CONTENT).digest()]}
            ),
        ]
    )
    info = {
        "version": "v1",
        "sid": {"issuer_and_serial_number": _named(certificate)},
        "digest_algorithm": {"algorithm": who.digest},
        "signed_attrs": attributes,
        "signature_algorithm": who.cms,
        "signature": who.sign(attributes.dump()),
    }
    data = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [{"algorithm": who.digest}],
            "encap_content_info": {"content_type": inner, **({} if detached else {"content": CONTENT})},
            "certificates": [certificate, above],
            "signer_infos": [info],
        }
    )
    return cms.ContentInfo({"content_type": outer, "content": data}).dump()


def _named(certificate: x509.Certificate) -> dict[str, Any]:
    return {"issuer": certificate.issuer, "serial_number": certificate.serial_number}


def xml(who: Holder) -> bytes:
    return text.written(text.enveloped(who))


def jws(who: Holder) -> bytes:
    return text.Jws(CONTENT, who=who).written()


def _pages() -> package.Parts:
    line = package.Line("Pay 100 yuan", 20, 30, 6)
    return package.document(([line],), identifier="0" * 31 + "1", title="-", created="2026-05-01")


def ofd_seal(who: Holder) -> bytes:
    maker = KEYS["SM2"][0]()
    holder = x509.Certificate.load(who.der).subject.native["common_name"]
    look = sealing.Look("png", papers.red_square())
    seal = sealing.make_seal(
        edition=4, identifier="44030000000001", name=holder, look=look, holders=[who.der], maker=maker,
        since=papers.SINCE, until=papers.UNTIL,
    )  # fmt: skip
    place = sealing.Place(package.page_identifier(0), (130, 200, 40, 40))
    at = papers.NOW - papers.DAY
    return package.pack(
        sealing.seal_document(_pages(), edition=4, seal=seal, signer=who, time=at, places=[place])
    )


def ofd_signature(who: Holder) -> bytes:
    return package.pack(sealing.sign_document(_pages(), signer=who, time=papers.NOW - papers.DAY))
