"""One among all of a node's workers does what must not be done twice at once: sending to a peer, say.

On PostgreSQL a session's advisory lock makes the leader. The server frees it the moment that the session
ends, also when its process was killed, and a session that ended leads no more: so the leader's database
work, on the same connection, fails before it could act on a lead that it has lost. On SQLite a lock on a
file in the run folder does the same among the processes of the one machine.

Should two act at once after all (the one whose connection broke may have a request under way), the
peer's door keeps the order: the same batch gets the same receipt, anything else is a gap.
"""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

from kouan.core.database.locks import number_of
from kouan.core.database.rows import engine, select

if TYPE_CHECKING:
    from pathlib import Path

LOOK: Final = 0.2
"""Seconds after which one who does not lead tries again."""


class Leadership:
    """The lead in one matter, for one thread of a worker, on that thread's database connection."""

    def __init__(self, matter: str) -> None:
        self._matter = matter
        self._session: Any = None
        self._place: int | None = None
        self.term = 0
        """How often it was won: what was known in an earlier term may be old."""

    def held(self) -> bool:
        """Take the lead if nobody has it, and return whether it is ours; asks nobody while it is."""
        if engine() == "sqlite":
            return self._file()
        session = connections[DEFAULT_DB_ALIAS].connection
        if session is not None and session is self._session and not session.closed:
            return True
        self._session = None
        ((won,),) = select("SELECT pg_try_advisory_lock(%s)", (number_of(f"lead {self._matter}"),))
        if won:
            self._session = connections[DEFAULT_DB_ALIAS].connection
            self.term += 1
        return bool(won)

    def release(self) -> None:
        """Leave the lead to another one."""
        if self._place is not None:
            place, self._place = self._place, None
            os.close(place)
        session, self._session = self._session, None
        if session is not None and session is connections[DEFAULT_DB_ALIAS].connection:
            select("SELECT pg_advisory_unlock(%s)", (number_of(f"lead {self._matter}"),))

    def _file(self) -> bool:
        if self._place is not None:
            return True
        folder: Path = settings.NODE.run / "leads"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = os.open(folder / self._matter.replace(" ", "-"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(place)
            return False
        self._place = place
        self.term += 1
        return True
