"""Databases of the tests' own on a PostgreSQL server, for nodes and threads that share one."""

from __future__ import annotations

import atexit
import getpass
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.db import connection

from kouan.node.layout import DATABASE, NewNode, environment_of
from kouan.node.layout import create as lay_out
from own_node import SERVER

if TYPE_CHECKING:
    from collections.abc import Iterator


def create() -> str:
    """Make an empty database and return it as ``node.toml`` names one."""
    name = f"kouan_test_{secrets.token_hex(6)}"
    _on_server(f'CREATE DATABASE "{name}"')
    return _url(name)


def begin(home: Path) -> str:
    """Give the node that will be in a folder a database with all its tables, and nothing in them.

    Returns what ``node.toml`` says of it: a file in the folder, or a database on the server.
    """
    pattern = _pattern()
    if SERVER:
        name = f"kouan_test_{secrets.token_hex(6)}"
        _on_server(f'CREATE DATABASE "{name}" TEMPLATE "{urlsplit(pattern).path.removeprefix("/")}"')
        return _url(name)
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(pattern, home)
    return DATABASE


@contextmanager
def of_nodes(home: Path, *sides: str) -> Iterator[dict[str, str]]:
    """Give the nodes of sides that will be in folders below one their databases, until they are done with."""
    urls: dict[str, str] = {}
    try:
        for side in sides:
            urls[side] = begin(home / side)
        yield urls
    finally:
        if SERVER:
            for url in urls.values():
                drop(url)


@cache
def _pattern() -> str:
    """Migrate one database, of which nodes get copies; return its address, or its file."""
    home = Path(tempfile.mkdtemp(prefix="kouan-pattern-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    url = create() if SERVER else DATABASE
    if SERVER:
        atexit.register(drop, url)
    path = lay_out(home, NewNode(side="hk", portal="127.0.0.1:18100", door="127.0.0.1:18101", database=url))
    others = {name: value for name, value in os.environ.items() if not name.startswith("KOUAN_")}
    subprocess.run(
        [sys.executable, "-m", "kouan.cli", "--node", str(path), "migrate"],
        env=environment_of(path, others),
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return url if SERVER else str(home / urlsplit(DATABASE).path.removeprefix("/"))


def _url(name: str) -> str:
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
