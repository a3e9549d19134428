"""Databases of the tests' own on a PostgreSQL server, for nodes and threads that share one."""

from __future__ import annotations

import getpass
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.db import connection

from own_node import SERVER

if TYPE_CHECKING:
    from collections.abc import Iterator


def create() -> str:
    """Make an empty database and return it as ``node.toml`` names one."""
    name = f"kouan_test_{secrets.token_hex(6)}"
    _on_server(f'CREATE DATABASE "{name}"')
    return f"{SERVER.rstrip('/')}/{name}"


def through_socket(url: str) -> str:
    """Return what names the same database to a node that does not reach the server's port.

    A Unix socket is reached from every network namespace; the server asks there whose process it is.
    """
    import psycopg  # noqa: PLC0415 - only where there is such a server

    parts = urlsplit(url)
    with psycopg.connect(url) as server:
        found = server.execute("SHOW unix_socket_directories").fetchone()
    folder = str(found[0]).partition(",")[0].strip() if found else ""
    return (
        f"postgresql://{parts.username or getpass.getuser()}@:{parts.port or 5432}{parts.path}?host={folder}"
    )


def drop(url: str) -> None:
    """Drop a database that ``create`` made, whoever is still connected."""
    name = urlsplit(url).path.removeprefix("/")
    _on_server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


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
