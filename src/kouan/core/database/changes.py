"""Whether anything in the database has changed, in one statement that reads no table.

SQLite counts what other connections have committed (``PRAGMA data_version``). PostgreSQL names what a
transaction sees: two equal snapshots see the same rows. A server that other databases are busy on names a new
one each time; then "perhaps" is the answer, which is never wrong.
"""

from __future__ import annotations

from typing import Final

from django.db import DEFAULT_DB_ALIAS, connections

from kouan.core.database.rows import engine, select

_SQLITE: Final = "PRAGMA data_version"
_POSTGRESQL: Final = "SELECT pg_current_snapshot()::text"


class Changes:
    """What one thread has seen of the database, on a connection on which it writes nothing itself."""

    def __init__(self) -> None:
        self._seen: tuple[object, object] | None = None

    def look(self) -> bool:
        """Say whether something may have been committed since the last look; the first one says yes."""
        ((mark,),) = select(_SQLITE if engine() == "sqlite" else _POSTGRESQL)
        # A number of SQLite's means something on its own connection alone.
        seen = (mark, connections[DEFAULT_DB_ALIAS].connection)
        changed, self._seen = seen != self._seen, seen
        return changed
