"""Processes that begin with everything loaded: forks of one that has imported the node's code, and no more.

What that is, ``servers.load`` says. The parent holds no key, no connection and no thread, so a child starts
as a fresh program would, in milliseconds. What the parent has loaded is in memory once for all of them.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import subprocess
from typing import TYPE_CHECKING, Final

from kouan.config import ConfigError
from kouan.core.watch import traces

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from pathlib import Path

_FORK: Final = multiprocessing.get_context("fork")
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15


class Child:
    """A forked process, with as much of ``subprocess.Popen``'s face as its supervisor looks at."""

    def __init__(self, run: Callable[[], None], log_file: Path) -> None:
        self._process = _FORK.Process(target=_live, args=(run, log_file, os.getpid()))
        self._process.start()

    @property
    def pid(self) -> int:
        """Its id, which is that of its session too."""
        return self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Look whether it has ended; return as ``returncode``."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended; raises ``subprocess.TimeoutExpired``."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("a process of the node", timeout or 0.0)
        return code


def alone(work: Callable[[], None]) -> None:
    """Do some work in a process of its own; raises ``ConfigError`` with the words of what it raised."""
    here, there = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_tell, args=(work, there, os.getpid()))
    process.start()
    there.close()
    try:
        problem = here.recv()
    except EOFError:
        problem = "The node could not be made ready; the lines above say why."
    process.join()
    if problem:
        raise ConfigError(problem)


def name(name: str) -> None:
    """Have the machine's list of processes call this one so (Linux; up to 15 letters)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def end_with_parent() -> None:
    """Have the kernel end this process when the one that started it dies, however it dies (Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _live(run: Callable[[], None], log_file: Path, parent: int) -> None:
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    end_with_parent()
    if os.getppid() != parent:
        return  # it died meanwhile
    output = os.open(log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, source in ((0, nothing), (1, output), (2, output)):
        os.dup2(source, descriptor)
    os.close(output)
    os.close(nothing)
    try:
        run()
    finally:
        traces.stop()


def _tell(work: Callable[[], None], there: Connection, parent: int) -> None:
    end_with_parent()
    if os.getppid() != parent:
        return  # it died meanwhile
    from django.db import DatabaseError  # noqa: PLC0415 - needs Django's set-up

    from kouan.core.errors import KouanError  # noqa: PLC0415 - as above

    problem = ""
    try:
        work()
    except DatabaseError as error:
        problem = f"The database cannot be used: {error}"
    except (ConfigError, KouanError) as error:
        problem = str(error)
    there.send(problem)
