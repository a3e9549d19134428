"""How often a system may ask: a bucket of tokens for each, in the memory of each portal process."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from typing import Final

from kouan.apps.attached.errors import TooManyRequests

BURST: Final = 4
"""Seconds' worth of requests that may come at once."""


@dataclass(slots=True)
class RateLimit:
    """At most ``rate`` requests a second for each name, on average."""

    rate: float
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, name: str) -> None:
        """Count one request; raises ``TooManyRequests`` with the whole seconds to wait."""
        now = time.monotonic()
        most = max(1.0, self.rate * BURST)
        with self._lock:
            at, left = self._left.get(name, (now, most))
            left = min(most, left + (now - at) * self.rate)
            if left < 1:
                self._left[name] = (now, left)
                raise TooManyRequests(seconds=max(1, math.ceil((1 - left) / self.rate)))
            self._left[name] = (now, left - 1)


_limits: Final[dict[float, RateLimit]] = {}


def limit_of(rate: float) -> RateLimit:
    """Return this process's limit at the configured rate."""
    return _limits.setdefault(rate, RateLimit(rate))
