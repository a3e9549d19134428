"""Meetings and milestones as iCalendar (RFC 5545), and invitations to meetings (RFC 5546)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext
from icalendar import Calendar, Event, vCalAddress, vText

from kouan.apps.programme.plan import labels
from kouan.core.sides import side_name
from kouan.core.text import Localised

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kouan.apps.programme.models import Attendee, JointMeeting
    from kouan.apps.programme.plan.domain import Plan

PRODUCT: Final = "-//Kouan//Joint work plan//EN"
MEDIA_TYPE: Final = "text/calendar; charset=utf-8"


def invitation(meeting: JointMeeting, attendee: Attendee) -> bytes:
    """Return the invitation of one person, or the cancellation: a request or a cancel by iTIP."""
    cancelled = meeting.state == "cancelled"
    calendar = _calendar(method="CANCEL" if cancelled else "REQUEST")
    with translation.override(attendee.language):
        event = _meeting(meeting)
    event.add("organizer", _address(settings.DEFAULT_FROM_EMAIL, side_name(meeting.host)))
    guest = _address(attendee.email, attendee.name)
    guest.params["ROLE"] = vText("REQ-PARTICIPANT")
    guest.params["PARTSTAT"] = vText("NEEDS-ACTION")
    event.add("attendee", guest, encode=False)
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def of_meetings(meetings: Iterable[JointMeeting]) -> bytes:
    """Return meetings in the reader's language: what they are called, when and where; nobody's name."""
    calendar = _calendar(method="PUBLISH")
    for meeting in meetings:
        calendar.add_component(_meeting(meeting))
    return bytes(calendar.to_ical())


def of_plan(plan: Plan, at: datetime, address: str) -> bytes:
    """Return a plan's milestones as days in the reader's language; ``address`` is the plan's page."""
    calendar = _calendar(method="PUBLISH")
    for area, item in plan.each_item():
        for milestone in item.milestones:
            day = date.fromisoformat(milestone.due)
            event = Event()
            event.add("uid", f"{plan.plan}.{item.id}.{milestone.id}@kouan")
            event.add("dtstamp", at.astimezone(UTC))
            event.add("sequence", plan.version)
            event.add("dtstart", day)
            event.add("dtend", day + timedelta(days=1))
            event.add("summary", f"{milestone.title}: {item.title}")
            event.add("description", str(item.deliverable))
            event.add("categories", [str(area.title)])
            event.add("transp", "TRANSPARENT")
            event.add("url", address)
            calendar.add_component(event)
    return bytes(calendar.to_ical())


def _calendar(*, method: str) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    return calendar


def _meeting(meeting: JointMeeting) -> Event:
    event = Event()
    event.add("uid", f"{meeting.key}@kouan")
    event.add("dtstamp", meeting.changed_at.astimezone(UTC))
    event.add("sequence", meeting.sequence)
    event.add("dtstart", meeting.starts_at.astimezone(UTC))
    event.add("dtend", meeting.ends_at.astimezone(UTC))
    event.add("summary", _words(meeting.title))
    event.add("location", _words(meeting.place))
    event.add("status", "CANCELLED" if meeting.state == "cancelled" else "CONFIRMED")
    lines = [f"{number}. {_words(point['title'])}" for number, point in enumerate(meeting.agenda, 1)]
    agenda = [gettext("Agenda"), *lines] if lines else []
    event.add("description", "\n".join([str(labels.MODES[meeting.mode]), *agenda]))
    return event


def _words(value: Mapping[str, str]) -> str:
    return str(Localised(value["en"], value["zh_hant"], value["zh_hans"]))


def _address(email: str, name: str) -> vCalAddress:
    address = vCalAddress(f"mailto:{email}")
    address.params["CN"] = vText(name)
    return address
