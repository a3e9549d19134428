"""Taking turns under a name where there is no row to lock.

On SQLite a transaction that writes is alone anyway. On PostgreSQL an advisory lock stands for the name.
"""

from __future__ import annotations

import hashlib

from kouan.core.database.rows import engine, select


def take_turn(name: str) -> None:
    """Wait until no other transaction holds ``name``, and hold it until the caller's transaction ends."""
    if engine() == "postgresql":
        select("SELECT pg_advisory_xact_lock(%s)", (number_of(name),))


def number_of(name: str) -> int:
    """Return the 64-bit number under which a name is locked; kept apart from what others may lock."""
    return int.from_bytes(hashlib.sha256(f"kouan\0{name}".encode()).digest()[:8], signed=True)
