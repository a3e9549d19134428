"""A side's working days: its weekend, its holidays, and the weekends that are worked in return.

Only years with published data are answered. A year without is refused, never guessed: what a
deadline depends on is for the side's own gazette to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from kouan.core.sides.named import NamedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.core.sides.tables import Table
    from kouan.core.text import Localised

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class CalendarYearError(NamedError):
    """The node holds no calendar of this side for the year."""

    code = "calendar-year"
    status = 503
    message = _(
        "The working days of %(name)s in %(year)s are not known to this node. "
        "Its operator adds the year's calendar once it has been published."
    )


class DayKind(Enum):
    """What a day is in a side's calendar."""

    ORDINARY = "ordinary"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    MAKE_UP = "make-up"
    """A day of the weekend that is worked in return for a longer holiday."""
    HALF_DAY = "half-day"
    """A working day whose afternoon is free; it counts as a working day."""


WORKING: Final = frozenset({DayKind.ORDINARY, DayKind.MAKE_UP, DayKind.HALF_DAY})


@dataclass(frozen=True, slots=True)
class Day:
    """What one day is, and its name where it has one."""

    kind: DayKind
    name: Localised | None = None


@dataclass(frozen=True, slots=True)
class CalendarYear:
    """The days of one year that differ from the plain week, and who published them."""

    year: int
    source: str
    days: Mapping[date, Day]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The working days of one side."""

    side: str
    """The side's code."""
    name: Localised
    """The side's name."""
    weekend: frozenset[int]
    """Days of the week off, Monday is 0."""
    by_year: Mapping[int, CalendarYear]

    @property
    def years(self) -> tuple[int, ...]:
        """The years that are known, in order."""
        return tuple(sorted(self.by_year))

    def day(self, day: date) -> Day:
        """Return what ``day`` is. Raises ``CalendarYearError`` for a year without data.

        A moment must first be turned into the side's own day (``Side.day_of``); a ``datetime`` is
        therefore a ``TypeError``.
        """
        if isinstance(day, datetime):
            raise TypeError("a calendar is asked about a date; turn a moment into the side's day first")
        year = self.by_year.get(day.year)
        if year is None:
            raise CalendarYearError(self.name, side=self.side, year=day.year)
        plain = DayKind.WEEKEND if day.weekday() in self.weekend else DayKind.ORDINARY
        return year.days.get(day) or Day(plain)

    def is_working_day(self, day: date) -> bool:
        """Return whether offices of the side work on ``day``."""
        return self.day(day).kind in WORKING

    def name_of(self, day: date) -> Localised | None:
        """Return the name of the holiday, make-up day or half day that ``day`` is, if it is one."""
        return self.day(day).name

    def add_working_days(self, day: date, count: int) -> date:
        """Return the ``count``-th working day after ``day``, or before it when ``count`` is negative.

        ``day`` itself is not counted, so a deadline of ten working days from an event on any day is
        ``add_working_days(day, 10)``. A count of 0 returns ``day`` as it is.
        """
        step = timedelta(days=1 if count > 0 else -1)
        left = abs(count)
        while left:
            day += step
            left -= self.is_working_day(day)
        return day

    def working_days_between(self, start: date, end: date) -> int:
        """Return how many working days lie after ``start`` up to and including ``end``.

        Negative when ``end`` comes first, counted from ``end`` up to the day before ``start``: the
        count that ``add_working_days`` needs to come from the one to the other.
        """
        if end < start:
            return -sum(self.is_working_day(end + timedelta(days=n)) for n in range((start - end).days))
        return sum(self.is_working_day(start + timedelta(days=n + 1)) for n in range((end - start).days))


def read_year(table: Table, year: int, weekend: frozenset[int]) -> CalendarYear:
    """Return the calendar that a data file holds; raises ``SideDataError`` naming what is wrong.

    The file has ``source`` and lists ``holidays`` (``date``, for a span also ``until``), ``make_up_days``
    and ``half_days`` (``date``), each with its ``name`` in three scripts.
    """
    days: dict[date, Day] = {}
    for key, kind in (
        ("holidays", DayKind.HOLIDAY),
        ("make_up_days", DayKind.MAKE_UP),
        ("half_days", DayKind.HALF_DAY),
    ):
        for entry in table.tables(key):
            name = entry.localised("name")
            first = entry.day("date")
            last = entry.day("until") if kind is DayKind.HOLIDAY and entry.has("until") else first
            entry.close()
            if last < first or first.year != year or last.year != year:
                raise entry.fault("date", f"and `until` must be in order and within {year}")
            if (first.weekday() in weekend) != (kind is DayKind.MAKE_UP) and kind is not DayKind.HOLIDAY:
                raise entry.fault("date", "is on the wrong kind of weekday: only weekends are made up")
            for offset in range((last - first).days + 1):
                day = first + timedelta(days=offset)
                if day in days:
                    raise entry.fault("date", f"covers {day}, which an earlier entry covers too")
                days[day] = Day(kind, name)
    source = table.text("source")
    table.close()
    if not any(day.kind is DayKind.HOLIDAY for day in days.values()):
        raise table.fault("holidays", "is empty; a year without a holiday is a mistake")
    return CalendarYear(year, source, days)
