"""Back-pressure at the sending end: no more is sealed than the peer's last receipt gave credit for.

When that is nothing, one message a second goes all the same: its receipt tells when there is credit again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from kouan.core.database.rows import select
from kouan.core.exchange import wire
from kouan.core.exchange.models import Batch, OutboxMessage, Stream

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

PROBE_EVERY: Final = timedelta(seconds=1)
PLENTY: Final = 3 * wire.MAX_BATCH_BYTES
"""Credit beyond what can be under way at one time: nobody needs to count then."""
MESSAGE: Final = wire.MAX_HEADER
"""What a message takes beside its body, at most."""
_UNDER_WAY: Final = f"SELECT sum(wire_bytes) FROM {Batch._meta.db_table} WHERE peer = %s AND receipt IS NULL"  # noqa: S608 - the table's own name
_CREDITS: Final = f"SELECT credits FROM {Stream._meta.db_table} WHERE peer = %s"  # noqa: S608 - as above


def covered(stream: Stream, rows: Sequence[OutboxMessage], now: datetime) -> int:
    """Return how many of the messages, from the first, may be sealed for the stream's peer now."""
    if stream.credits is None or stream.credits >= PLENTY or not rows:
        return len(rows)
    ((under_way,),) = select(_UNDER_WAY, (stream.peer,))
    left = stream.credits - int(under_way or 0)
    for number, row in enumerate(rows):
        left -= row.size + MESSAGE
        if left < 0:
            return number or int(not under_way and _may_probe(stream.peer, now))
    return len(rows)


def spent(peer: str, now: datetime) -> bool:
    """Say, without a lock, whether the credit is at its end and it is not yet time to probe."""
    found = select(_CREDITS, (peer,))
    if not found or found[0][0] is None or found[0][0] > MESSAGE:
        return False
    return not _may_probe(peer, now)


def _may_probe(peer: str, now: datetime) -> bool:
    batches = Batch.objects.filter(peer=peer, count__gt=0).order_by("-pk")
    last = batches.values_list("sealed_at", flat=True).first()
    return last is None or now - last >= PROBE_EVERY
