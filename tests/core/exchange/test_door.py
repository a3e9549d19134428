"""The door as an ASGI application: routes, bounds, clocks and what a peer gets to read."""

from __future__ import annotations

import asyncio
import json

import pytest
from django.db import DatabaseError

from core.exchange.asking import SameConnection, ask, code_of
from kouan.core.exchange import door as door_module
from kouan.core.exchange import inbox, wire
from kouan.core.exchange.door import MAX_CHECKPOINT_REQUEST, MAX_HELD, Door, DoorBusy
from kouan.core.exchange.models import ReceivedBatch

pytestmark = pytest.mark.usefixtures("note")


@pytest.fixture
def door(db):
    made = Door()
    made._writer.shutdown()
    made._writer = SameConnection()
    return made


def post(door, peer, body, **more):
    clock = more.pop("clock", peer.now())
    headers = {"kouan-sent": None if clock is None else str(clock)} | more.pop("headers", {})
    return ask(door, "POST", "/batch", body, headers=headers, **more)


def test_a_batch_is_answered_with_its_receipt(door, gd):
    posted = gd.batch(gd.say())
    status, headers, body = post(door, gd, posted.wire)
    assert (status, headers["content-type"]) == (200, wire.ANSWER_TYPE)
    assert gd.read_receipt(body, posted)["status"] == [None]
    assert abs(int(headers["kouan-sent"]) - gd.now()) < 60_000
    assert post(door, gd, posted.wire)[2] == body


def test_a_body_may_come_in_pieces(door, gd):
    posted = gd.batch(gd.say())
    pieces = [posted.wire[at : at + 100] for at in range(0, len(posted.wire), 100)]
    status, _, body = post(door, gd, posted.wire, parts=pieces, headers={"content-length": None})
    assert status == 200
    assert gd.read_receipt(body, posted)


def test_each_refusal_is_a_problem_document(door, gd, unchanged):
    good = gd.batch(gd.say())
    with unchanged():
        assert code_of(post(door, gd, b"")) == (400, "malformed-wire")
        assert code_of(post(door, gd, good.wire[:-1])) == (400, "malformed-wire")
        assert code_of(post(door, gd, good.wire + b"\x00")) == (400, "malformed-wire")
        assert code_of(post(door, gd, gd.batch(gd.say(), **{"from": "xx"}).wire)) == (404, "unknown-member")
        assert code_of(post(door, gd, gd.batch(gd.say(), to="mo").wire)) == (403, "not-for-us")
        assert code_of(post(door, gd, gd.batch(gd.say(), first=9).wire)) == (409, "sequence-gap")
        assert code_of(post(door, gd, gd.batch(gd.say(), rkid=b"").wire)) == (422, "unknown-seal-key")
        assert code_of(ask(door, "GET", "/batch")) == (404, "not-found")
        assert code_of(ask(door, "POST", "/")) == (404, "not-found")
        assert code_of(ask(door, "PUT", "/batch")) == (404, "not-found")
        assert ask(door, "GET", "/alive")[2] == b"open\n"


@pytest.mark.parametrize("minutes", [10, -10])
def test_a_clock_ten_minutes_off_is_told_so(door, gd, unchanged, minutes):
    posted = gd.batch(gd.say())
    with unchanged():
        answer = post(door, gd, posted.wire, clock=gd.now() + minutes * 60_000)
        assert code_of(answer) == (400, "clock-apart")
        assert "600 seconds" in json.loads(answer[2])["detail"] or "599" in json.loads(answer[2])["detail"]
    assert post(door, gd, posted.wire, clock=gd.now() + minutes * 24_000)[0] == 200


@pytest.mark.parametrize("clock", [None, "", "now", "-1", "1e12", "٣" * 13, "1" * 16])
def test_a_request_without_a_clock(door, gd, unchanged, clock):
    with unchanged():
        assert code_of(post(door, gd, gd.batch(gd.say()).wire, clock=clock)) == (400, "no-clock")


def test_an_oversized_body_is_refused_before_it_is_read(door, gd, unchanged):
    with unchanged():
        for claim in (str(wire.MAX_BATCH_BYTES + 1), "9" * 5000, "-1", "x"):
            answer = post(door, gd, b"", headers={"content-length": claim}, parts=[], end="never")
            assert code_of(answer) == (413, "body-too-large")
        endless = [bytes(1 << 20)] * 17
        answer = post(door, gd, b"", headers={"content-length": None}, parts=endless)
        assert code_of(answer) == (413, "body-too-large")
        answer = ask(door, "POST", "/add-checkpoint", bytes(MAX_CHECKPOINT_REQUEST + 1))
        assert code_of(answer) == (413, "body-too-large")


def test_a_body_that_stops_half_way(door, gd, unchanged, monkeypatch):
    posted = gd.batch(gd.say())
    half = [posted.wire[:50]]
    with unchanged():
        assert code_of(post(door, gd, posted.wire, parts=half, end="gone")) == (400, "malformed-wire")
        monkeypatch.setattr(door_module, "READ_TIMEOUT", 0.05)
        answer = post(door, gd, posted.wire, parts=[posted.wire[:50]], end="never")
        assert code_of(answer) == (408, "body-too-slow")


def test_what_breaks_inside_is_not_shown(door, gd, unchanged, monkeypatch, caplog):
    inside = "row 17 of A123456(3)"

    def broken(error):
        def accept(_body, _caller):
            raise error

        return accept

    with unchanged():
        monkeypatch.setattr(inbox, "accept", broken(RuntimeError(inside)))
        answer = post(door, gd, b"x")
        assert code_of(answer) == (500, "internal")
        assert inside.encode() not in answer[2]
        monkeypatch.setattr(inbox, "accept", broken(DatabaseError(inside)))
        answer = post(door, gd, b"x")
        assert code_of(answer) == (503, "unavailable")
        assert inside.encode() not in answer[2]
    assert len(caplog.records) == 2


def test_a_commit_that_fails_is_never_receipted(door, gd, monkeypatch):
    posted = gd.batch(gd.say())

    def full(*_arguments, **_more):
        raise DatabaseError("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(inbox, "update_many", full)
        assert code_of(post(door, gd, posted.wire)) == (503, "unavailable")
    assert not ReceivedBatch.objects.exists()
    assert post(door, gd, posted.wire)[0] == 200


def test_the_servers_start_and_stop_are_answered(door):
    incoming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent = []

    async def receive():
        return incoming.pop(0)

    async def send(message):
        sent.append(message["type"])

    asyncio.run(door({"type": "lifespan"}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_the_door_holds_only_so_much_at_once():
    door = Door()
    with door._hold(MAX_HELD - 10):
        with pytest.raises(DoorBusy), door._hold(11):
            raise AssertionError("it was let in")
        with door._hold(10):
            pass
    with door._hold(MAX_HELD):
        pass
