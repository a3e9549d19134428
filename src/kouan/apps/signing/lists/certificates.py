"""Reading the certificates of CAs, whatever their keys are: RSA, ECDSA or SM2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from kouan.apps.signing.domain import fingerprint, says_made_up
from kouan.core.trust import sm2_certificates

if TYPE_CHECKING:
    from datetime import datetime

    from asn1crypto.x509 import Certificate, Name

_SHORT: Final = {
    "common_name": "CN",
    "serial_number": "SERIALNUMBER",
    "organizational_unit_name": "OU",
    "organization_name": "O",
    "organization_identifier": "organizationIdentifier",
    "locality_name": "L",
    "state_or_province_name": "ST",
    "country_name": "C",
}
"""Parts of names, as RFC 4514 and X.520 abbreviate them."""


class BadCertificate(ValueError):
    """A certificate that cannot be listed: ``problem`` is one of ``entries.Problem``."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Facts:
    """What people compare a CA's certificate by."""

    subject: str
    issuer: str
    serial: str
    """Hexadecimal."""
    not_before: datetime
    not_after: datetime
    key: str
    """Such as ``RSA 4096``, ``P-256`` or ``SM2``."""
    fingerprint: str
    """SHA-256, 64 hex digits."""


def facts(der: bytes) -> Facts:
    """Return what a certificate says; raises ``ValueError`` for bytes that are none."""
    try:
        return _facts(der)
    except Exception as error:  # noqa: BLE001 - the library's errors on foreign bytes are many; one leaves here
        raise ValueError(f"not a certificate ({type(error).__name__})") from None


def _facts(der: bytes) -> Facts:
    certificate = sm2_certificates.load(der)
    validity = certificate["tbs_certificate"]["validity"]
    return Facts(
        subject=_named(certificate.subject),
        issuer=_named(certificate.issuer),
        serial=f"{certificate.serial_number:x}",
        not_before=validity["not_before"].native,
        not_after=validity["not_after"].native,
        key=_key_name(certificate),
        fingerprint=fingerprint(der),
    )


def _named(name: Name) -> str:
    """Return a name as RFC 4514 abbreviates its parts: these letters are the same in every script."""
    pairs = (pair for part in name.chosen for pair in part)
    return ", ".join(
        f"{_SHORT.get(each['type'].native, each['type'].dotted)}={each['value'].native}" for each in pairs
    )


def key_identifier(der: bytes) -> bytes:
    """Return by what a CA's key is named: the extension's value, or SHA-1 of the key (RFC 5280 4.2.1.2)."""
    certificate = sm2_certificates.load(der)
    return bytes(certificate.key_identifier or certificate.public_key.sha1)


def pem_or_der(data: bytes, field: str) -> bytes:
    """Return the one certificate in PEM or DER as DER; raises ``BadCertificate``."""
    try:
        return bytes(sm2_certificates.load(data).dump())
    except ValueError:
        raise BadCertificate(field, "no-certificate") from None


def check_pair(root: bytes, issuing: bytes) -> None:
    """Check that a root signed itself and the issuing CA, and that both are CAs.

    The issuing CA may be the root itself. Raises ``BadCertificate`` with the field that is wrong.
    """
    top, below = _loaded(root, "root"), _loaded(issuing, "issuing_ca")
    for field, each in (("root", top), ("issuing_ca", below)):
        if not _is_ca(each):
            raise BadCertificate(field, "no-ca")
    _check_signed(top, top, "root", "not-self-signed")
    if root != issuing:
        _check_signed(below, top, "issuing_ca", "other-root")


def names_made_up(der: bytes) -> bool:
    """Whether a certificate says that a demonstration made it up; not so for one that cannot be read."""
    try:
        certificate = sm2_certificates.load(der)
        names = [certificate.subject.native, certificate.issuer.native]
    except (ValueError, TypeError, KeyError):
        return False
    return any(says_made_up(str(name.get("organization_name", ""))) for name in names)


def _loaded(der: bytes, field: str) -> Certificate:
    try:
        return sm2_certificates.load(der)
    except ValueError:
        raise BadCertificate(field, "no-certificate") from None


def _is_ca(certificate: Certificate) -> bool:
    try:
        constraints = certificate.basic_constraints_value
        return constraints is not None and bool(constraints["ca"].native)
    except (ValueError, TypeError, KeyError):
        return False


def _check_signed(signed: Certificate, by: Certificate, field: str, problem: str) -> None:
    if signed.issuer != by.subject:
        raise BadCertificate(field, problem)
    try:
        if sm2_certificates.is_sm2(by):
            sm2_certificates.check_signed(signed, sm2_certificates.public_key(by))
        else:
            lower = x509.load_der_x509_certificate(signed.dump())
            lower.verify_directly_issued_by(x509.load_der_x509_certificate(by.dump()))
    except (InvalidSignature, ValueError, TypeError, KeyError):
        raise BadCertificate(field, problem) from None


def _key_name(certificate: Certificate) -> str:
    if sm2_certificates.is_sm2(certificate):
        return "SM2"
    key = certificate.public_key
    kind = str(key.algorithm)
    if kind == "ec":
        curve = key.curve[1]
        return {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}.get(curve, str(curve))
    return f"{kind.upper()} {key.bit_size}"
