"""What counts once: a ``jti`` is spent by inserting a row, which only one of many can do."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from django.db import transaction

from kouan.apps.identity.models import SpentToken
from kouan.core.database.rows import execute, stored
from kouan.core.errors import KouanError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_INSERT: Final = (
    f"INSERT INTO {SpentToken._meta.db_table} (digest, expires_at) VALUES (%s, %s) "  # noqa: S608 - the table's own name
    "ON CONFLICT (digest) DO NOTHING"
)


class Spendable(Protocol):
    """Something that was shown and counts once."""

    def spend(self) -> None:
        """Have it count this once; raises the error of its kind if it did before."""


def spend(kind: str, issued_by: str, jti: str, *, until: float) -> bool:
    """Spend a token's ``jti`` and return whether that was the first time.

    ``until`` (seconds since 1970) is when the token would be refused as too old anyway.
    """
    parts = (kind.encode(), issued_by.encode(), jti.encode())
    digest = hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()
    return execute(_INSERT, (digest, stored(datetime.fromtimestamp(until, UTC)))) == 1


def having_spent(*shown: Spendable | None, do: Callable[[], T]) -> T:
    """Spend what was shown and do something, in one transaction; if that is refused, it stays spent.

    So ``do`` refuses before it changes anything, or takes back what it has changed.
    """
    with transaction.atomic():
        for each in shown:
            if each is not None:
                each.spend()
        try:
            return do()
        except KouanError as error:
            refused = error
    raise refused
