"""A record as its page shows it: its text with the sentences marked, and its values meeting by meeting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from kouan.apps.programme.domain import Field
from kouan.apps.programme.records.deciding import MAIN
from kouan.apps.programme.records.labels import MODES
from kouan.apps.programme.records.rules import words

if TYPE_CHECKING:
    from kouan.apps.programme.models import Claim, Meeting, Record


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a line; ``anchor`` is set where a value was read in it."""

    text: str
    anchor: str = ""
    current: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A value with its words."""

    claim: Claim
    text: str
    more: str


@dataclass(frozen=True, slots=True)
class Part:
    """A meeting's values in a record; of no meeting at all, the title says so."""

    meeting: Meeting | None
    title: str
    rows: list[Row]


def main_of(claim: Claim) -> str:
    """Return what of a value an officer confirms or corrects, in words."""
    return _main(claim, claim.said)


def other_of(claim: Claim) -> str:
    """Return what was read before, or is read now beside what an officer decided; empty where nothing."""
    return _main(claim, claim.other) if claim.other else ""


def _main(claim: Claim, said: dict[str, object]) -> str:
    if claim.field == Field.HELD:
        return title_of(str(said.get("group") or ""), str(said.get("group_name") or ""), said.get("number"))
    if claim.field == Field.DATE:
        return str(said.get("iso") or said.get("text") or "")
    if claim.field == Field.MODE:
        return str(MODES.get(str(said.get("mode")), said.get("mode")))
    return str(said.get(MAIN.get(Field(claim.field), "text")) or "")


def more_of(claim: Claim) -> str:
    """Return what stands beside it: an office, the words of a date, a body's name at the time."""
    more = _more_of(claim)
    return "" if more == main_of(claim) else more


def _more_of(claim: Claim) -> str:
    said = claim.said
    known = words()
    match claim.field:
        case Field.DATE:
            return str(said.get("text") or "")
        case Field.CHAIR | Field.PERSON:
            return str(said.get("office") or "")
        case Field.BODY if str(said.get("code")) in known.bodies:
            body = known.bodies[str(said["code"])]
            return str(body.name_on(claim.meeting.date if claim.meeting else ""))
        case Field.PLACE if str(said.get("code")) in known.places:
            return str(known.places[str(said["code"])].name)
        case Field.AREA if str(said.get("theme")) in known.themes:
            return str(known.themes[str(said["theme"])].name)
        case _:
            return ""


def title_of(group: str, name: str, number: object) -> str:
    """Return a meeting's title: the group and the number."""
    known = words().groups.get(group)
    called = str(known.name) if known else name
    return _("%(group)s, meeting %(number)s") % {"group": called, "number": number} if number else called


def parts_of(record: Record) -> list[Part]:
    """Return a record's values by meeting, in the order of the text; what is about none comes last."""
    parts: dict[int | None, Part] = {}
    claims = record.claims.select_related("meeting").order_by("meeting_id", "mark_start", "id")
    for claim in sorted(claims, key=lambda each: (each.meeting is None,)):
        meeting = claim.meeting
        if claim.meeting_id not in parts:
            title = (
                title_of(meeting.group, meeting.group_name, meeting.number)
                if meeting
                else _("About no meeting")
            )
            parts[claim.meeting_id] = Part(meeting, title, [])
        parts[claim.meeting_id].rows.append(Row(claim, main_of(claim), more_of(claim)))
    return list(parts.values())


def lines_of(record: Record, claims: list[Claim], current: Claim | None = None) -> list[list[Stretch]]:
    """Return a record's text line by line, cut where sentences begin and end that values were read in."""
    text = record.text
    spans = sorted({(each.start, each.end) for each in claims})
    apart: list[tuple[int, int]] = []
    for start, end in spans:
        if not apart or start >= apart[-1][1]:
            apart.append((start, end))
    lines: list[list[Stretch]] = []
    at = 0
    for line in text.split("\n"):
        pieces: list[Stretch] = []
        low, high = at, at + len(line)
        for start, end in apart:
            if low <= start and end <= high:
                if at < start:
                    pieces.append(Stretch(text[at:start]))
                pieces.append(
                    Stretch(text[start:end], f"s{start}", current is not None and current.start == start)
                )
                at = end
        if at < high:
            pieces.append(Stretch(text[at:high]))
        lines.append(pieces)
        at = high + 1
    return lines
