"""Starts a node's processes, starts again what ends by itself, and stops everything within seconds.

A process manager of the machine (systemd and the like) may run the processes instead; this one is
for a laptop, for tests and for a small machine.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from kouan.config import load
from kouan.node import forks
from kouan.node.layout import environment_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

GRACE: Final = 2.0
"""Seconds that processes get to end by themselves before they are killed."""
NODES_GRACE: Final = GRACE + 1
"""The same where they are nodes, which have processes to end themselves."""
NAMES: Final = ("portal", "door", "worker")
RESTART_PAUSE: Final = 0.5


@dataclass(slots=True)
class Process:
    """One process of one node."""

    node: Path
    name: str
    log_file: Path
    number: int = 1
    """Which of several of its kind it is."""
    module: str = "kouan.node.servers"
    """What is run, with the process's name as its argument."""
    run: Callable[[], None] | None = None
    """What is run instead in a fork of this process, which has loaded the node's code (``servers.load``)."""
    running: subprocess.Popen[bytes] | forks.Child | None = None
    started_at: float = field(default=0.0)
    starts: int = field(default=0)

    @property
    def label(self) -> str:
        """Return the node's folder and the process, such as ``hk worker``, or ``hk worker 2``."""
        return f"{self.node.parent.name} {self.name}" + (f" {self.number}" if self.number > 1 else "")

    def start(self) -> None:
        """Start it; its output goes to a file of its own in the node's run folder."""
        self.running = self._program() if self.run is None else forks.Child(self.run, self.log_file)
        self.started_at = time.monotonic()
        self.starts += 1

    def _program(self) -> subprocess.Popen[bytes]:
        with self.log_file.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", self.module, self.name],
                env=environment_of(self.node),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=forks.end_with_parent,  # noqa: PLW1509 - before any thread matters: only prctl runs
            )


class StopRequest:
    """Whether the program has been asked to stop; made to be set by a signal handler.

    A ``threading.Event`` is not: a handler that interrupts ``wait`` while it holds the event's lock
    would wait for that lock in ``set``, for ever.
    """

    def __init__(self) -> None:
        self._made = False

    def set(self, *_: object) -> None:
        """Ask to stop."""
        self._made = True

    def is_set(self) -> bool:
        """Whether somebody has asked."""
        return self._made

    def wait(self, seconds: float) -> bool:
        """Wait so long, unless asked already; return whether somebody has asked."""
        if not self._made:
            time.sleep(seconds)
        return self._made


class Supervisor:
    """Keeps processes running until ``stop``."""

    def __init__(self, processes: Iterable[Process], *, grace: float = GRACE) -> None:
        self.processes = list(processes)
        self._grace = grace
        self._stopping = StopRequest()

    def start(self) -> None:
        """Start every process."""
        for process in self.processes:
            process.start()

    def watch(self) -> None:
        """Start again what ends, until ``stop`` is called (from a signal handler or another thread)."""
        while not self._stopping.wait(0.1):
            self.revive()

    def revive(self) -> None:
        """Start again every process that has ended, each at most twice a second."""
        for process in self.processes:
            if self._stopping.is_set() or time.monotonic() - process.started_at <= RESTART_PAUSE:
                continue
            running = process.running
            if running is not None and running.poll() is None:
                continue
            code = running.returncode if running else None
            log.warning(
                "%s ended (%s); starting it again. Its log: %s", process.label, code, process.log_file
            )
            if running is not None:
                _signal_session(running, signal.SIGKILL)  # what it may have left behind
            process.start()

    def ask_to_stop(self, *_: object) -> None:
        """Make ``watch`` return; fit for a signal handler."""
        self._stopping.set()

    def stop(self) -> None:
        """End every process: ask, wait ``grace`` seconds in all, then kill; return when all are gone."""
        self._stopping.set()
        _end([process.running for process in self.processes if process.running is not None], self._grace)


def _end(running: Sequence[subprocess.Popen[bytes] | forks.Child], grace: float) -> None:
    """End processes and what they started: ask, wait ``grace`` seconds for all of them, then kill."""
    for child in running:
        _signal_session(child, signal.SIGTERM)
    deadline = time.monotonic() + grace
    for child in running:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("process %s did not end in time and is killed", child.pid)
    for child in running:
        _signal_session(child, signal.SIGKILL)
        child.wait()


def _signal_session(child: subprocess.Popen[bytes] | forks.Child, number: signal.Signals) -> None:
    """Signal the process and what it started: it leads a session of its own, or is about to."""
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        if child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, number)


def processes_of(
    node: Path,
    names: Sequence[str] = NAMES,
    *,
    run: Callable[[str], None] | None = None,
) -> list[Process]:
    """Return a node's processes, of some names: several workers or doors; a portal divides itself.

    With ``run`` they are forks of this process, which has loaded what ``run`` needs.
    """
    wanted = load(node, environment_of(node)).processes
    counts = {"door": wanted.door, "worker": wanted.worker}
    return [
        Process(
            node,
            name,
            _log(node, f"{name}-{number}" if number > 1 else name),
            number,
            run=None if run is None else partial(run, name),
        )
        for name in names
        for number in range(1, counts.get(name, 1) + 1)
    ]


def node_of(node: Path) -> Process:
    """Return a whole node as one process, which is ``kouan node``."""
    return Process(node, "node", _log(node, "node"), module="kouan.node.run")


def _log(node: Path, name: str) -> Path:
    folder = node.parent / "run"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.log"
