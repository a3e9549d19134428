"""Waiting a while for messages, so that a system need not ask again and again."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from kouan.apps.attached import receiving

if TYPE_CHECKING:
    from datetime import timedelta

    from kouan.apps.attached.models import Received, System

LONGEST: Final = 20.0
"""Seconds that a request may wait."""
WAITERS: Final = 6
"""Requests of a portal process that may wait at a time, of its 16 threads: everybody else must go on."""
_PAUSES: Final = (0.05, 0.1, 0.2, 0.3)
_places = threading.BoundedSemaphore(WAITERS)
_own: Final[dict[int, int]] = {}
_lock = threading.Lock()
_EACH: Final = 2
"""Requests of one system that may wait at a time."""


def lease_when_there(
    *, system: System, limit: int, after: int, how_long: timedelta, seconds: float
) -> list[Received]:
    """Return messages at once if there are any, else when there are or ``seconds`` are over.

    When too many wait already, it returns what there is at once, which is nothing.
    """
    until = time.monotonic() + min(seconds, LONGEST)
    rows = receiving.lease(system=system, limit=limit, after=after, how_long=how_long)
    if rows or seconds <= 0 or not _enter(system.pk):
        return rows
    try:
        tries = 0
        while not rows and time.monotonic() < until:
            time.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
            tries += 1
            rows = receiving.lease(system=system, limit=limit, after=after, how_long=how_long)
    finally:
        _leave(system.pk)
    return rows


def _enter(system: int) -> bool:
    with _lock:
        if _own.get(system, 0) >= _EACH or not _places.acquire(blocking=False):
            return False
        _own[system] = _own.get(system, 0) + 1
        return True


def _leave(system: int) -> None:
    with _lock:
        _own[system] -= 1
        if not _own[system]:
            del _own[system]
        _places.release()
