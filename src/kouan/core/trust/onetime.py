"""Keys that sign one paper and are gone: each with a certificate that names the officer who signs.

A signature in a PDF file (PAdES, ETSI EN 319 142-1) needs an X.509 certificate that any reader of PDF files
understands, and a key of a kind that they all know, whatever the side's suite is. So a P-256 key is made for
one signature; the side's own CA, whose certificate every trust document holds, says whose it is; and its
private half is forgotten when the signature is made. Nothing is kept that could sign a second time.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from kouan.core.trust.keys import LocalSigner

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

DOCUMENT_SIGNING: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
"""id-kp-documentSigning (RFC 9336): no TLS handshake takes such a certificate."""
_CLOCKS: Final = timedelta(minutes=10)
"""How far a reader's clock may be behind."""
_LONGEST: Final = 64
"""Characters of a name in a certificate (RFC 5280 appendix A, ub-common-name)."""


class OneTimeSigner:
    """Signs as one officer of this side, with a key that nobody else ever has."""

    __slots__ = ("_signer", "authority", "certificate")

    def __init__(
        self, key: EllipticCurvePrivateKey, certificate: x509.Certificate, ca: x509.Certificate
    ) -> None:
        self._signer = LocalSigner(key)
        self.certificate: bytes = certificate.public_bytes(Encoding.DER)
        self.authority: bytes = ca.public_bytes(Encoding.DER)

    def __reduce__(self) -> str:
        raise TypeError("private keys stay in their process")

    def sign(self, data: bytes) -> bytes:
        """Return the ECDSA signature over SHA-256 of ``data``, in DER as X.509 and CMS have it (RFC 5480)."""
        raw = self._signer.sign(data)
        half = len(raw) // 2
        return encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))


def one_time_signer(
    ca_key: EllipticCurvePrivateKey, ca: x509.Certificate, *, officer: str, organisation: str, now: datetime
) -> OneTimeSigner:
    """Return what signs once as an officer; its certificate holds as long as the CA's."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    usage = dict.fromkeys(
        (
            "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
            "encipher_only", "decipher_only",
        ),
        False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(
            x509.Name(
                [
                    x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation[:_LONGEST]),
                    x509.NameAttribute(NameOID.COMMON_NAME, officer[:_LONGEST]),
                ]
            )
        )
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS)
        .not_valid_after(ca.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, content_commitment=True, **usage), critical=True)
        .add_extension(x509.ExtendedKeyUsage([DOCUMENT_SIGNING]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    return OneTimeSigner(key, certificate, ca)
