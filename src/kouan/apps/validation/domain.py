"""The rules of validation by fingerprint: references, states, and which answer is given.

Pure: no Django, no database, no clock of its own.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from kouan.apps.validation.errors import MistypedReference, NotAReference

if TYPE_CHECKING:
    from datetime import date


class Algorithm(StrEnum):
    """How a fingerprint is computed; each gives 32 bytes."""

    SHA_256 = "sha-256"
    """FIPS 180-4, by its name in the IANA registry of named information hashes."""
    SM3 = "sm3"
    """GB/T 32905, ISO/IEC 10118-3."""


ALGORITHM: Final = Algorithm.SHA_256.value
"""The fingerprint's algorithm where an institution has not chosen."""

DIGEST_BYTES: Final = 32
SALT_BYTES: Final = 32

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U, so nothing is misread."""
_VALUE: Final = {character: value for value, character in enumerate(_ALPHABET)}
_MISREAD: Final = str.maketrans("OIL", "011")
_SEPARATORS: Final = re.compile(r"[\s\-‐-―−_]+")
_RANDOM_CHARACTERS: Final = 19
_BODY_CHARACTERS: Final = _RANDOM_CHARACTERS + 1
_SIDE: Final = re.compile(r"[A-Z]{2,8}")
_LONGEST_SIDE: Final = 8
_LONGEST_INPUT: Final = 80

REFERENCE_PATTERN: Final = r"[A-Z]{2,8}(?:-[0-9A-HJKMNP-TV-Z]{4}){5}"
"""A reference in its one written form; the check character is not part of a pattern."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A document's public name: the issuing side and 95 random bits with a check character.

    Written ``HK-7Q3F-8K2M-4T9R-XW0C-5BPN``. Whoever has only the reference learns from it which
    side to ask, and nothing else.
    """

    side: str
    """The issuing side's code in lower case."""
    body: str
    """Twenty characters of Crockford's base 32, the last one the check character."""

    @classmethod
    def new(cls, side: str) -> Reference:
        """Return a fresh reference of ``side`` (a code of 2 to 8 letters)."""
        if not _SIDE.fullmatch(side.upper()):
            raise ValueError(f"a side's code of 2 to 8 letters is needed, not {side!r}")
        characters = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_CHARACTERS))
        return cls(side.lower(), characters + _check_character(side.upper(), characters))

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Return the reference that a person typed or a file carries.

        Spaces, dashes, case, full-width forms and the usual misreadings (O, I, L) do not matter.
        Raises ``NotAReference``, or ``MistypedReference`` when the form fits and the check
        character does not: any one wrong character and any two swapped ones are caught.
        """
        if len(text) > _LONGEST_INPUT:
            raise NotAReference
        plain = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()
        side, body = plain[:-_BODY_CHARACTERS], plain[-_BODY_CHARACTERS:].translate(_MISREAD)
        if not _SIDE.fullmatch(side) or len(body) != _BODY_CHARACTERS or not _VALUE.keys() >= set(body):
            raise NotAReference
        if _check_character(side, body[:-1]) != body[-1]:
            raise MistypedReference
        return cls(side.lower(), body)

    def __str__(self) -> str:
        groups = (self.body[start : start + 4] for start in range(0, _BODY_CHARACTERS, 4))
        return f"{self.side.upper()}-{'-'.join(groups)}"


def _check_character(side: str, characters: str) -> str:
    """Return the check character over the side's letters and the random characters.

    Each character is an element of GF(32), weighted by its own power of a generator, so that one
    wrong character and any two exchanged ones change the sum: a sum without weights, or weights
    that repeat, would miss exchanges.
    """
    total, place = 0, 0
    for letter in side:
        total ^= _PRODUCTS[place][ord(letter) - ord("A")]
        place += 1
    for item in characters:
        total ^= _PRODUCTS[place][_VALUE[item]]
        place += 1
    return _ALPHABET[total]


def _double(value: int) -> int:
    """Multiply by the generator x of GF(2)[x] / (x^5 + x^2 + 1)."""
    value <<= 1
    return value ^ 0b100101 if value & 0b100000 else value


def _multiply(left: int, right: int) -> int:
    product = 0
    while right:
        if right & 1:
            product ^= left
        left, right = _double(left), right >> 1
    return product


def _products() -> list[list[int]]:
    """Return what each value counts at each place; the weight of a place is a power of the generator."""
    weight, table = 1, []
    for _ in range(_LONGEST_SIDE + _RANDOM_CHARACTERS):
        weight = _double(weight)
        table.append([_multiply(value, weight) for value in range(len(_ALPHABET))])
    return table


_PRODUCTS: Final = _products()


class DocumentType(StrEnum):
    """The kinds of document that are validated; what crosses is this code."""

    ACADEMIC = "academic-qualification"
    BANK_STATEMENT = "bank-statement"
    CORPORATE_CREDIT = "corporate-credit-report"
    KYC = "kyc-report"
    OWNER_CREDIT = "business-owner-credit-record"
    OTHER = "other"


class RevocationReason(StrEnum):
    """Why an issuer takes a document back; kept at the issuer's side, it never crosses."""

    ISSUED_IN_ERROR = "issued-in-error"
    SUPERSEDED = "superseded"
    CONTENT_WRONG = "content-wrong"
    WITHDRAWN = "withdrawn"
    FRAUD = "fraud"
    OTHER = "other"


class DocumentState(StrEnum):
    """Where a registered document stands on a given day."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Outcome(StrEnum):
    """The five answers to "is this file what the institution issued?"."""

    MATCH = "match"
    MISMATCH = "mismatch"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    REVOKED = "revoked"

    @property
    def discloses(self) -> bool:
        """Whether the answer may say who issued the document, and when."""
        return self not in (Outcome.MISMATCH, Outcome.UNKNOWN)


class JobKind(StrEnum):
    """What a file of many rows asks for."""

    REGISTER = "register"
    REVOKE = "revoke"
    """Take documents back, or let them expire."""


class JobState(StrEnum):
    """How far a file of many rows is."""

    CHECKING = "checking"
    """Each row is looked at; nothing changes yet."""
    TAKING = "taking"
    CLEARING = "clearing"
    """A row was bad, and what had been written before it is removed; none of it was ever on the register."""
    DONE = "done"
    REFUSED = "refused"
    """A row was bad, and nothing has changed."""
    FAILED = "failed"
    """The file could not be read on while documents were taken back: some are, and some are not."""


OPEN_JOBS: Final = (JobState.CHECKING, JobState.TAKING, JobState.CLEARING)


def question_id(*, sender: str, conversation: bytes, reference: str, algorithm: str, digest: bytes) -> bytes:
    """Return what one question is known by, 32 bytes: its conversation is the nonce that its sender made.

    The same question of another day has another conversation. From the id nothing can be learnt of what was
    asked by who does not know it already.
    """
    parts = (sender.encode(), conversation, reference.encode(), algorithm.encode(), digest)
    return hashlib.sha256(b"".join(len(part).to_bytes(2) + part for part in parts)).digest()


def state_of(*, revoked_on: date | None, expires_on: date | None, today: date) -> DocumentState:
    """Return the state on ``today``; a document is valid through its expiry date."""
    if revoked_on is not None:
        return DocumentState.REVOKED
    if expires_on is not None and expires_on < today:
        return DocumentState.EXPIRED
    return DocumentState.VALID


def outcome_of(*, registered: bytes | None, asked: bytes, state: DocumentState | None) -> Outcome:
    """Return the answer to a question about the digest ``asked``.

    ``registered`` is the digest on the register, ``None`` when there is no such reference; a digest that was
    computed in another way is ``b""`` as ``asked``. The
    order protects the issuer and the owner: only who holds the very file learns its state; a
    changed file, or a reference read off a print, learns nothing but that it does not match.
    """
    if registered is None or state is None:
        return Outcome.UNKNOWN
    if not hmac.compare_digest(registered, asked):
        return Outcome.MISMATCH
    match state:
        case DocumentState.REVOKED:
            return Outcome.REVOKED
        case DocumentState.EXPIRED:
            return Outcome.EXPIRED
        case DocumentState.VALID:
            return Outcome.MATCH
