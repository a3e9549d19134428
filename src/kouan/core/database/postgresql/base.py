"""PostgreSQL as Django uses it, with a cursor beside Django's own for the statements of ``rows``."""

from __future__ import annotations

import select
from typing import Any, Final

import psycopg
from django.db.backends.postgresql import base

from kouan.core.database.postgresql.arrays import Packed, PackedDumper

_PREPARE_AFTER: Final = 2
"""Times that a statement is sent as it is before the server keeps its plan."""
_PREPARED_MOST: Final = 200


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, plus ``direct``: parameters bound by the server, in binary, plans kept."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._direct: psycopg.Cursor[tuple[Any, ...]] | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect, and let the server keep plans (Django's own cursors bind by themselves and have none)."""
        connection = super().get_new_connection(conn_params)
        connection.prepare_threshold = _PREPARE_AFTER
        connection.prepared_max = _PREPARED_MOST
        connection.adapters.register_dumper(Packed, PackedDumper)
        return connection

    def close_if_health_check_failed(self) -> None:
        """Close a connection that the server has ended; ask the server only if there is something from it.

        A session at rest hears nothing. A server that stops, or ends it, says so and closes its end. A
        machine that vanished says nothing: it is noticed at the next statement, as it would be at a question.
        """
        if self.connection is not None and not self.pool and not _spoken(self.connection):
            self.health_check_done = True
            return
        super().close_if_health_check_failed()

    @property
    def direct(self) -> psycopg.Cursor[tuple[Any, ...]]:
        """A cursor of the present connection, for statements whose rows are all read at once."""
        if self._direct is None or self._direct.connection is not self.connection:
            self._direct = psycopg.Cursor(self.connection)
        return self._direct


def _spoken(connection: psycopg.Connection[Any]) -> bool:
    """Say whether the server has sent anything, its end included, or the connection is known to be over."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
