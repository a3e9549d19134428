"""What can happen to two nodes: each accident is begun, lasts a while, and is over when it returns."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from faults import inside
from faults.line import FAIR, Weather
from faults.world import SIDES, other
from journeys.nodes import NAMES, say, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from faults.world import Machine, World

    Accident = Callable[[World, Random], None]

BUSY_WITHIN = 1.5
"""Seconds that a kill waits for a moment in which something crosses."""
FAR, NEAR = 600.0, 150.0
"""Steps of a clock, in seconds: beyond what nodes tolerate of each other, and within it."""


def kill_one(world: World, chance: Random) -> None:
    """Kill a process of one node, with its children or one of them alone, in the middle of a crossing."""
    side, name = chance.choice(SIDES), chance.choice((*NAMES, "door", "worker", "worker"))
    machine = world.machines[side]
    running = wait_until(lambda: machine.running().get(name, []), 30, f"{side} {name} runs")
    alone = chance.random() < 0.3
    when_something_crosses(world, chance)
    say(f"kill -9 {side} {name}{' (one process of it)' if alone else ''}")
    with suppress(ProcessLookupError):
        if alone:
            os.kill(chance.choice(running), signal.SIGKILL)
        else:
            os.killpg(running[0], signal.SIGKILL)


def lose_power(world: World, chance: Random) -> None:
    """End a whole machine's programs at once, and start them again."""
    machine = world.machines[chance.choice(SIDES)]
    when_something_crosses(world, chance)
    say(f"{machine.side} loses power")
    machine.kill_everything()
    time.sleep(chance.uniform(0, 1))
    machine.start()
    machine.wait_up(90)


def restart(world: World, chance: Random) -> None:
    """Stop a node in good order, and start it again."""
    machine = world.machines[chance.choice(SIDES)]
    machine.stop()
    time.sleep(chance.uniform(0, 1))
    machine.start()
    machine.wait_up(90)


def cut(world: World, chance: Random) -> None:
    """Cut the line, in both directions or in one."""
    sides = chance.choice((SIDES, ("hk",), ("gd",)))
    weather(
        world, Weather(cut=sides), chance.uniform(0.3, 5), f"nothing comes through from {' and '.join(sides)}"
    )


def slow(world: World, chance: Random) -> None:
    """Have packets late, each by another time, so that they overtake each other."""
    delay, jitter = chance.uniform(0.01, 0.25), chance.uniform(0, 0.2)
    weather(
        world,
        Weather(delay=delay, jitter=jitter),
        chance.uniform(1, 4),
        f"late by {delay:.2f} to {delay + jitter:.2f} s",
    )


def storm(world: World, chance: Random) -> None:
    """Lose, double, delay and damage packets."""
    made = Weather(
        delay=0.01,
        jitter=chance.uniform(0, 0.08),
        lose=chance.uniform(0, 0.15),
        duplicate=chance.uniform(0, 0.4),
        damage=chance.uniform(0, 0.05),
        deceive=chance.random() < 0.7,
    )
    weather(
        world,
        made,
        chance.uniform(1, 4),
        f"loses {made.lose:.0%}, doubles {made.duplicate:.0%}, damages {made.damage:.1%} of packets"
        + (" so that TCP believes them" if made.deceive else ""),
    )


def fill(world: World, chance: Random) -> None:
    """Fill one side's disk for a while, often until a process of it is killed as well."""
    machine = world.machines[chance.choice(SIDES)]
    say(f"{machine.side}'s disk is full")
    machine.fill_disk()
    try:
        time.sleep(chance.uniform(0.5, 2.5))
        if chance.random() < 0.4:
            kill_one(world, chance)
        time.sleep(chance.uniform(0.1, 1))
    finally:
        machine.free_disk()
        say(f"{machine.side}'s disk has room again")


def step_clock(world: World, chance: Random) -> None:
    """Step one side's clock by minutes, forth or back, and set it right again."""
    side = chance.choice(SIDES)
    seconds = chance.choice((FAR, -FAR, NEAR, -NEAR)) * chance.uniform(0.9, 1.1)
    say(f"{side}'s clock steps by {seconds:+.0f} s")
    world.set_clocks(**{side: seconds})
    time.sleep(chance.uniform(1, 3))
    world.set_clocks()
    if seconds > 0:
        # What was dated ahead has to wait until its time has come.
        time.sleep(chance.uniform(0, 0.5))
        world.let_pass(seconds)
        say(f"{side}'s clock is right again, and {seconds:.0f} s have gone by")
    else:
        say(f"{side}'s clock is right again")


def old_backup(world: World, chance: Random) -> None:
    """Put an older database back in the place of a node's, and resynchronise as two operators would."""
    machine, peer = machine_of(world, chance.choice(SIDES))
    file = world.folder / f"{machine.side}-{time.monotonic_ns()}.backup"
    before = time.monotonic()
    succeeds(machine, "backup", str(file))
    say(f"{machine.side} is backed up ({file.stat().st_size >> 10} KiB)")
    time.sleep(chance.uniform(1.5, 4))
    world.wait_crossed(machine.side)  # or there would be nothing to have forgotten
    if chance.random() < 0.5:
        when_something_crosses(world, chance)
        machine.kill_everything()
    else:
        machine.stop()
    world.work[machine.side].hold()
    machine.forget_station()
    succeeds(machine, "restore", str(file), "--yes")
    for kept in machine.made.config.home.glob("*.before-*"):
        kept.unlink()  # disks here are small
    file.unlink()
    world.forgotten[machine.side].append((before, time.monotonic()))
    say(f"{machine.side} goes back by {time.monotonic() - before:.1f} s")
    machine.start()
    machine.wait_up(90)
    world.work[machine.side].go()
    for one in (machine, peer):
        wait_until(lambda one=one: one.run(inside.is_halted), 60, f"{one.side} has halted")
    say(succeeds(machine, "channel", "show"))
    resync(world, chance, machine, peer)


def resync(world: World, chance: Random, machine: Machine, peer: Machine) -> None:
    """Have operators of both sides agree, with a kill in the middle of it now and then."""
    succeeds(machine, "channel", "resync", "--peer", peer.side, "--yes")
    if chance.random() < 0.4:
        kill_one(world, chance)
    succeeds(peer, "channel", "resync", "--peer", machine.side, "--yes")
    if chance.random() < 0.6:
        time.sleep(chance.uniform(0, 1.5))
        kill_one(world, chance)
    for one in (machine, peer):
        wait_until(lambda one=one: not one.run(inside.is_halted), 90, f"{one.side} is open")
    say(f"{machine.side} and {peer.side} are resynchronised")


def succeeds(machine: Machine, *arguments: str) -> str:
    """Run the program on a machine, and see that it succeeds."""
    done = machine.kouan(*arguments)
    assert done.returncode == 0, f"{machine.side}: kouan {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout


ACCIDENTS: Sequence[tuple[int, Accident]] = (
    (9, kill_one),
    (2, lose_power),
    (1, restart),
    (3, cut),
    (2, slow),
    (3, storm),
    (2, fill),
    (2, step_clock),
    (1, old_backup),
)
"""What happens in a long run, and how often of the whole."""


def weather(world: World, made: Weather, seconds: float, words: str) -> None:
    """Have this weather on the line for so long."""
    say(f"the line {words} for {seconds:.1f} s" if not made.cut else f"{words} for {seconds:.1f} s")
    world.line.weather = made
    time.sleep(seconds)
    world.line.weather = FAIR


def when_something_crosses(world: World, chance: Random) -> None:
    """Wait for a moment of which nobody knows what is going on in it: packets pass, most often."""
    if chance.random() < 0.75:
        seen = world.line.seen["sent"]
        deadline = time.monotonic() + BUSY_WITHIN
        while world.line.seen["sent"] < seen + 4 and time.monotonic() < deadline:
            time.sleep(0.001)
    time.sleep(chance.uniform(0, 0.08))


def machine_of(world: World, side: str) -> tuple[Machine, Machine]:
    """Return a side's machine and the other one."""
    return world.machines[side], world.machines[other(side)]
