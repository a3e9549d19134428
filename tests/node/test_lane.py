"""Requests that need no page: answered in turn, and those that wait together share one commit."""

from __future__ import annotations

import asyncio
import io
import threading

import pytest
from django.db import connection, transaction

from kouan.apps.identity.models import SpentToken
from kouan.apps.identity.provider.asked import as_json
from kouan.apps.identity.provider.portal import Program
from kouan.core.database.rows import engine
from kouan.node import lane as lanes
from kouan.node import programs
from kouan.node.lane import Lane
from kouan.node.refusals import REFUSAL

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 12


def told(text):
    return [{"type": "http.response.start"}, {"type": "http.response.body", "body": text}]


def ask(lane, paths):
    """Have a lane answer requests that come at once, and return what it says to each."""

    async def run():
        return await asyncio.gather(*(lane.answer({"PATH_INFO": path}) for path in paths))

    return asyncio.run(run())


def started(answerers):
    made = Lane(answerers)
    made.start()
    return made


def program(body):
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/oidc/token",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": "127.0.0.1:18100",
        "wsgi.input": io.BytesIO(body),
        REFUSAL: None,
    }


def keep(number):
    with transaction.atomic():
        SpentToken.objects.create(digest=bytes([number]) * 32, expires_at="2026-11-29T00:00:00Z")


def test_each_is_told_its_own_answer_and_what_is_for_django_is_left():
    lane = started({"/one": lambda _: told(b"one"), "/other": lambda _: None})
    assert lane.takes("/one")
    assert not lane.takes("/elsewhere")
    assert ask(lane, ["/one", "/other", "/one"]) == [told(b"one"), None, told(b"one")]


def test_whatever_breaks_is_djangos_and_the_next_is_answered(monkeypatch):
    def broken(_environ):
        raise RuntimeError("broken")

    lane = started({"/broken": broken, "/one": lambda _: told(b"one")})
    assert ask(lane, ["/broken"]) == [None]
    assert ask(lane, ["/one"]) == [told(b"one")]


@pytest.mark.sqlite
def test_those_that_wait_together_share_a_commit():
    """A first one holds the lane until the others are there; one transaction keeps what all of them do."""
    held_up, free, commits, open_at = threading.Event(), threading.Event(), [], []

    def hold(_environ):
        held_up.set()
        free.wait(60)
        return told(b"held")

    def work(environ):
        keep(int(environ["PATH_INFO"][1:]))
        open_at.append(connection.in_atomic_block)
        transaction.on_commit(lambda: commits.append(environ["PATH_INFO"]))
        return told(environ["PATH_INFO"].encode())

    paths = [f"/{number}" for number in range(1, MANY)]
    lane = started({"/hold": hold, **dict.fromkeys(paths, work)})

    async def run():
        first = asyncio.create_task(lane.answer({"PATH_INFO": "/hold"}))
        await asyncio.to_thread(held_up.wait, 60)
        others = [asyncio.create_task(lane.answer({"PATH_INFO": path})) for path in paths]
        await asyncio.sleep(0.1)
        free.set()
        return await asyncio.gather(first, *others)

    held, *answers = asyncio.run(run())
    assert held == told(b"held")
    assert answers == [told(path.encode()) for path in paths]
    assert all(open_at)
    assert commits == paths
    assert SpentToken.objects.count() == len(paths)


@pytest.mark.sqlite
def test_a_group_that_is_not_kept_is_answered_one_by_one():
    """What is said is what the database has: no answer leaves before the commit, none for what was undone."""

    def work(environ):
        keep(int(environ["PATH_INFO"][1:]))
        if connection.in_atomic_block and environ["PATH_INFO"] == "/3":
            transaction.set_rollback(True)  # as after a fault of the database
        return told(environ["PATH_INFO"].encode())

    lane = Lane(dict.fromkeys(("/1", "/2", "/3"), work))
    answers = lane._answers([{"PATH_INFO": path} for path in ("/1", "/2", "/3")])
    assert answers == [told(b"/1"), told(b"/2"), told(b"/3")]
    assert SpentToken.objects.count() == 3


@pytest.mark.sqlite
def test_a_program_that_is_answered_again_is_read_again(monkeypatch):
    """The second time its body is there as it was the first time."""
    bodies = []

    def endpoint(asked):
        bodies.append(asked.body)
        if connection.in_atomic_block:
            transaction.set_rollback(True)
        return as_json({})

    monkeypatch.setattr(programs, "PROGRAMS", {"/oidc/token": Program("identity:token", endpoint)})
    lane = Lane({"/oidc/token": programs.answered})
    group = [program(body) for body in (b"one=1", b"two=2")]
    assert [answer[0]["status"] for answer in lane._answers(group)] == [200, 200]
    assert bodies == [b"one=1", b"two=2"] * 2


@pytest.mark.parametrize(("broken", "said"), [(1, None), (2, told(b"one"))])
def test_whatever_happens_the_thread_goes_on(monkeypatch, broken, said):
    """A session that cannot be had is Django's to tell of; one that cannot be given back undoes no answer."""
    calls = []

    def closes():
        calls.append(True)
        if len(calls) == broken:
            raise OSError("the pool")

    monkeypatch.setattr(lanes, "close_old_connections", closes)
    lane = started({"/one": lambda _: told(b"one")})
    assert ask(lane, ["/one"]) == [said]
    assert ask(lane, ["/one"]) == [told(b"one")]


@pytest.mark.postgresql
def test_on_a_server_each_has_a_transaction_of_its_own():
    within = []

    def work(_environ):
        within.append(connection.in_atomic_block)
        return told(b"")

    lane = started({"/one": work})
    ask(lane, ["/one"] * MANY)
    assert within == [False] * MANY


def test_whoever_has_left_costs_nobody_an_answer():
    free = threading.Event()

    def slow(_environ):
        free.wait(60)
        return told(b"slow")

    lane = started({"/slow": slow, "/one": lambda _: told(b"one")})

    async def run():
        left = asyncio.create_task(lane.answer({"PATH_INFO": "/slow"}))
        await asyncio.sleep(0.05)
        left.cancel()
        free.set()
        return await lane.answer({"PATH_INFO": "/one"})

    assert asyncio.run(run()) == told(b"one")


def test_threads_are_few():
    before = threading.active_count()
    started({})
    assert threading.active_count() - before == (1 if engine() == "sqlite" else lanes.THREADS)
