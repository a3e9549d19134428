"""Taking in a request's body on the event loop: limits of size, number, room and pace."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, TYPE_CHECKING, Any

from kouan.apps.validation.marks import MAX_CARRIED
from kouan.apps.validation.sizes import MAX_BULK
from kouan.apps.validation.uploads import FORM_ROOM
from kouan.node.refusals import PortalBusy, TooManyUploads, UploadTooSlow
from kouan.web.throttle import subscriber

if TYPE_CHECKING:
    from collections.abc import Iterator

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class BrokeOff(Exception):
    """The other end has gone away: nobody is there to hear an answer."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken in, and with how much patience. Sizes in bytes, times in seconds."""

    body: int = MAX_CARRIED + FORM_ROOM
    """The largest body that is handed on; of a larger one Django is told the size alone, and says 413."""
    large: int = MAX_BULK + FORM_ROOM
    """The same at the few addresses that take files of many rows."""
    drained: int = 4 * MAX_CARRIED
    """A body up to this is read to its end, so that a browser shows our answer to it."""
    memory: int = 256 << 10
    """A body above this goes to disk."""
    silence: float = 15
    """The longest pause between two pieces."""
    start: float = 30
    """What any body may take; beyond it, it must have come at ``rate`` on the average."""
    rate: int = 32 << 10
    receiving: int = 64
    """Bodies under way at once."""
    receiving_from_one: int = 8
    """Of them, from one address; those of this machine are a proxy's and stand for many people."""
    room: int = 64 * (MAX_CARRIED + FORM_ROOM)
    """What all bodies together may take, those whose requests are being answered among them."""
    sending: float = 10
    """How long a reader may leave a piece of our answer unread."""


class Intake:
    """All bodies that one process takes in, and what they may take together."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._receiving: Counter[str] = Counter()
        self._room_left = limits.room

    @contextmanager
    def room(self, size: int) -> Iterator[bool]:
        """Set room aside until the request is answered; say whether there was enough."""
        taken = size if size <= self._room_left else 0
        self._room_left -= taken
        try:
            yield taken == size
        finally:
            self._room_left += taken

    @contextmanager
    def slot(self, host: str) -> Iterator[None]:
        """Count a body that is under way; raises ``TooManyUploads`` or ``PortalBusy``."""
        whose, seconds = _whose(host), int(self._limits.silence)
        if whose and self._receiving[whose] >= self._limits.receiving_from_one:
            raise TooManyUploads(seconds=seconds)
        if self._receiving.total() >= self._limits.receiving:
            raise PortalBusy(seconds=seconds)
        self._receiving[whose] += 1
        try:
            yield
        finally:
            self._receiving[whose] -= 1
            if not self._receiving[whose]:
                del self._receiving[whose]

    async def receive(self, receive: Receive, announced: int | None, body: IO[bytes], most: int) -> int:
        """Keep a body of up to ``most`` bytes, as far as it will be handed on, and return its size.

        Raises ``UploadTooSlow`` or ``BrokeOff``.
        """
        drained = max(most, self._limits.drained)
        if announced is not None and announced > drained:
            return announced
        clock, count, more = asyncio.get_running_loop().time, 0, True
        started = clock()
        while more and count <= drained:
            left = started + self._limits.start + count / self._limits.rate - clock()
            try:
                async with asyncio.timeout(min(self._limits.silence, left)):
                    message = await receive()
            except TimeoutError:
                raise UploadTooSlow from None
            if message["type"] != "http.request":
                raise BrokeOff
            piece, more = message.get("body", b""), message.get("more_body", False)
            count += len(piece)
            if max(count, announced or 0) <= most:
                body.write(piece)  # a few tens of KB into the kernel's cache: no thread is worth it
        if announced is not None and count != announced:
            raise BrokeOff
        return count


@lru_cache(maxsize=4096)
def _whose(host: str) -> str:
    """Return what one subscriber has; "" for an address of this machine, behind which a proxy stands."""
    try:
        address = ipaddress.ip_address(subscriber(host))
    except ValueError:
        return subscriber(host)  # a network, or no address at all
    return "" if address.is_loopback else str(address)
