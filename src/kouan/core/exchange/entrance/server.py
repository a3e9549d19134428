"""The door's server: uvicorn behind an accept loop of its own.

uvicorn hands accepting to asyncio, which bounds neither handshakes nor connections and keeps one TLS
context for ever. Here each connection is accepted, counted and greeted with the context of the moment; so
a new member gets in at its next handshake, and one who left loses its connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections import Counter, OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from uvicorn import Config, Server

from kouan.core.exchange.entrance.connection import IDLE_TIMEOUT, Connection
from kouan.core.exchange.entrance.roll import Roll

if TYPE_CHECKING:
    from collections.abc import Callable

    from kouan.core.exchange.entrance.roll import Caller

log = logging.getLogger(__name__)

HANDSHAKE_TIMEOUT: Final = 5.0
"""Seconds in which a handshake must be done."""
MAX_GREETED: Final = 128
"""Handshakes under way at one time; a new one ends the oldest, so that slow ones keep nobody out."""
ROLL_EVERY: Final = 1.0
"""Seconds after which a new member gets in."""
BACKLOG: Final = 512
STOP_SECONDS: Final = 1
"""Whole seconds that requests under way get when the door closes."""


class Entrance(Server):
    """Serves an ASGI application to members' nodes alone; ``run`` returns when it was told to stop."""

    def __init__(self, application: Any, *, host: str, port: int, connections: int) -> None:
        super().__init__(
            Config(
                application,
                http=Connection,
                ws="none",
                loop="asyncio",
                lifespan="on",
                interface="asgi3",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=IDLE_TIMEOUT,
                timeout_graceful_shutdown=STOP_SECONDS,
            )
        )
        # What strangers send is no news; each line of it would be theirs to write.
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        self._place = (host, port)
        self._most = connections
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="roll")
        self._roll: Roll
        self._held: Counter[str] = Counter()
        """Open connections of each member."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the door."""
        del sockets
        await self.lifespan.startup()
        loop = asyncio.get_running_loop()
        self._roll = await loop.run_in_executor(self._reader, Roll.call)
        self.servers = [_Reception(_listen(*self._place), self._roll_now, self._protocol)]  # type: ignore[list-item]
        self._following = loop.create_task(self._follow())
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the door: no new requests, a moment for those under way."""
        self._following.cancel()
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        self._reader.shutdown(wait=False, cancel_futures=True)

    def _roll_now(self) -> Roll:
        return self._roll

    def _protocol(self) -> Connection:
        return Connection(
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            admit=self._admit,
            leave=self._leave,
        )

    def _admit(self, connection: Connection) -> Caller | None:
        tls = connection.transport.get_extra_info("ssl_object")
        caller = self._roll.caller(tls.getpeercert(binary_form=True))
        if caller is None or self._held[caller.side] >= self._most:
            return None
        self._held[caller.side] += 1
        return caller

    def _leave(self, connection: Connection) -> None:
        if connection.caller is not None:
            self._held[connection.caller.side] -= 1

    async def _follow(self) -> None:
        """Keep the roll as the trust documents are, and show out who is no longer on it."""
        loop = asyncio.get_running_loop()
        failing = False
        while True:
            await asyncio.sleep(ROLL_EVERY)
            try:
                roll = await loop.run_in_executor(self._reader, Roll.call, self._roll)
            except Exception:
                if not failing:
                    log.exception("the members could not be looked up; the door goes on with those it knows")
                failing = True
                continue
            failing = False
            if roll is not self._roll:
                self._roll = roll
                for connection in list(self.server_state.connections):
                    caller = getattr(connection, "caller", None)
                    if caller is None or not roll.knows(caller):
                        connection.shutdown()


class _Reception:
    """Accepts connections and shakes hands; to uvicorn it is an ``asyncio.Server``."""

    def __init__(
        self, listener: socket.socket, roll: Callable[[], Roll], protocol: Callable[[], Connection]
    ) -> None:
        self._listener = listener
        self._roll = roll
        self._protocol = protocol
        self._greeted: OrderedDict[asyncio.Task[None], None] = OrderedDict()
        self._accepting = asyncio.get_running_loop().create_task(self._accept())

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                plain, _address = await loop.sock_accept(self._listener)
            except OSError:  # as when there are no more file descriptors: some will come free
                await asyncio.sleep(0.1)
                continue
            # Addresses are not looked at: all members may come through one forwarder.
            if len(self._greeted) >= MAX_GREETED:
                next(iter(self._greeted)).cancel()
            task = loop.create_task(self._greet(plain))
            self._greeted[task] = None
            task.add_done_callback(lambda done: self._greeted.pop(done, None))

    async def _greet(self, plain: socket.socket) -> None:
        try:
            plain.setblocking(False)  # noqa: FBT003 - the standard library's signature
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol,
                plain,
                ssl=self._roll().context,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT,
                ssl_shutdown_timeout=STOP_SECONDS,
            )
        except (OSError, asyncio.CancelledError):  # TLS's own errors are among these
            plain.close()

    def close(self) -> None:
        """Accept nobody any more."""
        self._accepting.cancel()
        for task in list(self._greeted):
            task.cancel()
        self._listener.close()

    async def wait_closed(self) -> None:
        """Wait until nobody is being greeted."""
        with contextlib.suppress(asyncio.CancelledError):
            await self._accepting


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Several processes of one node may share the door.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host.strip("[]"), port))
        listener.listen(BACKLOG)
        listener.setblocking(False)  # noqa: FBT003 - the standard library's signature
    except BaseException:
        listener.close()
        raise
    return listener
