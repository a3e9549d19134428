"""Chores share a few threads: each is done when it is due, alone, and whatever the others do."""

from __future__ import annotations

import threading
import time

import pytest

from kouan.core.chores import Chore
from kouan.core.exchange.errands import Errands
from kouan.core.exchange.worker import Loop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def doing():
    """Run chores on so many threads until the test ends."""
    loops = []

    def start(*chores, threads=2):
        errands = Errands(chores)
        loops.extend(Loop(f"errands-{number}", errands.step) for number in range(threads))
        for loop in loops:
            loop.start()

    yield start
    for loop in loops:
        loop.stop()
    for loop in loops:
        loop.join(10)


def wait_until(holds):
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_each_is_done_again_and_again(doing):
    done = {"often": 0, "more": 0, "seldom": 0}

    def doer(name, *, more=0):
        def run():
            done[name] += 1
            return done[name] <= more

        return run

    doing(
        Chore("often", 0.01, doer("often")),
        Chore("more", 60, doer("more", more=50)),
        Chore("seldom", 60, doer("seldom")),
    )
    wait_until(lambda: done["often"] > 20 and done["more"] == 51)
    assert done["seldom"] == 1


def test_one_is_never_done_twice_at_once(doing):
    inside, most, count = [0], [0], [0]

    def run():
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.005)
        inside[0] -= 1
        count[0] += 1
        return True

    doing(Chore("alone", 1, run), threads=4)
    wait_until(lambda: count[0] > 20)
    assert most == [1]


def test_one_that_breaks_or_waits_keeps_nobody_from_the_others(doing, caplog):
    done = threading.Event()
    waiting = threading.Event()
    tries = [0]

    def wait():
        waiting.wait(20)
        return False

    def fail():
        tries[0] += 1
        raise RuntimeError("broken")

    def run():
        if tries[0] > 1:
            done.set()
        return False

    doing(Chore("waits", 1, wait), Chore("breaks", 1, fail), Chore("works", 0.05, run), threads=2)
    try:
        assert done.wait(20)
    finally:
        waiting.set()
    assert "the worker's chore breaks failed" in caplog.text


def test_what_finds_nothing_is_done_less_often_until_somebody_rings():
    runs = []
    errands = Errands([Chore("looks", 0.1, lambda: bool(runs.append(0)))])
    host = Loop("errands", errands.step)

    def pause():
        before = len(runs)
        while len(runs) == before:
            errands.step(host)
        return errands._due[0][0] - time.monotonic()

    assert pause() == pytest.approx(0.1, abs=0.09)
    while len(runs) < 40:
        pause()
    assert pause() == pytest.approx(0.4, abs=0.09)
    errands.hurry()
    assert errands._due[0][0] - time.monotonic() <= 0.1
    assert pause() == pytest.approx(0.1, abs=0.09)
