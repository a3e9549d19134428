"""Charts as drawings (SVG): a small one for each series, all to one scale; a table has the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kouan.apps.validation.labels import DOCUMENT_TYPES, OUTCOMES
from kouan.core.sides import side_name

if TYPE_CHECKING:
    from datetime import date

    from kouan.apps.validation.statistics import By, Statistics

WIDTH: Final = 640
HEIGHT: Final = 96
"""Of the place for bars, in the drawing's own units."""
_GAP: Final = 0.25
_STUB: Final = 2.0
"""The height that stands for a number that is not told."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: where it stands, and how high."""

    x: float
    y: float
    width: float
    height: float
    told: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """One series: its name, its bars, its numbers by day, and its highest number."""

    name: str
    bars: tuple[Bar, ...]
    numbers: tuple[tuple[date, int | None], ...]
    most: int


def charts(found: Statistics) -> list[Chart]:
    """Return a chart for each series; no colour tells anything that its name does not."""
    top = max((count or 0 for one in found.series for count in one.counts), default=0)
    step = WIDTH / len(found.days)
    return [
        Chart(
            _name(found.by, one.key),
            tuple(_bar(place * step, step, count, top) for place, count in enumerate(one.counts)),
            tuple(zip(found.days, one.counts, strict=True)),
            max((count or 0 for count in one.counts), default=0),
        )
        for one in found.series
    ]


def _bar(x: float, step: float, count: int | None, top: int) -> Bar:
    height = _STUB if count is None else max(_STUB, HEIGHT * count / top)
    return Bar(
        round(x + step * _GAP / 2, 2),
        round(HEIGHT - height, 2),
        round(step * (1 - _GAP), 2),
        round(height, 2),
        count is not None,
    )


def _name(by: By, key: str) -> str:
    match by:
        case "outcome":
            return str(OUTCOMES[key])
        case "type":
            return str(DOCUMENT_TYPES[key])
        case "side":
            return side_name(key)
