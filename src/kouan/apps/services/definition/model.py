"""A published service, whole: what a catalogue shows, and all that is needed to apply for it.

It is JSON; its digest is over one text of it (``canonical``), so both sides speak of the very same version.
A department writes it as a folder (``reading``); the other side gets the JSON
(``crossings.SERVICE_PUBLISHED``).
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from annotated_types import Len
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from kouan.apps.services.domain import FLOW, Action, Role, State, Transition
from kouan.core.text import Localised

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA: Final = "kouan-service/1"
MAX_DEFINITION: Final = 256 * 1024
"""Bytes of the canonical JSON."""

Category = Literal[
    "tax",
    "company",
    "property-and-vehicle",
    "personal-documents",
    "welfare-and-education",
    "health",
    "immigration-clearance",
    "urgent-help",
    "culture-and-tourism",
    "voter-registration",
]
Audience = Literal["resident", "business", "visitor", "student", "worker"]
LifeEvent = Literal[
    "moving",
    "working",
    "studying",
    "starting-a-business",
    "driving",
    "buying-a-home",
    "having-a-family",
    "retiring",
    "travelling",
    "falling-ill",
    "losing-somebody",
]

Line = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Passage = Annotated[str, StringConstraints(min_length=1, max_length=4000, strip_whitespace=True)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,63}$")]
ClaimName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{1,63}$")]
"""A claim of a credential; the other side's evidence types name theirs."""
Element = Annotated[str, StringConstraints(pattern=r"^[a-z]+\.[a-z-]+$", max_length=64)]
Days = Annotated[int, Field(ge=1, le=730)]


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", populate_by_name=True, defer_build=True
    )


class _InThreeScripts(_Part):
    @property
    def text(self) -> Localised:
        """The same as a value that chooses the reader's language."""
        return Localised(**self.model_dump())


class Lines(_InThreeScripts):
    """A name or a title in the three scripts."""

    en: Line
    zh_hant: Line
    zh_hans: Line


class Passages(_InThreeScripts):
    """A paragraph in the three scripts; an empty line begins another."""

    en: Passage
    zh_hant: Passage
    zh_hans: Passage


class Department(_Part):
    """Who offers the service and decides."""

    code: Code
    """The department as this side's staff app knows it."""
    name: Lines


class Fee(_Part):
    """What it costs; a service without one is free."""

    amount: Annotated[str, StringConstraints(pattern=r"^\d{1,9}(\.\d{1,2})?$")]
    currency: Literal["HKD", "CNY", "MOP"]

    @property
    def value(self) -> Decimal:
        """The amount, exactly."""
        return Decimal(self.amount)


class TimeLimit(_Part):
    """How long the department has to decide, in working days of its side, from the day of receipt."""

    working_days: Days


class Waits(_Part):
    """How long each thing is waited for before it lapses; calendar days unless it says otherwise."""

    draft_days: Days = 60
    cosigning_days: Days = 14
    correction_working_days: Days = 10
    payment_working_days: Days = 10
    appeal_days: Days = 60


class Need(_Part):
    """A requirement that evidence meets: which, what of it is asked, and whether it may be left out."""

    requirement: Code
    """What must be shown, as both sides' evidence brokers know it (``core.credentials``)."""
    title: Lines
    why: Passages
    claims: Annotated[list[ClaimName], Len(1, 40)]
    """What the department must see. The person may tick more of it away only if ``optional`` names it."""
    optional: Annotated[list[ClaimName], Len(0, 40)] = []
    level: Annotated[int, Field(ge=1, le=4)] = 2
    """How surely the person must have signed in for this to be shown."""
    needed: bool = True
    upload: bool = True
    """Whether a file of the person's own does instead."""
    max_age_days: Annotated[int, Field(ge=0, le=3660)] = 0
    """How old the credential may be; 0: as old as it counts."""


class Cosigners(_Part):
    """How many others must sign the application before it can go."""

    least: Annotated[int, Field(ge=0, le=10)] = 0
    most: Annotated[int, Field(ge=0, le=10)] = 0


class Step(_Part):
    """One row of a transition table that is the service's own."""

    action: Action = Field(strict=False)
    source: State = Field(strict=False)
    target: State = Field(strict=False)
    role: Role = Field(strict=False)


class ResultClaim(_Part):
    """One line of the signed result: its name, and where its value comes from."""

    name: Code
    title: Lines
    source: Annotated[str, StringConstraints(pattern=r"^(answers|case|officer)\.[A-Za-z0-9_.-]{1,120}$")]
    """``answers.PATH`` is what was applied for, ``case.reference`` and the like what the case knows, and
    ``officer.NAME`` what the officer fills in when granting."""


class Result(_Part):
    """What the applicant gets when it is granted."""

    kind: Code
    """The type of the credential, within this side: ``permit``."""
    title: Lines
    claims: Annotated[list[ResultClaim], Len(1, 40)]
    valid_days: Annotated[int, Field(ge=0, le=36600)] = 0
    """How long it counts; 0: without end."""


class Definition(_Part):
    """A version of a service, complete."""

    schema_: Literal["kouan-service/1"] = Field(SCHEMA, alias="schema")
    side: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,16}$")]
    service: Code
    version: Annotated[int, Field(ge=1, le=1_000_000)]
    demonstration: bool = False
    """Made up: it binds nobody, and a node that is no demonstration neither publishes nor takes it."""
    title: Lines
    summary: Passages
    who: Passages
    """Who it is for."""
    bring: Passages
    """What is needed."""
    ends: Passages
    """How it ends: what the applicant gets, and how."""
    legal: Lines
    """The law that it rests on."""
    aliases: Annotated[list[Line], Len(0, 40)] = []
    """Other words that people search for it by."""
    category: Category
    audiences: Annotated[list[Audience], Len(1, 5)]
    events: Annotated[list[LifeEvent], Len(0, 11)] = []
    department: Department
    homes: Annotated[list[Code], Len(1, 16)]
    """The sides whose residents may apply."""
    level: Annotated[int, Field(ge=1, le=4)] = 2
    """How surely an applicant must have signed in."""
    fee: Fee | None = None
    time_limit: TimeLimit
    waits: Waits = Waits()
    acts_for: Annotated[list[Literal["self", "person", "company"]], Len(1, 3)] = ["self"]
    """For whom one may apply; evidence of it is a need called ``representation``."""
    cosigners: Cosigners = Cosigners()
    needs: Annotated[list[Need], Len(0, 16)] = []
    form: dict[str, Any]
    """A JSON Schema (2020-12) of type object; see ``form`` for the keywords that it may use."""
    flow: Annotated[list[Step], Len(0, 100)] = []
    """Its own transition table; empty: the usual one."""
    result: Result

    @property
    def transitions(self) -> tuple[Transition, ...]:
        """The table that its cases follow."""
        if not self.flow:
            return FLOW
        return tuple(Transition(row.action, row.source, row.target, row.role) for row in self.flow)

    def canonical(self) -> bytes:
        """Return the one text that this version is: JSON without spaces, each object in its author's order.

        The order is part of it, since it is the order in which a form asks; RFC 8785 would lose it. Raises
        ``ValueError`` for what has no such text, such as half a character.
        """
        value = self.model_dump(mode="json", by_alias=True)
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()

    def digest(self) -> bytes:
        """Return SHA-256 over the canonical JSON."""
        return hashlib.sha256(self.canonical()).digest()


class BadDefinition(ValueError):
    """It is no definition; says where and why, in English."""


def parse(value: Mapping[str, Any]) -> Definition:
    """Return a definition that was read from JSON or TOML; raises ``BadDefinition`` with the first fault."""
    try:
        return Definition.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "definition"
        raise BadDefinition(f"{where}: {first['msg']}") from None
