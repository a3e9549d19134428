"""How often someone may try: counted in the database, so that all processes of a node share it.

What is counted (an account, an address) is stored only as an HMAC under the node's secret. Who may ask so
often that this would cost more than the answer is counted in each process's memory instead (``Bucket``).
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from kouan.core.database.locks import take_turn
from kouan.core.errors import KouanError
from kouan.web.models import Attempt

if TYPE_CHECKING:
    from datetime import timedelta


_IPV6_NETWORK: Final = 64
_BURST: Final = 10.0
"""Seconds' worth of requests that may come at once."""


@lru_cache(maxsize=4096)
def subscriber(address: str) -> str:
    """Return what one subscriber has: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _IPV6_NETWORK), strict=False))


class TooManyTriesError(KouanError):
    """The limit is reached; ``seconds`` until the next try is also the ``Retry-After`` header."""

    code = "too-many-tries"
    status = 429
    message = _("Too many tries. Wait %(seconds)s seconds and try again.")


@dataclass(frozen=True, slots=True)
class Throttle:
    """At most ``limit`` tries within ``window`` for whatever the parts name together.

    ``scope`` names what is tried (``sign-in``); it keeps different counts apart.
    """

    scope: str
    limit: int
    window: timedelta

    def wait(self, *parts: str) -> int:
        """Return the whole seconds until a try is allowed; 0 when it is allowed now."""
        now = timezone.now()
        recent = list(
            Attempt.objects.filter(scope=self.scope, subject=self._subject(parts), at__gt=now - self.window)
            .order_by("-at")
            .values_list("at", flat=True)[: self.limit]
        )
        if len(recent) < self.limit:
            return 0
        return max(1, math.ceil((recent[-1] + self.window - now).total_seconds()))

    def record(self, *parts: str) -> None:
        """Count one try, and forget those that no longer matter."""
        now = timezone.now()
        Attempt.objects.filter(scope=self.scope, at__lte=now - self.window).delete()
        Attempt.objects.create(scope=self.scope, subject=self._subject(parts), at=now)

    def take(self, *parts: str) -> None:
        """Count one try, or raise ``TooManyTriesError`` when the limit is reached."""
        with transaction.atomic():
            take_turn(f"throttle {self.scope} {self._subject(parts)}")
            if seconds := self.wait(*parts):
                raise TooManyTriesError(seconds=seconds)
            self.record(*parts)

    def give_back(self, *parts: str) -> None:
        """Uncount the latest try: it turned out to be a good one."""
        latest = (
            Attempt.objects.filter(scope=self.scope, subject=self._subject(parts)).order_by("-at").first()
        )
        if latest is not None:
            latest.delete()

    def _subject(self, parts: tuple[str, ...]) -> str:
        return salted_hmac(f"kouan.throttle.{self.scope}", "\0".join(parts), algorithm="sha256").hexdigest()


@dataclass(slots=True)
class Bucket:
    """At most so many requests a minute for each name, on average."""

    _left: dict[int, tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, name: int, per_minute: int, count: int = 1) -> None:
        """Count requests; raises ``TooManyTriesError`` with the whole seconds to wait.

        More at once than the bucket ever holds are let in when it is full, and waited for afterwards.
        """
        rate, now = per_minute / 60, time.monotonic()
        most = max(1.0, rate * _BURST)
        with self._lock:
            at, left = self._left.get(name, (now, most))
            left = min(most, left + (now - at) * rate)
            needed = min(count, most)
            allowed = left >= needed
            self._left[name] = (now, left - count if allowed else left)
        if not allowed:
            raise TooManyTriesError(seconds=max(1, math.ceil((needed - left) / rate)))
