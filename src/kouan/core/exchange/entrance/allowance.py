"""How much of the door each member may take: requests, bytes, messages, refusals, and how many at once.

Counted in this process alone, and forgotten with it. Several door processes each give as much, but of
refusals, which they share.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from typing import TYPE_CHECKING, Final

from django.conf import settings

from kouan.core.errors import KouanError

if TYPE_CHECKING:
    from collections.abc import Iterator

BURST: Final = 4.0
"""Seconds' worth of requests, bytes or messages that may come at once."""
REFUSALS_BURST: Final = 100.0
"""Seconds' worth of refusals that may come at once: a mistaken app at the peer is not an attack."""
LONGEST_PAUSE: Final = 60.0


class TooMuch(KouanError):
    """A member asks more of the door than it may."""

    code = "too-much"
    status = 429
    message = "Too many %(what)s in a short time. Try again in %(seconds)s seconds."

    def __init__(self, what: str, seconds: float) -> None:
        self.retry_after = max(1, math.ceil(min(seconds, LONGEST_PAUSE)))
        super().__init__(what=what, seconds=self.retry_after)


class Bucket:
    """So much a second, and ``burst`` at once. What is taken may be more than is there: then it is owed."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at = -math.inf

    def _fill(self, now: float) -> None:
        if now > self._at:
            self._left = min(self._burst, self._left + (now - self._at) * self._rate)
            self._at = now

    def open(self, now: float) -> bool:
        """Say whether anything is left."""
        self._fill(now)
        return self._left > 0

    def take(self, amount: float, now: float) -> None:
        """Take ``amount``, whether it is there or not."""
        self._fill(now)
        self._left -= amount

    def pause(self) -> float:
        """Return the seconds after which something is left."""
        return max(0.0, (1 - self._left) / self._rate) if self._rate else LONGEST_PAUSE


class _Member:
    """What one member has taken."""

    def __init__(self) -> None:
        door, doors = settings.NODE.door, settings.NODE.processes.door
        # Each door counts by itself, and who floods goes round them all: of refusals each has its part.
        refusals = door.refusals_per_s / doors
        self.at_once = 0
        self.most_at_once = door.requests_at_once
        self.buckets = {
            "requests": Bucket(door.requests_per_s, door.requests_per_s * BURST),
            "bytes": Bucket(door.bytes_per_s, door.bytes_per_s * BURST),
            "messages": Bucket(door.messages_per_s, door.messages_per_s * BURST),
            "refusals": Bucket(refusals, refusals * REFUSALS_BURST),
        }


class Allowances:
    """What each member may take, for all threads of a process."""

    def __init__(self) -> None:
        self._members: dict[str, _Member] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def request(self, side: str) -> Iterator[None]:
        """Let one request of a member in; raises ``TooMuch``."""
        now = time.monotonic()
        with self._lock:
            member = self._member(side)
            if member.at_once >= member.most_at_once:
                raise TooMuch("requests at once", 1)
            for what, bucket in member.buckets.items():
                if not bucket.open(now):
                    raise TooMuch(what, bucket.pause())
            member.buckets["requests"].take(1, now)
            member.at_once += 1
        try:
            yield
        finally:
            with self._lock:
                member.at_once -= 1

    def take(self, side: str, **amounts: float) -> None:
        """Count what a member has brought: ``bytes``, ``messages``, ``refusals``."""
        now = time.monotonic()
        with self._lock:
            buckets = self._member(side).buckets
            for what, amount in amounts.items():
                if amount:
                    buckets[what].take(amount, now)

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self._members.clear()

    def _member(self, side: str) -> _Member:
        # Whoever comes here has shown a member's certificate, so there are only so many.
        found = self._members.get(side)
        if found is None:
            found = self._members[side] = _Member()
        return found


allowances: Final = Allowances()
