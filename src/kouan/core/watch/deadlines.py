"""Days by which somebody has to have done something: apps name how they find those that are near or passed.

Nothing breaks on the day itself, so nothing would call for a person before it is too late. Whoever keeps such
days says so here, and watching raises an alarm in time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["filing", "contract", "erasure", "trust-list"]


@dataclass(frozen=True, slots=True)
class Deadline:
    """One such day: what it is about, and how far it is."""

    kind: Kind
    """A filing that is to be made, a contract that ends, a person's request to erase that waits for its
    answer, or a trust list whose next edition is awaited."""
    about: str
    """A contract's number; of a filing, with the side that has to file before it; a request's number, with
    the side that has to answer before it; of a trust list its side. At most 64 characters."""
    days_left: int
    """Whole days until the last one, which has 0; negative when it has passed."""


Find: TypeAlias = Callable[[datetime], Iterable[Deadline]]
"""Returns the days that may be near; it is asked every few seconds. What is far off may be among them."""

_finds: dict[str, Find] = {}


def register(name: str, find: Find) -> None:
    """Name who keeps such days, once in a process (an app's ``ready`` is the place)."""
    if _finds.setdefault(name, find) is not find:
        raise ValueError(f"two keep days as {name!r}")


def known(now: datetime) -> tuple[Deadline, ...]:
    """Return all of them, as they are now."""
    return tuple(each for find in _finds.values() for each in find(now))
