"""The signature algorithms in which documents are signed here, by what a certificate's key is. No Django."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import load_der_public_key

from kouan.core.trust import sm2
from kouan.core.trust import sm2_certificates as sm2c

if TYPE_CHECKING:
    from asn1crypto import x509

LEAST_RSA: Final = 2048
"""Bits of an RSA key; shorter ones are not used any more (SP 800-57 part 1, table 2)."""
MAX_SIGNATURE: Final = 1024
"""Bytes of a signature, RSA with 8192 bits included."""


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One way to sign."""

    name: str
    """As asn1crypto names it in X.509 and in CMS."""
    digest: str
    """As ``hashlib`` and asn1crypto name it."""
    oid: str
    digest_oid: str

    def digest_of(self, data: bytes) -> bytes:
        """Return the digest over ``data``, without what SM2 puts before it."""
        return hashlib.new(self.digest, data).digest()


RSA: Final = Algorithm("sha256_rsa", "sha256", "1.2.840.113549.1.1.11", "2.16.840.1.101.3.4.2.1")
ECDSA: Final = Algorithm("sha256_ecdsa", "sha256", "1.2.840.10045.4.3.2", "2.16.840.1.101.3.4.2.1")
SM2: Final = Algorithm("sm2", "sm3", sm2c.SM2_SIGN, sm2c.SM3)


def algorithm_of(certificate: x509.Certificate) -> Algorithm:
    """Return how the key of a certificate signs; raises ``ValueError`` for one that is not used here."""
    if sm2c.is_sm2(certificate):
        return SM2
    key = _loaded(certificate)
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= LEAST_RSA:
        return RSA
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return ECDSA
    raise ValueError("a kind of key that is not used here: RSA from 2048 bits, P-256 or SM2")


def check(certificate: x509.Certificate, data: bytes, signature: bytes) -> None:
    """Check a signature by a certificate's key; raises ``InvalidSignature`` or ``ValueError``."""
    if algorithm_of(certificate) is SM2:
        sm2c.public_key(certificate).verify(signature, data)
        return
    _check_digest(certificate, hashlib.sha256(data).digest(), signature)


def check_digest(certificate: x509.Certificate, digest: bytes, signature: bytes) -> None:
    """Check a signature over a digest that was all that the signer saw; not SM2's, which covers the key too.

    Raises ``InvalidSignature`` or ``ValueError``.
    """
    if algorithm_of(certificate) is SM2:
        raise ValueError("SM2 signs more than a digest")
    _check_digest(certificate, digest, signature)


def _check_digest(certificate: x509.Certificate, digest: bytes, signature: bytes) -> None:
    key, prehashed = _loaded(certificate), utils.Prehashed(hashes.SHA256())
    if len(signature) > MAX_SIGNATURE:
        raise InvalidSignature
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, digest, padding.PKCS1v15(), prehashed)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, digest, ec.ECDSA(prehashed))
    else:
        raise InvalidSignature


def _loaded(certificate: x509.Certificate) -> object:
    try:
        return load_der_public_key(certificate.public_key.dump())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"its key cannot be read ({type(error).__name__})") from None


def sm2_signature(signature: bytes) -> bytes:
    """Return an SM2 signature as DER, whether it came so or as r and s; raises ``ValueError``."""
    return sm2.der_of(signature) if len(signature) == sm2.SIGNATURE_BYTES else signature
