"""What is packed here arrives as the driver's own arrays would: value by value, on a real server."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import DataError, connection, transaction

from kouan.core.database.rows import select

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

AT = datetime(2026, 3, 1, 23, 59, 59, 123456, tzinfo=UTC)
COLUMNS = {
    "boolean": [True, False, None],
    "bytea": [b"", b"\x00\xff" * 4000, None, b"x"],
    "bigint": [0, -1, 2**63 - 1, -(2**63), None],
    "smallint": [0, -(2**15), 2**15 - 1],
    "integer": [0, -(2**31), 2**31 - 1],
    "text": ["", "測試 \\ , \" { } '", None, "NULL"],
    "varchar": ["a", "澳門"],
    "timestamp with time zone": [
        AT,
        AT.replace(year=1969),
        AT.replace(year=2999),
        AT.astimezone(timezone(timedelta(hours=8))),
        None,
    ],
    "uuid": [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1), None],
    "double precision": [1.5, None],
    "date": [AT.date()],
}


def there_and_back(kind: str, values: list) -> list:
    from kouan.core.database.postgresql.arrays import packed  # noqa: PLC0415 - its driver is optional

    return [value for (value,) in select(f"SELECT unnest(%s::{kind}[])", (packed(values, kind),))]


@pytest.mark.parametrize("kind", COLUMNS)
def test_each_value_arrives(kind):
    values = COLUMNS[kind]
    assert there_and_back(kind, values) == values
    for value in values:
        assert there_and_back(kind, [value]) == [value]
        assert there_and_back(kind, [value] * 700) == [value] * 700


def test_all_kinds_of_the_channel_are_packed_here():
    from kouan.core.database.postgresql.arrays import Packed, packed  # noqa: PLC0415 - as above

    for kind in ("boolean", "bytea", "bigint", "integer", "varchar", "timestamp with time zone", "uuid"):
        assert isinstance(packed(COLUMNS[kind], kind), Packed), kind


@pytest.mark.parametrize(
    ("kind", "value"), [("integer", 2**31), ("smallint", 2**15), ("bigint", 2**63), ("text", "a\0b")]
)
def test_what_does_not_fit_is_djangos_error(kind, value):
    for values in ([value], [value, None]):
        with pytest.raises(DataError), transaction.atomic():
            there_and_back(kind, values)
    assert connection.is_usable()


def test_a_view_of_bytes_is_left_to_the_driver():
    assert there_and_back("bytea", [memoryview(b"abc"), b"d"]) == [b"abc", b"d"]
