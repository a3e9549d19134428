"""The meetings for other programs: JSON, JSON-LD (schema.org Event), CSV and iCalendar (RFC 5545)."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.urls import reverse
from icalendar import Calendar, Event

from kouan.apps.programme.domain import Field, Mode
from kouan.apps.programme.look.history import group_name, place_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from kouan.apps.programme.look.history import Held

EXACT: Final = len("2024-10-09")
_ATTENDANCE: Final = {
    Mode.VIDEO.value: "https://schema.org/OnlineEventAttendanceMode",
    Mode.IN_PERSON.value: "https://schema.org/OfflineEventAttendanceMode",
    Mode.HYBRID.value: "https://schema.org/MixedEventAttendanceMode",
}


def address_of(held: Held) -> str:
    """Return where everybody may look a meeting up."""
    return f"{settings.NODE.portal_origin}{reverse('programme:meeting', args=[held.key])}"


def as_json(held: Held, address: str) -> dict[str, Any]:
    """Return a meeting as plain data; what no record says is null or an empty list."""
    return {
        "id": held.key,
        "url": address,
        "group": str(group_name(held)),
        "number": held.number,
        "date": held.date or None,
        "date_text": held.date_text or None,
        "place": str(place_name(held)) or None,
        "mode": held.mode or None,
        "chairs": [_person(each.value) for each in held.of(Field.CHAIR)],
        "people": [_person(each.value) for each in held.of(Field.PERSON)],
        **{
            name: [each.text for each in held.of(head)]
            for name, head in (
                ("bodies", Field.BODY),
                ("areas", Field.AREA),
                ("decisions", Field.DECISION),
                ("agreements", Field.AGREEMENT),
                ("events", Field.EVENT),
            )
        },
        "conflicts": list(held.conflicts),
        "checked": held.checked,
        "sources": sorted(
            {
                f"sha256:{source.digest}"
                for one in held.said.values()
                for each in one
                for source in each.sources
            }
        ),
    }


def _person(value: dict[str, Any]) -> dict[str, Any]:
    return {name: value.get(name) or None for name in ("name", "office", "body", "side")}


def as_list(held: Iterable[Held]) -> dict[str, Any]:
    """Return meetings as one JSON document."""
    return {"meetings": [as_json(each, address_of(each)) for each in held]}


def as_event(held: Held, address: str, name: str) -> dict[str, Any]:
    """Return a meeting as an Event of schema.org; a date keeps its precision (ISO 8601 reduced)."""
    event: dict[str, Any] = {
        "@type": "Event",
        "@id": address,
        "name": name,
        "organizer": {"@type": "Organization", "name": str(group_name(held))},
        "about": [each.text for each in held.of(Field.AREA)],
    }
    if held.date:
        event["startDate"] = held.date
    if held.mode in _ATTENDANCE:
        event["eventAttendanceMode"] = _ATTENDANCE[held.mode]
    if held.place:
        event["location"] = {"@type": "Place", "name": str(place_name(held))}
    return event


def as_graph(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return events as one JSON-LD document."""
    return {"@context": "https://schema.org", "@graph": events}


def as_csv(held: Iterable[Held], address: Callable[[Held], str]) -> str:
    """Return a line for each meeting; several values of one column are parted by " | "."""
    columns = (
        "group", "number", "date", "date_text", "place", "mode", "chairs", "bodies", "areas",
        "agreements", "events", "checked", "url",
    )  # fmt: skip
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(columns)
    for each in held:
        plain = as_json(each, address(each))
        table.writerow([_cell(plain[name]) for name in columns])
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " | ".join(str(each["name"]) if isinstance(each, dict) else str(each) for each in value)
    text = str(value)
    # A spreadsheet would take such a beginning for a formula.
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


def as_calendar(
    held: Iterable[Held],
    *,
    now: datetime,
    host: str,
    name: Callable[[Held], str],
    address: Callable[[Held], str],
) -> bytes:
    """Return the meetings whose day is known as all-day events; the others have no place in a calendar."""
    calendar = Calendar()
    calendar.add("prodid", "-//Kouan//Programme//EN")
    calendar.add("version", "2.0")
    for each in held:
        if len(each.date) != EXACT:
            continue
        day = date.fromisoformat(each.date)
        event = Event()
        event.add("uid", f"{each.key}@{host}")
        event.add("dtstamp", now)
        event.add("dtstart", day)
        event.add("dtend", day + timedelta(days=1))
        event.add("summary", name(each))
        event.add("url", address(each))
        if each.place:
            event.add("location", str(place_name(each)))
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    return bytes(calendar.to_ical())
