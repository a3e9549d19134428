"""COSE_Sign1 (RFC 9052 sections 4.2 to 4.4), the one form in which anything is signed for the other side.

The form is the strictest that the standard allows, so that one content has few encodings: the
**untagged** array of four, deterministic CBOR throughout, the payload inside, an empty unprotected
header, and a protected header of exactly three parameters: 1 (alg), 4 (kid) and 16 (typ, RFC 9596, the
media type of the signed whole, which keeps a receipt from passing for a batch).

A side that signs twice has one thing more: a countersignature (RFC 9338 section 3.1) by its SM2 key, alone in
the unprotected header. It covers the first signature with all that that covers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from kouan.core import cbor
from kouan.core.trust import sm2
from kouan.core.trust.errors import BadSignature, MalformedSignature, SecondSignatureMissing
from kouan.core.trust.keys import KID_BYTES, DoubleKey, DoubleSigner, Signer, VerificationKey
from kouan.core.trust.suites import EDDSA, ES256, SM2

ALG: Final = 1
KID: Final = 4
TYP: Final = 16
COUNTERSIGNATURE: Final = 11
"""The header parameter of a version 2 countersignature (RFC 9338 section 3.1)."""
SIGNATURE_BYTES: Final = 64
"""ES256 (r and s, RFC 9053 section 2.1), Ed25519 and SM2 (r and s) signatures are all this long."""
MAX_PROTECTED: Final = 256
OVERHEAD: Final = MAX_PROTECTED + SIGNATURE_BYTES + 32 + 128
"""Bytes that the frame adds to a payload, at most."""

_ECDSA: Final = ec.ECDSA(hashes.SHA256())

FindKey = Callable[[bytes], VerificationKey | DoubleKey]
"""Answers a key id with the public key, or raises ``UnknownKey`` or ``KeyNotValid``."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A payload whose signature held, and which key made it."""

    payload: bytes
    kid: bytes
    alg: int


@dataclass(frozen=True, slots=True)
class Second:
    """The signature beside the first."""

    protected: bytes
    kid: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Unverified:
    """A well-formed COSE_Sign1 whose signature nobody has checked yet."""

    protected: bytes
    payload: bytes
    signature: bytes
    kid: bytes
    alg: int
    second: Second | None = None

    @property
    def kids(self) -> frozenset[bytes]:
        """The ids of the keys that signed: one, or two."""
        return frozenset({self.kid} if self.second is None else {self.kid, self.second.kid})

    def verify(self, key: VerificationKey | DoubleKey, *, external_aad: bytes = b"") -> Verified:
        """Return the payload as verified under ``key``; raises ``BadSignature``.

        Of a side that signs twice, the second signature is asked for when the first holds: raises
        ``SecondSignatureMissing``, or what finding its key raises. Of any other side a second one is passed
        over, as the news of its key may still be on its way.
        """
        first = key.first if isinstance(key, DoubleKey) else key
        verify_raw(first, self.alg, to_be_signed(self.protected, external_aad, self.payload), self.signature)
        if isinstance(key, DoubleKey) and key.required:
            if self.second is None:
                raise SecondSignatureMissing(side=key.side)
            signed = _countersigned(self.second.protected, external_aad, self)
            verify_raw(key.find_second(self.second.kid), SM2, signed, self.second.signature)
        return Verified(self.payload, self.kid, self.alg)


def sign1(payload: bytes, signer: Signer, *, content_type: str, external_aad: bytes = b"") -> bytes:
    """Return ``payload`` signed: an untagged COSE_Sign1 whose ``typ`` is ``content_type``.

    ``external_aad`` is signed but not carried (RFC 9052 section 4.3); verifying needs the same bytes. A
    ``DoubleSigner`` signs twice.
    """
    protected = cbor.encode({ALG: signer.cose_alg, KID: signer.kid, TYP: content_type})
    signature = signer.sign(to_be_signed(protected, external_aad, payload))
    if not isinstance(signer, DoubleSigner):
        return cbor.encode([protected, {}, payload, signature])
    first = Unverified(protected, payload, signature, signer.kid, signer.cose_alg)
    beside = cbor.encode({ALG: signer.second.cose_alg, KID: signer.second.kid})
    second = signer.second.sign(_countersigned(beside, external_aad, first))
    return cbor.encode([protected, {COUNTERSIGNATURE: [beside, {}, second]}, payload, signature])


def verify1(
    data: bytes, find_key: FindKey, *, content_type: str, max_bytes: int, external_aad: bytes = b""
) -> Verified:
    """Return the verified payload of ``data``, at most ``max_bytes`` long as a whole.

    Raises ``MalformedSignature`` for another shape or type, whatever ``find_key`` raises for a key
    that is unknown or out of its time, and ``BadSignature``.
    """
    unverified = read1(data, content_type=content_type, max_bytes=max_bytes)
    return unverified.verify(find_key(unverified.kid), external_aad=external_aad)


def read1(data: bytes, *, content_type: str, max_bytes: int) -> Unverified:
    """Return the parts of ``data`` with nothing verified; raises ``MalformedSignature``."""
    try:
        parts = cbor.decode(data, max_bytes=max_bytes, max_depth=5)
        match parts:
            case [bytes() as protected, {**unprotected}, bytes() as payload, bytes() as signature]:
                header = cbor.decode(protected, max_bytes=MAX_PROTECTED, max_depth=2)
            case _:
                raise MalformedSignature(detail="not an array of header, {}, payload and signature")
    except cbor.NotDeterministicCBOR as error:
        raise MalformedSignature(detail=str(error.params["detail"])) from None
    second = _second(unprotected)
    if not isinstance(header, dict) or set(header) != {ALG, KID, TYP}:
        raise MalformedSignature(detail="protected header other than alg, kid and typ")
    fields = cast("dict[int, object]", header)
    alg, kid, typ = fields[ALG], fields[KID], fields[TYP]
    if type(alg) is not int or alg not in (ES256, EDDSA, SM2):
        raise MalformedSignature(detail="algorithm")
    if type(kid) is not bytes or len(kid) != KID_BYTES:
        raise MalformedSignature(detail="key id")
    if typ != content_type:
        raise MalformedSignature(detail="type")
    if len(signature) != SIGNATURE_BYTES:
        raise MalformedSignature(detail="signature length")
    return Unverified(protected, payload, signature, kid, alg, second)


def _second(unprotected: dict[object, object]) -> Second | None:
    """Return the countersignature in an unprotected header, in which nothing else may be."""
    if not unprotected:
        return None
    match unprotected:
        case {11: [bytes() as protected, {**nothing}, bytes() as signature]} if (
            len(unprotected) == 1 and not nothing and len(signature) == SIGNATURE_BYTES
        ):
            try:
                header = cbor.decode(protected, max_bytes=MAX_PROTECTED, max_depth=2)
            except cbor.NotDeterministicCBOR as error:
                raise MalformedSignature(detail=str(error.params["detail"])) from None
            match header:
                case {1: alg, 4: bytes() as kid, **others} if (
                    type(alg) is int and alg == SM2 and len(kid) == KID_BYTES and not others
                ):
                    return Second(protected, kid, signature)
            raise MalformedSignature(detail="the second signature's header")
    raise MalformedSignature(detail="unprotected header parameters")


def _countersigned(protected: bytes, external_aad: bytes, first: Unverified) -> bytes:
    """Return the Countersign_structure over a COSE_Sign1 (RFC 9338 section 3.3)."""
    return cbor.encode(
        ["CounterSignatureV2", first.protected, protected, external_aad, first.payload, [first.signature]]
    )


def to_be_signed(protected: bytes, external_aad: bytes, payload: bytes) -> bytes:
    """Return the Sig_structure of a COSE_Sign1 (RFC 9052 section 4.4)."""
    return cbor.encode(["Signature1", protected, external_aad, payload])


def verify_raw(key: VerificationKey, alg: int, data: bytes, signature: bytes) -> None:
    """Check a COSE signature over ``data``; raises ``BadSignature``, also for a key of another kind."""
    try:
        if alg == ES256 and isinstance(key, ec.EllipticCurvePublicKey) and len(signature) == SIGNATURE_BYTES:
            half = SIGNATURE_BYTES // 2
            r, s = int.from_bytes(signature[:half]), int.from_bytes(signature[half:])
            key.verify(encode_dss_signature(r, s), data, _ECDSA)
        elif alg == EDDSA and isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, data)
        elif alg == SM2 and isinstance(key, sm2.PublicKey) and len(signature) == SIGNATURE_BYTES:
            key.verify(sm2.der_of(signature), data)
        else:
            raise BadSignature
    except InvalidSignature:
        raise BadSignature from None
