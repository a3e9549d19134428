"""Database connections of threads that live long."""

from __future__ import annotations

from django.db import connection


def refresh_connection() -> None:
    """Let go of this thread's connection if it has become useless, so that the next statement opens another.

    One in the middle of a transaction is left alone.
    """
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
        connection.close_if_health_check_failed()
