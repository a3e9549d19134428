"""The chores of a worker, done in turn by a few threads: each is a database connection that a node holds."""

from __future__ import annotations

import heapq
import logging
import threading
import time
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
LONGEST_REST: Final = 1.0
NEWS_AGAIN: Final = 2.0
"""Seconds within which one that finds nothing looks again, at the least, because something has changed."""
RINGS_APART: Final = 0.05
"""Seconds within which further rings tell nothing new: under load there are hundreds a second."""
SHARE: Final = 8
"""What waits for its time is looked at late by this part, at most, of how long nothing has happened."""


class Errands:
    """Who does what next: the chore that has been due for longest, by one thread at a time.

    The longer nothing happens on the node, the less often chores look, each down to its own limit. A ring has
    all of them look often again. A change in the database has each look once, soon: not at each of many
    changes that it finds nothing in, as on a server where other databases change all the time.
    """

    def __init__(self, chores: Iterable[Chore]) -> None:
        self._turn = threading.Condition()
        self._rung_at = time.monotonic()
        self._timed = False
        """Whether a thread waits until the next chore is due; the others wait for it to find work."""
        self._due = [(0.0, number, chore) for number, chore in enumerate(chores)]
        self._rested: dict[int, float] = {}
        """When a chore that found nothing may look again at the earliest, whatever has changed."""
        heapq.heapify(self._due)

    def hurry(self) -> None:
        """Do every chore as often as it may be done: there is work on this node.

        Rings that follow one another closely are one: after the first, no chore rests longer than it must.
        """
        with self._turn:
            now = time.monotonic()
            if now - self._rung_at < RINGS_APART:
                return
            self._rung_at = now
            self._rested.clear()
        self.look_soon()

    def look_soon(self) -> None:
        """Do every chore once, after its shortest pause: something has changed."""
        with self._turn:
            now = time.monotonic()
            self._due = [
                (min(at, max(now + chore.every, self._rested.get(number, 0.0))), number, chore)
                for at, number, chore in self._due
            ]
            heapq.heapify(self._due)
            self._turn.notify_all()

    def wake(self) -> None:
        """End every thread's present rest."""
        with self._turn:
            self._turn.notify_all()

    def step(self, loop: Loop) -> None:
        """Do the chore that is due, or rest until one is; one that breaks keeps nobody from the others."""
        with self._turn:
            wait = self._due[0][0] - time.monotonic() if self._due else LONGEST_REST
            if wait > 0:
                if not loop.stopping:
                    self._rest(wait)
                return
            _, number, chore = heapq.heappop(self._due)
            self._turn.notify()  # another one keeps the time meanwhile
        after = AFTER_A_FAULT
        try:
            after = 0.0 if chore.run() else self._pause(number, chore)
        except Exception:
            log.exception("the worker's chore %s failed; it is done again in a second", chore.name)
            connection.close()  # whatever state it left, the next chore begins without it
        finally:
            with self._turn:
                heapq.heappush(self._due, (time.monotonic() + after, number, chore))
                if self._due[0][1] == number:
                    self._turn.notify_all()  # who keeps the time waits for a later one

    def _rest(self, wait: float) -> None:
        if self._timed:
            self._turn.wait(LONGEST_REST)
            return
        self._timed = True
        try:
            self._turn.wait(min(wait, LONGEST_REST))
        finally:
            self._timed = False

    def _pause(self, number: int, chore: Chore) -> float:
        now = time.monotonic()
        quiet = (now - self._rung_at) / SHARE
        with self._turn:
            self._rested[number] = now + min(quiet, NEWS_AGAIN)
        return max(chore.every, min(quiet, chore.idle))
