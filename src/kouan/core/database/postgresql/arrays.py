"""Columns of values as PostgreSQL's binary arrays, packed a column at a time.

The driver packs arrays value by value in Python, which takes longer than everything else that a row costs
its sender. Most columns of many rows hold one value over and over: that is packed once.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from psycopg import pq
from psycopg.adapt import Dumper

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_SINCE: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""What the server counts its times from."""
_MICROSECOND: Final = timedelta(microseconds=1)
_HEAD: Final = struct.Struct("!IIIII")
_LENGTH: Final = struct.Struct("!i").pack
_NULL: Final = _LENGTH(-1)


class Packed(bytes):
    """An array as it travels; the statement says of which type."""

    __slots__ = ()


class PackedDumper(Dumper):
    """Sends what is packed as it is."""

    format = pq.Format.BINARY

    def dump(self, obj: Any) -> bytes:
        """Return the array's bytes."""
        return obj  # type: ignore[no-any-return] # Packed is what this dumper is registered for


def _sized(pack: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    def sized(value: Any) -> bytes:
        data = pack(value)
        return _LENGTH(len(data)) + data

    return sized


def _fixed(form: str) -> Callable[[Any], bytes]:
    packer = struct.Struct(f"!i{form}")
    size = packer.size - 4
    return lambda value: packer.pack(size, value)


def _time(value: datetime) -> bytes:
    return _EIGHT((value - _SINCE) // _MICROSECOND)


def _bytes(value: bytes) -> bytes:
    return _LENGTH(len(value)) + value


_JSONB: Final = b"\1"
"""The version of the form in which it travels."""
_EIGHT: Final = _fixed("q")
_SIXTEEN: Final = _LENGTH(16)

# The types' numbers are PostgreSQL's own and the same on every server (pg_type.dat).
_KINDS: Final[dict[str, tuple[int, Callable[[Any], bytes]]]] = {
    "boolean": (16, _fixed("?")),
    "bytea": (17, _bytes),
    "bigint": (20, _EIGHT),
    "smallint": (21, _fixed("h")),
    "integer": (23, _fixed("i")),
    "text": (25, _sized(str.encode)),
    "varchar": (1043, _sized(str.encode)),
    "timestamp with time zone": (1184, _time),
    "jsonb": (3802, _sized(lambda value: _JSONB + value.encode())),
    "uuid": (2950, lambda value: _SIXTEEN + value.bytes),
}


def packed(values: Sequence[Any], kind: str) -> Packed | list[Any]:
    """Return the values, one at least, as an array of PostgreSQL's type ``kind``.

    What is of a type without a packer here, or does not fit the type, is left to the driver and the server.
    """
    known = _KINDS.get(kind)
    if known is None:
        return list(values)
    number, pack = known
    try:
        first, count = values[0], len(values)
        if values.count(first) == count:
            items = (_NULL if first is None else pack(first)) * count
        else:
            items = b"".join([_NULL if value is None else pack(value) for value in values])
    except (struct.error, TypeError, AttributeError):
        return list(values)
    return Packed(_HEAD.pack(1, 1, number, count, 1) + items)
