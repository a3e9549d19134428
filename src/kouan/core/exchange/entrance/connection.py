"""One connection at the door: HTTP/1.1 by uvicorn, with bounds of size and time before the application.

uvicorn bounds neither a request's head nor the time that it takes, and knows no client certificate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from kouan.core.exchange.entrance.roll import Caller

MAX_HEAD: Final = 16 * 1024
"""Bytes of a request's line and headers."""
HEAD_TIMEOUT: Final = 10.0
"""Seconds in which a request's head must arrive, from its first byte on."""
IDLE_TIMEOUT: Final = 75
"""Seconds that a connection may lie unused."""
LINGER: Final = 2.0
"""Seconds in which a body may still come whose request has been answered already."""


class Connection(HttpToolsProtocol):
    """A member's connection; ``admit`` says who it is, or that it may not stay."""

    def __init__(
        self,
        *,
        admit: Callable[[Connection], Caller | None],
        leave: Callable[[Connection], None],
        **more: Any,
    ) -> None:
        super().__init__(**more)
        self._admit = admit
        self._leave = leave
        self._head = 0
        """Bytes that arrived since the last whole head, or nothing while a body is being read."""
        self._parsed = 0
        """Bytes of the present head that the parser has handed on."""
        self._in_body = False
        self._deadline: asyncio.TimerHandle | None = None
        self.caller: Caller | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin after the handshake: with a member, or not at all."""
        super().connection_made(transport)
        self.caller = self._admit(self)
        if self.caller is None:
            transport.abort()
            return
        self.app_state = {**self.app_state, "caller": self.caller}
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_waiting()
        self._leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what arrived, within the bounds of a head."""
        if self.caller is None:
            return
        self._head += 0 if self._in_body else len(data)
        super().data_received(data)
        if self._in_body:
            self._head = 0
        elif self._head > MAX_HEAD and not self.transport.is_closing():
            self.transport.abort()
        elif self._head and self._deadline is None:
            self._wait_for_head()

    def on_message_begin(self) -> None:
        """Note that a head begins."""
        super().on_message_begin()
        self._in_body, self._parsed = False, 0

    def on_url(self, url: bytes) -> None:
        """Take in a piece of the request's target."""
        self._bound(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in a header."""
        self._bound(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hand the request on."""
        self._stop_waiting()
        self._in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that the next bytes begin another head."""
        self._in_body, self._head = False, 0
        self._stop_waiting()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """After the answer, give a body that nobody wanted a moment to end."""
        super().on_response_complete()
        if self._in_body:
            self._wait_for_head(LINGER)

    def _bound(self, more: int) -> None:
        self._parsed += more
        if self._parsed > MAX_HEAD:
            raise ValueError("the head is too long")

    def _wait_for_head(self, seconds: float = HEAD_TIMEOUT) -> None:
        self._stop_waiting()
        self._deadline = self.loop.call_later(seconds, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.abort()
