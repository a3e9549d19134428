"""Asking the door as an ASGI server would, with its threads on the test's own database connection."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import Executor, Future

from django.db import connections

from kouan.core.exchange.entrance.roll import Caller


class SameConnection(Executor):
    """Runs what the door writes in a thread of its own, but on the test's database connection."""

    def __init__(self):
        self._connection = connections["default"]

    def submit(self, function, /, *arguments):
        future = Future()
        shared = self._connection

        def run():
            connections["default"] = shared
            try:
                future.set_result(function(*arguments))
            except BaseException as error:  # noqa: BLE001 - handed on to whoever waits
                future.set_exception(error)

        shared.inc_thread_sharing()
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        shared.dec_thread_sharing()
        return future

    async def do(self, work):
        """Stand for ``Hands``, too."""
        return self.submit(work).result()


def ask(  # noqa: PLR0913 - what a request may hold
    door, method, path, body=b"", *, headers=None, parts=None, end="whole", caller="gd"
):
    """Send one request and return (status, headers, body)."""
    headers = {"content-length": str(len(body))} | (headers or {})
    pieces = [body] if parts is None else list(parts)
    sent = []

    async def receive():
        if pieces:
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces) or end != "whole"}
        if end == "never":
            await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "state": {"caller": Caller(caller, b"")},
        "headers": [(name.encode(), value.encode()) for name, value in headers.items() if value is not None],
    }
    asyncio.run(door(scope, receive, send))
    start, content = sent
    return start["status"], {k.decode(): v.decode() for k, v in start["headers"]}, content["body"]


def code_of(answer):
    status, headers, body = answer
    problem = json.loads(body)
    assert headers["content-type"] == "application/problem+json"
    assert (problem["status"], problem["type"]) == (status, f"urn:kouan:problem:{problem['code']}")
    assert int(headers["content-length"]) == len(body)
    return status, problem["code"]
