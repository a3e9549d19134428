"""A person's wallet, simulated: it signs a hash as iAM Smart would, with a certificate that says what it is.

It proves nothing about anybody. It exists in demonstrations alone; any other node refuses to make one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from django.conf import settings

from kouan.apps.signing.making.errors import OnlyInDemonstrations

ORGANISATION: Final = "DEMONSTRATION: this signature proves nothing"
_LIFE: Final = timedelta(days=1)
_BITS: Final = 2048


@dataclass(frozen=True, slots=True)
class WalletAnswer:
    """What comes back for a hash."""

    signature: bytes
    certificates: tuple[bytes, ...]
    """DER: the person's, then the simulated CA's."""


class SimulatedWallet:
    """One person's wallet, with a CA of its own."""

    def __init__(self, person: str) -> None:
        """Make key and certificates; raises ``OnlyInDemonstrations``."""
        if not settings.NODE.demonstration:
            raise OnlyInDemonstrations
        now = datetime.now(UTC)
        authority = rsa.generate_private_key(65537, _BITS)
        self._key = rsa.generate_private_key(65537, _BITS)
        issuer = _name("Simulated wallet CA")
        root = _certificate(issuer, issuer, authority.public_key(), now, authority=True).sign(
            authority, hashes.SHA256()
        )
        own = _certificate(_name(person), issuer, self._key.public_key(), now, authority=False).sign(
            authority, hashes.SHA256()
        )
        self.certificates = tuple(each.public_bytes(Encoding.DER) for each in (own, root))

    def __reduce__(self) -> str:
        raise TypeError("private keys stay in their process")

    def sign(self, digest: bytes) -> WalletAnswer:
        """Return the signature over a SHA-256, of which alone the wallet learns."""
        signature = self._key.sign(digest, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))
        return WalletAnswer(signature, self.certificates)


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common[:64]),
        ]
    )


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey, now: datetime, *, authority: bool
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=10))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=not authority,
                content_commitment=not authority,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=authority,
                crl_sign=authority,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )
