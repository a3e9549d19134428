"""Reading and writing rows where every message passes: statements built once, values adapted by the fields.

What the ORM spends on building a statement is more than the channel spends on a message. These
functions keep its rules for values (time zones, identifiers, bytes on each database) and leave the rest.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Field, Model

M = TypeVar("M", bound="Model")


def fetch(
    model: type[M], where: str, params: Sequence[Any], *, names: Sequence[str] = (), lock: bool = False
) -> list[M]:
    """Return the rows that ``where`` names (what follows ``WHERE``, with ``%s`` for ``params``).

    With ``names`` only those fields are read. ``lock`` holds the rows until the transaction ends.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    select, attnames, converters = _select(model, tuple(names))
    tail = " FOR UPDATE" if lock and connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(f"{select} WHERE {where}{tail}", params)
        found = cursor.fetchall()
    rows = []
    for values in found:
        converted = list(values)
        for place, expression, convert in converters:
            for step in convert:
                converted[place] = step(converted[place], expression, connection)
        rows.append(model.from_db(connection.alias, attnames, converted))
    return rows


def insert_many(model: type[Model], names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Insert rows; ``names`` are the fields (foreign keys by their ``…_id``), in the order of the values."""
    connection = connections[DEFAULT_DB_ALIAS]
    fields = _fields(model, tuple(names))
    with connection.cursor() as cursor:
        cursor.executemany(_insert(model, tuple(names)), [_prepared(fields, row, connection) for row in rows])


def insert_one(model: type[Model], **values: object) -> int:
    """Insert one row and return its primary key."""
    connection = connections[DEFAULT_DB_ALIAS]
    names = tuple(values)
    sql = f"{_insert(model, names)} RETURNING {connection.ops.quote_name(_column(_pk(model)))}"
    with connection.cursor() as cursor:
        cursor.execute(sql, _prepared(_fields(model, names), list(values.values()), connection))
        key: int = cursor.fetchone()[0]
        return key


def update_many(
    model: type[Model], names: Sequence[str], rows: Iterable[Sequence[object]], *, key: str = "id"
) -> None:
    """Update rows: each holds the new values of the fields ``names``, then the value of the field ``key``."""
    connection = connections[DEFAULT_DB_ALIAS]
    fields = _fields(model, (*names, key))
    prepared = [_prepared(fields, row, connection) for row in rows]
    sql = _update(model, tuple(names), key)
    with connection.cursor() as cursor:
        if len(prepared) == 1:
            cursor.execute(sql, prepared[0])
        else:
            cursor.executemany(sql, prepared)


def _prepared(
    fields: Sequence[Field[Any, Any]], row: Sequence[object], connection: BaseDatabaseWrapper
) -> list[Any]:
    return [field.get_db_prep_save(value, connection) for field, value in zip(fields, row, strict=True)]


@lru_cache(maxsize=64)
def _fields(model: type[Model], names: tuple[str, ...]) -> tuple[Field[Any, Any], ...]:
    by_name = {name: field for field in model._meta.concrete_fields for name in (field.name, field.attname)}
    return tuple(by_name[name] for name in names)


@lru_cache(maxsize=64)
def _select(
    model: type[Model], names: tuple[str, ...]
) -> tuple[str, list[str], list[tuple[int, Any, list[Callable[..., Any]]]]]:
    connection = connections[DEFAULT_DB_ALIAS]
    every = tuple(model._meta.concrete_fields)
    # A model takes the values of some fields in the order of its own, however they were named.
    fields = sorted(_fields(model, names), key=every.index) if names else every
    quote = connection.ops.quote_name
    table = model._meta.db_table
    converters = []
    for place, field in enumerate(fields):
        expression = field.get_col(table)
        steps = [*connection.ops.get_db_converters(expression), *field.get_db_converters(connection)]
        if steps:
            converters.append((place, expression, steps))
    columns = ", ".join(quote(_column(field)) for field in fields)
    return f"SELECT {columns} FROM {quote(table)}", [field.attname for field in fields], converters  # noqa: S608 - names from the models


@lru_cache(maxsize=64)
def _insert(model: type[Model], names: tuple[str, ...]) -> str:
    quote = connections[DEFAULT_DB_ALIAS].ops.quote_name
    columns = ", ".join(quote(_column(field)) for field in _fields(model, names))
    places = ", ".join(["%s"] * len(names))
    return f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({places})"  # noqa: S608 - names from the models


@lru_cache(maxsize=64)
def _update(model: type[Model], names: tuple[str, ...], key: str) -> str:
    quote = connections[DEFAULT_DB_ALIAS].ops.quote_name
    *changed, where = _fields(model, (*names, key))
    values = ", ".join(f"{quote(_column(field))} = %s" for field in changed)
    table = quote(model._meta.db_table)
    return f"UPDATE {table} SET {values} WHERE {quote(_column(where))} = %s"  # noqa: S608 - names from the models


def _column(field: Field[Any, Any]) -> str:
    assert field.column is not None  # noqa: S101 - concrete fields have one
    return field.column


def _pk(model: type[Model]) -> Field[Any, Any]:
    field = model._meta.pk
    assert field is not None  # noqa: S101 - every model that is stored has one
    return field
