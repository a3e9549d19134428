"""How the memory of running nodes grows, and how much CPU they have taken."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from kouan.node.supervisor import Supervisor

EVERY = 0.25


class Memory:
    """Looks at the resident memory of every process of the nodes, several times a second."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._stop = threading.Event()
        self._seen: list[dict[int, int]] = []
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def growth_mb(self) -> float:
        """Return by how many MB the process that grew most grew in the second half of the time."""
        half, last = self._seen[len(self._seen) // 2], self._seen[-1]
        return max((last[pid] - half[pid]) / 1e6 for pid in half.keys() & last.keys())

    def _watch(self) -> None:
        while not self._stop.wait(EVERY):
            found = _statistics(self._supervisor)
            self._seen.append({pid: int(fields[21]) * 4096 for pid, fields in found.items()})


def seconds_of(supervisor: Supervisor) -> float:
    """Return the seconds of CPU that the nodes' processes have taken so far."""
    found = _statistics(supervisor).values()
    return sum(int(fields[11]) + int(fields[12]) for fields in found) / os.sysconf("SC_CLK_TCK")


def _statistics(supervisor: Supervisor) -> dict[int, list[str]]:
    """Return what the kernel tells of each process of the nodes (Linux, proc(5), from the state on)."""
    sessions = {process.running.pid for process in supervisor.processes if process.running}
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) in sessions:
            found[int(folder.name)] = fields
    return found
