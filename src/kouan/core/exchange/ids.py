"""Identifiers of messages and conversations: UUID version 7 (RFC 9562 section 5.7)."""

from __future__ import annotations

import os
import time
import uuid
from typing import Final

_MARKS: Final = 0x7 << 76 | 0x2 << 62
"""Version 7 and RFC 9562's variant."""
_KEPT: Final = (1 << 128) - 1 & ~(0xF << 76 | 0x3 << 62)


def new_id() -> uuid.UUID:
    """Return a fresh UUIDv7: sorted by time for the database's sake, 74 random bits for everybody's."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    return uuid.UUID(int=value & _KEPT | _MARKS)
