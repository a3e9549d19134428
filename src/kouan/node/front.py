"""What stands before the portal's threads: a request goes to them once its whole body is here.

Django reads a body in a thread, so that whoever sends half of one and stops would hold that thread.
Here bodies arrive on the event loop, where a stalled one costs a small file; only whole ones pass.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, Final
from urllib.parse import quote_from_bytes

from kouan.apps.validation.uploads import takes_large
from kouan.core.errors import KouanError
from kouan.node.intake import BrokeOff, Intake, Limits, Message, Receive
from kouan.node.refusals import REFUSAL, PortalBusy

Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
log = logging.getLogger(__name__)

BODY: Final = "kouan.body"
"""Where the scope holds the body, a file at its beginning."""
_PRINTABLE: Final = bytes(range(0x21, 0x7F))
_LONGEST_LENGTH: Final = 18
"""Digits of a length that is taken for a number."""


class Front:
    """An ASGI application that lets whole requests through to another; see ``Limits``."""

    def __init__(self, application: Application, limits: Limits | None = None) -> None:
        self._application = application
        self._limits = limits or Limits()
        self._intake = Intake(self._limits)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, or the server's start and stop."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        try:
            announced = _announced(scope["headers"])
        except ValueError:
            await _refuse_unread(send)
            return
        most = self._limits.large if takes_large(scope["path"]) else self._limits.body
        needed = most if announced is None else announced if announced <= most else 0
        with _file(announced, self._limits.memory) as body, self._intake.room(needed) as granted:
            count = announced or 0
            refusal: KouanError | None = None
            try:
                if not granted:
                    raise PortalBusy(seconds=int(self._limits.silence))
                if announced != 0:
                    with self._intake.slot((scope.get("client") or ("",))[0]):
                        count = await self._intake.receive(receive, announced, body, most)
            except BrokeOff:
                log.info("%s %s broke off before its body was here", scope["method"], scope["path"])
                return
            except OSError:
                log.exception("a request's body could not be kept")
                refusal = PortalBusy(seconds=int(self._limits.silence))
            except KouanError as error:
                refusal = error
            body.seek(0)
            if refusal is not None or count > most:
                body.truncate()
            whole = refusal is None and count <= max(most, self._limits.drained)
            count = 0 if refusal else count
            inner = {**scope, "headers": _headers(scope["headers"], count), BODY: body, REFUSAL: refusal}
            inner["query_string"] = quote_from_bytes(scope["query_string"], _PRINTABLE).encode()
            await self._answer(inner, receive, send, whole=whole)

    async def _answer(self, scope: Message, receive: Receive, send: Send, *, whole: bool) -> None:
        """Have the request answered. Once nobody reads the answer, the rest of it is dropped.

        So a thread ends its work, and is not held by who asks for a large file and does not take it. Whether
        somebody still reads is only looked at where there is a rest: a short answer is sent in one go.
        """
        left: asyncio.Task[bool] | None = None
        stalled = False

        async def sending(message: Message) -> None:
            nonlocal left, stalled
            if left is None and whole and message.get("more_body"):
                left = asyncio.create_task(_leaving(receive))
                await asyncio.sleep(0)  # has it looked before the first piece
            if stalled or (left is not None and left.done()):
                return
            if message["type"] == "http.response.start":
                await send(message)  # goes out with the first piece
                return
            if left is None and not message.get("more_body"):
                await send(message)  # a short answer: the server takes it whole, and waits for nobody
                return
            try:
                async with asyncio.timeout(self._limits.sending):
                    await send(message)
            except TimeoutError:
                stalled = True
                log.info("%s %s: the answer was not taken", scope["method"], scope["path"])

        try:
            await self._application(scope, receive, sending)
        finally:
            if left is not None:
                left.cancel()


def _file(announced: int | None, memory: int) -> IO[bytes]:
    """Return what a body is kept in: on disk if it is large, and most requests have none."""
    return BytesIO() if announced == 0 else SpooledTemporaryFile(memory)


async def _leaving(receive: Receive) -> bool:
    """Return when the other end has left: after the body, a server tells nothing else."""
    while (await receive())["type"] != "http.disconnect":
        pass
    return True


def _announced(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """Return the body's length, or nothing if it comes in chunks (RFC 9112 section 6).

    Raises ``ValueError`` for anything of which two readers could think differently.
    """
    lengths = [value for name, value in headers if name == b"content-length"]
    codings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
    if codings:
        if lengths or codings != [b"chunked"]:
            raise ValueError("not chunked alone")
        return None
    if not lengths:
        return 0
    (length,) = lengths
    if not length.isdigit() or len(length) > _LONGEST_LENGTH:
        raise ValueError("not a length")
    return int(length)


def _headers(headers: Iterable[tuple[bytes, bytes]], count: int) -> list[tuple[bytes, bytes]]:
    """Return what Django gets to see: the true length, and no name that CGI's spelling would disguise."""
    framing = {b"content-length", b"transfer-encoding"}
    kept = [(name, value) for name, value in headers if name not in framing and b"_" not in name]
    return [*kept, (b"content-length", str(count).encode())]


async def _refuse_unread(send: Send) -> None:
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
