"""The digests and signature algorithms of OFD documents and seals, and which of them count."""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from kouan.core.trust import sm2

SM2_SM3: Final = "1.2.156.10197.1.501"

DIGESTS: Final = {
    "sm3": "sm3",
    "1.2.156.10197.1.401": "sm3",
    "1.2.156.10197.1.401.1": "sm3",
    "1.2.156.10197.1.401.2": "sm3",
    "sha256": "sha256",
    "sha-256": "sha256",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "sha384": "sha384",
    "sha-384": "sha384",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "sha512": "sha512",
    "sha-512": "sha512",
    "2.16.840.1.101.3.4.2.3": "sha512",
    "md5": "md5",
    "1.2.840.113549.2.5": "md5",
    "sha1": "sha1",
    "sha-1": "sha1",
    "1.3.14.3.2.26": "sha1",
}
"""Names and object identifiers under which producers name digests, in small letters."""
WEAK_DIGESTS: Final = frozenset({"md5", "sha1"})
DEFAULT_DIGEST: Final = "md5"
"""What no ``CheckMethod`` means (GB/T 33190 table 68)."""

_SM2: Final = frozenset({SM2_SM3, "1.2.156.10197.1.301", "1.2.156.10197.1.301.1", "1.2.156.10197.1.301.3"})
"""SM2 with SM3, as producers name it; with an SM2 key there is nothing else that they could mean."""
_RSA: Final[dict[str, hashes.HashAlgorithm]] = {
    "1.2.840.113549.1.1.11": hashes.SHA256(),
    "1.2.840.113549.1.1.12": hashes.SHA384(),
    "1.2.840.113549.1.1.13": hashes.SHA512(),
}
_ECDSA: Final[dict[str, hashes.HashAlgorithm]] = {
    "1.2.840.10045.4.3.2": hashes.SHA256(),
    "1.2.840.10045.4.3.3": hashes.SHA384(),
    "1.2.840.10045.4.3.4": hashes.SHA512(),
}
WEAK: Final = frozenset({"1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5", "1.2.840.10045.4.1"})
"""With MD5 or SHA-1."""
NAMES: Final = {
    **dict.fromkeys(_SM2, "SM2 with SM3"),
    "1.2.840.113549.1.1.4": "RSA with MD5",
    "1.2.840.113549.1.1.5": "RSA with SHA-1",
    "1.2.840.113549.1.1.11": "RSA with SHA-256",
    "1.2.840.113549.1.1.12": "RSA with SHA-384",
    "1.2.840.113549.1.1.13": "RSA with SHA-512",
    "1.2.840.10045.4.1": "ECDSA with SHA-1",
    "1.2.840.10045.4.3.2": "ECDSA with SHA-256",
    "1.2.840.10045.4.3.3": "ECDSA with SHA-384",
    "1.2.840.10045.4.3.4": "ECDSA with SHA-512",
}
_LEAST_RSA_BITS: Final = 2048
_CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)


class UnknownAlgorithm(ValueError):
    """An algorithm that is not known here."""


class WeakAlgorithm(ValueError):
    """An algorithm or a key that proves nothing any more."""


def digest_name(method: str) -> str | None:
    """Return hashlib's name (or ``sm3``) of what a document calls its digest; ``None`` if it is not known."""
    return DIGESTS.get(method.strip().lower())


def digest(algorithm: str, data: bytes) -> bytes:
    """Return a digest of bytes in memory."""
    if algorithm == "sm3":
        sm3 = hashes.Hash(hashes.SM3())
        sm3.update(data)
        return sm3.finalize()
    return hashlib.new(algorithm, data, usedforsecurity=False).digest()


def verify(algorithm: str, spki: bytes, signature: bytes, data: bytes) -> bool:
    """Say whether a signature over ``data`` verifies under a key (SubjectPublicKeyInfo in DER).

    Raises ``UnknownAlgorithm`` and ``WeakAlgorithm``; a key that does not fit the algorithm verifies nothing.
    """
    if algorithm in WEAK:
        raise WeakAlgorithm(algorithm)
    if algorithm in _SM2:
        return _sm2(spki, signature, data)
    if algorithm not in _RSA and algorithm not in _ECDSA:
        raise UnknownAlgorithm(algorithm)
    try:
        key = serialization.load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm):
        return False
    try:
        if algorithm in _RSA and isinstance(key, rsa.RSAPublicKey):
            if key.key_size < _LEAST_RSA_BITS:
                raise WeakAlgorithm(algorithm)
            key.verify(signature, data, padding.PKCS1v15(), _RSA[algorithm])
            return True
        if algorithm in _ECDSA and isinstance(key, ec.EllipticCurvePublicKey):
            if not isinstance(key.curve, _CURVES):
                raise UnknownAlgorithm(algorithm)
            key.verify(signature, data, ec.ECDSA(_ECDSA[algorithm]))
            return True
    except InvalidSignature:
        return False
    return False


def _sm2(spki: bytes, signature: bytes, data: bytes) -> bool:
    """Verify SM2 with SM3; r and s are DER (GM/T 0009), or 64 bytes as some producers leave them."""
    try:
        if len(signature) == sm2.SIGNATURE_BYTES:
            signature = sm2.der_of(signature)
        sm2.PublicKey.from_spki(spki).verify(signature, data)
    except (ValueError, InvalidSignature):
        return False
    return True
