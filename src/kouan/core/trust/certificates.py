"""TLS between the doors: each side has its own small CA, and believes no other about that side.

A node presents its leaf both as server and as client; the other side's TLS CA comes with its trust
document. Identity inside the channel is proven by signatures; TLS keeps strangers from the door.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable

CA_LIFE: Final = timedelta(days=3653)
LEAF_LIFE: Final = timedelta(days=366)
CLOCK_ALLOWANCE: Final = timedelta(days=1)
"""How long before its making anything is valid: a peer whose clock is behind must be able to connect."""
MAX_CERTIFICATE: Final = 8192


def node_name(side: str) -> str:
    """Return the DNS name in a side's leaf, which a client checks whatever address it connects to."""
    return f"{side}.node.kouan"


def door_hosts(door_url: str, listen_host: str) -> tuple[str, ...]:
    """Return the names and addresses to put in a door's certificate beside ``node_name``."""
    hosts = (urlsplit(door_url).hostname, listen_host)
    # "Every address" is nobody's name.
    return tuple(dict.fromkeys(host for host in hosts if host and host not in {"0.0.0.0", "::"}))  # noqa: S104 - left out, not bound to


def make_ca(key: EllipticCurvePrivateKey, side: str, now: datetime) -> x509.Certificate:
    """Return a side's self-signed TLS CA (RFC 5280), for ten years; it issues leaves only."""
    name = _ca_name(side)
    return (
        _builder(name, name, key.public_key(), now, CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(ca=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def make_leaf(  # noqa: PLR0913 - a certificate says all of these
    ca_key: EllipticCurvePrivateKey,
    ca: x509.Certificate,
    public: EllipticCurvePublicKey,
    *,
    side: str,
    hosts: Iterable[str],
    now: datetime,
) -> x509.Certificate:
    """Return a node's leaf for one year: server and client, ``node_name`` and each of ``hosts``.

    A host is a DNS name or an IP address (an IPv6 one without brackets).
    """
    names: list[x509.GeneralName] = [x509.DNSName(node_name(side))]
    names += [_general_name(host) for host in dict.fromkeys(hosts) if host != node_name(side)]
    issuer = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        _builder(_name(node_name(side)), ca.subject, public, now, LEAF_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(ca=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
            critical=False,
        )
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer),
            critical=False,
        )
        .sign(ca_key, hashes.SHA256())
    )


def check_ca(der: bytes) -> x509.Certificate:
    """Return another side's TLS CA if it is one: self-signed, P-256, allowed to issue leaves.

    Raises ``ValueError`` with what is wrong. Its dates are left to the TLS handshake.
    """
    if len(der) > MAX_CERTIFICATE:
        raise ValueError("too long")
    try:
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key()
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        certificate.verify_directly_issued_by(certificate)
    except Exception as error:  # noqa: BLE001 - the library's errors on foreign bytes are many; one leaves here
        raise ValueError(type(error).__name__) from None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("not a P-256 key")  # noqa: TRY004 - one error for all foreign bytes
    if not constraints.ca or constraints.path_length != 0:
        raise ValueError("not a CA for leaves alone")
    if certificate.public_bytes(Encoding.DER) != der:
        raise ValueError("another encoding was expected")
    return certificate


def is_named_for(ca: x509.Certificate, side: str) -> bool:
    """Say whether a TLS CA bears the name that ``side``'s has, and so no other side's."""
    return ca.subject == _ca_name(side)


def pem_of(der: bytes) -> bytes:
    """Return a DER certificate as PEM (RFC 7468)."""
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def _builder(
    subject: x509.Name, issuer: x509.Name, public: EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_ALLOWANCE)
        .not_valid_after(now + life)
    )


def _ca_name(side: str) -> x509.Name:
    return _name(f"{side} Kouan TLS CA")


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
