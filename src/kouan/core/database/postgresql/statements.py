"""Many rows in one statement and one round trip: each column travels as an array.

An array of a type is one parameter, so the statement's text does not depend on the number of rows and
its plan is made once. Measured beside ``COPY``, this is as quick at 500 rows and quicker at a few.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS, connections

from kouan.core.database.postgresql.arrays import packed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import Field, Model

    from kouan.core.database.postgresql.base import DatabaseWrapper

Fields = tuple["Field[Any, Any]", ...]


def insert(
    connection: DatabaseWrapper, model: type[Model], fields: Fields, rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows; their keys grow in the order of the rows."""
    connection.direct.execute(_insert(model, fields), _columns(fields, rows), binary=True)


def update(
    connection: DatabaseWrapper, model: type[Model], fields: Fields, rows: Sequence[Sequence[Any]]
) -> None:
    """Set all but the last of ``fields`` in the rows that the last one names."""
    connection.direct.execute(_update(model, fields), _columns(fields, rows), binary=True)


def _columns(fields: Fields, rows: Sequence[Sequence[Any]]) -> list[Any]:
    return [
        packed(column, kind) for column, kind in zip(zip(*rows, strict=True), _types(fields), strict=True)
    ]


@lru_cache(maxsize=64)
def _insert(model: type[Model], fields: Fields) -> str:
    quote = connections[DEFAULT_DB_ALIAS].ops.quote_name
    columns = ", ".join(_columns_of(fields))
    return (
        f"INSERT INTO {quote(model._meta.db_table)} ({columns}) SELECT {columns} "  # noqa: S608 - names from the models
        f"FROM {_arrays(fields)} WITH ORDINALITY AS new ({columns}, place_) ORDER BY place_"
    )


@lru_cache(maxsize=64)
def _update(model: type[Model], fields: Fields) -> str:
    quote = connections[DEFAULT_DB_ALIAS].ops.quote_name
    *changed, where = _columns_of(fields)
    table = quote(model._meta.db_table)
    values = ", ".join(f"{column} = new.{column}" for column in changed)
    return (
        f"UPDATE {table} SET {values} FROM {_arrays(fields)} "  # noqa: S608 - names from the models
        f"AS new ({', '.join([*changed, where])}) WHERE {table}.{where} = new.{where}"
    )


def _arrays(fields: Fields) -> str:
    return f"unnest({', '.join(f'%s::{kind}[]' for kind in _types(fields))})"


@lru_cache(maxsize=64)
def _types(fields: Fields) -> tuple[str, ...]:
    return tuple(_type(field) for field in fields)


def _type(field: Field[Any, Any]) -> str:
    """Return the field's type without its bounds, which the column itself checks."""
    return re.sub(r"\(.*\)", "", field.rel_db_type(connections[DEFAULT_DB_ALIAS]) or "")


def _columns_of(fields: Fields) -> list[str]:
    quote = connections[DEFAULT_DB_ALIAS].ops.quote_name
    return [quote(field.column or "") for field in fields]
