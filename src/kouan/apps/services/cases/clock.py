"""The clocks of a case: how long the department has, and how long it waits for the applicant.

Both count working days of this side. The department's clock stands still while it waits. A day that falls
into a year whose calendar nobody has published yet is not guessed: the case keeps how many days are left and
from when they count, and gets its day once the calendar is here (``deadlines``). How many of such days have
gone is needed at once where the clock stops: those are told from the plain week.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils import timezone

from kouan.apps.services.domain import OVER, WAITING_FOR_APPLICANT, State
from kouan.core.sides import CalendarYearError, get_side

if TYPE_CHECKING:
    from datetime import date, datetime

    from kouan.apps.services.models import Case
    from kouan.core.sides import Calendar

MOST_DAYS: Final = 60
"""The furthest day, in working days, that an officer may set."""


class Turn(StrEnum):
    """Who has to act."""

    OFFICE = "office"
    APPLICANT = "applicant"
    NOBODY = "nobody"


def turn_of(state: State) -> Turn:
    """Return who has to act in a state."""
    if state in WAITING_FOR_APPLICANT:
        return Turn.APPLICANT
    return Turn.NOBODY if state in OVER else Turn.OFFICE


def today(now: datetime | None = None) -> date:
    """Return the day in this side's calendar."""
    return get_side(settings.NODE.side).day_of(now or timezone.now())


def calendar() -> Calendar:
    """Return this side's working days."""
    return get_side(settings.NODE.side).calendar


def day_after(day: date, working_days: int) -> date | None:
    """Return the day so many working days on; ``None`` where its year's calendar is not here."""
    try:
        return calendar().add_working_days(day, working_days)
    except CalendarYearError:
        return None


def start(case: Case, day: date, working_days: int) -> None:
    """Give the department so many working days from a day on."""
    case.due_on = day_after(day, working_days)
    unknown = case.due_on is None
    case.stopped_on, case.days_left = (day, working_days) if unknown else (None, None)
    case.late_on = None


def stop(case: Case, day: date, until: date) -> None:
    """Stop the department's clock, and give the applicant until a day."""
    case.days_left = left(case, day)
    case.stopped_on, case.due_on, case.reminded_on, case.late_on = day, until, None, None


def resume(case: Case, day: date) -> None:
    """Let the department's clock go on with the days that it had left."""
    start(case, day, case.days_left or 0)


def finish(case: Case, now: datetime) -> None:
    """Stop everything: the case is decided, or over."""
    case.due_on = case.stopped_on = case.days_left = None
    case.decided_at = now


def left(case: Case, day: date) -> int:
    """Return how many working days the department has left; none where its time is over.

    Of a year whose calendar is not here each day counts that is not of the weekend: of days that have gone
    the public holidays too, and no weekend that was worked.
    """
    if case.due_on is None:
        # The day is unknown, or the clock stands already: what is left was counted then.
        gone = 0 if case.stopped_on is None else _between(case.stopped_on, day)
        return max(0, (case.days_left or 0) - gone)
    return max(0, _between(day, case.due_on))


def _between(first: date, last: date) -> int:
    return sum(map(_is_worked, (first + timedelta(days=at + 1) for at in range((last - first).days))))


def _is_worked(day: date) -> bool:
    try:
        return calendar().is_working_day(day)
    except CalendarYearError:
        return day.weekday() not in calendar().weekend
