"""Identifiers of messages and conversations: UUID version 7 (RFC 9562 section 5.7)."""

from __future__ import annotations

import os
import time
import uuid
from typing import Final

_RANDOM: Final = 10
_MARKS: Final = 0x7 << 76 | 0x2 << 62
"""Version 7 and RFC 9562's variant."""
_KEPT: Final = (1 << 128) - 1 & ~(0xF << 76 | 0x3 << 62)


def new_id() -> uuid.UUID:
    """Return a fresh UUIDv7: sorted by time for the database's sake, 74 random bits for everybody's."""
    return new_ids(1)[0]


def new_ids(count: int) -> list[uuid.UUID]:
    """Return so many of them; the system is asked for randomness once."""
    at = (time.time_ns() // 1_000_000) << 80
    drawn = os.urandom(_RANDOM * count)
    places = range(0, len(drawn), _RANDOM)
    return [
        uuid.UUID(int=(at | int.from_bytes(drawn[place : place + _RANDOM])) & _KEPT | _MARKS)
        for place in places
    ]
