"""The worker's threads at rest: long where nothing happens, and up at once when anything does."""

from __future__ import annotations

import threading
import time

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from kouan.core.exchange import wake
from kouan.core.exchange.worker import IDLE_LOOK, LONGEST_REST, Loop, Worker


def rested(loop, **how):
    began = time.monotonic()
    loop.rest(**how)
    return time.monotonic() - began


def shortest(loop):
    """The shortest of some rests: each is longer where the machine has other work."""
    return min(rested(loop) for _ in range(3))


def test_a_thread_rests_the_longer_the_longer_nobody_has_rung():
    loop = Loop("rests", lambda _: None)
    assert IDLE_LOOK <= shortest(loop) < LONGEST_REST
    loop._rung_at -= 1000
    assert rested(loop) >= LONGEST_REST
    threading.Timer(0.05, loop.ring).start()
    assert rested(loop, seconds=60) < 50, "a ring ends it"
    assert IDLE_LOOK <= shortest(loop) < LONGEST_REST
    loop.ring()
    assert rested(loop, seconds=60) < 50, "also one from before it began"


class Host:
    def pause(self, seconds):
        assert seconds == IDLE_LOOK


@pytest.mark.django_db(transaction=True)
def test_whatever_changes_in_the_database_has_everybody_look_although_nobody_rang():
    worker = Worker()
    resting = worker._resting
    end = time.monotonic() + 20
    while True:  # on a server of many databases others change too
        for loop in resting:
            loop._bell.clear()
        worker._look(Host())
        if not any(loop._bell.is_set() for loop in resting):
            break
        assert time.monotonic() < end

    def change():
        Group.objects.create(name="written by somebody who rings nobody")
        connection.close()

    thread = threading.Thread(target=change)
    thread.start()
    thread.join(20)
    worker._look(Host())
    assert all(loop._bell.is_set() for loop in resting)


def test_a_ring_reaches_the_threads_that_it_is_for():
    worker = Worker()
    worker._rung({wake.OUTBOX})
    assert not worker._handler._bell.is_set()
    worker._rung({wake.INBOX})
    assert worker._handler._bell.is_set()
