"""The door: a small ASGI application on a port of its own, for peers over mutual TLS only.

``POST /batch`` takes batches and answers with their receipts; ``POST /add-checkpoint`` is the witness of
C2SP's tlog-witness; ``POST /blob`` hands out parts of a sealed file; ``POST /keys`` takes a key set that
reports a compromise; ``POST /standing`` and ``POST /recall`` tell where both sides stand (``recovery``); the
apps' calls (``calls``) are answered at once; ``GET /alive`` says that the door is open. All else is 404.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from django.db import DatabaseError
from django.utils import timezone

from kouan.core.database.fresh import refresh_connection
from kouan.core.errors import KouanError
from kouan.core.exchange import calls, inbox, keyset, wire, witness
from kouan.core.exchange.blobs.request import MAX_REQUEST
from kouan.core.exchange.blobs.serving import BlobServer
from kouan.core.exchange.entrance.allowance import allowances
from kouan.core.exchange.recovery import door as recovery
from kouan.core.exchange.shapes import MalformedWire
from kouan.core.exchange.times import check_clock, milliseconds
from kouan.core.hands import Hands
from kouan.core.trust.changes import ACKNOWLEDGEMENT_TYPE
from kouan.core.watch import channel

log = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

SENT_HEADER: Final = b"kouan-sent"
"""Request header: the peer's clock as it posts, milliseconds since 1970."""
MAX_CHECKPOINT_REQUEST: Final = 64 * 1024
MAX_HELD: Final = 64 << 20
"""Bytes of batches that the door reads or keeps for its writer at one time."""
CALLS_AT_ONCE: Final = 4
"""Calls that are answered at one time, by each process."""
READ_TIMEOUT: Final = 30.0
"""Seconds in which a whole request body must arrive."""
WRITE_TIMEOUT: Final = 30.0
"""Seconds in which the peer must take an answer."""


class BodyTooLarge(KouanError):
    """A request body beyond the protocol's bound."""

    code = "body-too-large"
    status = 413
    message = "The request body is larger than the protocol allows."


class BodyTooSlow(KouanError):
    """A request body that did not arrive in time."""

    code = "body-too-slow"
    status = 408
    message = "The request body did not arrive in time."


class DoorBusy(KouanError):
    """More is being read than the door holds at once."""

    code = "door-busy"
    status = 503
    retry_after = 1
    message = "The door is taking in as much as it can hold. Try again in a moment."


class Encoded(KouanError):
    """A body in a content coding: nothing between two doors is compressed, so nothing swells."""

    code = "content-encoded"
    status = 415
    message = "Send the body as it is, without a content coding."


class NoClock(KouanError):
    """A request that does not tell the peer's time."""

    code = "no-clock"
    message = "The request does not tell the sender's time."


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the peer."""

    status: int
    content_type: str
    body: bytes
    retry_after: float | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """More of them, of a call's answer."""


class Door:
    """The ASGI application; its database work runs on one thread, the door's only writer."""

    def __init__(self) -> None:
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="door")
        self._callers = Hands(CALLS_AT_ONCE, name="door-calls")
        self._held = 0
        self._blobs = BlobServer()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request, or the server's start and stop."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            began = time.perf_counter()
            answer = await self._answer(scope, receive, send)
            if answer is None:  # a file's parts, sent as they were read
                return
            channel.door_answered(scope["path"], answer.status, seconds=time.perf_counter() - began)
            headers = [
                (b"content-type", answer.content_type.encode()),
                (b"content-length", str(len(answer.body)).encode()),
                (SENT_HEADER, str(milliseconds(timezone.now())).encode()),
                *answer.headers,
            ]
            if answer.retry_after is not None:
                headers.append((b"retry-after", str(math.ceil(answer.retry_after)).encode()))
            async with asyncio.timeout(WRITE_TIMEOUT):
                await send({"type": "http.response.start", "status": answer.status, "headers": headers})
                await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: dict[str, Any], receive: Receive, send: Send) -> Answer | None:
        caller: str = scope["state"]["caller"].side
        try:
            with allowances.request(caller):
                return await self._route(scope, receive, send, caller)
        except KouanError as error:
            if error.retry_after is None:
                allowances.take(caller, refusals=1)
            return _problem(error.status, error.code, str(error), error.retry_after)
        except (
            asyncio.CancelledError
        ):  # the door closes, and this request did not end in the moment that it got
            return _problem(503, "unavailable", "The node is stopping. Try again later.")
        except (DatabaseError, OSError):
            log.exception("the door could not write")
            return _problem(503, "unavailable", "The node cannot take this in now. Try again later.")
        except Exception:  # a peer's bytes must never show a peer our insides
            log.exception("the door failed on a request")
            return _problem(500, "internal", "The node failed on this request; its operator can see why.")

    async def _route(  # noqa: PLR0911 - one answer each
        self, scope: dict[str, Any], receive: Receive, send: Send, caller: str
    ) -> Answer | None:
        if b"content-encoding" in dict(scope["headers"]):
            raise Encoded
        match scope["method"], scope["path"]:
            case "POST", "/batch":
                with self._hold(_announced(scope, wire.MAX_BATCH_BYTES)):
                    body = await _read(scope, receive, wire.MAX_BATCH_BYTES)
                    allowances.take(caller, bytes=len(body))
                    _check_clock(scope)
                    receipts = await self._write(inbox.accept, body, caller)
                return Answer(200, wire.ANSWER_TYPE, receipts)
            case "POST", "/add-checkpoint":
                body = await _read(scope, receive, MAX_CHECKPOINT_REQUEST)
                answer = await self._write(witness.add_checkpoint, body, caller)
                return Answer(answer.status, answer.content_type, answer.body)
            case "POST", "/keys":
                body = await _read(scope, receive, keyset.MAX_KEY_SET)
                _check_clock(scope)
                return Answer(
                    200, ACKNOWLEDGEMENT_TYPE, await self._write(keyset.accept_posted, body, caller)
                )
            case "POST", "/blob":
                body = await _read(scope, receive, MAX_REQUEST)
                _check_clock(scope)
                await self._blobs.serve(body, send, caller)
                return None
            case "POST", path if path in recovery.LIMITS:
                body = await _read(scope, receive, recovery.LIMITS[path])
                said = await self._write(functools.partial(recovery.answer, path), body, caller)
                return Answer(200, recovery.CONTENT_TYPE, said)
            case "POST", path if (answerer := calls.answerer_of(path)) is not None:
                body = await _read(scope, receive, calls.MAX_CALL)
                _check_clock(scope)
                called = calls.Called(caller, path, body, _told(scope))
                return await self._callers.do(functools.partial(_answered, answerer, called))
            case "GET", "/alive":
                return Answer(200, "text/plain", b"open\n")
            case _:
                return _problem(404, "not-found", "There is nothing here.")

    @contextlib.contextmanager
    def _hold(self, size: int) -> Iterator[None]:
        """Count bytes that are being read or wait for the writer; raises ``DoorBusy`` beyond the bound."""
        if self._held + size > MAX_HELD:
            raise DoorBusy
        self._held += size
        try:
            yield
        finally:
            self._held -= size

    async def _write(self, function: Callable[[bytes, str], Any], body: bytes, caller: str) -> Any:
        return await asyncio.get_running_loop().run_in_executor(
            self._writer, _in_connection, function, body, caller
        )


def _in_connection(function: Callable[[bytes, str], Any], body: bytes, caller: str) -> Any:
    refresh_connection()
    return function(body, caller)


def _told(scope: dict[str, Any]) -> dict[str, str]:
    """Return the headers that reach who answers a call; one that comes twice is refused."""
    told: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name = raw.decode("latin-1").lower()
        if name in calls.TOLD:
            if name in told:
                raise MalformedWire(what="request", detail=f"two headers {name}")
            told[name] = value.decode("latin-1")
    return told


def _answered(answerer: calls.Answerer, called: calls.Called) -> Answer:
    refresh_connection()
    said = answerer(called)
    more = tuple(
        (name.encode(), value.encode())
        for name, value in said.headers.items()
        if name in calls.RETURNED and name != "content-type"
    )
    return Answer(said.status, said.headers.get("content-type", "application/json"), said.body, headers=more)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await send({"type": "lifespan.shutdown.complete"})
            return


def _announced(scope: dict[str, Any], limit: int) -> int:
    """Return how long the body says that it is, or ``limit`` if it does not; raises ``BodyTooLarge``."""
    declared = dict(scope["headers"]).get(b"content-length")
    if declared is None:
        return limit
    if not declared.isdigit() or len(declared) > len(str(limit)) or int(declared) > limit:
        raise BodyTooLarge
    return int(declared)


async def _read(scope: dict[str, Any], receive: Receive, limit: int) -> bytes:
    limit = _announced(scope, limit)
    try:
        async with asyncio.timeout(READ_TIMEOUT):
            return await _body(receive, limit)
    except TimeoutError:
        raise BodyTooSlow from None


async def _body(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MalformedWire(what="request", detail="it ended early")
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise BodyTooLarge
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _check_clock(scope: dict[str, Any]) -> None:
    value = dict(scope["headers"]).get(SENT_HEADER, b"")
    if not value.isdigit() or len(value) > 15:  # noqa: PLR2004 - milliseconds for the next 30,000 years
        raise NoClock
    check_clock(milliseconds(timezone.now()), int(value), past=True)


def _problem(status: int, code: str, detail: str, retry_after: float | None = None) -> Answer:
    """Return an RFC 9457 problem document."""
    body = json.dumps({"type": f"urn:kouan:problem:{code}", "status": status, "code": code, "detail": detail})
    return Answer(status, "application/problem+json", body.encode(), retry_after)
