"""What is known of the meetings, and where it was read. Frozen values, for pages and exports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Q

from kouan.apps.programme import errors
from kouan.apps.programme.domain import Field, Oddity, State, oddities
from kouan.apps.programme.models import Claim, Meeting, Record
from kouan.apps.programme.records.rules import words

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from django.db.models import QuerySet

    from kouan.core.text import Localised


@dataclass(frozen=True, slots=True)
class Source:
    """Where something was read: the record, and its sentence."""

    record: uuid.UUID
    name: str
    script: str
    sentence: str
    start: int


@dataclass(frozen=True, slots=True)
class Value:
    """One thing that is said of a meeting, with every source that says it."""

    field: Field
    said: dict[str, Any]
    """``text``, ``name``, ``iso`` or ``mode``, by field; as it was read, or as an officer corrected it."""
    state: State
    """The best of its claims: one that an officer confirmed counts before one only read."""
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class MeetingShown:
    """A meeting as all its records together tell it; what nobody says is empty."""

    key: uuid.UUID
    group: str
    group_name: Localised | str
    number: int | None
    date: str
    """``2024-10-09``, ``2024-10``, ``2024`` or empty."""
    date_text: str
    place: str
    """A code of the dictionary of places; else as written."""
    place_name: Localised | str
    mode: str
    conflicts: tuple[str, ...]
    values: tuple[Value, ...]

    def of(self, field: str) -> tuple[Value, ...]:
        """Return the values of one field (``area``, ``body``, …), in the order of the records."""
        return tuple(each for each in self.values if each.field == field)


_BEST = (State.CORRECTED, State.CONFIRMED, State.PROPOSED)


def meetings(*, group: str = "", confirmed_only: bool = False) -> list[MeetingShown]:
    """Return the meetings, the earliest first; those without a date by their number."""
    rows = Meeting.objects.filter(shown=True).prefetch_related("claims__record")
    if group:
        rows = rows.filter(group=group)
    found = [_shown(row, confirmed_only=confirmed_only) for row in rows]
    return sorted(found, key=lambda each: (each.group, each.number or 0, each.date))


def meeting(key: uuid.UUID) -> MeetingShown:
    """Return one meeting. Raises ``UnknownMeeting``."""
    row = Meeting.objects.filter(key=key, shown=True).prefetch_related("claims__record").first()
    if row is None:
        raise errors.UnknownMeeting
    return _shown(row)


def _shown(row: Meeting, *, confirmed_only: bool = False) -> MeetingShown:
    known = words()
    values: dict[tuple[str, str], list[Claim]] = {}
    for claim in sorted(row.claims.all(), key=lambda each: (each.record_id, each.mark_start)):
        if not claim.counts or (confirmed_only and claim.state == State.PROPOSED):
            continue
        values.setdefault((claim.field, claim.identity), []).append(claim)
    group = known.groups.get(row.group)
    place = known.places.get(row.place)
    return MeetingShown(
        row.key, row.group, group.name if group else row.group_name, row.number, row.date, row.date_text,
        row.place, place.name if place else row.place_text, row.mode, tuple(row.conflicts),
        tuple(_value(claims) for claims in values.values()),
    )  # fmt: skip


def _value(claims: Sequence[Claim]) -> Value:
    best = min(claims, key=lambda each: _BEST.index(State(each.state)))
    return Value(
        Field(best.field), dict(best.said), State(best.state),
        tuple(
            Source(
                each.record.key, each.record.name, each.record.script,
                each.record.text[each.start : each.end], each.start,
            )
            for each in claims
        ),
    )  # fmt: skip


def records() -> QuerySet[Record]:
    """Return the records, the newest first; ``waiting`` values of ``total`` are still to be confirmed."""
    return (
        Record.objects.select_related("repeats")
        .annotate(
            total=Count("claims"), waiting=Count("claims", filter=Q(claims__state=State.PROPOSED.value))
        )
        .order_by("-imported_at", "-id")
    )


def record(key: uuid.UUID) -> Record:
    """Return one record. Raises ``UnknownRecord``."""
    row = Record.objects.select_related("repeats").filter(key=key).first()
    if row is None:
        raise errors.UnknownRecord
    return row


def odd() -> list[tuple[Localised | str, Oddity]]:
    """Return what is odd in the rows of meetings: numbers that skip, dates against numbers."""
    known = words()
    found: list[tuple[Localised | str, Oddity]] = []
    groups: dict[str, list[tuple[int, str]]] = {}
    for row in Meeting.objects.filter(shown=True, number__isnull=False):
        assert row.number is not None  # noqa: S101 - as asked
        groups.setdefault(row.group, []).append((row.number, row.date))
    for code, row_of in sorted(groups.items()):
        if code in known.groups and known.groups[code].kind == "expert-group":
            found += [(known.groups[code].name, each) for each in oddities(row_of)]
    return found


def conflicts() -> list[Meeting]:
    """Return the meetings on which sources disagree."""
    return [row for row in Meeting.objects.filter(shown=True).order_by("group", "number") if row.conflicts]


def disputed(row: Meeting) -> list[Claim]:
    """Return the claims on which a meeting's sources disagree, field by field."""
    claims = Claim.objects.counting().filter(meeting=row, field__in=row.conflicts)
    return list(claims.select_related("record").order_by("field", "record_id", "mark_start"))
