"""Two nodes as on two machines: each with a network, a disk and a clock of its own, and a line between."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar
from uuid import uuid4

import databases
from faults import inside, space
from faults.clock import Clock, build_library
from faults.line import PacketLine
from journeys import inside as journeys_inside
from journeys.conftest import SEVERAL
from journeys.nodes import TESTS, Node, say, wait_until
from kouan.demo.nodes import DemonstrationNode, establish
from kouan.node.layout import NewNode, create
from own_node import SERVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

T = TypeVar("T")

SIDES = ("hk", "gd")
ADDRESSES = {"hk": "10.77.0.1/30", "gd": "10.77.0.2/30"}
PORTAL, DOOR = 8100, 8101
DISK = 256
"""Megabytes that each node's disk holds."""
SPARE = 1 << 20
"""Bytes of a disk that are filled page by page, since others write at the same time."""
EXCHANGE = {"retry_first_s": 0.1, "retry_longest_s": 1.0}
HERE = Path(__file__).parent


def other(side: str) -> str:
    """Return the other side."""
    return SIDES[1 - SIDES.index(side)]


@dataclass
class Machine(Node):
    """A node on a machine of its own."""

    namespace: str = ""
    clock: Clock = field(default_factory=Clock)

    def environment(self) -> dict[str, str]:
        environment = super().environment()
        paths = (str(TESTS), environment.get("PYTHONPATH", ""))
        return environment | {
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "DJANGO_SETTINGS_MODULE": "faults.settings",
            **self.clock.environment(),
        }

    def wrapped(self, *command: str) -> list[str]:
        # It ends when the test that started it does, however that ends.
        return ["ip", "netns", "exec", self.namespace, "setpriv", "--pdeathsig", "TERM", *command]

    def reached(self, question: Callable[[], T]) -> T:
        return space.inside(self.namespace, question)

    def start(self) -> None:
        super().start()
        say(f"{self.side} starts")

    def log_file(self, name: str) -> Path:
        """Keep the supervisor's log where the disk is never full: it is the test's own."""
        return (
            self.made.path.parent.parent / f"{self.side}-node.log"
            if name == "node"
            else super().log_file(name)
        )

    # Its disk

    @property
    def _filler(self) -> Path:
        return self.made.config.home / "filler"

    def fill_disk(self) -> None:
        """Leave almost nothing of the disk."""
        place = os.statvfs(self.made.config.home)
        with suppress(OSError), self._filler.open("wb") as output:
            os.posix_fallocate(output.fileno(), 0, max(1, place.f_bavail * place.f_frsize - SPARE))
        with suppress(OSError), self._filler.open("ab", buffering=0) as output:
            while True:  # the rest page by page: others write as well
                output.write(bytes(4096))

    def free_disk(self) -> None:
        """Give the disk back."""
        self._filler.unlink(missing_ok=True)

    # The program

    def kouan(self, *arguments: str, seconds: float = 240) -> subprocess.CompletedProcess[str]:
        """Run the program `kouan` on this machine."""
        return subprocess.run(
            self.wrapped(sys.executable, "-m", "kouan.cli", "--node", str(self.made.path), *arguments),
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def forget_station(self) -> None:
        """End the process that looks inside: its database is going to be another."""
        with self._turn:
            station, self._station = self._station, None
            if station is not None:
                station.kill()
                station.wait(60)
                for pipe in (station.stdin, station.stdout):
                    if pipe is not None:
                        pipe.close()


@dataclass(frozen=True, slots=True)
class Entry:
    """A step of which its side said that it is on record."""

    at: float
    side: str
    message: str
    conversation: str
    number: int


class Workload:
    """Steps of many conversations, announced on one side, one transaction after the other."""

    CONVERSATIONS = 6

    def __init__(self, machine: Machine, seed: int, pause: float) -> None:
        self._machine = machine
        self._chance = random.Random(f"{seed} {machine.side}")  # noqa: S311 - accidents keep no secret
        self._pause = pause
        self._numbers: dict[UUID, int] = {uuid4(): 0 for _ in range(self.CONVERSATIONS)}
        self.journal: list[Entry] = []
        """What was announced: kept outside both nodes, so that it outlives whatever is done to them."""
        self.failed = 0
        self._going = threading.Event()
        self._ended = threading.Event()
        self._idle = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"steps of {machine.side}", daemon=True)
        self._thread.start()

    def go(self) -> None:
        """Announce from now on."""
        self._going.set()

    def hold(self) -> None:
        """Announce nothing, until ``go``; returns when nothing is being announced."""
        self._going.clear()
        assert self._idle.wait(240), "the steps are stuck"

    def end(self) -> None:
        self._going.clear()
        self._ended.set()
        self._thread.join(60)

    def _run(self) -> None:
        while not self._ended.is_set():
            self._idle.set()
            if not self._going.wait(0.1):
                continue
            self._idle.clear()
            self._announce()
            time.sleep(self._chance.uniform(0.2, 1.8) * self._pause)
        self._idle.set()

    def _announce(self) -> None:
        conversation = self._chance.choice(list(self._numbers))
        first = self._numbers[conversation]
        # What could not be announced may be on record all the same: a number is never used again.
        numbers = list(range(first, first + self._chance.choice((1, 1, 2, 5, 20))))
        self._numbers[conversation] = numbers[-1] + 1
        side = self._machine.side
        try:
            keys = self._machine.run(inside.announce, other(side), conversation, numbers)
        except (AssertionError, OSError, EOFError, ValueError):
            self.failed += 1
            return
        now = time.monotonic()
        self.journal += [
            Entry(now, side, key, str(conversation), number)
            for key, number in zip(keys, numbers, strict=True)
        ]


class World:
    """Both machines, the line and the traffic; a context manager that leaves nothing behind."""

    def __init__(self, seed: int, *, pause: float = 0.4) -> None:
        self.seed = seed
        self.chance = random.Random(seed)  # noqa: S311 - accidents keep no secret
        self._pause = pause
        self._stack = ExitStack()
        self.later = 0.0
        """Seconds that have gone by on both machines without anybody waiting for them."""
        self.machines: dict[str, Machine] = {}
        self.work: dict[str, Workload] = {}
        self.forgotten: dict[str, list[tuple[float, float]]] = {side: [] for side in SIDES}
        """Spans of the journal's time of which a side put back an older database."""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._databases = stack.enter_context(ExitStack())
            stack.callback(space.remove, space.this_run())
            self.folder = space.make_folder()
            self.library = build_library(self.folder)
            namespaces = {side: space.make_namespace(side) for side in SIDES}
            self.line = stack.enter_context(PacketLine(namespaces, ADDRESSES, self.seed))
            for side in SIDES:
                stack.callback(lambda side=side: side in self.machines and self.machines[side].close())
                self._lay_out(side, namespaces[side])
            places = dict.fromkeys(SIDES, (PORTAL, DOOR))
            for made in establish(self.folder, places):
                self._settle(made, namespaces[made.side])
            for machine in self.machines.values():
                machine.start()
            for machine in self.machines.values():
                machine.wait_up()
            for side, machine in self.machines.items():
                self.work[side] = Workload(machine, self.seed, self._pause)
                stack.callback(self.work[side].end)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _lay_out(self, side: str, namespace: str) -> None:
        home = self.folder / side
        space.mount_memory(home, DISK)
        address = ADDRESSES[side].partition("/")[0]
        url = databases.begin(home)
        server = {}
        if SERVER:
            # The server is none of these machines': their disks and clocks are not its own, and it goes on.
            self._databases.callback(databases.drop, url)
            server = {"database": databases.through_socket(url), "processes": SEVERAL}
        create(
            home,
            NewNode(
                side=side,
                portal=f"127.0.0.1:{PORTAL}",
                door=f"{address}:{DOOR}",
                demonstration=True,
                exchange=EXCHANGE,
                **server,
            ),
        )
        del namespace

    def _settle(self, made: DemonstrationNode, namespace: str) -> None:
        (made.config.agreements / "faults.toml").write_bytes((HERE / "agreement.toml").read_bytes())
        clock = Clock(self.folder / f"{made.side}.clock", self.library)
        clock.step(0)
        # The link of the journeys is not used: the line stands between the machines.
        machine = Machine(made, None, namespace=namespace, clock=clock)  # type: ignore[arg-type]
        self.machines[made.side] = machine

    def let_pass(self, seconds: float) -> None:
        """Have so much time gone by on both machines, as if one had waited."""
        self.later += seconds
        self.set_clocks()

    def set_clocks(self, **off: float) -> None:
        """Set both clocks right, but for the sides named, which are so many seconds off."""
        for side, machine in self.machines.items():
            machine.clock.step(self.later + off.get(side, 0.0))

    def go(self) -> None:
        """Let both sides announce steps."""
        for work in self.work.values():
            work.go()

    def hold(self) -> None:
        """Let no side announce anything new."""
        for work in self.work.values():
            work.hold()

    def wait_crossed(self, side: str, seconds: float = 60.0) -> None:
        """Wait until the other side has handled something that this one has begun to announce since now."""
        since, there = time.monotonic(), self.machines[other(side)]

        def crossed() -> bool:
            entries = [entry for entry in self.work[side].journal if entry.at > since]
            # One follows the other: what was announced first may have begun before.
            first = min((entry.at for entry in entries), default=since)
            return bool({entry.message for entry in entries if entry.at > first} & there.run(inside.handled))

        wait_until(crossed, seconds, f"something new of {side} is handled")

    def wait_up(self, seconds: float = 90.0) -> None:
        for machine in self.machines.values():
            if machine.supervisor is None or machine.supervisor.poll() is not None:
                machine.start()
        for machine in self.machines.values():
            machine.wait_up(seconds)

    def busy(self) -> dict[str, list[str]]:
        return {side: machine.run(journeys_inside.busy) for side, machine in self.machines.items()}

    @contextmanager
    def still(self) -> Iterator[None]:
        """Have no process of either side run meanwhile."""
        leaders = [pids[0] for machine in self.machines.values() for pids in machine.running().values()]

        def signalled(number: signal.Signals) -> None:
            for leader in leaders:
                with suppress(ProcessLookupError):
                    os.killpg(leader, number)

        signalled(signal.SIGSTOP)
        try:
            yield
        finally:
            signalled(signal.SIGCONT)

    def wait_at_rest(self, seconds: float = 120.0) -> None:
        """Wait until nothing is under way and both ledgers are co-signed to their ends."""
        left: dict[str, list[str]] = {}

        def at_rest() -> bool:
            left.update(self.busy())
            return not any(left.values())

        try:
            wait_until(at_rest, seconds, "everything is at rest")
        except AssertionError:
            raise AssertionError(f"not at rest within {seconds:.0f} s: {left}\n{self.logs()}") from None

    def logs(self, lines: int = 25) -> str:
        return "\n".join(
            f"--- {side} {name}\n{machine.log(name, lines)}"
            for side, machine in self.machines.items()
            for name in ("node", "door", "worker")
        )

    @property
    def journal(self) -> list[Entry]:
        """All that was announced, by both sides."""
        return [entry for work in self.work.values() for entry in work.journal]
