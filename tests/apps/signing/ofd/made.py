"""Signers, seals and sealed OFD documents, made afresh: real keys, real certificates, nothing canned."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from PIL import Image, ImageDraw

from kouan.apps.signing.ofd import reading
from kouan.apps.signing.ofd.writing import package, sealing
from kouan.core.trust import sm2, sm2_certificates

if TYPE_CHECKING:
    from kouan.apps.signing.ofd.result import OfdSignature

NOW = datetime(2026, 3, 2, 4, 5, 6, tzinfo=UTC)
SINCE, UNTIL = NOW - timedelta(days=100), NOW + timedelta(days=900)
PAGES = (
    [package.Line("深圳市公共服務中心 Public Service Centre", 20, 30, 6), package.Rule(20, 34, 170)],
    [package.Line("第二頁", 20, 30)],
)


@dataclass(frozen=True)
class Sm2Signer:
    certificate: bytes
    key: sm2.PrivateKey
    algorithm: str = "1.2.156.10197.1.501"

    def sign(self, data: bytes) -> bytes:
        return self.key.sign(data)


@dataclass(frozen=True)
class RsaSigner:
    certificate: bytes
    key: rsa.RSAPrivateKey
    algorithm: str = "1.2.840.113549.1.1.11"

    def sign(self, data: bytes) -> bytes:
        return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())


@dataclass(frozen=True)
class EcSigner:
    certificate: bytes
    key: ec.EllipticCurvePrivateKey
    algorithm: str = "1.2.840.10045.4.3.2"

    def sign(self, data: bytes) -> bytes:
        return self.key.sign(data, ec.ECDSA(hashes.SHA256()))


@cache
def authority() -> sm2_certificates.Issuer:
    name = sm2_certificates.name_of(country_name="CN", common_name="示范根证书 Root")
    return sm2_certificates.self_signed_ca(name, since=SINCE, until=UNTIL)


@cache
def signer(name: str = "广东省示范中心", *, until: datetime = UNTIL) -> Sm2Signer:
    key = sm2.PrivateKey.generate()
    named = sm2_certificates.name_of(country_name="CN", organization_name="示范", common_name=name)
    issued = sm2_certificates.issue_signer(authority(), named, key.public_key(), since=SINCE, until=until)
    return Sm2Signer(issued.dump(), key)


def _self_signed(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Hong Kong Demonstration")])
    built = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=7,
        not_valid_before=SINCE,
        not_valid_after=UNTIL,
    )
    return built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@cache
def rsa_signer(bits: int = 2048) -> RsaSigner:
    key = rsa.generate_private_key(65537, bits)
    return RsaSigner(_self_signed(key), key)


@cache
def ec_signer() -> EcSigner:
    key = ec.generate_private_key(ec.SECP256R1())
    return EcSigner(_self_signed(key), key)


@cache
def ring() -> bytes:
    """A seal's picture."""
    image = Image.new("RGBA", (120, 120), (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((4, 4, 115, 115), outline=(200, 30, 30, 255), width=6)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def seal(edition: int = 4, **changes) -> bytes:
    fields = {
        "edition": edition,
        "identifier": "44030000000001",
        "name": "深圳市示范公章",
        "look": sealing.Look("png", ring()),
        "holders": [signer().certificate],
        "maker": signer("制章中心"),
        "since": SINCE,
        "until": UNTIL,
    }
    return sealing.make_seal(**{**fields, **changes})


def plain(**changes) -> package.Parts:
    fields = {"identifier": "0" * 31 + "1", "title": "证明 Certificate", "created": "2026-03-02"}
    return package.document(changes.pop("pages", PAGES), **{**fields, **changes})


def sealed(edition: int = 4, parts: package.Parts | None = None, **changes) -> package.Parts:
    fields = {
        "edition": edition,
        "seal": changes.pop("seal", None) or seal(edition),
        "signer": signer(),
        "time": NOW,
        "places": [sealing.Place(package.page_identifier(0), (130, 200, 40, 40))],
    }
    return sealing.seal_document(parts or plain(), **{**fields, **changes})


def signatures(parts: package.Parts) -> list[OfdSignature]:
    return reading.signatures(reading.read(package.pack(parts)))


def only(parts: package.Parts) -> OfdSignature:
    (found,) = signatures(parts)
    return found


def codes(found: OfdSignature) -> set[str]:
    return {str(finding.code) for finding in found.reasons}


def with_algorithm(who: Sm2Signer | RsaSigner, algorithm: str):
    return replace(who, algorithm=algorithm)
