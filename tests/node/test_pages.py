"""Django's answers on their way from a thread to the event loop."""

from __future__ import annotations

import asyncio
import io
import threading

import pytest
from django.http import HttpResponse, StreamingHttpResponse

from kouan.node.front import BODY
from kouan.node.pages import Threads
from kouan.node.refusals import REFUSAL

SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/somewhere",
    "query_string": b"a=1",
    "http_version": "1.1",
    "headers": [(b"content-type", b"text/plain"), (b"dpop", b"one")],
    "client": ("192.0.2.1", 5000),
    REFUSAL: None,
}


class Pages:
    """Stands for Django's own application: answers, and remembers what it was asked and by which thread."""

    def __init__(self, answer):
        self.answer = answer
        self.closed = []
        answer.close = lambda: self.closed.append(threading.get_ident())

    def __call__(self, environ, start):
        self.asked = environ
        self.body = environ["wsgi.input"].read()
        self.thread = threading.get_ident()
        start(f"{self.answer.status_code} Whatever", [("Content-Type", "text/plain"), ("X-Name", "é")])
        return self.answer


def ask(pages, send=None):
    heard = []

    async def keep(message):
        heard.append(message)

    async def run():
        scope = {**SCOPE, BODY: io.BytesIO(b"the body")}
        await Threads(pages, 1)(scope, None, send or keep)

    asyncio.run(run())
    return heard


def test_a_short_answer_comes_back_whole():
    pages = Pages(HttpResponse(b"answer", status=201))
    start, body = ask(pages)
    assert start["status"] == 201
    assert start["headers"] == [(b"content-type", b"text/plain"), (b"x-name", b"\xe9")]
    assert body == {"type": "http.response.body", "body": b"answer"}
    assert (pages.body, pages.asked["HTTP_DPOP"], pages.asked["REMOTE_ADDR"]) == (
        b"the body",
        "one",
        "192.0.2.1",
    )
    assert pages.closed == [pages.thread]
    assert pages.thread != threading.get_ident()


def test_a_long_answer_comes_piece_by_piece_from_one_thread():
    makers = []

    def pieces():
        for piece in (b"one", b"two", b"three"):
            makers.append(threading.get_ident())
            yield piece

    pages = Pages(StreamingHttpResponse(pieces()))
    start, *rest = ask(pages)
    assert start["status"] == 200
    assert [(each["body"], each.get("more_body", False)) for each in rest] == [
        (b"one", True),
        (b"two", True),
        (b"three", True),
        (b"", False),
    ]
    assert set(makers) == {pages.thread} == set(pages.closed)


def test_no_piece_is_made_before_the_last_one_is_taken():
    made, taken = [], []

    def pieces():
        for number in range(3):
            assert len(taken) >= number
            made.append(number)
            yield b"%d" % number

    async def slow(message):
        await asyncio.sleep(0.02)
        if message.get("body"):
            taken.append(message["body"])

    ask(Pages(StreamingHttpResponse(pieces())), slow)
    assert taken == [b"0", b"1", b"2"]


def test_what_fails_is_closed_and_told_to_the_server():
    def pieces():
        yield b"one"
        raise OSError("the disk")

    pages = Pages(StreamingHttpResponse(pieces()))
    with pytest.raises(OSError, match="the disk"):
        ask(pages)
    assert pages.closed == [pages.thread]


def test_the_server_may_start_and_stop_it():
    heard = []

    async def run():
        async def receive():
            return {"type": "lifespan"}

        async def send(message):
            heard.append(message["type"])

        await Threads(Pages(HttpResponse()), 1)({"type": "lifespan"}, receive, send)

    asyncio.run(run())
    assert heard == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
