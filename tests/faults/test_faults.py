"""Faults of every kind, by a seed that is printed; afterwards both databases and both ledgers are proved.

``make faults`` runs 200 (``FAULTS=… SEED=…``); without these, a short run.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter

import pytest

from faults import inside, space
from faults.accidents import ACCIDENTS
from faults.checker import Books, prove_books
from faults.planted import unnoticed
from faults.world import World
from journeys.nodes import say, wait_until

SHORT = 12
PROVE_EVERY = 25
READ_AGAIN = 10
FAULTS = int(os.environ.get("FAULTS") or SHORT)


def plan(seed: int, count: int) -> list:
    """Return the accidents of a run, in their order: each kind as often as it should be, and by chance."""
    chance = random.Random(f"plan {seed}")  # noqa: S311 - accidents keep no secret
    kinds = [kind for _, kind in ACCIDENTS]
    drawn = [
        *kinds,
        *chance.choices(kinds, [weight for weight, _ in ACCIDENTS], k=max(0, count - len(kinds))),
    ]
    drawn = drawn[:count]
    chance.shuffle(drawn)
    return drawn


def prove_world(world: World) -> str:
    """Wait for rest and prove everything; return what was proved, in words.

    Nodes also send by themselves, now and then: while their books are read, none of them runs.
    """
    world.hold()
    world.wait_up()
    for _ in range(READ_AGAIN):
        world.wait_at_rest()
        with world.still():
            if any(world.busy().values()):  # something began before all of them stood still
                continue
            books = books_of(world)
        return prove_books(books, world.journal, world.forgotten)
    raise AssertionError(f"both sides were never at rest when they stood still, {READ_AGAIN} times")


def books_of(world: World) -> dict[str, Books]:
    return {side: machine.run(inside.books) for side, machine in world.machines.items()}


def _has_enough(books: Books) -> bool:
    """Whether defects can be planted: enough was handled, and some of it in one conversation."""
    conversations = Counter((effect.peer, effect.conversation) for effect in books.effects)
    return len(books.effects) >= 20 and max(conversations.values()) > 1


@pytest.mark.twice
@pytest.mark.timeout(600 + 40 * FAULTS)
def test_nothing_is_lost_doubled_swapped_or_rewritten(machines: None, seed: int) -> None:
    began = time.monotonic()
    happened: Counter[str] = Counter()
    with World(seed) as world:
        world.go()
        wait_until(lambda: all(map(_has_enough, books_of(world).values())), 30, "messages were handled")
        say(prove_world(world))
        assert unnoticed(books_of(world), world.journal, world.forgotten) == []
        for number, accident in enumerate(plan(seed, FAULTS), 1):
            world.go()
            say(f"fault {number} of {FAULTS}, {time.monotonic() - began:.0f} s")
            accident(world, world.chance)
            happened[accident.__name__] += 1
            time.sleep(world.chance.uniform(0.1, 1.2))
            if number % PROVE_EVERY == 0 or number == FAULTS:
                say(prove_world(world))
        seconds = time.monotonic() - began
        say(
            f"SEED={seed}: {FAULTS} faults in {seconds:.0f} s, {dict(happened)}; line {dict(world.line.seen)}"
        )
    assert space.leftovers() == []
