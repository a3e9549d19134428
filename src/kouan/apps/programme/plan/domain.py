"""What both sides agree on in writing: the joint work plan of a year, and the minutes of a meeting.

Both are JSON. A digest is over the canonical form (RFC 8785), so both sides sign the very same text. Every
text that people read is in the three scripts, complete or refused.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, TypeAlias

import rfc8785
from annotated_types import Len
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from kouan.core.text import Localised

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PLAN: Final = "kouan-plan/1"
MINUTES: Final = "kouan-minutes/1"
MAX_TEXT: Final = 192 * 1024
"""Bytes of a canonical text."""
MAX_PAPER: Final = 640 * 1024
"""Bytes of the text as PDF, with both signatures."""
LONGEST: Final = timedelta(days=550)
"""A plan is for a year; a first one may begin earlier, a last one may end later."""
_PLANS: Final = uuid.UUID("6a0f5f0e-5a1c-5d0e-9a55-0b9d9f3f7c11")
"""The name space in which a plan's number is made of its sides and its year (RFC 9562 section 5.5)."""


def _is_date(text: str) -> str:
    if date.fromisoformat(text).isoformat() != text:
        raise ValueError("a date such as 2026-01-31 is expected")
    return text


def _ordered(values: list[str]) -> list[str]:
    if sorted(set(values)) != values:
        raise ValueError("each once, in the order of the alphabet")
    return values


DateText = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$"), AfterValidator(_is_date)]
Side = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,16}$")]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
"""What a part keeps in all versions, so that two of them can be compared and progress finds its place."""
Number = Annotated[str, StringConstraints(pattern=r"^-?(0|[1-9]\d{0,11})(\.\d{1,4})?$")]
"""A decimal number as text: canonical JSON knows binary fractions only."""
Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
HexDigest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FigureKey = Annotated[
    str, StringConstraints(pattern=r"^([a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+)?$", max_length=64)
]
_Line = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
_Long = Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]


class Part(BaseModel):
    """Base of every part of a text: immutable, strict, nothing that is not described."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)


class Line(Part):
    """A title or a name in the three scripts, of 200 characters at most."""

    en: _Line
    zh_hant: _Line
    zh_hans: _Line

    @property
    def text(self) -> Localised:
        """The same as a page shows it."""
        return Localised(self.en, self.zh_hant, self.zh_hans)

    def __str__(self) -> str:
        return str(self.text)


class Passage(Part):
    """A longer text in the three scripts, of 2000 characters at most."""

    en: _Long
    zh_hant: _Long
    zh_hans: _Long

    @property
    def text(self) -> Localised:
        """The same as a page shows it."""
        return Localised(self.en, self.zh_hant, self.zh_hans)

    def __str__(self) -> str:
        return str(self.text)


class Combined(StrEnum):
    """What one figure is made of both sides' figures."""

    SUM = "sum"
    LEAST = "least"
    """What both have reached at least."""
    MOST = "most"


class Owner(Part):
    """The department that answers for an item on its side."""

    side: Side
    department: Line


class Milestone(Part):
    """A step that can be seen to be done, and its day."""

    id: Id
    title: Line
    due: DateText


class Measure(Part):
    """How it will be known what came of an item: a figure with its unit, from where to where."""

    id: Id
    title: Line
    unit: Line
    baseline: Number
    target: Number
    reported_by: Annotated[list[Side], Len(1, 2), AfterValidator(_ordered)]
    combined: Literal["sum", "least", "most"]
    feed: FigureKey
    """The figure of this node's own that is reported by itself; empty where officers report."""

    def reached(self, value: Decimal) -> bool:
        """Whether a figure is at the target, upwards or downwards as it lies from the baseline."""
        baseline, target = Decimal(self.baseline), Decimal(self.target)
        return value >= target if target >= baseline else value <= target


class Item(Part):
    """A piece of work that both sides do together."""

    id: Id
    title: Line
    deliverable: Passage
    owners: Annotated[list[Owner], Len(2, 2)]
    milestones: Annotated[list[Milestone], Len(0, 20)]
    measures: Annotated[list[Measure], Len(0, 10)]

    def owner(self, side: str) -> Owner:
        """Return who answers for it on a side."""
        return next(each for each in self.owners if each.side == side)


class Area(Part):
    """An area of co-operation, as the expert group names it."""

    id: Id
    title: Line
    items: Annotated[list[Item], Len(1, 30)]


class Text(Part):
    """What every text that two sides sign has."""

    kind: ClassVar[str]
    version: Annotated[int, Field(ge=1, le=999)]
    """Counts the proposals, so that no two texts of a plan are the same."""
    replaces: HexDigest | None
    """The digest of the version in effect that this one takes the place of."""
    sides: Annotated[list[Side], Len(2, 2), AfterValidator(_ordered)]
    author: Side
    """The side that proposes it: so the two sides never propose the very same text."""

    @property
    def subject(self) -> uuid.UUID:
        """What it is a version of: a plan or a meeting, by the number that both sides know it by."""
        raise NotImplementedError

    def canonical(self) -> bytes:
        """Return the text that is signed (RFC 8785)."""
        return rfc8785.dumps(self.model_dump(by_alias=True))

    def digest(self) -> bytes:
        """Return the SHA-256 of the canonical text."""
        return hashlib.sha256(self.canonical()).digest()


class Plan(Text):
    """The joint work plan of a year."""

    kind: ClassVar[str] = "plan"
    schema_: Literal["kouan-plan/1"] = Field(alias="schema")
    plan: Uuid
    year: Annotated[int, Field(ge=2006, le=2199)]
    """The calendar year of its first day."""
    first_day: DateText
    last_day: DateText
    areas: Annotated[list[Area], Len(1, 12)]

    @model_validator(mode="after")
    def _agrees(self) -> Plan:
        _of_both(self)
        first, last = self.days
        if first.year != self.year or not first < last <= first + LONGEST:
            raise ValueError("first_day, last_day: in this year, in order, and 550 days at most")
        if self.plan != str(plan_number(self.sides, self.year)):
            raise ValueError("plan: the number is made of the sides and the year")
        _once("areas", (area.id for area in self.areas))
        _once("items", (item.id for _area, item in self.each_item()))
        for _area, item in self.each_item():
            if [owner.side for owner in item.owners] != self.sides:
                raise ValueError(f"{item.id}.owners: one of each side, in the order of the sides")
            _once(f"{item.id}.milestones", (each.id for each in item.milestones))
            _once(f"{item.id}.measures", (each.id for each in item.measures))
            for milestone in item.milestones:
                if not first <= date.fromisoformat(milestone.due) <= last:
                    raise ValueError(f"{item.id}.{milestone.id}.due: within the plan's days")
            for measure in item.measures:
                if not set(measure.reported_by) <= set(self.sides):
                    raise ValueError(f"{item.id}.{measure.id}.reported_by: sides of the plan")
                if Decimal(measure.baseline) == Decimal(measure.target):
                    raise ValueError(f"{item.id}.{measure.id}.target: other than the baseline")
        return self

    @property
    def subject(self) -> uuid.UUID:
        """The plan's number."""
        return uuid.UUID(self.plan)

    @property
    def days(self) -> tuple[date, date]:
        """Its first and its last day."""
        return date.fromisoformat(self.first_day), date.fromisoformat(self.last_day)

    @property
    def name(self) -> str:
        """The year as people write it: ``2026-27`` where it goes on into the next one."""
        first, last = self.days
        return str(first.year) if first.year == last.year else f"{first.year}-{last.year % 100:02}"

    def each_item(self) -> Iterator[tuple[Area, Item]]:
        """Return every item with its area, in the plan's order."""
        return ((area, item) for area in self.areas for item in area.items)

    def item(self, id_: str) -> Item | None:
        """Return the item of an id, if there is one."""
        return next((item for _area, item in self.each_item() if item.id == id_), None)


class Present(Part):
    """Somebody who took part, in their office."""

    side: Side
    name: _Line
    office: Line


class Point(Part):
    """A point of the agenda, and what was said and decided on it."""

    id: Id
    title: Line
    said: Passage


class Action(Part):
    """Something that was agreed to be done; it follows to the next meeting until it is done or dropped."""

    id: Id
    title: Line
    owner: Owner
    due: DateText
    state: Literal["open", "done", "dropped"]
    since: Uuid
    """The meeting that agreed on it."""


class Minutes(Text):
    """What both sides agree was said and decided at a meeting."""

    kind: ClassVar[str] = "minutes"
    schema_: Literal["kouan-minutes/1"] = Field(alias="schema")
    meeting: Uuid
    title: Line
    held_on: DateText
    place: Line
    mode: Literal["in-person", "video", "hybrid"]
    present: Annotated[list[Present], Len(1, 100)]
    points: Annotated[list[Point], Len(1, 40)]
    actions: Annotated[list[Action], Len(0, 60)]

    @model_validator(mode="after")
    def _agrees(self) -> Minutes:
        _of_both(self)
        _once("points", (each.id for each in self.points))
        _once("actions", (each.id for each in self.actions))
        if not {each.side for each in self.present} <= set(self.sides):
            raise ValueError("present: of one of the two sides")
        if not {each.owner.side for each in self.actions} <= set(self.sides):
            raise ValueError("actions.owner: of one of the two sides")
        return self

    @property
    def subject(self) -> uuid.UUID:
        """The meeting's number."""
        return uuid.UUID(self.meeting)


Agreed: TypeAlias = Plan | Minutes
_KINDS: Final[dict[str, type[Agreed]]] = {PLAN: Plan, MINUTES: Minutes}


class UnreadableText(ValueError):
    """A text that cannot be read; what it says names the place and never the value."""


def plan_number(sides: Iterable[str], year: int) -> uuid.UUID:
    """Return the number of the plan of two sides for a year: both nodes make the same of it."""
    return uuid.uuid5(_PLANS, f"{'-'.join(sorted(sides))}/{year}")


def read_text(data: bytes) -> Agreed:
    """Return the plan or the minutes of a canonical text; raises ``UnreadableText`` for any other bytes."""
    if len(data) > MAX_TEXT:
        raise UnreadableText("too long")
    try:
        value = json.loads(data)
        made = made_of(value)
        canonical = made.canonical()
    except UnreadableText:
        raise
    except (ValueError, RecursionError) as error:
        raise UnreadableText(type(error).__name__) from None
    if canonical != data:
        raise UnreadableText("not in the canonical form (RFC 8785)")
    return made


def made_of(value: Any) -> Agreed:
    """Return the text that a JSON value is; raises ``UnreadableText`` naming the places that are wrong."""
    schema = value.get("schema") if isinstance(value, dict) else None
    kind = _KINDS.get(schema) if isinstance(schema, str) else None
    if kind is None:
        raise UnreadableText("schema")
    try:
        made = kind.model_validate(value)
    except ValidationError as error:
        raise UnreadableText("; ".join(places_of(error))) from None
    try:
        canonical = made.canonical()
    except (ValueError, RecursionError) as error:  # a lone surrogate, say
        raise UnreadableText(type(error).__name__) from None
    if len(canonical) > MAX_TEXT:
        raise UnreadableText("too long")
    return made


def places_of(error: ValidationError) -> list[str]:
    """Return where a value does not fit and how, five places at most; never the value itself."""
    found = []
    for each in error.errors(include_url=False, include_input=False):
        place = ".".join(str(part)[:40] for part in each["loc"][:8])
        said = str(each["ctx"]["error"])[:120] if each["type"] == "value_error" else each["type"]
        found.append(f"{place}: {said}" if place else said)
    return found[:5]


def _of_both(text: Text) -> None:
    if text.author not in text.sides:
        raise ValueError("author: one of the two sides")


def _once(what: str, ids: Iterable[str]) -> None:
    twice = [id_ for id_, count in Counter(ids).items() if count > 1]
    if twice:
        raise ValueError(f"{what}: {twice[0]} is there twice")
