"""Databases of the tests' own on a PostgreSQL server, for nodes and threads that share one."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import connection

from own_node import SERVER

if TYPE_CHECKING:
    from collections.abc import Iterator


def create() -> str:
    """Make an empty database and return it as ``node.toml`` names one."""
    name = f"kouan_test_{secrets.token_hex(6)}"
    _on_server(f'CREATE DATABASE "{name}"')
    return f"{SERVER.rstrip('/')}/{name}"


def drop(url: str) -> None:
    """Drop a database that ``create`` made, whoever is still connected."""
    _on_server(f'DROP DATABASE IF EXISTS "{url.rpartition("/")[2]}" WITH (FORCE)')


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect the statements that ``kouan.core.database.rows`` sends, as texts."""
    sent: list[str] = []
    if connection.vendor == "sqlite":
        connection.connection.set_trace_callback(sent.append)
        try:
            yield sent
        finally:
            connection.connection.set_trace_callback(None)
        return
    import psycopg  # noqa: PLC0415 - only where there is such a server

    class Telling(psycopg.Cursor):
        def execute(self, query, params=None, **more):
            sent.append(query)
            return super().execute(query, params, **more)

    connection.ensure_connection()
    connection._direct = Telling(connection.connection)
    try:
        yield sent
    finally:
        connection._direct = None


def _on_server(statement: str) -> None:
    import psycopg  # noqa: PLC0415 - as above

    with psycopg.connect(f"{SERVER.rstrip('/')}/postgres", autocommit=True) as server:
        server.execute(statement)
