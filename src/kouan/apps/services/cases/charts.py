"""The statistics as drawings (SVG); a table below each has the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH: Final = 640
HEIGHT: Final = 160
_STUB: Final = 1.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a drawing, in its own units."""

    x: float
    y: float
    width: float
    height: float
    middle: float


@dataclass(frozen=True, slots=True)
class Share:
    """One part of a whole, as a piece of a ribbon."""

    key: str
    x: float
    width: float
    count: int
    percent: int


def bars(groups: Sequence[Sequence[int]]) -> list[list[Bar]]:
    """Return the bars of groups that stand side by side, all to one scale."""
    most = max((max(group, default=0) for group in groups), default=0) or 1
    step = WIDTH / max(1, len(groups))
    drawn = []
    for place, group in enumerate(groups):
        room = step * 0.72 / max(1, len(group))
        left = place * step + step * 0.14
        drawn.append([_bar(left + number * room, room, count, most) for number, count in enumerate(group)])
    return drawn


def _bar(x: float, room: float, count: int, most: int) -> Bar:
    height = max(_STUB if count else 0.0, HEIGHT * count / most)
    width = room * 0.92
    return Bar(
        round(x, 1), round(HEIGHT - height, 1), round(width, 1), round(height, 1), round(x + width / 2, 1)
    )


def ribbon(parts: Sequence[tuple[str, int]]) -> list[Share]:
    """Return parts of a whole, one after the other; nothing where there is no whole."""
    whole = sum(count for _key, count in parts)
    drawn, x = [], 0.0
    for key, count in parts:
        if count:
            width = WIDTH * count / whole
            drawn.append(Share(key, round(x, 1), round(width, 1), count, round(100 * count / whole)))
            x += width
    return drawn
