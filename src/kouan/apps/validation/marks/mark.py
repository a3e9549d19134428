"""The mark: what an issuer puts inside the file that the document's owner carries."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kouan.apps.validation.domain import REFERENCE_PATTERN, SALT_BYTES, Algorithm, Reference
from kouan.core.errors import KouanError

MAX_FILE: Final = 50 << 20
"""The largest document, in bytes (50 MB)."""
MAX_CARRIED: Final = MAX_FILE + (64 << 10)
"""The largest carried file: a document and its mark."""

INSTITUTION_CODE: Final = r"[a-z][a-z0-9-]{1,39}"
_PARTS: Final = {"reference", "issuer", "side", "salt"}


class CarriedAs(StrEnum):
    """How a document carries its mark, which also says how its fingerprint is taken."""

    JSON = "json"
    """A member ``kouan``; the fingerprint is over the canonical form (RFC 8785)."""
    PDF = "pdf"
    """An incremental update; the fingerprint is over the exact bytes."""
    PACKAGE = "package"
    """A ZIP package with the original beside the mark; the fingerprint is over the exact bytes."""
    CREDENTIAL = "jwt"
    """A credential as it is; the fingerprint is over what its issuer signed."""

    @property
    def media_type(self) -> str:
        """The carried file's media type."""
        return {
            "json": "application/json",
            "pdf": "application/pdf",
            "package": "application/zip",
            "jwt": "application/jwt",
        }[self]

    @property
    def ending(self) -> str:
        """The carried file's name ends so."""
        return {"json": ".json", "pdf": ".pdf", "package": ".zip", "jwt": ".jwt"}[self]


@dataclass(frozen=True, slots=True, repr=False)
class Mark:
    """Reference, issuer and salt. The salt makes the fingerprint say nothing about the content.

    Without the 256-bit salt, who knows a fingerprint could try every likely content until one fits.
    """

    reference: Reference
    issuer: str
    """The issuing institution's code."""
    salt: bytes
    """Exactly 32 random bytes; known to who holds the file, and to nobody else."""
    algorithm: Algorithm = Algorithm.SHA_256
    """How the fingerprint of the file is computed. Only another one than SHA-256 is written down, so that a
    file with SHA-256 is the same as before there was a choice."""

    @classmethod
    def new(cls, *, side: str, issuer: str, algorithm: Algorithm = Algorithm.SHA_256) -> Mark:
        """Return a fresh mark with a new reference and a new salt."""
        if not re.fullmatch(INSTITUTION_CODE, issuer):
            raise ValueError(f"an institution's code is needed, not {issuer!r}")
        return cls(Reference.new(side), issuer, secrets.token_bytes(SALT_BYTES), algorithm)

    def as_mapping(self) -> dict[str, str]:
        """Return the mark as the JSON object that JSON documents and packages carry."""
        written = {
            "reference": str(self.reference),
            "issuer": self.issuer,
            "side": self.reference.side,
            "salt": self.salt.hex(),
        }
        if self.algorithm is not Algorithm.SHA_256:
            written["algorithm"] = self.algorithm.value
        return written

    @classmethod
    def from_mapping(cls, value: object) -> Mark | None:
        """Return the mark that ``as_mapping`` wrote, or ``None`` for anything else."""
        if not isinstance(value, dict) or value.keys() - {"algorithm"} != _PARTS:
            return None
        if value.get("algorithm") == Algorithm.SHA_256:  # which is never written down
            return None
        if not all(isinstance(item, str) for item in value.values()):
            return None
        return cls.from_texts(**value)

    @classmethod
    def from_texts(
        cls, *, reference: str, issuer: str, side: str, salt: str, algorithm: str = Algorithm.SHA_256
    ) -> Mark | None:
        """Return the mark of its written parts, or ``None`` when one of them is ill-formed."""
        if not re.fullmatch(REFERENCE_PATTERN, reference) or not re.fullmatch(INSTITUTION_CODE, issuer):
            return None
        if not re.fullmatch(r"[0-9a-f]{64}", salt):
            return None
        try:
            parsed, computed = Reference.parse(reference), Algorithm(algorithm)
        except (KouanError, ValueError):
            return None
        return cls(parsed, issuer, bytes.fromhex(salt), computed) if parsed.side == side else None

    def __repr__(self) -> str:
        return f"Mark({self.reference}, {self.issuer})"
