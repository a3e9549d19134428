"""Handlers stop on one side: its inbox fills, the other side stops sealing, its producers are refused."""

from __future__ import annotations

import os
import signal
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from journeys import inside
from journeys.conftest import EXCHANGE, Group, make_group
from journeys.nodes import form, say, wait_until
from journeys.test_validation import DEGREE, register

if TYPE_CHECKING:
    from collections.abc import Iterator

CREDIT = 6_000
MOST = 40
LIMITS = EXCHANGE | {"inbox_credit": CREDIT, "outbox_max": MOST, "batch_max": 5}


@pytest.fixture
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    group = make_group(tmp_path_factory.mktemp("narrow"), ("hk", "gd"), LIMITS)
    group.put_in_order()
    yield group
    group.close()


def test_a_side_whose_handlers_stand_still_slows_the_other_and_catches_up(narrow: Group) -> None:
    hk, gd = narrow["hk"], narrow["gd"]
    _, carried = register(gd, DEGREE)
    first = hk.run(inside.ask, "gd", 2)
    wait_until(lambda: "" not in hk.run(inside.outcomes, first), 30, "the first answers")
    narrow.wait_at_rest()

    workers = gd.all_of("worker")
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    try:
        asked = []
        refused_at = None
        until = time.monotonic() + 60
        while refused_at is None and time.monotonic() < until:
            try:
                asked += hk.run(inside.ask, "gd", 1)
            except AssertionError as error:
                assert "OutboxFull" in str(error)  # noqa: PT017 - raised in another process, told as text
                refused_at = len(asked)
            time.sleep(0.05)
        assert refused_at is not None, "the producer was never refused"
        held = gd.run(inside.busy)
        waiting = hk.run(inside.line, "gd").waiting
        say(f"refused after {refused_at} questions; gd: {held}; {waiting} wait at hk")
        assert waiting >= MOST - 10, "hk went on sealing"
        unhandled = next(int(each.split()[0]) for each in held if "handle" in each)
        assert unhandled < refused_at

        # A message a second still goes, to hear whether there are credits: a place may have come free.
        api = hk.upload("/validations?wait=0", "file", carried)
        while api.status == HTTPStatus.ACCEPTED:
            api = hk.upload("/validations?wait=0", "file", carried)
        assert (api.status, api.json()["code"]) == (503, "outbox-full")
        assert int({name.lower(): value for name, value in api.headers.items()}["retry-after"]) >= 1
        told = {}
        for language in ("en", "zh-hant", "zh-hans"):
            content_type, body = form("file", carried)
            headers = {
                "Authorization": f"Bearer {hk.token}",
                "Content-Type": content_type,
                "Accept-Language": language,
            }
            answer = hk.request("POST", "/api/v1/validations?wait=0", body, headers)
            while answer.status == HTTPStatus.ACCEPTED:
                answer = hk.request("POST", "/api/v1/validations?wait=0", body, headers)
            told[language] = answer.json()["detail"]
        assert len(set(told.values())) == 3
        say(str(told))
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
    wait_until(lambda: "" not in hk.run(inside.outcomes, asked), 120, "the answers to all that was taken")
    assert set(hk.run(inside.outcomes, asked)) == {"unknown"}
    narrow.prove()
