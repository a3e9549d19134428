"""What the records tell of the meetings, as everybody may see it: without what officers rejected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from kouan.apps.programme.domain import Field, State
from kouan.apps.programme.models import Claim, Meeting
from kouan.apps.programme.records.reading.text import fold
from kouan.apps.programme.records.rules import words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kouan.core.text import Localised

PLENARY: Final = "informatisation"
"""The group whose meetings the pages begin with."""


@dataclass(frozen=True, slots=True)
class Source:
    """The sentence of one record that says something."""

    record: str
    """The record's name."""
    digest: str
    """SHA-256 of the record's file, in hexadecimal."""
    before: str
    marked: str
    """The words of the value; the whole sentence where they are not one piece."""
    after: str


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that is known of a meeting, with every sentence that says it."""

    field: Field
    value: dict[str, Any]
    checked: bool
    """Whether an officer has confirmed or corrected it."""
    corrected: bool
    sources: tuple[Source, ...]

    @property
    def text(self) -> str:
        """Its words, as the first record writes them or as an officer put them."""
        return str(self.value.get("text", ""))


@dataclass(frozen=True, slots=True)
class Held:
    """A meeting with all that is known of it; ``date`` is as precise as the records are, or empty."""

    key: str
    group: str
    group_name: str
    number: int | None
    date: str
    date_text: str
    place: str
    place_text: str
    mode: str
    conflicts: tuple[str, ...]
    said: dict[Field, tuple[Said, ...]] = field(default_factory=dict)

    def of(self, *fields: Field) -> list[Said]:
        """Return what is known under these heads."""
        return [each for one in fields for each in self.said.get(one, ())]

    @property
    def year(self) -> str:
        """Its year; empty where no record gives it."""
        return self.date[:4]

    @property
    def untouched(self) -> bool:
        """Whether no officer has been through any of it."""
        return not any(each.checked for one in self.said.values() for each in one)

    @property
    def checked(self) -> bool:
        """Whether officers have been through all of it."""
        return all(each.checked for one in self.said.values() for each in one)


def meetings(group: str = "") -> list[Held]:
    """Return the meetings, the earliest first; those of which no date is known stand by their number."""
    found = Meeting.objects.filter(shown=True)
    if group:
        found = found.filter(group=group)
    rows = list(found)
    claims: dict[int, list[Claim]] = {row.pk: [] for row in rows}
    known = Claim.objects.counting().filter(meeting__in=list(claims)).select_related("record").order_by("pk")
    for claim in known:
        if claim.meeting_id is not None:
            claims[claim.meeting_id].append(claim)
    return _ordered(_held(row, claims[row.pk]) for row in rows)


def alone(*fields: Field) -> list[tuple[str, Said]]:
    """Return what records tell of no meeting in particular, with the date that they give or nothing."""
    known = (
        Claim.objects.counting()
        .filter(meeting=None, field__in=[each.value for each in fields])
        .select_related("record")
        .order_by("pk")
    )
    return sorted(
        ((str(each.value.get("date") or ""), each) for each in _grouped(known)), key=lambda pair: pair[0]
    )


def _held(row: Meeting, claims: Iterable[Claim]) -> Held:
    said: dict[Field, list[Said]] = {}
    for each in _grouped(claims):
        said.setdefault(each.field, []).append(each)
    return Held(
        str(row.key),
        row.group,
        row.group_name,
        row.number,
        row.date,
        row.date_text,
        row.place,
        row.place_text,
        row.mode,
        tuple(row.conflicts),
        {name: tuple(values) for name, values in said.items()},
    )


def _grouped(claims: Iterable[Claim]) -> list[Said]:
    """Return what claims say, each thing once with all its sentences, in the order of the first record."""
    together: dict[tuple[str, str], list[Claim]] = {}
    for claim in claims:
        together.setdefault((claim.field, claim.identity), []).append(claim)
    found = []
    for (name, _identity), same in together.items():
        # An officer's word goes before what was only read.
        best = next((one for one in same if one.state == State.CORRECTED.value), same[0])
        found.append(
            Said(
                Field(name),
                dict(best.said),
                any(one.state in {State.CONFIRMED.value, State.CORRECTED.value} for one in same),
                best.state == State.CORRECTED.value,
                tuple(_source(one) for one in same),
            )
        )
    return found


def _source(claim: Claim) -> Source:
    text = claim.record.text
    start = min(max(claim.mark_start, claim.start), claim.end)
    end = min(max(claim.mark_end, start), claim.end)
    return Source(
        claim.record.title or claim.record.name,
        bytes(claim.record.digest).hex(),
        text[claim.start : start],
        text[start:end],
        text[end : claim.end],
    )


def _ordered(held: Iterable[Held]) -> list[Held]:
    """Order by date; a meeting without one stands after the last earlier number of its group that has one."""
    every = list(held)
    dated = {(each.group, each.number): each.date for each in every if each.date and each.number is not None}

    def place(each: Held) -> tuple[str, str, int]:
        day = each.date
        if not day and each.number is not None:
            before = [number for group, number in dated if group == each.group and number < each.number]
            day = dated[each.group, max(before)] + "~" if before else ""
        return day, each.group, each.number or 0

    return sorted(every, key=place)


def group_name(held: Held) -> Localised | str:
    """Return a group's name: the dictionary's in three scripts, else as a record writes it."""
    known = words().groups.get(held.group)
    return held.group_name if known is None else known.name


def place_name(held: Held) -> Localised | str:
    """Return the name of the place where a meeting was held."""
    known = words().places.get(held.place)
    return held.place_text or held.place if known is None else known.name


def body_name(value: dict[str, Any], day: str) -> Localised | str:
    """Return a body's name as it was on a day; as the record writes it where the dictionary has none."""
    known = words().bodies.get(str(value.get("code") or ""))
    return str(value.get("text", "")) if known is None else known.name_on(day)


def themes_of(text: str) -> tuple[str, ...]:
    """Return everything that an area is about, in the order in which its words name it."""
    plain = fold(text)
    places = {
        each.code: found.start()
        for each in words().themes.values()
        if (found := each.pattern.search(plain)) is not None
    }
    return tuple(sorted(places, key=lambda code: places[code]))
