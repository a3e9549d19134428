"""The strip above the timeline: a mark for each meeting along the years, in a row for each place.

Pure: lengths are in the drawing's own units.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH: Final = 960.0
LEFT: Final = 190.0
ROW: Final = 34.0
TOP: Final = 26.0
CROWDED: Final = 12
"""From so many years on, every second is named."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A meeting on the strip."""

    x: float
    y: float
    row: int
    key: str
    label: str


@dataclass(frozen=True, slots=True)
class Strip:
    """The whole strip; ``years`` are the years' names with where they stand."""

    height: float
    rows: tuple[tuple[float, str], ...]
    years: tuple[tuple[float, int], ...]
    marks: tuple[Mark, ...]


def moment(day: str) -> float | None:
    """Return a date as a year with a fraction; the middle of what is known of it; None without a date.

    >>> moment("2024-07") == moment("2024-07-16")
    False
    >>> round(moment("2024-07"), 1), moment("2024"), moment("")
    (2024.5, 2024.5, None)
    """
    parts = [int(part) for part in day.split("-") if part]
    if not parts:
        return None
    if len(parts) == 1:
        return parts[0] + 0.5
    year, month = parts[:2]
    days = 366 if calendar.isleap(year) else 365
    exact = len(parts) == len(("year", "month", "day"))
    number = parts[2] - 0.5 if exact else calendar.monthrange(year, month)[1] / 2
    return year + (date(year, month, 1).timetuple().tm_yday - 1 + number) / days


def strip(meetings: Sequence[tuple[str, str, str, str]]) -> Strip | None:
    """Return the strip of meetings (key, date, row's name, label); None if no meeting has a date."""
    dated = [(key, at, row, label) for key, day, row, label in meetings if (at := moment(day)) is not None]
    if not dated:
        return None
    rows = list(dict.fromkeys(row for _key, _at, row, _label in dated))
    first = int(min(at for _key, at, _row, _label in dated))
    last = int(max(at for _key, at, _row, _label in dated)) + 1
    scale = (WIDTH - LEFT - 20) / (last - first)
    every = 1 if last - first <= CROWDED else 2
    return Strip(
        TOP + ROW * len(rows) + 8,
        tuple((TOP + ROW * (at + 0.5), name) for at, name in enumerate(rows)),
        tuple((round(LEFT + (year - first) * scale, 1), year) for year in range(first, last + 1, every)),
        tuple(
            Mark(
                round(LEFT + (at - first) * scale, 1),
                TOP + ROW * (rows.index(row) + 0.5),
                rows.index(row) + 1,
                key,
                label,
            )
            for key, at, row, label in dated
        ),
    )
