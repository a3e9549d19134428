"""Databases for the nodes of a benchmark on a PostgreSQL server, if one is there for the present user."""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def server() -> str | None:
    """Return KOUAN_BENCH_DATABASE, or 127.0.0.1:5432 if it answers, as ``node.toml`` writes a server."""
    named = os.environ.get("KOUAN_BENCH_DATABASE")
    url = named or f"postgresql://{getpass.getuser()}@127.0.0.1:5432"
    try:
        psycopg.connect(f"{url}/postgres", connect_timeout=3).close()
    except psycopg.OperationalError:
        if named:
            raise
        return None
    return url


@contextlib.contextmanager
def databases(url: str, sides: Sequence[str]) -> Iterator[dict[str, str]]:
    """Make an empty database for each side, and drop them at the end."""
    names = {side: f"kouan_bench_{side}_{secrets.token_hex(4)}" for side in sides}
    with psycopg.connect(f"{url}/postgres", autocommit=True) as control:
        for name in names.values():
            control.execute(f'CREATE DATABASE "{name}"')
        try:
            yield {side: f"{url}/{name}" for side, name in names.items()}
        finally:
            for name in names.values():
                control.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
