"""Signatures over bytes, by the key of a certificate, for the formats that are not CMS."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from kouan.core.trust import sm2

if TYPE_CHECKING:
    from typing import Literal

    from asn1crypto import x509

MIN_RSA: Final = 2048
"""Bits of an RSA key, at least."""
_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512(),
}  # fmt: skip
DIGESTS: Final = (*_HASHES, "sm3")


@dataclass(frozen=True, slots=True)
class Algorithm:
    """How a signature is made."""

    scheme: Literal["pkcs1", "pss", "ecdsa", "ed25519", "sm2"]
    digest: str = ""
    """Of ``DIGESTS``."""

    @property
    def name(self) -> str:
        """What the report calls it, in the words of CMS."""
        return {
            "pkcs1": f"{self.digest}_rsa", "pss": "rsassa_pss", "ecdsa": f"{self.digest}_ecdsa",
            "ed25519": "ed25519", "sm2": "sm2_sm3",
        }[self.scheme]  # fmt: skip


class WeakKey(Exception):
    """A key that is too short to count."""


def check(certificate: x509.Certificate, algorithm: Algorithm, signature: bytes, data: bytes) -> None:
    """Check a signature; raises ``InvalidSignature``, for a key of another kind, too, or ``WeakKey``.

    ECDSA signatures are r and s side by side, as XML and JWS have them (RFC 7518 section 3.4).
    """
    spki = certificate.public_key.dump()
    try:
        if algorithm.scheme == "sm2":
            sm2.PublicKey.from_spki(spki).verify(
                _dss(signature) if len(signature) == _SM2_RAW else signature, data
            )
            return
        key = serialization.load_der_public_key(spki)
        digest = _HASHES.get(algorithm.digest)
        if algorithm.scheme == "ed25519" and isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, data)
        elif algorithm.scheme == "ecdsa" and isinstance(key, ec.EllipticCurvePublicKey) and digest:
            if len(signature) != 2 * ((key.curve.key_size + 7) // 8):
                raise InvalidSignature
            key.verify(_dss(signature), data, ec.ECDSA(digest))
        elif algorithm.scheme in {"pkcs1", "pss"} and isinstance(key, rsa.RSAPublicKey) and digest:
            if key.key_size < MIN_RSA:
                raise WeakKey
            pad = (
                padding.PSS(padding.MGF1(digest), digest.digest_size)
                if algorithm.scheme == "pss"
                else padding.PKCS1v15()
            )
            key.verify(signature, data, pad, digest)
        else:
            raise InvalidSignature
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidSignature from None


_SM2_RAW: Final = 64


def _dss(raw: bytes) -> bytes:
    half = len(raw) // 2
    return encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))


def digest(name: str, data: bytes) -> bytes:
    """Return a digest by its name in ``DIGESTS``."""
    return hashlib.new(name, data).digest()
