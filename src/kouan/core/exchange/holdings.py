"""What this side holds of a stream's messages, by their numbers: counted, digested, listed.

Reads a window of numbers at a time along the batches' own index, so that a day of millions of messages
costs one pass in bounded memory, and takes no lock.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import F, Max, Min

from kouan.core.exchange import wire
from kouan.core.exchange.models import Batch, InboxMessage, OutboxMessage, ReceivedBatch
from kouan.core.policy.decide import TERM_ZONE

if TYPE_CHECKING:
    from collections.abc import Iterator

_WINDOW: Final = 10_000

_SENT: Final = (
    "SELECT sequence, message_id, ciphertext_digest, CASE WHEN state = 'refused' THEN code ELSE NULL END "  # noqa: S608 - the tables' own names
    f"FROM {OutboxMessage._meta.db_table} WHERE batch_id IN (SELECT id FROM {Batch._meta.db_table} "
    "WHERE peer = %s AND first > %s AND first <= %s) AND sequence BETWEEN %s AND %s "
    "ORDER BY sequence, message_id"
)
_RECEIVED: Final = (
    "SELECT sequence, message_id, ciphertext_digest, "  # noqa: S608 - as above
    "CASE WHEN state = 'refused' AND notified THEN code ELSE NULL END "
    f"FROM {InboxMessage._meta.db_table} WHERE batch_id IN (SELECT id FROM {ReceivedBatch._meta.db_table} "
    "WHERE peer = %s AND first > %s AND first <= %s) AND sequence BETWEEN %s AND %s "
    "ORDER BY sequence, message_id"
)


class Held(NamedTuple):
    """One message as this side holds it."""

    number: int
    id: bytes
    sealed: bytes
    outcome: str | None
    """The code with which it was refused, once both sides know it."""


@dataclass(frozen=True, slots=True)
class Sum:
    """What is held from one number to another."""

    count: int
    digest: bytes


def held(stream: str, peer: str, first: int, last: int) -> Iterator[Held]:
    """Return what this side holds of the stream that ``stream`` sends, between it and ``peer``, in order."""
    query = _SENT if stream == settings.NODE.side else _RECEIVED
    newest = _newest(stream, peer)
    for start in range(max(first, 1), min(last, newest) + 1, _WINDOW):
        end = min(start + _WINDOW - 1, last)
        with connection.cursor() as cursor:
            cursor.execute(query, (peer, start - wire.MAX_MESSAGES, end, start, end))
            rows = cursor.fetchall()
        yield from (Held(number, _id(key), bytes(sealed or b""), code) for number, key, sealed, code in rows)


def total(stream: str, peer: str, first: int, last: int) -> Sum:
    """Return count and digest of what ``held`` returns."""
    return total_of(held(stream, peer, first, last))


def total_of(messages: Iterator[Held]) -> Sum:
    """Return how many messages these are, and SHA-256 over number, id, digest and outcome of each."""
    count, digest = 0, hashlib.sha256()
    for each in messages:
        count += 1
        code = b"" if each.outcome is None else each.outcome.encode()
        digest.update(b"%d %s %s %d %s\n" % (each.number, each.id, each.sealed, len(code), code))
    return Sum(count, digest.digest())


def numbers_of(day: date, peer: str) -> tuple[int, int]:
    """Return the first and last number that we sent to ``peer`` on a day of UTC+8 and have a receipt for.

    ``(1, 0)`` when there is none.
    """
    began = datetime.combine(day, time(), TERM_ZONE)
    rows = Batch.objects.filter(
        peer=peer,
        sealed_at__gte=began,
        sealed_at__lt=began + timedelta(days=1),
        receipt__isnull=False,
        count__gt=0,
    )
    ends = rows.aggregate(begin=Min("first"), end=Max(F("first") + F("count") - 1))
    return (1, 0) if ends["begin"] is None else (ends["begin"], ends["end"])


def _newest(stream: str, peer: str) -> int:
    """Return a number beyond which this side can hold nothing of the stream."""
    rows: Any = Batch if stream == settings.NODE.side else ReceivedBatch
    first = rows.objects.filter(peer=peer).aggregate(last=Max("first"))["last"]
    return 0 if first is None else first + wire.MAX_MESSAGES


def _id(value: Any) -> bytes:
    """Return an id's 16 bytes: SQLite keeps 32 hexadecimal digits, PostgreSQL a type of its own."""
    raw: bytes = bytes.fromhex(value) if isinstance(value, str) else value.bytes
    return raw
