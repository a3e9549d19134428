"""The terms of a contract, and what is judged when something is to cross under one.

A contract's terms are JSON. Their digest is over the canonical form (RFC 8785), so both sides sign the very
same text, and each message under the contract names that digest.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

import rfc8785
from annotated_types import Len
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationError,
    model_serializer,
)

from kouan.core.policy.elements import UnknownElement, elements_of

LEGAL_BASIS: Final = "data-contract"
"""What a message that rests on a contract is declared with; the contract's law is named in its terms."""
SCHEMA: Final = "kouan-contract/1"
MAX_TERMS: Final = 32 * 1024
"""Bytes of the canonical terms."""
MAX_PAPER: Final = 256 * 1024
"""Bytes of the terms as PDF, with both signatures."""
ALWAYS: Final = frozenset({"person.pseudonym"})
"""What every contract lets cross: without it nobody would know whom a record is about."""
SCOPE: Final = "scope"
"""The one clause of a contract that lets something cross: its scope."""


class State(StrEnum):
    """How far a contract has come."""

    DRAFT = "draft"
    """Only this side has it, and may change it."""
    PROPOSED = "proposed"
    """One side has signed; the other has not answered yet."""
    SIGNED = "signed"
    """Both have signed the same terms. Whether it is in force is for its dates and filings to say."""
    REFUSED = "refused"
    REPLACED = "replaced"
    """A later version that both signed has taken its place."""
    ENDED = "ended"
    """One side has ended it before its term."""


BOUND: Final = frozenset({State.SIGNED, State.REPLACED, State.ENDED})
"""In these, both have signed: then a version is kept for good, and its terms are found by their digest."""


def _is_date(text: str) -> str:
    if date.fromisoformat(text).isoformat() != text:
        raise ValueError("a date such as 2026-01-31 is expected")
    return text


def _known(ids: list[str]) -> list[str]:
    if sorted(set(ids)) != ids:
        raise ValueError("each kind of data once, in the order of the alphabet")
    try:
        elements_of(ids)
    except UnknownElement as error:
        raise ValueError(str(error)) from None
    return ids


def _ordered(values: list[str]) -> list[str]:
    if sorted(set(values)) != values:
        raise ValueError("each once, in the order of the alphabet")
    return values


DateText = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$"), AfterValidator(_is_date)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Place = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,16}(:[a-z-]{2,32})?$")]
HexDigest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Purpose = Annotated[str, StringConstraints(pattern=r"^dpv:[A-Za-z]{2,60}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,63}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)


class Names(_Part):
    """A name in the three scripts."""

    en: Words
    zh_hant: Words
    zh_hans: Words


class Party(_Part):
    """An institution that is a party: who it is, and where."""

    code: Code
    """What its node knows it by."""
    name: Names
    registration: Annotated[str, StringConstraints(max_length=64)]
    """Its number in the register of its side; empty where it has none."""
    place: Place
    """A side, or a side and a city of it: ``hk``, ``gd:shenzhen``."""

    @property
    def side(self) -> str:
        """The side whose law it is under."""
        return self.place.partition(":")[0]


class Assessment(_Part):
    """The impact assessment that was made: its digest and its day; the paper itself is kept and filed."""

    digest: HexDigest
    made_on: DateText


class Onward(_Part):
    """To whom the importer may hand what it got."""

    name: Words
    place: Place


class Ground(_Part):
    """What a contract rests on besides the parties' word: a law, an authority's decision, a certificate."""

    instrument: Words
    """Which it is, in words: the law and its article, the authority and what it decided."""
    number: Annotated[str, StringConstraints(max_length=64)]
    """Its number; empty where it has none."""
    issued_on: DateText
    valid_until: DateText | None
    """The last day on which it counts; None: until the rules say."""


class Terms(_Part):
    """All that the two parties agree on."""

    schema_: Literal["kouan-contract/1"] = Field(alias="schema")
    contract: Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$")]
    version: Annotated[int, Field(ge=1, le=999)]
    replaces: HexDigest | None
    """The digest of the version that this one takes the place of."""
    basis: Code
    """Which law's contract it is: one of the bases of the rules."""
    exporter: Party
    importer: Party
    purposes: Annotated[list[Purpose], Len(1, 16), AfterValidator(_ordered)]
    elements: Annotated[list[str], Len(1, 40), AfterValidator(_known)]
    persons: Annotated[int, Field(ge=0, le=2_000_000_000)]
    """About how many persons are concerned in its term."""
    retention_days: Annotated[int, Field(ge=1, le=36_500)]
    """After how many days the importer erases what it got."""
    onward: Annotated[list[Onward], Len(0, 16)]
    assessment: Assessment
    effective: DateText
    expires: DateText
    ground: Ground | None = None
    """Only where the basis asks for one: terms without it have no such member at all."""

    @model_serializer(mode="wrap")
    def _written(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        value: dict[str, Any] = write(self)
        if value["ground"] is None:
            del value["ground"]
        return value

    @property
    def first_day(self) -> date:
        """The first day on which something may cross."""
        return date.fromisoformat(self.effective)

    @property
    def last_day(self) -> date:
        """The last day on which something may cross."""
        return date.fromisoformat(self.expires)

    @property
    def sides(self) -> frozenset[str]:
        """The two sides whose institutions are parties."""
        return frozenset({self.exporter.side, self.importer.side})

    def canonical(self) -> bytes:
        """Return the text that is signed (RFC 8785)."""
        return rfc8785.dumps(self.model_dump(by_alias=True))

    def digest(self) -> bytes:
        """Return the SHA-256 of the canonical text."""
        return hashlib.sha256(self.canonical()).digest()


class BadTerms(ValueError):
    """Terms that cannot be read; the text names the place and never the value."""


def read_terms(data: bytes) -> Terms:
    """Return the terms in a canonical text; raises ``BadTerms`` for any other bytes."""
    if len(data) > MAX_TERMS:
        raise BadTerms("too long")
    try:
        terms = Terms.model_validate_json(data)
        canonical = terms.canonical()
    except ValidationError as error:
        raise BadTerms(_places(error)) from None
    except (ValueError, RecursionError) as error:
        raise BadTerms(type(error).__name__) from None
    if canonical != data:
        raise BadTerms("not in the canonical form (RFC 8785)")
    return terms


def _places(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(
        f"{'.'.join(str(part)[:40] for part in each['loc'][:4])}: {each['type']}" for each in found[:5]
    )


@dataclass(frozen=True, slots=True)
class Filing:
    """Whether one side's party has filed the contract with its authority, and until when it has to."""

    side: str
    due_on: date
    """The last day for it: so many working days of that side after the contract's effect."""
    filed_on: date | None


@dataclass(frozen=True, slots=True)
class ContractFacts:
    """What counts of a contract at one moment."""

    terms: Terms
    digest: bytes
    state: State
    ended_on: date | None
    signed_by: frozenset[str]
    filings: tuple[Filing, ...]
    text: bytes = field(default=b"", repr=False, compare=False)
    """The canonical terms as they are kept; nothing where a written case is read again."""

    def __hash__(self) -> int:
        """Return what equal facts have in common; the digest stands for the terms."""
        return hash((self.digest, self.state, self.ended_on, self.signed_by, self.filings))


@dataclass(frozen=True, slots=True)
class ConsentFacts:
    """What counts of a person's consent at one moment."""

    contract: str
    subject: str
    elements: frozenset[str]
    separate: frozenset[str]
    """Sensitive kinds to which the person agreed one by one."""
    purposes: frozenset[str]
    level: int
    given_at: datetime
    expires_at: datetime
    withdrawn_at: datetime | None
    notice: bool = False
    """Whether the person was only told, since the law lets it cross without their consent."""
    retention_days: int | None = None
    """How long it may be kept by the terms that the person agreed to; None where those are not known."""
    onward: frozenset[tuple[str, str]] | None = None
    """On to whom, name and place, by the same terms."""


@dataclass(frozen=True, slots=True)
class Case:
    """Something that is to cross, and all that is known when it is judged; it can be judged again."""

    at: datetime
    day: date
    """The day at ``at``, eight hours ahead of UTC, as all sides count."""
    sender: str
    receiver: str
    elements: frozenset[str]
    purpose: str
    subject: str
    contract: ContractFacts | None
    named: bytes | None
    """The digest of the terms that an arrived message names."""
    consent: ConsentFacts | None
