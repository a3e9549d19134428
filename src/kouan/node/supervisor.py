"""Starts a node's processes, starts again what ends by itself, and stops everything within seconds.

A process manager of the machine (systemd and the like) may run the processes instead; this one is
for a laptop, for tests and for a small machine.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from kouan.config import load
from kouan.node.layout import environment_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

GRACE: Final = 2.0
"""Seconds that processes get to end by themselves before they are killed."""
RESTART_PAUSE: Final = 0.5
_PR_SET_PDEATHSIG: Final = 1


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
    running: subprocess.Popen[bytes] | None = None
    started_at: float = field(default=0.0)
    starts: int = field(default=0)

    @property
    def label(self) -> str:
        """Return the node's folder and the process, such as ``hk worker``, or ``hk worker 2``."""
        return f"{self.node.parent.name} {self.name}" + (f" {self.number}" if self.number > 1 else "")

    def start(self) -> None:
        """Start it; its output goes to a file of its own in the node's run folder."""
        with self.log_file.open("ab") as output:
            self.running = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", self.module, self.name],
                env=environment_of(self.node),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 - set before any thread matters: only prctl runs
            )
        self.started_at = time.monotonic()
        self.starts += 1


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
    """Keeps the processes of one or more nodes running until ``stop``, and those ``beside`` them."""

    def __init__(
        self,
        nodes: Iterable[Path],
        names: Sequence[str] = ("portal", "door", "worker"),
        *,
        beside: Iterable[Process] = (),
    ) -> None:
        own = [process for node in nodes for name in names for process in _processes(node, name)]
        self.processes = [*own, *beside]
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
        """End every process: ask, wait ``GRACE`` seconds in all, then kill; return when all are gone."""
        self._stopping.set()
        _end([process.running for process in self.processes if process.running is not None], GRACE)


def _end(running: Sequence[subprocess.Popen[bytes]], grace: float) -> None:
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


def _signal_session(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal the process and what it started: it leads a session of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)


def _end_with_parent() -> None:
    """Have the kernel end this process when the supervisor dies, however it dies (Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _processes(node: Path, name: str) -> list[Process]:
    """Return the processes of one name: several workers or doors; a portal divides itself."""
    folder = node.parent / "run"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = load(node, environment_of(node)).processes
    count = {"door": wanted.door, "worker": wanted.worker}.get(name, 1)
    return [
        Process(node, name, folder / (f"{name}-{number}.log" if number > 1 else f"{name}.log"), number)
        for number in range(1, count + 1)
    ]
