"""Connections to providers: kept open between questions, each question with one deadline for all of it.

The standard library's client waits anew for every piece; here each wait, for a connection, a handshake, a
line or a body, gets only what is left until the deadline. It follows no redirect and knows no proxy.
"""

from __future__ import annotations

import http.client
import io
import select
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

IDLE: Final = 20.0
"""Seconds for which a connection that nobody uses is kept."""
_MOST_IDLE: Final = 16
"""How many of them are kept in all."""


class Place(NamedTuple):
    """Where a connection leads, and whom it trusts to be there."""

    host: str
    port: int
    context: ssl.SSLContext | None
    """Nothing for plain HTTP."""


class Connection(http.client.HTTPConnection):
    """A connection to one place, for one question at a time."""

    def __init__(self, place: Place) -> None:
        super().__init__(place.host, place.port)
        self.place = place
        self.idle_since = 0.0
        self.fresh = True
        """Whether nothing has been asked on it yet."""
        self._deadline = 0.0

    def exchange(  # noqa: PLR0913 - a request's parts, by name
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        most: int,
        deadline: float,
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Ask once and return status, headers (names in lower case) and the body, of ``most`` bytes at most.

        ``deadline`` is a time of ``time.monotonic``. Raises ``OSError``, ``http.client.HTTPException``, or
        ``ValueError`` for an answer that is too long; then the connection is of no more use.
        """
        self._deadline = deadline
        if self.sock is not None:
            self.sock.settimeout(left_until(deadline))
        self.request(method, target, body, dict(headers))
        with self.getresponse() as response:
            data = response.read(most + 1)
            if len(data) > most:
                raise ValueError("an answer that is too large")
            if response.length or not (response.isclosed() or response.will_close):
                raise http.client.IncompleteRead(
                    data
                )  # the next answer would begin with the rest of this one
        if response.will_close:
            self.close()
        self.fresh = False
        return response.status, {name.lower(): value for name, value in response.getheaders()}, data

    def connect(self) -> None:
        """Connect, and shake hands where the place has a context."""
        plain = _connected(self.place, self._deadline)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.settimeout(left_until(self._deadline))
            if self.place.context is not None:
                plain = self.place.context.wrap_socket(plain, server_hostname=self.place.host)
            plain.settimeout(left_until(self._deadline))
        except BaseException:
            plain.close()
            raise
        self.sock = plain
        # What reads an answer takes its file from here.
        self.response_class = cast("Any", self._response)

    def is_quiet(self) -> bool:
        """Say whether it can be used again: open, and the other end has neither spoken nor hung up."""
        if self.sock is None or time.monotonic() - self.idle_since > IDLE:
            return False
        return not select.select([self.sock], [], [], 0)[0]

    def _response(self, _sock: socket.socket, **given: Any) -> http.client.HTTPResponse:
        assert self.sock is not None  # noqa: S101 - a request has been sent on it
        return http.client.HTTPResponse(cast("Any", _Bounded(self.sock, self._deadline)), **given)


class _Bounded:
    """What an answer is read from: a socket of which each piece must come before a deadline."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._pieces = _Pieces(sock, deadline)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._pieces)


class _Pieces(io.RawIOBase):
    def __init__(self, sock: socket.socket, deadline: float) -> None:
        super().__init__()
        self._sock = sock
        # Keeps the socket open where the connection lets go of it before the answer has been read.
        self._raw = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(left_until(self._deadline))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class Connections:
    """The connections of a process that wait for the next question."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Connection] = []

    def take(self, place: Place) -> Connection:
        """Return a connection to a place for one question: the one used last, or another."""
        while True:
            with self._lock:
                found = next((each for each in reversed(self._idle) if each.place == place), None)
                if found is not None:
                    self._idle.remove(found)
            if found is None:
                return Connection(place)
            if found.is_quiet():
                return found
            found.close()

    def give_back(self, connection: Connection) -> None:
        """Keep a connection whose question has been answered."""
        if connection.sock is None:
            return
        connection.idle_since = time.monotonic()
        with self._lock:
            self._idle.append(connection)
            over = self._idle.pop(0) if len(self._idle) > _MOST_IDLE else None
        if over is not None:
            over.close()

    def close(self) -> None:
        """Close all that wait."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


def left_until(deadline: float) -> float:
    """Return the seconds until a deadline; raises ``TimeoutError`` once it has passed."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _connected(place: Place, deadline: float) -> socket.socket:
    """Connect to the first of a host's addresses that answers."""
    found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    problem: OSError = ConnectionError("no address")
    for family, kind, protocol, _name, address in found:
        plain = socket.socket(family, kind, protocol)
        try:
            plain.settimeout(left_until(deadline))
            plain.connect(address)
            _require_another_end(plain)
        except OSError as error:
            plain.close()
            problem = error
        except BaseException:
            plain.close()
            raise
        else:
            return plain
    raise problem


def _require_another_end(plain: socket.socket) -> None:
    if plain.getsockname() == plain.getpeername():
        # Nobody listens there, and the system gave this end the very port that it was to reach.
        raise ConnectionRefusedError("connected to itself")
