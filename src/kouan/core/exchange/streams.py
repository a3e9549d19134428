"""The row of one peer on which everything that numbers takes its turn."""

from __future__ import annotations

from kouan.core.database.rows import fetch
from kouan.core.exchange.models import Stream


def lock_stream(peer: str) -> Stream:
    """Return the peer's stream, locked until the transaction ends.

    The order of locks in a node is: stream, the ledger's head, rows of messages. A handler holds the rows
    of the inbox that it handles before anything else; nobody else holds rows that still wait there.
    """
    rows = fetch(Stream, "peer = %s", (peer,), lock=True)
    if not rows:
        Stream.objects.get_or_create(peer=peer)
        rows = fetch(Stream, "peer = %s", (peer,), lock=True)
    return rows[0]
