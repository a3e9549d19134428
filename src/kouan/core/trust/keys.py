"""What a key is here: its use, its kind, its id, and how it signs.

Private keys never leave ``kouan.core.trust``; what signs is a ``Signer``, so that a hardware module
behind PKCS#11 can stand in for a key file without a change to anything that signs.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from kouan.core.trust import sm2
from kouan.core.trust.suites import EDDSA, ES256, SM2, KeyKind, Suite

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KID_BYTES: Final = 16
_COORDINATE_BYTES: Final = 32
_ECDSA: Final = ec.ECDSA(hashes.SHA256())

PrivateKey: TypeAlias = (
    ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | x25519.X25519PrivateKey | sm2.PrivateKey
)
PublicKey: TypeAlias = (
    ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | x25519.X25519PublicKey | sm2.PublicKey
)
SigningKey: TypeAlias = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | sm2.PrivateKey
VerificationKey: TypeAlias = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | sm2.PublicKey


class KeyUse(StrEnum):
    """What a key is for; no key has two uses."""

    ANCHOR = "anchor"
    """Signs the trust document; its fingerprint is who the side is."""
    SIGN = "sign"
    """Signs batches and receipts."""
    DECRYPT = "decrypt"
    """Opens the batch keys that others wrap."""
    LOG = "log"
    """Signs this side's ledger checkpoints."""
    WITNESS = "witness"
    """Co-signs the other sides' checkpoints."""
    TLS_CA = "tls-ca"
    """Issues this side's TLS certificates, and those of its officers' signatures on papers (``onetime``)."""
    TLS = "tls"
    """The door's TLS key, as server and as client."""
    SIGN_SM2 = "sign-sm2"
    """Signs, beside the ``sign`` key, whatever that signs; only where ``node.toml`` asks for it."""
    LOG_SM2 = "log-sm2"
    """Signs this side's checkpoints beside the ``log`` key; as above."""


SECOND_USES: Final = (KeyUse.SIGN_SM2, KeyUse.LOG_SM2)
"""The uses of the second signature: a side has keys for both of them, or for none."""

_FIXED_KINDS: Final[Mapping[KeyUse, KeyKind]] = MappingProxyType(
    {
        KeyUse.ANCHOR: "P-256",
        KeyUse.DECRYPT: "X25519",
        KeyUse.LOG: "Ed25519",
        KeyUse.WITNESS: "Ed25519",
        KeyUse.TLS_CA: "P-256",
        KeyUse.TLS: "P-256",
        KeyUse.SIGN_SM2: "SM2",
        KeyUse.LOG_SM2: "SM2",
    }
)
ALGORITHMS: Final[Mapping[KeyKind, str]] = MappingProxyType(
    {"P-256": "ES256", "Ed25519": "EdDSA", "X25519": "HPKE-X25519-SHA256-A256GCM", "SM2": "SM2-SM3"}
)
"""The name under which a trust document lists a key of each kind."""


class Signer(Protocol):
    """Whatever holds a private key and signs with it."""

    @property
    def kid(self) -> bytes:
        """The key's id, 16 bytes (see ``kid_of``)."""

    @property
    def cose_alg(self) -> int:
        """The COSE algorithm of the signatures: ``ES256``, ``EDDSA`` or ``SM2`` of ``suites``."""

    def sign(self, data: bytes) -> bytes:
        """Return the 64-byte signature over ``data``, in COSE's form (ES256: r and s, fixed length)."""


class LocalSigner:
    """A ``Signer`` whose private key is in this process."""

    __slots__ = ("_key", "cose_alg", "kid")

    def __init__(self, key: SigningKey) -> None:
        self._key = key
        self.kid: bytes = kid_of(spki_of(key.public_key()))
        self.cose_alg: int = algorithm_of(key.public_key())

    def sign(self, data: bytes) -> bytes:
        """Return the signature in COSE's form (RFC 9053 sections 2.1 and 2.2); SM2's like ES256's."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(data)
        if isinstance(self._key, sm2.PrivateKey):
            return sm2.raw_of(self._key.sign(data))
        r, s = decode_dss_signature(self._key.sign(data, _ECDSA))
        return r.to_bytes(_COORDINATE_BYTES) + s.to_bytes(_COORDINATE_BYTES)


class DoubleSigner:
    """A ``Signer`` whose every signature has a second one beside it, by another key (``cose.sign1``)."""

    __slots__ = ("_first", "cose_alg", "kid", "second")

    def __init__(self, first: Signer, second: Signer) -> None:
        self._first = first
        self.second = second
        self.kid: bytes = first.kid
        self.cose_alg: int = first.cose_alg

    def sign(self, data: bytes) -> bytes:
        """Return the first key's signature."""
        return self._first.sign(data)


@dataclass(frozen=True, slots=True)
class DoubleKey:
    """A key that verifies, of a side that has keys for a second signature too."""

    first: VerificationKey
    find_second: Callable[[bytes], sm2.PublicKey]
    """Answers a key id with the key that signs beside the first, or raises why there is none."""
    required: bool
    """Whether nothing without a second signature counts at the time in question."""
    side: str


def algorithm_of(key: PublicKey) -> int:
    """Return the COSE algorithm of a key that verifies."""
    match key:
        case ec.EllipticCurvePublicKey():
            return ES256
        case sm2.PublicKey():
            return SM2
        case _:
            return EDDSA


def kind_for(use: KeyUse, suite: Suite) -> KeyKind:
    """Return the kind of key that a use takes under a suite."""
    return suite.signing_key if use is KeyUse.SIGN else _FIXED_KINDS[use]


def generate(kind: KeyKind) -> PrivateKey:
    """Return a fresh private key from the operating system's random source."""
    match kind:
        case "P-256":
            return ec.generate_private_key(ec.SECP256R1())
        case "Ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case "X25519":
            return x25519.X25519PrivateKey.generate()
        case "SM2":
            return sm2.PrivateKey.generate()


def kind_of(key: object) -> KeyKind | None:
    """Return the kind of a private or public key; ``None`` for one that Kouan does not use."""
    match key:
        case ec.EllipticCurvePrivateKey() | ec.EllipticCurvePublicKey():
            return "P-256" if isinstance(key.curve, ec.SECP256R1) else None
        case ed25519.Ed25519PrivateKey() | ed25519.Ed25519PublicKey():
            return "Ed25519"
        case x25519.X25519PrivateKey() | x25519.X25519PublicKey():
            return "X25519"
        case sm2.PrivateKey() | sm2.PublicKey():
            return "SM2"
        case _:
            return None


def spki_of(key: PublicKey) -> bytes:
    """Return the key's SubjectPublicKeyInfo in DER (RFC 5280 section 4.1.2.7)."""
    if isinstance(key, sm2.PublicKey):
        return key.spki
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def kid_of(spki: bytes) -> bytes:
    """Return the key's id: the first 16 bytes of SHA-256 over its SubjectPublicKeyInfo."""
    return hashlib.sha256(spki).digest()[:KID_BYTES]


def load_spki(spki: bytes) -> PublicKey:
    """Return the public key of a DER SubjectPublicKeyInfo in its one canonical encoding.

    Raises ``ValueError`` for anything else, whatever the library makes of it, and ``Sm2Unavailable``.
    """
    if spki.startswith(sm2.SPKI_HEAD):
        return sm2.PublicKey.from_spki(spki)
    try:
        key = load_der_public_key(spki)
    except Exception as error:  # noqa: BLE001 - the library's errors on foreign bytes are many; one leaves here
        raise ValueError(type(error).__name__) from None
    if not isinstance(
        key, (ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey, x25519.X25519PublicKey)
    ) or not kind_of(key):
        raise ValueError("a kind of key that is not used here")
    if spki_of(key) != spki:
        raise ValueError("another encoding of the key was expected")
    return key
