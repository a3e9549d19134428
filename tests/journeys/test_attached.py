"""Departments' own systems on two real nodes, with kouan.client, while processes are killed."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from journeys import inside
from journeys.nodes import say, wait_until
from kouan.client import Client
from kouan.demo.nodes import node_environment

TYPE = "vessel.arrival-notice"
COUNT = 60
KILLS = 8
EXAMPLE = Path(__file__).resolve().parents[2] / "examples/attached_system.py"


def notice(number):
    return {
        "imo": f"{number:07}",
        "name": f"Ship {number}",
        "port": "CNSHK",
        "expected_at": "2026-11-23T06:30:00Z",
    }


@pytest.fixture
def tokens(pair):
    return {side: pair[side].run(inside.attach, "vessel-desk", TYPE) for side in ("hk", "gd")}


def client(node, token):
    return Client(f"http://127.0.0.1:{node.portal}", token, patience=120)


@pytest.mark.timeout(1200)
def test_kills_lose_nothing_and_double_nothing_between_two_systems(pair, tokens):
    hk, gd = pair["hk"], pair["gd"]
    sent, got, faults = {}, {}, []
    stop = threading.Event()

    def sending():
        with client(hk, tokens["hk"]) as system:
            for number in range(COUNT):
                sent[number] = system.send(TYPE, to="gd", payload=notice(number), key=f"voyage-{number}").id
                time.sleep(0.05)

    def receiving():
        with client(gd, tokens["gd"]) as system:
            while not stop.is_set():
                for message in system.inbox(wait=0.5, lease=3):
                    got.setdefault(message.id, []).append(message.payload["imo"])
                    message.ack()

    def guarded(work):
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again below, in the test's own thread
            faults.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in (sending, receiving)]
    for thread in threads:
        thread.start()
    for _ in range(KILLS):
        time.sleep(random.uniform(0.3, 1.0))  # noqa: S311 - accidents keep no secret
        node, name = random.choice([hk, gd]), random.choice(["portal", "worker", "door"])  # noqa: S311 - as above
        say(f"kill {node.side} {name}")
        node.kill(name)
    threads[0].join(300)
    assert not threads[0].is_alive()
    wait_until(lambda: faults or set(sent.values()) <= set(got), 180, "every message arrived")
    stop.set()
    threads[1].join(180)
    assert not faults, faults
    assert len(set(sent.values())) == COUNT
    assert set(got) >= set(sent.values())
    assert sorted(got[each][0] for each in sent.values()) == [f"{number:07}" for number in range(COUNT)]
    assert gd.run(inside.stored_for, "vessel-desk", list(sent.values())) == COUNT, "each was stored once"
    with client(hk, tokens["hk"]) as system:
        assert {system.wait(each, 60)["state"] for each in sent.values()} == {"handled"}
        again = system.send(TYPE, to="gd", payload=notice(0), key="voyage-0")
    assert again.id == sent[0]
    pair.prove()


@pytest.mark.timeout(600)
def test_the_example_runs_as_it_stands(pair, tokens):
    def run(side, *arguments):
        environment = node_environment(pair[side].made) | {
            "KOUAN_URL": f"http://127.0.0.1:{pair[side].portal}",
            "KOUAN_TOKEN": tokens[side],
        }
        done = subprocess.run(
            [sys.executable, str(EXAMPLE), *arguments],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    assert run("hk", "send", "gd", "9321483", "Pearl Star")[1].endswith("is handled\n")
    code, said = run("gd", "receive")
    assert (code, "from hk: Pearl Star" in said) == (0, True), said
    code, said = run("hk", "send", "gd", "12", "Pearl Star")
    assert code == 1
    assert "ill-formed-payload" in said
    assert "Pearl Star" not in run("gd", "receive")[1]
