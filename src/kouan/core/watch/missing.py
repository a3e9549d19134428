"""Records that a peer should have sent and that are not here: apps name how they find the oldest.

A message that never comes leaves no trace where it should have arrived. Whoever knows from elsewhere that
there must be one, such as a sign-in whose tokens came by a call, says so here, and watching raises an alarm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

Find = Callable[[datetime], Mapping[str, datetime]]
"""Returns by side since when the oldest record of it is awaited; it is asked every few seconds."""

_finds: dict[str, Find] = {}


def register(name: str, find: Find) -> None:
    """Name who knows of such records, once in a process (an app's ``ready`` is the place)."""
    if _finds.setdefault(name, find) is not find:
        raise ValueError(f"two look for records that are missing as {name!r}")


def since(now: datetime) -> dict[str, datetime]:
    """Return by side since when the oldest record of any kind is awaited; who owes none is left out."""
    oldest: dict[str, datetime] = {}
    for find in _finds.values():
        for side, at in find(now).items():
            oldest[side] = min(at, oldest.get(side, at))
    return oldest
