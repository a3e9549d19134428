"""SQLite for several processes that all write: they queue for the writer's place instead of polling.

SQLite lets one connection write at a time. A second one that waits sleeps in steps of up to 100 ms
(its busy handler), which costs a node with a portal, a door and a worker most of its speed. Here each
writing transaction first takes a lock on a file beside the database: the kernel wakes the next
in line at once, and frees the place of a process that was killed.
"""

from __future__ import annotations

import fcntl
import os
from typing import Any

from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, with the writers' queue around ``BEGIN IMMEDIATE`` … ``COMMIT``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._place: int | None = None

    def _start_transaction_under_autocommit(self) -> None:
        self._queue()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._leave()
            raise

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        self._leave()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._leave()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._leave()

    def _queue(self) -> None:
        name = str(self.settings_dict["NAME"])
        if self._place is not None or self.is_in_memory_db():
            return
        descriptor = os.open(f"{name}.writer", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except BaseException:
            os.close(descriptor)
            raise
        self._place = descriptor

    def _leave(self) -> None:
        if self._place is not None:
            descriptor, self._place = self._place, None
            os.close(descriptor)
