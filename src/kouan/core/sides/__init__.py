"""Who the sides are: names, languages, documents, calendars and suites. Data, not code paths.

>>> from datetime import date
>>> get_side("gd").calendar.is_working_day(date(2026, 2, 28))  # a Saturday, made up for the Spring Festival
True
"""

from __future__ import annotations

from kouan.core.sides.calendars import Calendar, CalendarYearError, Day, DayKind
from kouan.core.sides.documents import DocumentFormat, DocumentNumber, DocumentNumberError
from kouan.core.sides.loader import load_sides
from kouan.core.sides.model import SUITES, Accent, City, Side, Suite, UnknownDocumentError, UnknownSideError
from kouan.core.sides.registry import all_sides, get_document, get_side, side_name
from kouan.core.sides.tables import SideDataError

__all__ = [
    "SUITES",
    "Accent",
    "Calendar",
    "CalendarYearError",
    "City",
    "Day",
    "DayKind",
    "DocumentFormat",
    "DocumentNumber",
    "DocumentNumberError",
    "Side",
    "SideDataError",
    "Suite",
    "UnknownDocumentError",
    "UnknownSideError",
    "all_sides",
    "get_document",
    "get_side",
    "load_sides",
    "side_name",
]
