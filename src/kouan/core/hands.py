"""Threads that answer requests: whoever was busy last is asked next.

What a thread needs for an answer (its connection to the database, the statements prepared there, what the
processor has near it) is at hand where it was used a moment ago. The standard library's pool asks all of its
threads in turn, so that on a quiet node each has forgotten it.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    Task = tuple[Callable[[], Any], asyncio.Future[Any]]

T = TypeVar("T")


class Hands:
    """So many threads at the most; each begins when it is needed, and stays."""

    def __init__(self, most: int, *, name: str) -> None:
        self._most, self._name = most, name
        self._lock = threading.Lock()
        self._count = 0
        self._idle: list[SimpleQueue[Task]] = []
        self._waiting: deque[Task] = deque()

    async def do(self, work: Callable[[], T]) -> T:
        """Have a thread do something, and return what it returns or raise what it raises."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        task = (work, future)
        with self._lock:
            if self._idle:
                self._idle.pop().put(task)
            elif self._count < self._most:
                name = f"{self._name}-{self._count + 1}"
                threading.Thread(target=self._run, args=(task,), name=name, daemon=True).start()
                self._count += 1  # of those that could begin: the system may have no room for one more
            else:
                self._waiting.append(task)
        return await future

    def _run(self, task: Task | None) -> None:
        mine: SimpleQueue[Task] = SimpleQueue()
        while True:
            work, future = task or mine.get()
            try:
                done, error = work(), None
            except BaseException as raised:  # noqa: BLE001 - whoever asked is told, whatever it is
                done, error = None, raised
            # Before the answer is told: what it leads to is asked of this thread.
            with self._lock:
                task = self._waiting.popleft() if self._waiting else None
                if task is None:
                    self._idle.append(mine)
            try:
                future.get_loop().call_soon_threadsafe(_tell, future, done, error)
            except RuntimeError:  # the server has stopped: nobody waits any more
                return
            del work, future, done, error


def _tell(future: asyncio.Future[Any], done: Any, error: BaseException | None) -> None:
    if future.done():  # whoever asked may have left
        return
    if error is None:
        future.set_result(done)
    else:
        future.set_exception(error)
