"""Chores share a few threads: each is done when it is due, alone, and whatever the others do."""

from __future__ import annotations

import threading
import time

import pytest
from django.conf import settings

from kouan.core import chores
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
        loop.join(60)


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


class Clock:
    """Time that passes when the test says so."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr("kouan.core.exchange.errands.time", clock := Clock())
    return clock


def run_and_tell_the_pause(errands, clock):
    """Let time pass until the one chore is done; return after how many seconds it is due again."""
    clock.now = max(clock.now, errands._due[0][0])
    errands.step(Loop("errands", errands.step))
    return errands._due[0][0] - clock.now


def test_what_finds_nothing_is_done_less_often_until_somebody_rings(clock):
    errands = Errands([Chore("looks", 0.1, lambda: False, idle=5)])
    assert run_and_tell_the_pause(errands, clock) == pytest.approx(0.1)
    clock.now += 16
    assert run_and_tell_the_pause(errands, clock) == pytest.approx(2), "an eighth of the time at rest"
    clock.now += 1000
    assert run_and_tell_the_pause(errands, clock) == pytest.approx(5), "its own limit"
    errands.hurry()
    assert errands._due[0][0] - clock.now == pytest.approx(0.1)
    assert run_and_tell_the_pause(errands, clock) == pytest.approx(0.1)


def test_a_change_has_each_chore_look_soon_and_many_changes_not_at_each(clock):
    errands = Errands([Chore("looks", 0.1, lambda: False, idle=60)])
    clock.now += 1000
    assert run_and_tell_the_pause(errands, clock) == pytest.approx(60)
    errands.look_soon()
    assert errands._due[0][0] - clock.now == pytest.approx(2), "it has just looked"
    clock.now += 30
    errands._due = [(clock.now + 30, *errands._due[0][1:])]
    errands.look_soon()
    assert errands._due[0][0] - clock.now == pytest.approx(0.1)
    assert run_and_tell_the_pause(errands, clock) == pytest.approx(60), "it was one look"


def test_what_looks_elsewhere_than_into_the_database_says_how_long_it_may_rest():
    idle = {chore.name: chore.idle for chore in chores.registered()}
    assert idle["watch"] == settings.NODE.watch.every_s
    assert idle["channels"] <= 1
    assert max(idle["keys"], idle["attached-nats"]) <= 2


def test_many_threads_keep_time_by_one_of_them(doing):
    """Three wait for work, one for the clock: what comes up while a chore waits for somebody is on time."""
    done = threading.Event()
    waiting = threading.Event()

    def wait():
        waiting.wait(60)
        return False

    began = time.monotonic()
    doing(Chore("waits", 60, wait), Chore("later", 0.3, lambda: bool(done.set())), threads=4)
    assert done.wait(60)
    done.clear()
    assert done.wait(60)
    assert time.monotonic() - began < 50, "before the other gave up"
    waiting.set()


def test_rings_that_follow_closely_are_one(clock):
    errands = Errands([Chore("looks", 0.1, lambda: False, idle=60)])
    clock.now += 1000
    errands.hurry()
    assert run_and_tell_the_pause(errands, clock) == pytest.approx(0.1)
    clock.now += 0.1
    errands.hurry()
    due = errands._due[0][0]
    clock.now += 0.01
    errands.hurry()
    assert errands._due[0][0] == due <= clock.now + 0.1
