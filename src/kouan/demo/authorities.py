"""Certification authorities that are made up: a root and an issuing CA of each kind of key, with their keys.

They sign what a demonstration shows, and nothing else: their keys lie open in the demonstration's folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from kouan.core.trust import sm2, sm2_certificates

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

Kind = Literal["rsa", "p256", "sm2"]
KINDS: Final[tuple[Kind, ...]] = ("rsa", "p256", "sm2")
POLICY: Final = "2.16.344.8.2.2008.810.2.2012.1.0"
"""The policy for mutual recognition in the edition that the made-up certificates name."""
SINCE: Final = datetime(2020, 1, 1, tzinfo=UTC)
UNTIL: Final = datetime(2040, 1, 1, tzinfo=UTC)
_FILES: Final = ("root.pem", "root.key", "ca.pem", "ca.key")
_BITS: Final = 2048

ClassicalKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Authority:
    """A made-up authority; certificates and keys in PEM."""

    kind: Kind
    root: bytes
    root_key: bytes
    issuing: bytes
    issuing_key: bytes


def kept(folder: Path, name: str, kind: Kind) -> Authority:
    """Return the authority in ``folder``, made there at the first call; raises ``Sm2Unavailable``."""
    paths = [folder / each for each in _FILES]
    if not all(path.exists() for path in paths):
        made = make(name, kind)
        folder.mkdir(parents=True, exist_ok=True)
        parts = (made.root, made.root_key, made.issuing, made.issuing_key)
        for path, data in zip(paths, parts, strict=True):
            path.touch(mode=0o600)
            path.write_bytes(data)
    return Authority(kind, *(path.read_bytes() for path in paths))


def make(name: str, kind: Kind) -> Authority:
    """Make an authority of that name; raises ``Sm2Unavailable``."""
    return _sm2(name) if kind == "sm2" else _classical(name, kind)


def issue_signer(  # noqa: PLR0913 - a certificate's fields, by name
    authority: Authority,
    common_name: str,
    *,
    organisation: str = "",
    policies: Sequence[str] = (POLICY,),
    since: datetime | None = None,
    until: datetime | None = None,
) -> tuple[bytes, bytes]:
    """Return certificate and key, in PEM, of somebody who signs documents; by default for a year from now."""
    since = since or datetime.now(UTC) - timedelta(minutes=5)
    until = until or since + timedelta(days=365)
    if authority.kind == "sm2":
        issuer = sm2_certificates.Issuer(
            sm2_certificates.load(authority.issuing), sm2.PrivateKey.from_pem(authority.issuing_key)
        )
        key = sm2.PrivateKey.generate()
        parts = {"organization_name": organisation} if organisation else {}
        certificate = sm2_certificates.issue_signer(
            issuer,
            sm2_certificates.name_of(**parts, common_name=common_name),
            key.public_key(),
            since=since,
            until=until,
            policies=policies,
        )
        return _pem(certificate.dump()), key.pem
    ca_key = load_pem_private_key(authority.issuing_key, None)
    assert isinstance(ca_key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey))  # noqa: S101 - as it was made
    ca = x509.load_pem_x509_certificate(authority.issuing)
    own = _key("rsa" if isinstance(ca_key, rsa.RSAPrivateKey) else "p256")
    made = (
        _builder(_name(common_name, organisation), ca.subject, own, since, until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(ca=False), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
                ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
            ),
            critical=False,
        )
        .add_extension(
            x509.CertificatePolicies(
                [x509.PolicyInformation(x509.ObjectIdentifier(each), None) for each in policies]
            ),
            critical=False,
        )
        .sign(ca_key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM), _key_pem(own)


def issue_crls(
    authority: Authority, revoked: Iterable[int], *, revoked_at: datetime, at: datetime, until: datetime
) -> tuple[bytes, bytes]:
    """Return the lists of root and issuing CA, in DER: the second has revoked these serial numbers."""
    both = []
    for certificate, key, serials in (
        (authority.root, authority.root_key, ()),
        (authority.issuing, authority.issuing_key, tuple(revoked)),
    ):
        if authority.kind == "sm2":
            issuer = sm2_certificates.Issuer(sm2_certificates.load(certificate), sm2.PrivateKey.from_pem(key))
            entries = [(serial, revoked_at) for serial in serials]
            both.append(sm2_certificates.issue_crl(issuer, entries, at=at, until=until))
        else:
            both.append(_classical_crl(certificate, key, serials, revoked_at, at, until))
    root, issuing = both
    return root, issuing


def serial_of(certificate: bytes) -> int:
    """Return the serial number of a certificate in PEM."""
    return int(sm2_certificates.load(certificate).serial_number)


def _classical_crl(  # noqa: PLR0913, PLR0917 - a list's fields
    certificate: bytes,
    key: bytes,
    serials: Iterable[int],
    revoked_at: datetime,
    at: datetime,
    until: datetime,
) -> bytes:
    ca = x509.load_pem_x509_certificate(certificate)
    private = load_pem_private_key(key, None)
    assert isinstance(private, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey))  # noqa: S101 - as it was made
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(ca.subject)
        .last_update(at)
        .next_update(until)
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
                ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
            ),
            critical=False,
        )
    )
    for serial in serials:
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(revoked_at)
        builder = builder.add_revoked_certificate(one.build())
    return builder.sign(private, hashes.SHA256()).public_bytes(Encoding.DER)


def _classical(name: str, kind: Kind) -> Authority:
    root_key, ca_key = _key(kind), _key(kind)
    root_name = _name(f"{name} Root CA", name)
    root = (
        _builder(root_name, root_name, root_key, SINCE, UNTIL)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(ca=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    identifier = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    issuing = (
        _builder(_name(f"{name} Issuing CA 1", name), root_name, ca_key, SINCE, UNTIL)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(ca=True), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False
        )
        .sign(root_key, hashes.SHA256())
    )
    return Authority(
        kind,
        root.public_bytes(Encoding.PEM),
        _key_pem(root_key),
        issuing.public_bytes(Encoding.PEM),
        _key_pem(ca_key),
    )


def _sm2(name: str) -> Authority:
    def named(common: str) -> object:
        return sm2_certificates.name_of(organization_name=name, common_name=common)

    root = sm2_certificates.self_signed_ca(named(f"{name} Root CA"), since=SINCE, until=UNTIL)
    issuing = sm2_certificates.issue_ca(root, named(f"{name} Issuing CA 1"), since=SINCE, until=UNTIL)
    return Authority(
        "sm2",
        _pem(root.certificate.dump()),
        root.key.pem,
        _pem(issuing.certificate.dump()),
        issuing.key.pem,
    )


def _key(kind: str) -> ClassicalKey:
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    return ec.generate_private_key(ec.SECP256R1())


def _key_pem(key: ClassicalKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def _name(common: str, organisation: str) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if organisation:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    return x509.Name(parts)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ClassicalKey, since: datetime, until: datetime
) -> x509.CertificateBuilder:
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca, content_commitment=not ca, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=ca, crl_sign=ca, encipher_only=False, decipher_only=False,
    )  # fmt: skip
