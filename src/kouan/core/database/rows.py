"""Reading and writing rows where every message passes: statements built once, the driver called directly.

What the ORM spends on building a statement, and Django's cursors on running it, is more than the
channel spends on a message. These functions keep what matters of them: the form in which each field's
values are stored, transactions, and Django's errors.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Field, Model
from django.db.models.base import ModelState

from kouan.core.database.values import SQLITE, inward, outward, read_as, time_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType

    from django.db.backends.base.base import BaseDatabaseWrapper

    from kouan.core.database.postgresql.base import DatabaseWrapper as PostgreSQL
    from kouan.core.database.values import Convert

M = TypeVar("M", bound="Model")
Wanted = tuple[tuple[type[Model], str, tuple[str, ...]], ...]
"""Models, each with its table's name in a statement and the fields that are read: all if none is named."""


def select(sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Return the rows of a statement (with ``%s`` for each of ``params``), as the driver gives them.

    ``stored`` makes a parameter of a time or an identifier.
    """
    connection = _connection()
    with connection.wrap_database_errors:
        found: list[tuple[Any, ...]] = _run(connection, sql, params).fetchall()
    return found


def execute(sql: str, params: Sequence[Any] = ()) -> int:
    """Run a statement and return how many rows it changed."""
    connection = _connection()
    with connection.wrap_database_errors:
        changed: int = _run(connection, sql, params).rowcount
    return changed


@lru_cache(maxsize=1)
def engine() -> str:
    """Return which database this is: ``sqlite`` or ``postgresql``."""
    return connections[DEFAULT_DB_ALIAS].vendor


def stored(value: datetime | uuid.UUID) -> Any:
    """Return a time or an identifier in the form in which this database keeps it."""
    if engine() != SQLITE:
        return value
    return time_out(value) if isinstance(value, datetime) else value.hex


def among(column: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
    """Return a condition that ``column`` is one of ``values``, and its parameters.

    The values are of one kind; identifiers are brought into the form in which the database keeps them.
    """
    if engine() != SQLITE:
        return f"{column} = ANY(%s)", [list(values)]
    kept = [value.hex for value in values] if values and isinstance(values[0], uuid.UUID) else list(values)
    return f"{column} IN ({', '.join(['%s'] * len(kept))})", kept


def keepable(text: str, most: int) -> str:
    """Return a text from outside as any database keeps it: so many characters at most, none of them NUL."""
    return text[:most].replace("\0", "\ufffd")


def fetch(  # noqa: PLR0913 - a statement's parts, by name
    model: type[M],
    where: str,
    params: Sequence[Any],
    *,
    names: Sequence[str] = (),
    beside: tuple[type[Model], str] | None = None,
    lock: bool = False,
    no_key: bool = False,
    skip_locked: bool = False,
) -> list[M]:
    """Return the rows that ``where`` names (what follows ``WHERE``, with ``%s`` for ``params``).

    With ``names`` only those fields are read. ``beside`` names a table that shares its keys with this one,
    and a column of it: what is there comes as an attribute of that name. ``lock`` holds the rows until
    the transaction ends, with ``no_key`` so that rows that refer to them can be made meanwhile;
    ``skip_locked`` leaves out those that another transaction holds (on SQLite nobody else can).
    """
    connection = _connection()
    statement, attnames, converts = _select(model, tuple(names), beside, connection.vendor)
    tail = ""
    if lock and connection.features.has_select_for_update:
        strength = "NO KEY UPDATE" if no_key else "UPDATE"
        tail = f" FOR {strength}{' SKIP LOCKED' if skip_locked else ''}"
    with connection.wrap_database_errors:
        rows = _run(connection, f"{statement} WHERE {where}{tail}", params).fetchall()
    made = []
    for row in rows:
        one = _made(model, attnames, row)
        values = one.__dict__
        for place, convert in converts:
            name = attnames[place]
            if (value := values[name]) is not None:
                values[name] = convert(value)
        made.append(one)
    return made


def fetch_joined(wanted: Wanted, tail: str, params: Sequence[Any], *, lock: str = "") -> list[list[Any]]:
    """Return what ``look_up`` does, the part of each table as a row of its model.

    ``lock`` is what ``tail`` calls the table whose rows are held until the transaction ends.
    """
    if lock and connections[DEFAULT_DB_ALIAS].features.has_select_for_update:
        tail = f"{tail} FOR UPDATE OF {lock}"
    parts = []
    at = 0
    for model, _, names in wanted:
        attnames = [field.attname for field in _fields(model, names)]
        parts.append((model, attnames, slice(at, at := at + len(attnames))))
    return [
        [_made(model, attnames, values[place]) for model, attnames, place in parts]
        for values in look_up(wanted, tail, params)
    ]


def look_up(wanted: Wanted, tail: str, params: Sequence[Any]) -> list[list[Any]]:
    """Return fields of several tables in one statement, each row the values of ``wanted`` in order.

    ``wanted`` names models, each with what ``tail`` (from ``FROM`` on, ``%s`` for ``params``) calls its
    table and with the fields that are read.
    """
    connection = _connection()
    columns, converts = _look_up(wanted, connection.vendor)
    with connection.wrap_database_errors:
        rows = _run(connection, f"SELECT {columns} {tail}", params).fetchall()
    found = [list(row) for row in rows]
    for values in found:
        for place, convert in converts:
            if (value := values[place]) is not None:
                values[place] = convert(value)
    return found


def insert_many(model: type[Model], names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Insert rows; ``names`` are the fields (foreign keys by their ``…_id``), in the order of the values."""
    connection = _connection()
    wanted = tuple(names)
    prepared = _prepared(model, wanted, rows, connection)
    if not prepared:
        return
    with connection.wrap_database_errors:
        if len(prepared) == 1:
            _run(connection, _insert(model, wanted), prepared[0])
        elif connection.vendor == SQLITE:
            sql = _question_marks(_insert(model, wanted))
            connection.connection.cursor().executemany(sql, prepared)
        else:
            _statements().insert(cast("PostgreSQL", connection), model, _fields(model, wanted), prepared)


def insert(row: M) -> M:
    """Insert a row that has no key yet, with all of its values, and return it with its key."""
    fields = type(row)._meta.concrete_fields
    names = tuple(field.attname for field in fields if not field.primary_key)
    connection = _connection()
    values = row.__dict__
    prepared = _prepared(type(row), names, [[values[name] for name in names]], connection)
    sql = f"{_insert(type(row), names)} RETURNING {connection.ops.quote_name(_column(_pk(type(row))))}"
    with connection.wrap_database_errors:
        ((row.pk,),) = _run(connection, sql, prepared[0]).fetchall()
    state = row.__dict__["_state"]
    state.adding, state.db = False, DEFAULT_DB_ALIAS
    return row


def new_keys(model: type[Model], count: int) -> list[int]:
    """Return primary keys, in order, for rows that the caller's transaction will insert with them."""
    table = model._meta.db_table
    if engine() == SQLITE:  # where this transaction is the only one that writes
        found = select("SELECT seq FROM sqlite_sequence WHERE name = %s", (table,))
        last: int = found[0][0] if found else 0
        return list(range(last + 1, last + 1 + count))
    sequence = "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)"
    return [key for (key,) in select(sequence, (table, _column(_pk(model)), count))]


def execute_many(sql: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run a statement once for each of ``rows``, all of them on one way to the database and back."""
    connection = _connection()
    with connection.wrap_database_errors:
        if connection.vendor == SQLITE:
            connection.connection.cursor().executemany(_question_marks(sql), rows)
        else:
            cast("PostgreSQL", connection).direct.executemany(sql, rows)


def update_many(
    model: type[Model], names: Sequence[str], rows: Iterable[Sequence[object]], *, key: str = "id"
) -> None:
    """Update rows: each holds the new values of the fields ``names``, then the value of the field ``key``."""
    connection = _connection()
    prepared = _prepared(model, (*names, key), rows, connection)
    if not prepared:
        return
    sql = _update(model, tuple(names), key)
    with connection.wrap_database_errors:
        if len(prepared) == 1:
            _run(connection, sql, prepared[0])
        elif connection.vendor == SQLITE:
            connection.connection.cursor().executemany(_question_marks(sql), prepared)
        else:
            fields = _fields(model, (*names, key))
            _statements().update(cast("PostgreSQL", connection), model, fields, prepared)


def _made(model: type[M], attnames: Sequence[str], values: Sequence[Any]) -> M:
    """Return what Model.from_db does, without looking at every field that there is."""
    one = model.__new__(model)
    kept = one.__dict__
    kept.update(zip(attnames, values, strict=True))
    state = kept["_state"] = ModelState()
    state.adding, state.db = False, DEFAULT_DB_ALIAS
    return one


def _connection() -> BaseDatabaseWrapper:
    """Return Django's connection, open and fit for a statement."""
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.connection is None:
        connection.ensure_connection()
    connection.validate_no_broken_transaction()
    return connection


def _run(connection: BaseDatabaseWrapper, sql: str, params: Sequence[Any]) -> Any:
    """Run a statement by the driver and return its cursor."""
    if connection.vendor == SQLITE:
        return connection.connection.execute(_question_marks(sql), params)
    return cast("PostgreSQL", connection).direct.execute(sql, params, binary=True)


def _statements() -> ModuleType:
    from kouan.core.database.postgresql import statements  # noqa: PLC0415 - SQLite's nodes do without its driver

    return statements


@lru_cache(maxsize=256)
def _question_marks(sql: str) -> str:
    return sql.replace("%s", "?")


def _prepared(
    model: type[Model],
    names: tuple[str, ...],
    rows: Iterable[Sequence[object]],
    connection: BaseDatabaseWrapper,
) -> list[Sequence[Any]]:
    converts = _outward(model, names, connection.vendor)
    if not converts:
        return list(rows)
    prepared: list[Sequence[Any]] = []
    for row in rows:
        values = list(row)
        for place, convert in converts:
            if (value := values[place]) is not None:
                values[place] = convert(value)
        prepared.append(values)
    return prepared


@lru_cache(maxsize=64)
def _outward(model: type[Model], names: tuple[str, ...], vendor: str) -> Convert:
    return outward(_fields(model, names), vendor)


@lru_cache(maxsize=64)
def _fields(model: type[Model], names: tuple[str, ...]) -> tuple[Field[Any, Any], ...]:
    """Return the fields of these names; all where none is named."""
    if not names:
        return tuple(model._meta.concrete_fields)
    by_name = {name: field for field in model._meta.concrete_fields for name in (field.name, field.attname)}
    return tuple(by_name[name] for name in names)


@lru_cache(maxsize=64)
def _select(
    model: type[Model], names: tuple[str, ...], beside: tuple[type[Model], str] | None, vendor: str
) -> tuple[str, list[str], Convert]:
    fields = _fields(model, names)
    quote = connections[DEFAULT_DB_ALIAS].ops.quote_name
    columns = [read_as(field, quote(_column(field)), vendor) for field in fields]
    attnames = [field.attname for field in fields]
    table = quote(model._meta.db_table)
    if beside is not None:
        other, column = beside
        there = quote(other._meta.db_table)
        keys = f"{there}.{quote(_column(_pk(other)))} = {table}.{quote(_column(_pk(model)))}"
        columns.append(f"(SELECT {quote(column)} FROM {there} WHERE {keys})")  # noqa: S608 - names from the models
        attnames.append(column)
    statement = f"SELECT {', '.join(columns)} FROM {table}"  # noqa: S608 - names from the models
    return statement, attnames, inward(fields, vendor)


@lru_cache(maxsize=64)
def _look_up(wanted: Wanted, vendor: str) -> tuple[str, Convert]:
    quote = connections[DEFAULT_DB_ALIAS].ops.quote_name
    fields = [(alias, field) for model, alias, names in wanted for field in _fields(model, names)]
    columns = [read_as(field, f"{alias}.{quote(_column(field))}", vendor) for alias, field in fields]
    return ", ".join(columns), inward([field for _, field in fields], vendor)


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
