"""How the memory of running nodes grows."""

from __future__ import annotations

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
            sessions = {process.running.pid for process in self._supervisor.processes if process.running}
            self._seen.append(_resident(sessions))


def _resident(sessions: set[int]) -> dict[int, int]:
    """Return the resident bytes of each process in these sessions (Linux)."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) in sessions:
            found[int(folder.name)] = int(fields[21]) * 4096
    return found
