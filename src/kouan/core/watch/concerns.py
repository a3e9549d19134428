"""What calls for a person and what only an app can see: apps name how they count it.

A case that nobody decides in time, or a result that its side never signed, breaks nothing in the node.
Whoever keeps such things says so here, and watching raises an alarm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["cases-late", "cases-undated", "result-unsound", "renewal-late"]


@dataclass(frozen=True, slots=True)
class Concern:
    """So many things of one kind."""

    kind: Kind
    """Cases whose time limit has passed; cases that have no last day, since the calendar of its year is not
    here; results whose credential their side never signed; archived documents whose new time-stamp is
    overdue."""
    about: str
    """Of cases the department's code, of results the side that sent them; of archived documents nothing. At
    most 64 characters."""
    count: int


Find: TypeAlias = Callable[[datetime], Iterable[Concern]]
"""Returns what is to be said now; it is asked every few seconds, and counts no further than it must."""

_finds: dict[str, Find] = {}


def register(name: str, find: Find) -> None:
    """Name who sees such things, once in a process (an app's ``ready`` is the place)."""
    if _finds.setdefault(name, find) is not find:
        raise ValueError(f"two see concerns as {name!r}")


def known(now: datetime) -> tuple[Concern, ...]:
    """Return all of them, as they are now."""
    return tuple(each for find in _finds.values() for each in find(now))
