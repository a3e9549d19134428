"""Where the register's drawing puts everything: who sends left, who receives right, a band for each line.

Pure: lengths are in the drawing's own units, and a band's width grows with what crossed on its basis.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH: Final = 760
LEFT, RIGHT = 250, 510
"""Where the bands begin and end."""
NODE: Final = 14
GAP: Final = 26
TOP: Final = 20
THIN, THICK = 5.0, 44.0
LEAST: Final = 40.0
"""How high a party is drawn at least: its name has two lines."""
LINE: Final = 24
"""How many letters a line of a name holds; a Chinese character counts for two."""
ROW: Final = 104
SLOT: Final = 18.0
"""How much room a band has at least where it begins and ends: what it rests on is written on it."""


@dataclass(frozen=True, slots=True)
class Given:
    """One line of the register to be drawn."""

    exporter: str
    """The exporter's code with its side."""
    exporter_name: str
    exporter_side: str
    importer: str
    importer_name: str
    importer_side: str
    records: int
    in_force: bool
    basis: str = ""
    """What it is called."""
    denied_only: bool = False
    """Whether it rests on nothing, and was all denied."""


@dataclass(frozen=True, slots=True)
class Node:
    """A party: a bar with its name in lines beside it."""

    side: str
    lines: tuple[str, ...]
    top: float
    height: float

    @property
    def middle(self) -> float:
        """Where its name goes."""
        return self.top + self.height / 2


@dataclass(frozen=True, slots=True)
class Band:
    """A line of the register: a curve from who sends to who receives."""

    side: str
    path: str
    width: float
    in_force: bool
    records: int
    narrow_top: float
    exporter_lines: tuple[str, ...]
    importer_lines: tuple[str, ...]
    importer_side: str
    middle: float
    """Where it is halfway: what it rests on is written there."""
    basis: str
    denied_only: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """The whole drawing."""

    height: float
    narrow_height: float
    exporters: tuple[Node, ...]
    importers: tuple[Node, ...]
    bands: tuple[Band, ...]


def picture(flows: Sequence[Given]) -> Picture:
    """Return the drawing of these lines."""
    most = max((flow.records for flow in flows), default=0)
    widths = [THIN + (THICK - THIN) * flow.records / most if most else THIN for flow in flows]
    left, starts = _column([(f.exporter, f.exporter_name, f.exporter_side) for f in flows], widths)
    right, ends = _column([(f.importer, f.importer_name, f.importer_side) for f in flows], widths)
    bands = [
        Band(
            side=flow.exporter_side,
            path=_curve(start, end),
            width=round(width, 1),
            in_force=flow.in_force,
            records=flow.records,
            narrow_top=at * ROW,
            exporter_lines=wrapped(flow.exporter_name, 2 * LINE - 12),
            importer_lines=wrapped(flow.importer_name, 2 * LINE - 12),
            importer_side=flow.importer_side,
            middle=round((start + end) / 2, 1),
            basis="".join(wrapped(flow.basis, 2 * LINE - 8, lines=1)),
            denied_only=flow.denied_only,
        )
        for at, (flow, width, start, end) in enumerate(zip(flows, widths, starts, ends, strict=True))
    ]
    # The widest go first, so that a thin one is seen where they cross.
    bands.sort(key=lambda band: -band.width)
    height = max((node.top + node.height for node in (*left, *right)), default=0) + TOP
    return Picture(round(height, 1), len(flows) * ROW + 4, tuple(left), tuple(right), tuple(bands))


def _column(
    parties: Sequence[tuple[str, str, str]], widths: Sequence[float]
) -> tuple[list[Node], list[float]]:
    """Return the parties of one side, and the middle of each band where it meets its party."""
    mine: dict[str, list[int]] = {}
    for at, (code, _name, _side) in enumerate(parties):
        mine.setdefault(code, []).append(at)
    nodes, middles, top = [], [0.0] * len(parties), float(TOP)
    for places in mine.values():
        _code, name, side = parties[places[0]]
        taken = sum(max(widths[at], SLOT) for at in places) + 4 * (len(places) - 1)
        height = max(LEAST, taken)
        y = top + (height - taken) / 2
        for at in places:
            middles[at] = y + max(widths[at], SLOT) / 2
            y += max(widths[at], SLOT) + 4
        nodes.append(Node(side, wrapped(name, LINE), round(top, 1), round(height, 1)))
        top += height + GAP
    return nodes, middles


def _curve(start: float, end: float) -> str:
    middle = (LEFT + RIGHT) / 2
    return f"M{LEFT} {start:.1f}C{middle:.0f} {start:.1f} {middle:.0f} {end:.1f} {RIGHT} {end:.1f}"


def wrapped(name: str, most: int, lines: int = 2) -> tuple[str, ...]:
    """Return a name in lines that a drawing has room for; what does not fit ends in an ellipsis."""
    found, line = [], ""
    for word in _pieces(name):
        if line and _length(line + word) > most:
            found.append(line.strip())
            line = ""
        line += word
    found.append(line.strip())
    kept = [each for each in found if each]
    if len(kept) > lines:
        kept = [*kept[: lines - 1], f"{kept[lines - 1]}…"]
    return tuple(kept)


def _pieces(name: str) -> list[str]:
    """Return where a line may break: after a space, and at any Chinese character."""
    pieces = [""]
    for letter in name:
        if _wide(letter) and pieces[-1]:
            pieces.append("")
        pieces[-1] += letter
        if letter == " " or _wide(letter):
            pieces.append("")
    return [each for each in pieces if each]


def _wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in {"W", "F"}


def _length(text: str) -> int:
    return sum(2 if _wide(letter) else 1 for letter in text)
