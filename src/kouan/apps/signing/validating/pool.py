"""Workers, started when they are needed, replaced when they die, and ended when a file takes too long."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import queue
import socket
import subprocess
import sys
import tempfile
import threading
from typing import IO, TYPE_CHECKING, Final

from pydantic import ValidationError

from kouan.apps.signing.validating import report
from kouan.apps.signing.validating.report import FileReport, SubIndication
from kouan.apps.signing.validating.worker import ANSWER, CPU_SECONDS, DONE, LAST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.apps.signing.validating.trust import Trust

WALL_SECONDS: Final = 60.0
"""How long one file may take, other processes' work included."""
DRAW_SECONDS: Final = 15
_WAIT: Final = 30.0
"""How long a file waits for a worker."""


class Ended(Exception):
    """The worker ended over a file; ``code`` is the reason in the report."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Busy(Exception):
    """No worker became free in time."""


class Process:
    """One worker process, from this side."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._child = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-I", "-m", "kouan.apps.signing.validating.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={"LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
                start_new_session=True,
            )
        self._line = ours
        self._known: list[str] = []
        self._leaving = False

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._child.pid

    def do(
        self,
        job: Mapping[str, object],
        file: IO[bytes],
        *,
        trust: Trust | None,
        seconds: float,
        document: IO[bytes] | None = None,
    ) -> bytes:
        """Have a job done and return its answer; raises ``Ended``. Afterwards the process may be gone."""
        with contextlib.ExitStack() as stack:
            answer = stack.enter_context(tempfile.TemporaryFile())
            files = [file.fileno(), answer.fileno()]
            if trust is not None and trust.digest not in self._known:
                block = stack.enter_context(tempfile.TemporaryFile())
                block.write(trust.packed)
                block.flush()
                files.append(block.fileno())
            if document is not None:
                job = {**job, "document": True}
                files.append(document.fileno())
            try:
                self._line.settimeout(seconds)
                socket.send_fds(self._line, [json.dumps(job).encode()], files)
                done = self._line.recv(1)
            except TimeoutError:
                self.end()
                raise Ended("took-too-long") from None
            except OSError:
                done = b""
            if done not in {DONE, LAST}:
                self.end()
                raise Ended("too-complex")
            if trust is not None and trust.digest not in self._known:
                self._known = [*self._known[-2:], trust.digest]
            self._leaving = done == LAST
            answer.seek(0)
            return answer.read(ANSWER + 1)

    def alive(self) -> bool:
        """Whether it still runs and takes jobs."""
        return not self._leaving and self._child.poll() is None

    def end(self) -> None:
        """End it, whatever it is doing."""
        self._line.close()
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()


class Pool:
    """Up to so many workers. Safe to use from many threads; a process that was forked makes its own."""

    def __init__(self, size: int) -> None:
        self._places: queue.Queue[Process | None] = queue.Queue()
        for _ in range(size):
            self._places.put(None)
        self._running: set[Process] = set()
        atexit.register(self.close)

    def validate(
        self,
        file: IO[bytes],
        trust: Trust,
        *,
        document: IO[bytes] | None = None,
        seconds: float = WALL_SECONDS,
    ) -> FileReport:
        """Return the report on an open file (a real one, with a descriptor); raises ``Busy``.

        ``document`` is what a detached signature is about, as open as the file.

        A file over which the worker ends or takes too long gets a report that says so.
        """
        try:
            text = self._do(
                {"what": "validate", "trust": trust.digest, "seconds": CPU_SECONDS},
                file,
                trust,
                seconds,
                document,
            )
            return FileReport.model_validate_json(text)
        except Ended as error:
            return report.unreadable(error.code, SubIndication.GENERIC)
        except ValidationError:
            return report.unreadable("too-complex", SubIndication.GENERIC)

    def update(self, file: IO[bytes], task: str, *, trust: Trust | None, given: IO[bytes]) -> bytes:
        """Return what ``making.inworker`` answers about a PDF; raises ``Ended`` or ``Busy``.

        ``given`` is what the task needs to know, as JSON in an open file.
        """
        job = {
            "what": "update",
            "task": task,
            "trust": "" if trust is None else trust.digest,
            "seconds": CPU_SECONDS,
        }
        return self._do(job, file, trust, WALL_SECONDS, given)

    def draw(self, file: IO[bytes], job: Mapping[str, object]) -> bytes:
        """Return a page as PNG, drawn by a process of its own that ends with it; raises ``Ended``."""
        process = Process()
        try:
            return process.do(
                {**job, "what": "draw", "seconds": DRAW_SECONDS}, file, trust=None, seconds=2 * DRAW_SECONDS
            )
        finally:
            process.end()

    def _do(
        self,
        job: Mapping[str, object],
        file: IO[bytes],
        trust: Trust | None,
        seconds: float,
        document: IO[bytes] | None,
    ) -> bytes:
        try:
            process = self._places.get(timeout=_WAIT)
        except queue.Empty:
            raise Busy from None
        try:
            if process is None or not process.alive():
                if process is not None:
                    self._drop(process)
                process = Process()
                self._running.add(process)
            return process.do(job, file, trust=trust, seconds=seconds, document=document)
        except Ended:
            if process is not None:
                self._drop(process)
            process = None
            raise
        finally:
            self._places.put(process)

    def _drop(self, process: Process) -> None:
        self._running.discard(process)
        process.end()

    def close(self) -> None:
        """End all workers."""
        for process in list(self._running):
            self._drop(process)


_lock = threading.Lock()
_pools: dict[int, Pool] = {}


def size() -> int:
    """Return how many workers this process may have: one for each processor, at most four."""
    return min(4, os.cpu_count() or 1)


def shared() -> Pool:
    """Return this process's pool."""
    with _lock:
        if os.getpid() not in _pools:
            _pools.clear()
            _pools[os.getpid()] = Pool(size())
        return _pools[os.getpid()]
