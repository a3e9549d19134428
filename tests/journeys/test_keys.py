"""Every key changes while messages flow, and one is reported stolen: nothing is lost, and nobody restarts."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from journeys import inside
from journeys.nodes import Node, say, wait_until
from journeys.test_door import context_for, own_certificate, post
from kouan.core.trust.keys import SECOND_USES, KeyUse
from kouan.demo.nodes import node_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from journeys.conftest import Group

SECONDS = 90.0
USES = tuple(use for use in KeyUse if use not in SECOND_USES)
AT_ONCE = 5


def kouan(node: Node, *words: str) -> str:
    """Run ``kouan`` for a node as its operator would; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "kouan.cli", "--node", str(node.made.path), *words],
        env=node_environment(node.made),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"kouan {' '.join(words)}: {done.stdout}{done.stderr}"
    return done.stdout


def status(node: Node) -> dict[str, Any]:
    return node.run(inside.key_status)


def in_use(node: Node, use: KeyUse) -> str:
    return next(key["kid"] for key in status(node)["keys"] if key["use"] == use and key["state"] == "in-use")


def all_know(node: Node) -> bool:
    found = status(node)
    return not found["ending"] and all(peer["verdict"] == "installed" for peer in found["peers"])


@pytest.fixture
def group(groups: Callable[..., Group]) -> Iterator[Group]:
    made = groups("hk", "gd")
    made.put_in_order()
    yield made
    made.close()


class Traffic:
    """Questions that flow from Hong Kong to Guangdong until they are stopped."""

    def __init__(self, asker: Node) -> None:
        self.asked = 0
        self._asker = asker
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._flow)
        self._thread.start()

    def _flow(self) -> None:
        while not self._stop.is_set():
            self.asked += len(self._asker.run(inside.ask_at_once, "gd", AT_ONCE))
            self._stop.wait(0.5)

    def goes_on(self) -> None:
        count = self.asked
        wait_until(lambda: self.asked > count + 2 * AT_ONCE, SECONDS, "questions are asked")

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()


@pytest.fixture
def traffic(group: Group) -> Iterator[Traffic]:
    made = Traffic(group["hk"])
    yield made
    made.stop()


@pytest.mark.timeout(1200)
def test_every_key_changes_under_traffic(group: Group, traffic: Traffic) -> None:
    hk, gd = group["hk"], group["gd"]
    supervisors = (hk.supervisor, gd.supervisor)
    for use in USES:
        before = in_use(hk, use)
        kouan(hk, "trust", "rotate", use.value, "--now")
        if use is KeyUse.ANCHOR:
            wait_until(lambda: status(gd)["held"], SECONDS, "the new anchor waits for gd's operator")
            assert status(hk)["ending"] == [KeyUse.ANCHOR], "nothing ends before a person has compared"
            kouan(gd, "trust", "confirm", "hk", "--fingerprint", status(hk)["fingerprint"])
        elif use in {KeyUse.LOG, KeyUse.DECRYPT}:
            # Killed between the steps, it goes on from where it was.
            hk.kill("worker")
            gd.kill("worker")
        wait_until(lambda: all_know(hk), SECONDS, f"gd has acknowledged the new {use.value} key")
        after = in_use(hk, use)
        assert after != before
        say(f"{use.value}: {before[:8]} → {after[:8]}, {traffic.asked} asked")
    traffic.goes_on()
    assert (hk.supervisor, gd.supervisor) == supervisors
    assert {"keys-announced", "keys-acknowledged"} <= hk.run(inside.kinds_of_entries)
    assert {"keys-installed", "keys-held"} <= gd.run(inside.kinds_of_entries)
    traffic.stop()
    group.prove()


@pytest.mark.timeout(600)
def test_a_stolen_key_is_believed_in_nothing_from_then_on(group: Group, traffic: Traffic) -> None:
    hk, gd = group["hk"], group["gd"]
    traffic.goes_on()
    stolen = in_use(hk, KeyUse.SIGN)
    gd.link.cut()  # batches under the stolen key are under way when it is reported
    time.sleep(1.5)
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="seconds")
    kouan(hk, "trust", "compromise", "sign", stolen[:12], "--since", since, "--reason", "a laptop was lost")
    gd.link.mend()
    wait_until(lambda: gd.run(inside.reported_of, "hk") == [stolen], SECONDS, "gd knows")
    wait_until(lambda: all_know(hk), SECONDS, "gd has signed that it knows")
    assert in_use(hk, KeyUse.SIGN) != stolen
    traffic.goes_on()
    forged, now = hk.run(inside.forged_batch, "gd"), hk.run(inside.milliseconds_now)
    answer = post(gd, context_for(hk, "gd", own_certificate(hk, "gd")), forged, now)
    assert (answer.status, answer.json()["code"]) == (403, "key-compromised")
    listed = kouan(gd, "trust", "compromised", stolen[:12])
    assert "a laptop was lost" in listed
    assert "batch-received" in listed
    traffic.stop()
    group.prove()
