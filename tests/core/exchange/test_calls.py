"""Calls: what the door hands to an app, what goes back, and who asks over a real connection."""

from __future__ import annotations

import json

import pytest

from core.exchange.asking import SameConnection, ask, code_of
from kouan.core.errors import KouanError
from kouan.core.exchange import calls
from kouan.core.exchange.calls import CallAnswer
from kouan.core.exchange.door import Door

pytestmark = pytest.mark.usefixtures("note")


class Refused(KouanError):
    code = "refused-by-the-app"
    status = 422
    message = "The app says no."


@pytest.fixture
def door(db):
    made = Door()
    made._callers = SameConnection()
    return made


@pytest.fixture
def answering(monkeypatch):
    """Name who answers a path, for one test."""
    known = dict(calls._answerers)
    monkeypatch.setattr(calls, "_answerers", known)
    return calls.answer


def call(door, gd, path, body=b"", *, headers=None):
    return ask(door, "POST", path, body, headers={"kouan-sent": str(gd.now())} | (headers or {}))


def test_an_app_answers_whom_tls_names(door, gd, answering):
    seen = []

    def answerer(called):
        seen.append(called)
        return CallAnswer(201, b"{}", {"content-type": "application/json", "cache-control": "no-store"})

    answering("/test/echo", answerer)
    status, headers, body = call(
        door, gd, "/test/echo", b"said", headers={"DPoP": "proof", "cookie": "a=b", "x-side": "mo"}
    )
    assert (status, body, headers["cache-control"]) == (201, b"{}", "no-store")
    (called,) = seen
    assert (called.caller, called.path, called.body) == ("gd", "/test/echo", b"said")
    assert dict(called.headers) == {"dpop": "proof"}


def test_only_named_headers_go_back(door, gd, answering):
    answering("/test/more", lambda _: CallAnswer(200, b"", {"set-cookie": "a=b", "dpop-nonce": "n"}))
    _, headers, _ = call(door, gd, "/test/more")
    assert "set-cookie" not in headers
    assert headers["dpop-nonce"] == "n"


def test_what_nobody_answers_is_not_there(door, gd):
    assert code_of(call(door, gd, "/test/nothing")) == (404, "not-found")


def test_a_get_is_not_a_call(door, answering):
    answering("/test/get", lambda _: CallAnswer(200, b""))
    assert code_of(ask(door, "GET", "/test/get")) == (404, "not-found")


def test_too_large(door, gd, answering):
    answering("/test/large", lambda _: pytest.fail("it was read"))
    assert code_of(call(door, gd, "/test/large", b"x" * (calls.MAX_CALL + 1))) == (413, "body-too-large")


def test_a_header_that_comes_twice(door, gd, answering):
    answering("/test/twice", lambda _: pytest.fail("it was answered"))
    assert code_of(call(door, gd, "/test/twice", headers={"dpop": "a", "DPoP": "b"}))[0] == 400


@pytest.mark.parametrize("clock", [None, "0", "x"])
def test_a_clock_that_is_off(door, answering, clock):
    answering("/test/clock", lambda _: pytest.fail("it was answered"))
    headers = {} if clock is None else {"kouan-sent": clock}
    assert ask(door, "POST", "/test/clock", headers=headers)[0] in {400, 422}


def test_errors_are_problems_and_tell_no_insides(door, gd, answering):
    def refuse(_):
        raise Refused

    def fail(_):
        raise RuntimeError("the database's password is …")

    answering("/test/refuse", refuse)
    answering("/test/fail", fail)
    assert code_of(call(door, gd, "/test/refuse")) == (422, "refused-by-the-app")
    answer = call(door, gd, "/test/fail")
    assert code_of(answer) == (500, "internal")
    assert "password" not in json.loads(answer[2])["detail"]


@pytest.mark.parametrize("path", ["/one", "one/two", "/A/b", "/a/b/c/d", "/a/b?c", "/a//b", "/batch"])
def test_names_of_calls(answering, path):
    with pytest.raises(ValueError, match="call"):
        answering(path, lambda _: CallAnswer(200, b""))


def test_one_answers(answering):
    answering("/test/once", lambda _: CallAnswer(200, b""))
    with pytest.raises(ValueError, match="two answer"):
        answering("/test/once", lambda _: CallAnswer(200, b""))
