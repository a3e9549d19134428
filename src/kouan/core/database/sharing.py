"""How the threads of a portal share few sessions of a PostgreSQL server.

A thread has one for as long as it answers a request, and none while it waits for another machine. SQLite has
no sessions: there each thread keeps its own connection.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import connection, connections

MOST: Final = 8
"""Sessions of one process. What waits for one is served in turn."""
LONGEST_WAIT: Final = 20.0
"""Seconds until a request that got no session fails."""
UNUSED: Final = 30.0
"""Seconds after which a session that a burst has opened ends."""


def share_sessions() -> None:
    """Have the threads of this process share sessions; before the first of them connects."""
    settings: dict[str, Any] = connections.settings["default"]
    if connection.vendor == "postgresql":
        settings["CONN_MAX_AGE"] = 0
        settings["OPTIONS"]["pool"] = {
            "min_size": 1,
            "max_size": MOST,
            "timeout": LONGEST_WAIT,
            "max_idle": UNUSED,
        }


def lend_session() -> None:
    """Let another thread have this one's session: it is about to wait for somebody else.

    Does nothing inside a transaction, nor where sessions are not shared.
    """
    if connection.settings_dict["OPTIONS"].get("pool") and not connection.in_atomic_block:
        connection.close()
