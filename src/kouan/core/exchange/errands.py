"""The chores of a worker, done in turn by a few threads: each is a database connection that a node holds."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kouan.core.chores import Chore
    from kouan.core.exchange.worker import Loop

log = logging.getLogger(__name__)

THREADS: Final = 4
"""So many chores may wait for somebody (a webhook, a peer that is silent) before the others do."""
AFTER_A_FAULT: Final = 1.0
"""Seconds until a chore that broke is tried again."""
LONGEST_REST: Final = 0.2
IDLE_RUNS: Final = 8
"""After so many runs in which it found nothing to do, a chore's pause is doubled."""
SLOWEST: Final = 4
LONGEST_PAUSE: Final = 2.0
"""Seconds beyond which no pause grows."""


class Errands:
    """Who does what next: the chore that has been due for longest, by one thread at a time.

    A chore that finds nothing to do again and again is done less often, down to a quarter as often, until
    somebody rings the worker.
    """

    def __init__(self, chores: Iterable[Chore]) -> None:
        self._lock = threading.Lock()
        self._idle = Counter[str]()
        self._due = [(0.0, number, chore) for number, chore in enumerate(chores)]
        heapq.heapify(self._due)

    def hurry(self) -> None:
        """Do every chore as often as it may be done: there is work on this node."""
        with self._lock:
            if not self._idle:
                return
            self._idle.clear()
            now = time.monotonic()
            self._due = [(min(at, now + chore.every), number, chore) for at, number, chore in self._due]
            heapq.heapify(self._due)

    def step(self, loop: Loop) -> None:
        """Do the chore that is due, or rest until one is; one that breaks keeps nobody from the others."""
        with self._lock:
            wait = self._due[0][0] - time.monotonic() if self._due else LONGEST_REST
            taken = heapq.heappop(self._due) if self._due and wait <= 0 else None
        if taken is None:
            loop.pause(min(wait, LONGEST_REST))
            return
        _, number, chore = taken
        after = AFTER_A_FAULT
        try:
            after = 0.0 if chore.run() else self._pause(chore)
        except Exception:
            log.exception("the worker's chore %s failed; it is done again in a second", chore.name)
            connection.close()  # whatever state it left, the next chore begins without it
        finally:
            with self._lock:
                heapq.heappush(self._due, (time.monotonic() + after, number, chore))

    def _pause(self, chore: Chore) -> float:
        with self._lock:
            self._idle[chore.name] += 1
            slower = min(1 << self._idle[chore.name] // IDLE_RUNS, SLOWEST)
        return max(chore.every, min(chore.every * slower, LONGEST_PAUSE))
