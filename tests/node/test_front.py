"""The portal's front, called as a server calls it; what stands behind is an application that reads all."""

from __future__ import annotations

import asyncio
import os

import pytest

from kouan.node.front import BODY, Front
from kouan.node.intake import Limits
from kouan.node.refusals import REFUSAL

SMALL = Limits(
    body=1000, drained=3000, memory=100, silence=1.0, start=2.0, rate=100_000, room=3000, sending=1.0
)
CHUNKED = (b"transfer-encoding", b"chunked")


class Behind:
    """Keeps what came through, and answers with the body."""

    def __init__(self) -> None:
        self.seen: list[tuple[dict[bytes, bytes], bytes, object]] = []
        self.scopes = []
        self.hold: asyncio.Event | None = None

    async def __call__(self, scope, _receive, send) -> None:
        body = scope[BODY].read()
        self.scopes.append(scope)
        self.seen.append((dict(scope["headers"]), body, scope[REFUSAL]))
        await asyncio.sleep(0.01)  # a real one takes its time
        if self.hold is not None:
            await self.hold.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for start in range(0, len(body), 100):
            await send({"type": "http.response.body", "body": body[start : start + 100], "more_body": True})
        await send({"type": "http.response.body", "body": b""})


class Client:
    """One request: pieces to send, each after a pause; then silence, or leaving."""

    def __init__(
        self, *pieces: bytes, headers=(), whole=True, leaves=False, pause=0.0, host="192.0.2.1"
    ) -> None:
        self.scope = {
            "type": "http",
            "method": "POST",
            "path": "/validate",
            "query_string": b"",
            "client": (host, 5000),
            "headers": [(b"host", b"node"), *headers],
        }
        self._coming = [
            {"type": "http.request", "body": piece, "more_body": not whole or at < len(pieces)}
            for at, piece in enumerate(pieces, 1)
        ]
        self._leaves = leaves
        self._pause = pause
        self.heard: list[dict] = []

    async def receive(self):
        if self._coming:
            await asyncio.sleep(self._pause)
            return self._coming.pop(0)
        if self._leaves:
            return {"type": "http.disconnect"}
        await asyncio.Event().wait()
        return None

    async def send(self, message) -> None:
        self.heard.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.heard)

    async def ask(self, front: Front) -> None:
        async with asyncio.timeout(30):
            await front(self.scope, self.receive, self.send)


async def until(holds) -> None:
    """Wait until something has come that comes as soon as the machine lets it."""
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.01)


def length(size: int) -> tuple[bytes, bytes]:
    return (b"content-length", str(size).encode())


def ask(client: Client, limits: Limits = SMALL) -> Behind:
    behind = Behind()
    asyncio.run(client.ask(Front(behind, limits)))
    return behind


def refusal(behind: Behind) -> str:
    ((headers, body, error),) = behind.seen
    assert (headers[b"content-length"], body) == (b"0", b"")
    return f"{error.status} {error.code}"


@pytest.mark.parametrize("size", [0, 1, 99, 101, 1000])
def test_a_body_arrives_as_it_was_sent(size):
    data = os.urandom(size)
    pieces = [data[at : at + 64] for at in range(0, size, 64)] or [b""]
    for framing in (length(size), CHUNKED):
        client = Client(*pieces, headers=[framing])
        ((headers, body, error),) = ask(client).seen
        assert (body, client.body, error) == (data, data, None)
        assert headers == {b"host": b"node", b"content-length": str(size).encode()}


def test_what_has_no_body_is_not_waited_for():
    for client in (Client(), Client(b"")):
        ((headers, body, error),) = ask(client).seen
        assert (headers[b"content-length"], body, error) == (b"0", b"", None)
        assert client.heard


def test_nothing_passes_of_who_goes_away():
    for framing in (length(500), CHUNKED):
        client = Client(b"half", headers=[framing], whole=False, leaves=True)
        assert not ask(client).seen
        assert not client.heard
    assert not ask(Client(b"half", headers=[length(500)])).seen, "a server that takes half for whole"


def test_who_stops_is_refused_after_the_silence():
    for framing in (length(500), CHUNKED):
        assert refusal(ask(Client(b"half", headers=[framing], whole=False))) == "408 upload-too-slow"


def test_a_trickle_is_refused_though_it_is_never_silent():
    trickle = Client(*[b"x"] * 50, headers=[length(50)], pause=0.05)
    assert refusal(ask(trickle)) == "408 upload-too-slow"


def test_who_keeps_the_pace_may_take_longer():
    limits = Limits(silence=2.0, start=1.0, rate=1000)
    client = Client(*[bytes(200)] * 5, headers=[length(1000)], pause=0.25)
    ((_, body, error),) = ask(client, limits).seen
    assert (len(body), error) == (1000, None)


def test_of_a_large_body_the_size_alone_passes():
    for size, framing in ((1001, length(1001)), (2500, CHUNKED)):
        client = Client(*[bytes(500)] * (size // 500), bytes(size % 500), headers=[framing])
        ((headers, body, error),) = ask(client).seen
        assert (headers[b"content-length"], body, error) == (str(size).encode(), b"", None)
        assert not client._coming, "read to its end"


def test_of_a_huge_body_nothing_more_is_read():
    client = Client(b"start", headers=[length(1 << 40)], whole=False)
    ((headers, body, _),) = ask(client).seen
    assert (headers[b"content-length"], body) == (str(1 << 40).encode(), b"")
    endless = Client(*[bytes(1000)] * 100, headers=[CHUNKED])
    ((headers, body, _),) = ask(endless).seen
    assert (headers[b"content-length"], body) == (b"4000", b"")


@pytest.mark.parametrize(
    "headers",
    [
        [length(4), CHUNKED],
        [length(4), length(5)],
        [(b"content-length", b"+4")],
        [(b"content-length", b"")],
        [(b"content-length", b"9" * 30)],
        [(b"transfer-encoding", b"gzip, chunked")],
        [CHUNKED, CHUNKED],
    ],
)
def test_what_two_readers_would_read_differently_is_refused(headers):
    client = Client(b"data", headers=headers)
    assert not ask(client).seen
    assert client.heard[0]["status"] == 400
    assert (b"connection", b"close") in client.heard[0]["headers"]


def test_no_header_passes_in_another_ones_disguise():
    ((headers, _, _),) = ask(Client(headers=[(b"x_forwarded_for", b"a"), (b"x-real", b"b")])).seen
    assert set(headers) == {b"host", b"x-real", b"content-length"}


def test_a_query_in_raw_utf_8_is_spelt_in_ascii():
    client = Client()
    client.scope["query_string"] = "q=%FF&n=澳".encode()
    assert ask(client).scopes[0]["query_string"] == b"q=%FF&n=%E6%BE%B3"


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        (["192.0.2.1"] * 3, "429 too-many-uploads"),
        (["2001:db8::1", "2001:db8::2", "2001:db8::3"], "429 too-many-uploads"),
        (["::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"], "429 too-many-uploads"),
        (["192.0.2.1", "192.0.2.2", "192.0.2.3"], None),
        (["127.0.0.1"] * 4, None),
        (["127.0.0.1"] * 5, "503 portal-busy"),
    ],
)
def test_so_many_at_once_and_no_more(hosts, expected):
    behind = Behind()
    limits = Limits(silence=1.0, receiving=4, receiving_from_one=2)

    async def run() -> None:
        front = Front(behind, limits)
        stalled = [Client(b"half", headers=[length(50)], whole=False, host=host) for host in hosts]
        tasks = [asyncio.create_task(client.ask(front)) for client in stalled]
        await until(lambda: len(behind.seen) >= bool(expected))
        await asyncio.sleep(0.1)
        early = [error for _, _, error in behind.seen]
        assert [f"{error.status} {error.code}" for error in early] == ([expected] if expected else [])
        assert all("seconds" in error.params for error in early), "which is what makes a Retry-After"
        await asyncio.gather(*tasks)
        behind.seen.clear()
        await Client(b"whole", headers=[length(5)]).ask(front)
        assert behind.seen[0][1:] == (b"whole", None), "all slots are free again"

    asyncio.run(run())


def test_the_room_is_held_until_the_answer():
    async def run() -> None:
        behind = Behind()
        behind.hold = asyncio.Event()
        front = Front(behind, SMALL)
        held = [Client(bytes(1000), headers=[length(1000)]) for _ in range(3)]
        tasks = [asyncio.create_task(client.ask(front)) for client in held]
        await until(lambda: len(behind.seen) == 3)
        late = asyncio.create_task(Client(b"a", headers=[length(1)]).ask(front))
        await until(lambda: len(behind.seen) == 4)
        assert [getattr(error, "code", None) for _, _, error in behind.seen] == [None] * 3 + ["portal-busy"]
        behind.hold.set()
        await asyncio.gather(*tasks, late)
        await Client(b"a", headers=[length(1)]).ask(front)
        assert behind.seen[-1][1:] == (b"a", None)

    asyncio.run(run())


def test_an_answer_that_nobody_reads_is_given_up():
    class Deaf(Client):
        async def send(self, message) -> None:
            self.heard.append(message)
            if message.get("body"):
                await asyncio.Event().wait()

    client = Deaf(bytes(1000), headers=[length(1000)])
    ask(client)
    assert len(client.heard) == 2, "the start and the piece that was left unread"


def test_of_a_long_answer_to_who_has_left_the_rest_is_dropped():
    client = Client(bytes(1000), headers=[length(1000)], leaves=True)
    behind = Behind()
    behind.hold = asyncio.Event()

    async def run() -> None:
        task = asyncio.create_task(client.ask(Front(behind, SMALL)))
        await until(lambda: behind.seen)
        await asyncio.sleep(0.05)
        behind.hold.set()
        await task

    asyncio.run(run())
    assert len(behind.seen) == 1
    assert [message["type"] for message in client.heard] == ["http.response.start"]
