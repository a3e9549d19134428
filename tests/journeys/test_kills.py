"""``kill -9`` of anything at any moment: nothing lost, nothing twice, nothing rewritten."""

from __future__ import annotations

import http.client
import os
import random
import secrets
import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from journeys import inside
from journeys.glance import glance
from journeys.nodes import NAMES, Node, alive, listens, say, wait_until
from kouan.core.exchange.models import InboxMessage, OutboxMessage

if TYPE_CHECKING:
    from uuid import UUID

    from journeys.conftest import Group

pytestmark = pytest.mark.twice
ROUNDS = 10
KILLS = 18
AT_ONCE = 20
IN_ONE_CONVERSATION = 4
AIMS = ("worker", "worker", "door", "door", "portal")
AIMED = 0.7
"""How often a kill waits for a moment in which there is something to spoil."""


class Stream:
    """Questions that flow from one side to the other, from inside the node and through its portal."""

    def __init__(self, asker: Node, to: str, rounds: int) -> None:
        self._asker, self._to, self._rounds = asker, to, rounds
        self.asked: list[UUID] = []
        self.conversations: list[UUID] = []
        self.through_portal: list[str] = []
        """Validations for which the portal has answered that it took them."""
        self.refused_by_portal = 0
        self.fault: BaseException | None = None
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._guard, args=(work,)) for work in (self._inside, self._outside)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    @property
    def done(self) -> bool:
        """Whether all questions are asked."""
        return not self._threads[0].is_alive()

    def finish(self, seconds: float) -> None:
        """Wait for the rest of the questions, and raise what went wrong with them."""
        self._threads[0].join(seconds)
        self._stop.set()
        for thread in self._threads:
            thread.join(seconds)
            assert not thread.is_alive(), "the stream of questions is stuck"
        if self.fault is not None:
            raise self.fault

    def _guard(self, work: object) -> None:
        try:
            work()  # type: ignore[operator]
        except BaseException as error:  # noqa: BLE001 - raised again by `finish`, in the test's own thread
            self.fault = error

    def _inside(self) -> None:
        for _ in range(self._rounds):
            self.asked += self._asker.run(inside.ask_at_once, self._to, AT_ONCE)
            time.sleep(0.4)
            conversation = self._asker.run(inside.ask_in_one_conversation, self._to, IN_ONE_CONVERSATION)
            self.conversations.append(conversation)
            time.sleep(0.4)

    def _outside(self) -> None:
        question = {"reference": "", "algorithm": "sha-256", "digest": "ab" * 32}
        while not self._stop.wait(0.25):
            question["reference"] = self._asker.run(inside.new_reference, self._to)
            try:
                answer = self._asker.api("POST", "/validations?wait=0", question)
            except (OSError, http.client.HTTPException):
                self.refused_by_portal += 1  # it was killed: whether it took the question nobody can know
                continue
            assert answer.status in {200, 202}, answer.body
            self.through_portal.append(answer.json()["id"])


def other_side(side: str) -> str:
    return {"hk": "gd", "gd": "hk"}[side]


def seed() -> int:
    """Return the seed of this run's accidents; ``KOUAN_JOURNEY_SEED`` repeats one."""
    number = int(os.environ.get("KOUAN_JOURNEY_SEED", secrets.randbelow(1_000_000)))
    say(f"KOUAN_JOURNEY_SEED={number}")
    return number


def streams_of(pair: Group, rounds: int) -> list[Stream]:
    hk, gd = pair["hk"], pair["gd"]
    made = [Stream(hk, "gd", rounds), Stream(gd, "hk", rounds)]
    for stream in made:
        stream.start()
    return made


def check(pair: Group, streams: list[Stream]) -> None:
    """Prove the pair, and that every question that was taken has its answer."""
    pair.prove()
    for node, stream in zip((pair["hk"], pair["gd"]), streams, strict=True):
        accepted = [*stream.asked, *stream.through_portal]
        say(
            f"{node.side}: {len(accepted)} accepted, {len(stream.through_portal)} of them by the portal, "
            f"{stream.refused_by_portal} with no answer; {len(stream.conversations)} long conversations"
        )
        assert set(node.run(inside.outcomes, accepted)) == {"unknown"}


SIGNS = {
    "worker": f"SELECT 1 FROM {InboxMessage._meta.db_table} WHERE state = 'waiting' LIMIT 1",  # noqa: S608 - our own table
    "door": f"SELECT 1 FROM {OutboxMessage._meta.db_table} WHERE state IN ('waiting', 'sealed') LIMIT 1",  # noqa: S608 - as above
}
"""What a side's database shows while its worker has work, or the other side's door has."""


def wait_for_a_moment(chance: random.Random, node: Node, name: str) -> None:
    """Wait for a moment of which nobody knows what is going on in it, most often a busy one."""
    if name not in SIGNS or chance.random() > AIMED:
        time.sleep(chance.uniform(0.1, 1.0))
        return
    with glance(node.made.config) as database:
        deadline = time.monotonic() + 2.5
        while database.execute(SIGNS[name]).fetchone() is None and time.monotonic() < deadline:
            time.sleep(0.002)
    time.sleep(chance.uniform(0.0, 0.1))


@pytest.mark.timeout(600)
def test_any_process_killed_at_any_moment(pair: Group) -> None:
    chance = random.Random(seed())  # noqa: S311 - accidents keep no secret
    streams = streams_of(pair, ROUNDS)
    started, kills = time.monotonic(), 0
    targets = [(side, name) for side in ("hk", "gd") for name in AIMS]
    while kills < KILLS or (kills < 2 * KILLS and not all(stream.done for stream in streams)):
        if kills % len(targets) == 0:
            chance.shuffle(targets)
        side, name = targets[kills % len(targets)]
        several = [pids for label, pids in pair[side].running().items() if label.partition("@")[0] == name]
        if not several:
            time.sleep(0.05)  # it is only being started
            continue
        running = chance.choice(several)
        wait_for_a_moment(chance, pair[side if name != "door" else other_side(side)], name)
        kills += 1
        alone = chance.random() < 0.3
        what = f"{side} {name}{' (one process of it)' if alone else ''}"
        say(f"{time.monotonic() - started:5.1f} s: kill -9 {what}")
        with suppress(ProcessLookupError):
            if alone:
                os.kill(chance.choice(running), signal.SIGKILL)
            else:
                os.killpg(running[0], signal.SIGKILL)
    for stream in streams:
        stream.finish(60)
    pair.put_in_order()
    check(pair, streams)


@pytest.mark.timeout(600)
def test_both_sides_killed_whole_at_once(pair: Group) -> None:
    chance = random.Random(seed())  # noqa: S311 - accidents keep no secret
    streams = streams_of(pair, 4)
    for _ in range(2):
        time.sleep(chance.uniform(0.3, 1.5))
        say("kill -9 of all processes of both sides")
        for side in ("hk", "gd"):
            pair[side].kill_everything()
        wait_until(lambda: not any(listens(pair[side].door) for side in ("hk", "gd")), 5, "both are gone")
        pair.put_in_order()
    for stream in streams:
        stream.finish(60)
    check(pair, streams)


def test_when_the_supervisor_is_killed_nothing_is_left_behind(pair: Group) -> None:
    node = pair["gd"]
    assert node.supervisor is not None
    left = [pid for pids in node.running().values() for pid in pids]
    assert len(left) >= len(NAMES)
    os.kill(node.supervisor.pid, signal.SIGKILL)
    node.supervisor.wait(60)
    wait_until(lambda: not any(alive(pid) for pid in left), 5, "the processes without a supervisor end")
    node.supervisor = None
    pair.put_in_order()
    asked = pair["hk"].run(inside.ask, "gd", 1)
    wait_until(lambda: pair["hk"].run(inside.outcomes, asked) == ["unknown"], 20, "an answer")
