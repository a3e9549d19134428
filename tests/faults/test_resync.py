"""Resynchronising by itself: a stream that is stuck for good, a newer backup, what the operators read."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from faults import inside
from faults.accidents import resync, succeeds
from faults.line import FAIR, Weather
from faults.test_faults import prove_world
from faults.world import SIDES, World
from journeys import inside as journeys_inside
from journeys.nodes import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def world(machines: None) -> Iterator[World]:
    with World(4) as made:
        yield made


def lose_oldest_decrypt_key(keys: Path) -> None:
    """Take a key out of the folder and its list, as when the folder was put back from an old copy."""
    listed = json.loads((keys / "keys.json").read_text())
    oldest = min((key for key in listed["keys"] if key["use"] == "decrypt"), key=lambda key: key["from"])
    listed["keys"].remove(oldest)
    (keys / "keys.json").write_text(json.dumps(listed))


@pytest.mark.timeout(800)
def test_a_batch_sealed_to_a_lost_key_does_not_hold_up_the_stream_for_ever(world: World) -> None:
    hk, gd = (world.machines[side] for side in SIDES)
    world.go()
    world.wait_crossed("hk")  # whoever has not been greeted seals nothing
    world.line.weather = Weather(cut=SIDES)
    wait_until(lambda: hk.run(journeys_inside.sealed_batch, "gd"), 20, "a batch is sealed and cannot leave")
    succeeds(gd, "trust", "rotate", "decrypt", "--overlap-days", "0")
    lose_oldest_decrypt_key(gd.made.config.keys)
    exported = world.folder / "gd.trust"
    succeeds(gd, "trust", "export", "--out", str(exported))
    succeeds(hk, "trust", "import", str(exported))
    world.line.weather = FAIR
    wait_until(
        lambda: "does not hold" in hk.run(journeys_inside.line, "gd").last_error, 60, "the batch is refused"
    )
    resync(world, world.chance, hk, gd)
    prove_world(world)
    assert world.journal


@pytest.mark.timeout(800)
def test_a_newer_backup_makes_everything_good_again(world: World) -> None:
    hk, gd = (world.machines[side] for side in SIDES)
    world.go()
    old, newest = world.folder / "old.backup", world.folder / "newest.backup"
    succeeds(hk, "backup", str(old))
    world.wait_crossed("hk")
    world.hold()
    world.wait_at_rest()
    hk.stop()
    succeeds(hk, "backup", str(newest))
    for file, halted in ((old, True), (newest, False)):
        hk.forget_station()
        succeeds(hk, "restore", str(file), "--yes")
        hk.start()
        hk.wait_up(90)
        for one in (hk, gd):
            wait_until(
                lambda one=one, halted=halted: one.run(inside.is_halted) == halted,
                60,
                f"{file.name}: {one.side}",
            )
        if halted:
            shown = succeeds(hk, "channel", "show")
            assert "older than what gd holds" in shown
            assert "kouan channel resync --peer gd" in shown
            assert "they may have a newer backup" in succeeds(gd, "channel", "show")
            hk.stop()
    world.go()
    time.sleep(1)
    prove_world(world)


@pytest.mark.timeout(600)
def test_a_backup_is_only_put_back_while_the_node_is_stopped(world: World) -> None:
    hk, gd = (world.machines[side] for side in SIDES)
    file = world.folder / "one.backup"
    succeeds(hk, "backup", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    again = hk.kouan("backup", str(file))
    assert again.returncode == 1
    assert "exists already" in again.stderr
    refused = hk.kouan("restore", str(file), "--yes")
    assert refused.returncode == 1
    assert "stop the node first" in refused.stderr
    gd.stop()
    gd.forget_station()
    foreign = gd.kouan("restore", str(file), "--yes")
    assert foreign.returncode == 1
    assert "another side's" in foreign.stderr
    gd.start()
    gd.wait_up(90)
