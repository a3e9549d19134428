"""How often somebody may ask the provider: buckets in each process's memory, wrong tries in the database.

Buckets keep a flood from the database and from the arithmetic of signatures; they are per process, and so
wide that no office behind one address meets them.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from kouan.apps.identity.provider.errors import TemporarilyUnavailable
from kouan.web.throttle import Throttle, subscriber

WRONG: Final = Throttle("identity-client", limit=30, window=timedelta(minutes=1))
"""Requests that failed to prove a client, from one address."""
_MOST_NAMES: Final = 20_000


@dataclass(slots=True)
class Bucket:
    """At most ``rate`` requests a second for each name on average, and ``burst`` at once."""

    rate: float
    burst: float
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, name: str) -> None:
        """Count one request; raises ``TemporarilyUnavailable`` with the whole seconds to wait."""
        now = time.monotonic()
        with self._lock:
            at, left = self._left.pop(name, (now, self.burst))
            left = min(self.burst, left + (now - at) * self.rate)
            enough = left >= 1
            self._left[name] = (now, left - 1 if enough else left)
            if len(self._left) > _MOST_NAMES:  # who has not asked for longest is forgotten
                del self._left[next(iter(self._left))]
        if not enough:
            raise TemporarilyUnavailable(seconds=max(1, math.ceil((1 - left) / self.rate)))


ENDPOINTS: Final = Bucket(rate=100, burst=500)
"""Requests of programs, by address."""
CLIENTS: Final = Bucket(rate=300, burst=1500)
"""Requests of programs, by the client that each has proved to come from."""
BROWSERS: Final = Bucket(rate=30, burst=300)
"""Sign-ins that are begun, by address."""
HOMES: Final = Bucket(rate=5, burst=300)
"""Browsers that are sent to a home provider, by address: each may ask it something."""
RELAYS: Final = Bucket(rate=5, burst=300)
"""Browsers that are sent to another side, by address: each asks that side's node something."""


def take_address(address: str) -> None:
    """Count a program's request from an address; raises ``TemporarilyUnavailable``."""
    ENDPOINTS.take(subscriber(address))


def take_client(client_id: str) -> None:
    """Count a request of a client that has proved who it is; raises ``TemporarilyUnavailable``."""
    CLIENTS.take(client_id)


def take_browser(address: str) -> None:
    """Count the beginning of a sign-in; raises ``TemporarilyUnavailable``."""
    BROWSERS.take(subscriber(address))


def take_home(address: str) -> None:
    """Count a browser that goes to a home provider; raises ``TemporarilyUnavailable``."""
    HOMES.take(subscriber(address))


def take_relay(address: str) -> None:
    """Count a browser that goes to another side; raises ``TemporarilyUnavailable``."""
    RELAYS.take(subscriber(address))


def count_failure(address: str, *, peer: str | None = None) -> None:
    """Count a request that failed to prove a client, by its address or by the peer whose node sent it.

    Not by the client that it names, which is anybody's choice. Raises ``TooManyTriesError``.
    """
    WRONG.take(subscriber(address) if peer is None else f"node {peer}")
