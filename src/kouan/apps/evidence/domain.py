"""Rules of evidence: what a type holds, what a record may say, when it counts. No framework."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.core.text import Localised

ZONE: Final = timezone(timedelta(hours=8))
"""In which a record's first and last day begin and end: that of all the sides."""
FIRST_DAY: Final = date(1850, 1, 1)
LAST_DAY: Final = date(9000, 1, 1)
"""Between which a record begins and ends; the last moments of a calendar leave no room to reckon in."""
MAX_VALUE: Final = 300
"""Characters of one claim."""
MAX_REFERENCE: Final = 64
CODE: Final = re.compile(r"[a-z][a-z0-9-]{1,63}")
TYPE_CODE: Final = re.compile(r"[a-z]{2}\.[a-z][a-z0-9-]{1,60}")
CLAIM_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
RESERVED: Final = frozenset(
    {
        "iss", "sub", "aud", "iat", "nbf", "exp", "jti", "cnf", "vct", "status", "acr", "nonce", "labels",
        "issuing_authority", "title", "sd_hash", "_sd", "_sd_alg", "...", "kouan",
    }
)  # fmt: skip
"""Names that a credential needs for itself; the last is the mark of a registered document."""
LEVELS: Final = range(1, 5)

Form = Literal["text", "date"]


def wire_name(name: str) -> str:
    """Return what a claim is called within a credential: with an underscore more where the name is taken.

    >>> wire_name("status"), wire_name("address")
    ('status_', 'address')
    """
    return f"{name}_" if name.rstrip("_") in RESERVED or name in RESERVED else name


def plain_name(name: str) -> str:
    """Return what a claim of a credential is called everywhere else; undoes ``wire_name``."""
    taken = name.endswith("_") and (name.rstrip("_") in RESERVED or name[:-1] in RESERVED)
    return name[:-1] if taken else name


class State(StrEnum):
    """How a record stands."""

    VALID = "valid"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


class Change(StrEnum):
    """What was done to a record."""

    PUT = "put"
    REPLACED = "replaced"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    REVOKED = "revoked"


NEXT: Final[Mapping[State, Mapping[Change, State]]] = {
    State.VALID: {Change.SUSPENDED: State.SUSPENDED, Change.REVOKED: State.REVOKED},
    State.SUSPENDED: {Change.RESUMED: State.VALID, Change.REVOKED: State.REVOKED},
    State.REVOKED: {},
}
"""What brings a record from one state to the next. Revoked is for good."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a service may ask to have proved; the same on every side."""

    code: str
    title: Localised
    text: Localised


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that a type of evidence says."""

    name: str
    title: Localised
    element: str
    """The kind of data (``policy.elements``)."""
    optional: bool = False
    """Whether a record may leave it out."""
    form: Form = "text"


@dataclass(frozen=True, slots=True)
class EvidenceType:
    """One type of evidence of one side."""

    code: str
    title: Localised
    department: str
    department_name: Localised
    requirements: frozenset[str]
    claims: tuple[Claim, ...]
    level: int
    """How surely a person must have signed in to see it or show it."""
    counts_days: int
    """How many days a credential counts at the most."""
    receivers: frozenset[str] | None = None
    """The sides that it may be shown to; ``None`` for any."""

    def claim(self, name: str) -> Claim | None:
        """Return a claim by its name."""
        return next((each for each in self.claims if each.name == name), None)

    def may_go_to(self, side: str) -> bool:
        """Whether a side may be shown it."""
        return self.receivers is None or side in self.receivers


class Problem(StrEnum):
    """What is wrong with what a record is to say."""

    UNKNOWN = "unknown"
    MISSING = "missing"
    TOO_LONG = "too-long"
    CHARACTERS = "characters"
    NO_DATE = "no-date"


def problems(type_: EvidenceType, claims: Mapping[str, str]) -> list[tuple[str, Problem]]:
    """Return each claim that cannot stand in a record, and why; none where all is well."""
    known = {claim.name for claim in type_.claims}
    found = [(name[:40], Problem.UNKNOWN) for name in claims if name not in known]
    for claim in type_.claims:
        value = claims.get(claim.name, "")
        if not value:
            found += [] if claim.optional else [(claim.name, Problem.MISSING)]
        elif len(value) > MAX_VALUE:
            found.append((claim.name, Problem.TOO_LONG))
        elif not _is_text(value):
            found.append((claim.name, Problem.CHARACTERS))
        elif claim.form == "date" and not is_day(value):
            found.append((claim.name, Problem.NO_DATE))
    return found


def is_day(text: str) -> bool:
    """Whether a text is a day as ISO 8601 writes it in full."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def is_reference(text: str) -> bool:
    """Whether a text may be a department's own name of a record."""
    return 0 < len(text) <= MAX_REFERENCE and text == text.strip() and _is_text(text)


def begins(day: date) -> datetime:
    """Return the first moment of a day."""
    return datetime.combine(day, time.min, tzinfo=ZONE)


def ends(day: date) -> datetime:
    """Return the last second of a day, so that whoever shows it as a date shows that day."""
    return begins(day + timedelta(days=1)) - timedelta(seconds=1)


def expiry(now: datetime, counts_days: int, valid_until: date | None) -> datetime:
    """Return when a credential made now ends: the type's term, or the record's last day if that is sooner."""
    term = now + timedelta(days=counts_days)
    return term if valid_until is None else min(term, ends(valid_until))


def _is_text(value: str) -> bool:
    return value == value.strip() and not any(unicodedata.category(each)[0] == "C" for each in value)
