"""The forms of values in the database: those of Django's own fields, for the few kinds that rows hold."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from django.db.models import DateField, DateTimeField, Field, JSONField, UUIDField

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Convert = tuple[tuple[int, "Callable[[Any], Any]"], ...]
"""Which places of a row have to be converted, and how."""

SQLITE: Final = "sqlite"


class Written(str):
    """A value of a field of JSON that is JSON already: it is kept as it is."""

    __slots__ = ()


@lru_cache(maxsize=64)
def time_out(value: datetime) -> str:
    """Return a time as SQLite keeps it."""
    return str(value.astimezone(UTC).replace(tzinfo=None))


def outward(fields: Sequence[Field[Any, Any]], vendor: str) -> Convert:
    """Return how values of fields are brought into the form in which the database takes them."""
    converts: list[tuple[int, Callable[[Any], Any]]] = []
    for place, field in enumerate(fields):
        if isinstance(field, JSONField):
            converts.append((place, _json_out))
        elif vendor != SQLITE:
            continue
        elif isinstance(field, DateTimeField):
            converts.append((place, time_out))
        elif isinstance(field, DateField):
            converts.append((place, date.isoformat))
        elif isinstance(field, UUIDField):
            converts.append((place, lambda value: cast("str", value.hex)))
    return tuple(converts)


def inward(fields: Sequence[Field[Any, Any]], vendor: str) -> Convert:
    """Return how what the driver gives becomes values of fields."""
    if vendor != SQLITE:  # whose driver knows all of them
        return ()
    converts: list[tuple[int, Callable[[Any], Any]]] = []
    for place, field in enumerate(fields):
        if isinstance(field, JSONField):
            converts.append((place, json.loads))
        elif isinstance(field, DateTimeField):
            converts.append((place, _time_in))
        elif isinstance(field, DateField):
            converts.append((place, date.fromisoformat))
        elif isinstance(field, UUIDField):
            converts.append((place, uuid.UUID))
    return tuple(converts)


def read_as(field: Field[Any, Any], column: str, vendor: str) -> str:
    """Return how a statement reads a column.

    As an expression, a time or a day comes as the text that it is: a converter for the column is slow.
    """
    return f"{column} || ''" if vendor == SQLITE and isinstance(field, DateField) else column


def _json_out(value: object) -> str:
    return str(value) if isinstance(value, Written) else json.dumps(value)


def _time_in(value: str) -> datetime:
    return datetime.fromisoformat(f"{value}+00:00")
