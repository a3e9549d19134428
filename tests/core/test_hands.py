"""Threads that answer requests: whoever was busy last is asked next."""

from __future__ import annotations

import asyncio
import threading

import pytest

from kouan.core.hands import Hands


def test_requests_in_turn_are_answered_by_one_thread():
    hands = Hands(8, name="hands")

    async def run():
        return {await hands.do(threading.get_ident) for _ in range(20)}

    (thread,) = asyncio.run(run())
    assert thread != threading.get_ident()


def test_whoever_was_busy_last_is_asked_next():
    hands = Hands(3, name="hands")
    gates = [threading.Event() for _ in range(3)]

    begun = threading.Barrier(len(gates) + 1)

    def hold(gate):
        begun.wait(60)
        gate.wait(60)
        return threading.get_ident()

    async def run():
        held = [asyncio.create_task(hands.do(lambda gate=gate: hold(gate))) for gate in gates]
        await asyncio.to_thread(begun.wait, 60)
        ended = []
        for at in (1, 2, 0):
            gates[at].set()
            ended.append(await held[at])
            await asyncio.sleep(0.05)
        return ended, [await hands.do(threading.get_ident) for _ in range(3)]

    ended, asked = asyncio.run(run())
    assert len(set(ended)) == 3
    assert asked == [ended[-1]] * 3


def test_there_are_never_more_and_who_waits_is_served_in_order():
    hands = Hands(2, name="hands")
    gate, busy, most, served = threading.Event(), [], [], []

    def work(number):
        busy.append(number)
        most.append(len(busy))
        if number < 2:
            gate.wait(60)
        served.append(number)
        busy.remove(number)
        return number

    async def run():
        tasks = [asyncio.create_task(hands.do(lambda number=number: work(number))) for number in range(9)]
        await asyncio.sleep(0.1)
        gate.set()
        return await asyncio.gather(*tasks)

    assert asyncio.run(run()) == list(range(9))
    assert max(most) == 2
    begun = [number for number in served if number >= 2]
    assert sorted(begun) == list(range(2, 9))
    assert begun[0] in (2, 3)


def test_what_goes_wrong_is_told_to_whoever_asked_and_the_thread_goes_on():
    hands = Hands(1, name="hands")

    def broken():
        raise LookupError("what it was")

    async def run():
        with pytest.raises(LookupError, match="what it was"):
            await hands.do(broken)
        return await hands.do(lambda: "well")

    assert asyncio.run(run()) == "well"


def test_whoever_has_left_costs_nobody_an_answer():
    hands = Hands(1, name="hands")
    gate = threading.Event()

    async def run():
        left = asyncio.create_task(hands.do(lambda: gate.wait(60)))
        await asyncio.sleep(0.05)
        left.cancel()
        gate.set()
        return await hands.do(lambda: "answer")

    assert asyncio.run(run()) == "answer"


def test_a_thread_that_could_not_begin_is_not_counted(monkeypatch):
    hands = Hands(1, name="hands")

    def no_room(_self):
        raise RuntimeError("can't start new thread")

    async def run():
        with monkeypatch.context() as full:
            full.setattr(threading.Thread, "start", no_room)
            with pytest.raises(RuntimeError):
                await hands.do(lambda: "never")
        return await hands.do(lambda: "answer")

    assert asyncio.run(run()) == "answer"


def test_a_server_that_has_stopped_ends_them():
    hands = Hands(1, name="stopping")
    gate = threading.Event()

    async def run():
        asyncio.create_task(hands.do(lambda: gate.wait(60)))  # noqa: RUF006 - it is to be left behind
        await asyncio.sleep(0.05)

    asyncio.run(run())
    gate.set()
    for thread in threading.enumerate():
        if thread.name.startswith("stopping"):
            thread.join(60)
            assert not thread.is_alive()
