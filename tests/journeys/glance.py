"""A look into a node's database from outside, without its code."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kouan.config import NodeConfig


@contextmanager
def glance(config: NodeConfig) -> Iterator[Any]:
    """Give a connection that reads; its ``execute`` returns a cursor on either database."""
    if config.database.startswith("sqlite:"):
        path = config.home / config.database.removeprefix("sqlite:///")
        opened: Any = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    else:
        import psycopg  # noqa: PLC0415 - only where there is such a server

        opened = psycopg.connect(config.database, autocommit=True)
    with closing(opened):
        yield opened
