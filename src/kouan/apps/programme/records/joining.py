"""What several records say, meeting by meeting, keeping nothing: ``kouan programme import --json``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kouan.apps.programme.domain import Field, Said, settle

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kouan.apps.programme.records.reading.dictionary import Dictionary
    from kouan.apps.programme.records.reading.found import Finding, MeetingRead, Reading

LISTS: Final = {
    "chairs": (Field.CHAIR, "name"),
    "people": (Field.PERSON, "name"),
    "bodies": (Field.BODY, "text"),
    "areas": (Field.AREA, "text"),
    "decisions": (Field.DECISION, "text"),
    "agreements": (Field.AGREEMENT, "text"),
    "events": (Field.EVENT, "text"),
    "figures": (Field.FIGURE, "text"),
}
"""The keys that hold a list, of which field, and what of each value."""
_DAY: Final = len("2024-10-09")


class Sourced:
    """A record's name, text and what was read in it."""

    def __init__(self, name: str, text: str, reading: Reading) -> None:
        self.name = name
        self.text = text
        self.reading = reading

    def source(self, finding: Finding) -> dict[str, Any]:
        """Return a finding with its sentence; places count characters of the cleaned text."""
        return {
            "field": finding.field.value,
            "value": finding.value,
            "record": self.name,
            "sentence": self.text[finding.start : finding.end],
            "start": finding.start,
            "end": finding.end,
            "confidence": finding.confidence / 100,
            "by": finding.by,
        }


def joined(records: Sequence[Sourced], words: Dictionary) -> list[dict[str, Any]]:
    """Return the meetings of all records, each once, ordered by group and number.

    A meeting without a number is known by its day. ``group`` is its name in the script of the first record
    that tells of it, ``group_id`` the dictionary's code. ``date`` is ISO as precisely as the records say;
    ``mode`` is ``in-person``, ``video`` or ``hybrid``. What no record says is null or an empty list; where
    records disagree the value is null, and ``conflicts`` has each.
    """
    held = _days(records)
    found: dict[tuple[str, object], list[tuple[Sourced, MeetingRead]]] = {}
    for place, record in enumerate(records):
        for at, meeting in enumerate(record.reading.meetings):
            # Of what neither a number nor a day tells, nothing says that another record means the same.
            known_by = _known_by(meeting, held) or (place, at)
            found.setdefault((meeting.group, known_by), []).append((record, meeting))
    rows = [_meeting(parts, words) for parts in found.values()]
    return sorted(rows, key=lambda row: (row["group_id"], row["number"] or 0, row["date"] or ""))


def _days(records: Sequence[Sourced]) -> dict[tuple[str, str], int]:
    """Return group and day of the numbered meetings that were held on a day that is known → their number."""
    numbered: dict[tuple[str, int], list[MeetingRead]] = {}
    for record in records:
        for meeting in record.reading.meetings:
            if meeting.number is not None:
                numbered.setdefault((meeting.group, meeting.number), []).append(meeting)
    days: dict[tuple[str, str], int] = {}
    for (group, number), read in numbered.items():
        value = settle(Field.DATE, _said(read, Field.DATE)).value or {}
        days.setdefault((group, str(value.get("iso") or "")), number)
    return days


def _known_by(meeting: MeetingRead, held: Mapping[tuple[str, str], int]) -> int | str | None:
    """Return a meeting's number, or of one without the day, where its record gives one whole day alone.

    A day on which a numbered meeting of its group was held is that meeting's, so the number is returned.
    """
    if meeting.number is not None or len(meeting.dates) != 1:
        return meeting.number
    (day,) = meeting.dates
    return held.get((meeting.group, day), day) if len(day) == _DAY else None


def _said(read: Iterable[MeetingRead], field: Field) -> list[Said]:
    return [Said(each.value, confidence=each.confidence) for meeting in read for each in meeting.of(field)]


def _meeting(parts: list[tuple[Sourced, MeetingRead]], words: Dictionary) -> dict[str, Any]:
    record, first = parts[0]
    group = words.groups.get(first.group)
    row: dict[str, Any] = {
        "group": group.name.in_language(record.reading.script.value) if group else first.group_name,
        "group_id": first.group,
        "number": next((read.number for _record, read in parts if read.number is not None), None),
        "date": None, "date_text": None, "place": None, "place_id": None, "mode": None,
    }  # fmt: skip
    conflicts: dict[str, list[Any]] = {}
    for field in (Field.DATE, Field.PLACE, Field.MODE):
        settled = settle(
            field,
            _said((meeting for _record, meeting in parts), field),
            within=lambda code: words.places[code].within if code in words.places else "",
        )
        value = settled.value or {}
        if field is Field.DATE:
            row |= {"date": value.get("iso") or None, "date_text": value.get("text")}
        elif field is Field.PLACE:
            row |= {"place": value.get("text"), "place_id": value.get("code") or None}
        else:
            row["mode"] = value.get("mode")
        if settled.conflict:
            conflicts[field.value] = [dict(each) for each in settled.conflict]
    for key, (field, name) in LISTS.items():
        seen: dict[str, str] = {}
        for _record, meeting in parts:
            for each in meeting.of(field):
                seen.setdefault(each.identity, str(each.value[name]))
        row[key] = list(seen.values())
    row["conflicts"] = conflicts
    row["sources"] = [each_record.source(each) for each_record, meeting in parts for each in meeting.findings]
    return row


def others(records: Sequence[Sourced]) -> list[dict[str, Any]]:
    """Return what belongs to no meeting: conferences by themselves, agreements of other times, figures."""
    return [record.source(each) for record in records for each in record.reading.others]
