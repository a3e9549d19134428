"""Verifiable credentials as text: SD-JWT VC (RFC 9901) and VCs secured as JWT (RFC 7519).

The fingerprint is over the exact characters of the part that the issuer signed, up to the first ``~``. So it
is the same whichever claims the holder discloses, and with or without a proof of the holder's key. The
issuer's signature stands for the salt: without it nobody can compute the fingerprint, however well the claims
are guessed.

A mark cannot be put into what is signed. The issuer writes the claim ``kouan`` before signing, with the
document's reference; without it, who validates the credential has to be told the reference.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import IO, Any, Final

from kouan.apps.validation.domain import Algorithm, Reference
from kouan.apps.validation.marks.errors import (
    CredentialOfAnother,
    CredentialWithoutReference,
    UnsignedCredential,
)
from kouan.core.errors import KouanError

MAX_CREDENTIAL: Final = 1 << 20
"""The longest credential, in bytes."""
CLAIM: Final = "kouan"
"""The issuer's claim: ``reference``, ``issuer``, ``side`` and, unless it is SHA-256, ``algorithm``."""

_BEGINS: Final = re.compile(rb"\s*eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]")
_SIGNED: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)")
_LEAST_SIGNATURE: Final = 64
"""Bytes: those of ES256 and EdDSA, the shortest that are in use."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What a credential says about itself."""

    signed: bytes
    """The characters that the issuer signed, with the signature."""
    reference: Reference | None
    issuer: str
    algorithm: Algorithm
    sound: bool
    """Whether it is signed by a key pair, so that nobody else could have written it."""


def looks_like(head: bytes) -> bool:
    """Say whether a file that begins with ``head`` may be a credential."""
    return _BEGINS.match(head) is not None


def read(source: IO[bytes]) -> Credential | None:
    """Return the credential that a file is, or ``None``; it is not verified, which takes the issuer's key."""
    source.seek(0)
    data = source.read(MAX_CREDENTIAL + 1)
    if len(data) > MAX_CREDENTIAL or not data.isascii():
        return None
    text = data.decode("ascii").strip()
    signed = text.partition("~")[0]
    match = _SIGNED.fullmatch(signed)
    if match is None or re.search(r"\s", text):
        return None
    header, claims = _object(match[1]), _object(match[2])
    if header is None or claims is None or not isinstance(header.get("alg"), str):
        return None
    reference, issuer, algorithm = _claim(claims.get(CLAIM))
    return Credential(signed.encode(), reference, issuer, algorithm, _is_sound(header["alg"], match[3]))


def check(found: Credential, *, algorithm: Algorithm, side: str, issuer: str) -> None:
    """Check that an institution can register a credential.

    Raises ``UnsignedCredential``, ``CredentialOfAnother`` or ``CredentialWithoutReference``.
    """
    if not found.sound:
        raise UnsignedCredential
    if found.reference is None:
        if algorithm is not Algorithm.SHA_256:
            raise CredentialWithoutReference
    elif (found.reference.side, found.issuer) != (side, issuer):
        raise CredentialOfAnother(reference=str(found.reference))


def _is_sound(algorithm: str, signature: str) -> bool:
    if algorithm.lower() == "none" or algorithm.upper().startswith("HS"):
        return False
    return len(signature) * 3 // 4 >= _LEAST_SIGNATURE


def _object(part: str) -> dict[str, Any] | None:
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _claim(value: object) -> tuple[Reference | None, str, Algorithm]:
    nothing = (None, "", Algorithm.SHA_256)
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        return nothing
    try:
        reference = Reference.parse(value["reference"])
        algorithm = Algorithm(value.get("algorithm", Algorithm.SHA_256))
        issuer, side = value["issuer"], value["side"]
    except (KouanError, KeyError, ValueError):
        return nothing
    return (reference, issuer, algorithm) if side == reference.side else nothing
