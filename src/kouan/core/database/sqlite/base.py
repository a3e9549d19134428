"""SQLite for several processes that all write: they queue for the writer's place instead of polling.

SQLite lets one connection write at a time. A second one that waits sleeps in steps of up to 100 ms
(its busy handler), which costs a node with a portal, a door and a worker most of its speed. Here each
writing transaction first takes a lock on a file beside the database: the kernel wakes the next
in line at once, and frees the place of a process that was killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from typing import Any, ClassVar, Final

from django.db.backends.sqlite3 import base

_MANY_STATEMENTS: Final = 2000
"""Beyond so many different statements no more are kept; the channel has a few dozen."""


class CursorWrapper(base.SQLiteCursorWrapper):
    """Django's own, but a statement's placeholders are translated once and not at every use."""

    _translated: ClassVar[dict[str, str]] = {}

    def convert_query(self, query: str, *, param_names: Any = None) -> str:
        """Return the statement with SQLite's placeholders."""
        if param_names is not None:
            named: str = super().convert_query(query, param_names=param_names)
            return named
        translated = self._translated.get(query)
        if translated is None:
            translated = super().convert_query(query)
            if len(self._translated) < _MANY_STATEMENTS:
                self._translated[query] = translated
        return translated


_making = threading.Lock()


def _make(path: str) -> None:
    """Make the file of a new database, whatever the umask and the folder: it will hold secrets.

    One that is there is not opened. POSIX has a process lose its locks on a file when it closes that file
    once, however often it has it open; without them, another process that closes the database would take
    itself for the last one and remove the WAL from under the connections here.
    """
    with _making, contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, with the writers' queue around ``BEGIN IMMEDIATE`` … ``COMMIT``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._place: int | None = None

    def create_cursor(self, name: str | None = None) -> CursorWrapper:
        """Return a cursor of our kind."""
        del name
        cursor: CursorWrapper = self.connection.cursor(factory=CursorWrapper)
        return cursor

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect; a new database is private to this process's user, as SQLite's files beside it then are."""
        if not self.is_in_memory_db():
            _make(self.settings_dict["NAME"])
        return super().get_new_connection(conn_params)

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
