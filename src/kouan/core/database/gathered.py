"""Rows that a transaction adds one by one, and that nothing reads before it ends: written all at once.

A statement for each of them would cost more than what it writes, and a way to the server and back besides.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import DEFAULT_DB_ALIAS, connections

from kouan.core.database.rows import insert_many

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.db.models import Model

    Table = tuple[type[Model], tuple[str, ...]]


class _Held(threading.local):
    """What this thread holds back, and in how many savepoints the block that holds it began."""

    def __init__(self) -> None:
        self.rows: dict[Table, list[Sequence[object]]] | None = None
        self.depth = 0


_held = _Held()


@contextmanager
def gathering() -> Iterator[None]:
    """Hold back what ``insert_at_end`` is given, and insert each table's rows in one statement at the end.

    Belongs inside the transaction that the rows are part of. Where the block fails, none of them is
    inserted: its transaction is undone with it.
    """
    before = _held.rows, _held.depth
    rows: dict[Table, list[Sequence[object]]] = {}
    _held.rows, _held.depth = rows, _depth()
    try:
        yield
        for (model, names), added in rows.items():
            insert_many(model, names, added)
    finally:
        _held.rows, _held.depth = before


def insert_at_end(model: type[Model], names: tuple[str, ...], row: Sequence[object]) -> None:
    """Insert a row as ``insert_many`` does: at the end of ``gathering``, or now where nothing is gathered.

    Now as well in a savepoint inside of that block, which may be undone alone.
    """
    if _held.rows is None or _depth() != _held.depth:
        insert_many(model, names, [row])
    else:
        _held.rows.setdefault((model, names), []).append(row)


def _depth() -> int:
    return len(connections[DEFAULT_DB_ALIAS].savepoint_ids)
