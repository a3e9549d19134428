"""The picture of the areas: a line for each theme, which joins others where an area is about several.

Pure: lengths are in the drawing's own units. Each meeting that named its areas is a column, each theme has a
lane. An area stands in the lane of its first theme; the lines of its other themes bend there, run beside it
and leave again, so that what merged and what parted is seen. A theme that a meeting does not name breaks off.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ALIKE: Final = 0.7
"""From how like its last name on (0 to 1) an area bears the same one, in other words."""
LINE: Final = 6.0
"""How far the lines of one area stand apart."""


@dataclass(frozen=True, slots=True)
class Area:
    """An area as one meeting named it."""

    text: str
    themes: tuple[str, ...]
    """What it is about, the first theme first; at least one."""


@dataclass(frozen=True, slots=True)
class Column:
    """A meeting with its areas."""

    key: str
    label: str
    areas: tuple[Area, ...]


class Change(StrEnum):
    """What became of a theme from one meeting that named areas to the next."""

    BORN = "born"
    RETURNED = "returned"
    RENAMED = "renamed"
    KEPT = "kept"
    MERGED = "merged"
    PARTED = "parted"


@dataclass(frozen=True, slots=True)
class Step:
    """A theme at one meeting."""

    column: int
    area: Area
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Thread:
    """A theme through all the meetings that named it, in their order."""

    theme: str
    steps: tuple[Step, ...]

    @property
    def names(self) -> list[tuple[int, str]]:
        """Return the column from which it bore each name, and the name."""
        return [(step.column, step.area.text) for step in self.steps if step.changes != (Change.KEPT,)]


def threads(columns: Sequence[Column]) -> list[Thread]:
    """Return the themes, those that were first named first."""
    found: dict[str, list[Step]] = {}
    for at, column in enumerate(columns):
        for area in column.areas:
            for theme in area.themes:
                steps = found.setdefault(theme, [])
                if steps and steps[-1].column == at:
                    continue  # a second area of one meeting about the same: the first stands for it
                steps.append(Step(at, area, _changes(steps[-1] if steps else None, at, area)))
    return [Thread(theme, tuple(steps)) for theme, steps in found.items()]


def _changes(before: Step | None, at: int, area: Area) -> tuple[Change, ...]:
    if before is None:
        return (Change.BORN,) if len(area.themes) == 1 else (Change.BORN, Change.MERGED)
    found = []
    if before.column < at - 1:
        found.append(Change.RETURNED)
    if set(area.themes) - set(before.area.themes):
        found.append(Change.MERGED)
    if set(before.area.themes) - set(area.themes):
        found.append(Change.PARTED)
    if not found and not alike(area.text, before.area.text):
        found.append(Change.RENAMED)
    return tuple(found) or (Change.KEPT,)


def plain(text: str) -> str:
    """Return a name without what does not make it another: capitals, spaces, points and quotation marks."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def alike(one: str, two: str) -> bool:
    """Say whether two names are one, which each record writes in its own words.

    >>> alike("promoting smart customs clearance", "Smart customs clearance")
    True
    >>> alike("Smart customs clearance", "Information exchange for customs clearance")
    False
    """
    return SequenceMatcher(None, plain(one), plain(two), autojunk=False).ratio() >= ALIKE


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a theme's line passes an area."""

    x: float
    y: float
    step: Step


@dataclass(frozen=True, slots=True)
class Route:
    """A theme's line: its pieces, and where it stops."""

    number: int
    """From 1 on; the lane's and the colour's."""
    theme: str
    lane: float
    pieces: tuple[str, ...]
    gaps: tuple[str, ...]
    """Where meetings in between did not name it."""
    stops: tuple[Stop, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """The whole picture; ``columns`` are where the meetings stand."""

    width: float
    height: float
    columns: tuple[float, ...]
    routes: tuple[Route, ...]


def drawing(
    columns: Sequence[Column], *, along: float, across: float, before: float, after: float
) -> Drawing:
    """Return the picture with time going right: ``along`` a meeting, ``across`` a lane, and room around."""
    found = threads(columns)
    lanes = {thread.theme: at for at, thread in enumerate(found)}
    routes = []
    for thread in found:
        number = lanes[thread.theme]
        stops = tuple(
            Stop(
                round(before + (step.column + 0.5) * along, 1),
                round(
                    after + (lanes[step.area.themes[0]] + 0.5) * across + _beside(step.area, thread.theme), 1
                ),
                step,
            )
            for step in thread.steps
        )
        pieces: list[str] = []
        gaps: list[str] = []
        for one, two in pairwise(stops):
            (pieces if two.step.column == one.step.column + 1 else gaps).append(_curve(one, two))
        routes.append(
            Route(
                number + 1, thread.theme, after + (number + 0.5) * across, tuple(pieces), tuple(gaps), stops
            )
        )
    return Drawing(
        before + along * len(columns) + 12,
        after + across * len(found) + 8,
        tuple(round(before + (at + 0.5) * along, 1) for at in range(len(columns))),
        tuple(routes),
    )


def turned(picture: Drawing) -> Drawing:
    """Return the same picture with time going down, for a narrow screen."""

    def swapped(paths: Iterable[str]) -> tuple[str, ...]:
        return tuple(_swapped(path) for path in paths)

    routes = tuple(
        Route(
            each.number,
            each.theme,
            each.lane,
            swapped(each.pieces),
            swapped(each.gaps),
            tuple(Stop(stop.y, stop.x, stop.step) for stop in each.stops),
        )
        for each in picture.routes
    )
    return Drawing(picture.height, picture.width, picture.columns, routes)


def _beside(area: Area, theme: str) -> float:
    """Return how far from the middle of its lane a theme's line passes an area."""
    place = area.themes.index(theme)
    return round((place - (len(area.themes) - 1) / 2) * LINE, 1)


def _curve(one: Stop, two: Stop) -> str:
    middle = (one.x + two.x) / 2
    return (
        f"M{one.x:.1f} {one.y:.1f}C{middle:.1f} {one.y:.1f} {middle:.1f} {two.y:.1f} {two.x:.1f} {two.y:.1f}"
    )


def _swapped(path: str) -> str:
    start, rest = path[1:].split("C")
    numbers = [*start.split(), *rest.split()]
    x0, y0, *curve = numbers
    pairs = [f"{curve[at + 1]} {curve[at]}" for at in range(0, len(curve), 2)]
    return f"M{y0} {x0}C{' '.join(pairs)}"
