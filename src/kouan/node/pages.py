"""Between the event loop and Django's threads: a whole request goes to a thread, its answer comes back.

An answer that is short, which nearly all are, comes back whole: one turn of the loop sends it. Only a file
goes piece by piece, as fast as the other end takes it.
"""

from __future__ import annotations

import asyncio
import functools
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

from a2wsgi.wsgi import build_environ

from kouan.core.hands import Hands
from kouan.node.front import BODY
from kouan.node.refusals import REFUSAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http.response import HttpResponseBase

    from kouan.node.front import Send
    from kouan.node.intake import Message, Receive
    from kouan.node.lane import Lane


class Threads:
    """An ASGI application: Django's own, on so many threads. ``begin`` is called when the server starts.

    What needs no page has a ``lane`` of its own, which is asked first.
    """

    def __init__(
        self,
        pages: Callable[[dict[str, Any], Any], HttpResponseBase],
        threads: int,
        *,
        begin: Callable[[], None] = lambda: None,
        lane: Lane | None = None,
    ) -> None:
        self._pages = pages
        self._begin = begin
        self._lane = lane
        self._hands = Hands(threads, name="pages")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request whose body is here, or the server's start and stop."""
        if scope["type"] == "lifespan":
            self._begin()
            if self._lane is not None:
                self._lane.start()
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        environ = cast("dict[str, Any]", build_environ(cast("Any", scope), cast("Any", None)))
        environ |= {"wsgi.input": scope[BODY], REFUSAL: scope[REFUSAL]}
        messages = None
        if self._lane is not None and self._lane.takes(environ["PATH_INFO"]):
            messages = await self._lane.answer(environ)
        if messages is None:
            scope[BODY].seek(0)  # the lane may have read it
            loop = asyncio.get_running_loop()
            answer = functools.partial(self._answer, environ, functools.partial(_wait_for, loop, send))
            messages = await self._hands.do(answer)
        for message in messages:
            await send(message)

    def _answer(self, environ: dict[str, Any], send: Callable[[Message], None]) -> list[Message]:
        """Have Django answer, on a thread; return what is left to send."""
        begun: list[Message] = []

        def start(status: str, headers: list[tuple[str, str]], _error: object = None) -> None:
            pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
            begun.append({"type": "http.response.start", "status": int(status[:3]), "headers": pairs})

        with closing(self._pages(environ, start)) as answer:
            if not answer.streaming:
                return [*begun, {"type": "http.response.body", "body": b"".join(cast("Any", answer))}]
            send(begun[0])
            for piece in cast("Any", answer):
                send({"type": "http.response.body", "body": piece, "more_body": True})
        return [{"type": "http.response.body", "body": b""}]


def _wait_for(loop: asyncio.AbstractEventLoop, send: Send, message: Message) -> None:
    """Send from a thread, and wait until it is sent."""
    asyncio.run_coroutine_threadsafe(cast("Any", send(message)), loop).result()
