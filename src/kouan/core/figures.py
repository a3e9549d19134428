"""Figures that a node can count of its own work: apps offer them, others read them without knowing the app.

A figure is a count over a span of days, or how many there are now; never anything about a single person.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from django.utils.functional import _StrOrPromise

Count = Callable[["datetime", "datetime"], int]
"""Counts what happened from a moment (included) to another (not included)."""
_KEY: Final = re.compile(r"[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+")


@dataclass(frozen=True, slots=True)
class Figure:
    """Something that this node can count."""

    key: str
    """A dotted name that stays, such as ``exchange.handled``: plans that both sides signed name it."""
    title: _StrOrPromise
    """What is counted, and over which span."""
    count: Count


_figures: dict[str, Figure] = {}


def offer(figure: Figure) -> None:
    """Offer a figure, once in a process (in an app's ``ready``); a wrong one is a ``ValueError``."""
    if not _KEY.fullmatch(figure.key):
        raise ValueError(f"figure {figure.key!r}: a dotted name in lower case")
    known = _figures.get(figure.key)
    if known is not None and known.count is not figure.count:
        raise ValueError(f"two figures are called {figure.key!r}")
    _figures[figure.key] = figure


def offered() -> tuple[Figure, ...]:
    """Return every figure, by key."""
    return tuple(_figures[key] for key in sorted(_figures))


def find(key: str) -> Figure | None:
    """Return the figure of a key; nothing where no app of this node offers it."""
    return _figures.get(key)
