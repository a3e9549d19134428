"""The issuer's register of documents, as far as linking asks it: two documents, one person or not.

The question holds the number of the issuer's own document and a commitment to the other side's: scrypt (RFC
7914) over its number and the date of birth. The issuer opens its own register, commits to what stands there,
and compares; so neither side learns the number of the other's document.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from kouan.demo.provider import people

if TYPE_CHECKING:
    from collections.abc import Mapping

_SIZE: Final = 32
_LONGEST: Final = 100


@dataclass(frozen=True, slots=True)
class Question:
    """Whether two documents are one person's."""

    documents: tuple[str, str]
    """The other side's kind of document, and the issuer's own."""
    number: str = field(repr=False)
    """Of the issuer's own document."""
    salt: bytes
    digest: bytes

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Self:
        """Return the question; raises ``ValueError``, ``KeyError`` or ``TypeError`` for anything else."""
        for name in ("documents", "number", "salt", "digest"):
            if not isinstance(value[name], str) or len(value[name]) > _LONGEST:
                raise ValueError(f"`{name}` is no text of that length")
        theirs, ours = value["documents"].split(" ")
        return cls((theirs, ours), value["number"], _bytes(value["salt"]), _bytes(value["digest"]))


def outcome(side: str, question: Question) -> str:
    """Return ``match``, ``no-match``, or ``not-held`` where the register has no such document."""
    theirs, ours = question.documents
    for person in people.of_side(side):
        if person.elsewhere is None or person.elsewhere[0] != theirs:
            continue
        if person.document_type == ours and person.document_number == question.number:
            right = committed(person.elsewhere[1], person.birthdate, question.salt)
            return "match" if hmac.compare_digest(right, question.digest) else "no-match"
    return "not-held"


def committed(number: str, birthdate: str, salt: bytes) -> bytes:
    """Return the commitment to a document: 32 bytes."""
    text = f"{number}|{birthdate}".encode()
    return hashlib.scrypt(text, salt=salt, n=1 << 15, r=8, p=1, maxmem=64 << 20, dklen=_SIZE)


def _bytes(text: str) -> bytes:
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if len(data) != _SIZE:
        raise ValueError("32 bytes are wanted")
    return data
