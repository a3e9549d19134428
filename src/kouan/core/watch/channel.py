"""What the exchange and the portal tell while they work: one call a batch or a request.

Call these once the transaction that they tell of has committed. They take plain values, count them,
and trace the messages that are traced; they raise nothing and keep little.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from kouan.core.watch import meters, traces

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from prometheus_client import Counter

_MOST_UNDER_WAY: Final = 256
"""Batches whose receipts are waited for; of what is older, only the time is not measured."""
ROUTES: Final = frozenset({"/batch", "/add-checkpoint", "/alive"})


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A batch without its receipt, as far as this process sealed it."""

    created: list[float]
    traced: list[uuid.UUID]
    sealed: float


_under_way: OrderedDict[int, _UnderWay] = OrderedDict()


def batch_sealed(
    peer: str, batch: int, *, messages: Sequence[tuple[uuid.UUID, datetime]], size: int, began: float
) -> None:
    """Tell of a batch that is ready to be posted: its key, its messages and when they were made, its bytes.

    ``began`` is when sealing it began, in seconds since 1970.
    """
    now = time.time()
    count = len(messages)
    _child(meters.SENT, peer).inc(count)
    meters.BATCH_SENT.add(peer, (count,))
    meters.BATCH_SENT_BYTES.add(peer, (size,))
    traced = traces.sealed(peer, messages, began=began, ended=now) if traces.on else []
    _under_way[batch] = _UnderWay([made.timestamp() for _, made in messages], traced, now)
    if len(_under_way) > _MOST_UNDER_WAY:
        _under_way.popitem(last=False)


def batch_receipted(peer: str, batch: int, *, accepted: int, refused: int) -> None:
    """Tell that the receipt of a batch is here and recorded."""
    now = time.time()
    _child(meters.RECEIPTED, peer, "accepted").inc(accepted)
    _child(meters.RECEIPTED, peer, "refused").inc(refused)
    known = _under_way.pop(batch, None)
    if known is not None:
        meters.SEND_TO_RECEIPT.add(peer, [now - made for made in known.created])
        if known.traced:
            traces.posted(peer, known.traced, began=known.sealed, ended=now)


def post_failed(peer: str) -> None:
    """Tell of a batch that was posted, or made, in vain."""
    _child(meters.POSTS_FAILED, peer).inc()


def batch_received(  # noqa: PLR0913 - all that a batch is, by name
    peer: str,
    *,
    messages: Collection[uuid.UUID],
    refused: int,
    repeated: int,
    ended: Collection[tuple[uuid.UUID, bool]],
    size: int,
    began: float,
) -> None:
    """Tell of a peer's batch: its readable messages, how many were refused or known.

    ``ended`` says of which of our messages it tells the end, and whether they were handled.
    """
    now = time.time()
    _child(meters.RECEIVED, peer, "accepted").inc(max(0, len(messages) - refused - repeated))
    _child(meters.RECEIVED, peer, "refused").inc(refused)
    _child(meters.RECEIVED, peer, "repeated").inc(repeated)
    handled = sum(well for _, well in ended)
    _child(meters.ENDED, peer, "handled").inc(handled)
    _child(meters.ENDED, peer, "refused").inc(len(ended) - handled)
    meters.BATCH_RECEIVED.add(peer, (len(messages),))
    meters.BATCH_RECEIVED_BYTES.add(peer, (size,))
    if traces.on:
        traces.accepted(peer, messages, began=began, ended=now)
        traces.noticed(peer, ended, at=now)


def group_handled(ended: Iterable[tuple[str, uuid.UUID, datetime, str]], *, began: float) -> None:
    """Tell of messages that ended here: of which peer, their ids, when they had arrived, how they ended."""
    now = time.time()
    waits: dict[str, list[float]] = {}
    results: dict[tuple[str, str], int] = {}
    for peer, message, received, result in ended:
        waits.setdefault(peer, []).append(now - received.timestamp())
        results[peer, result] = results.get((peer, result), 0) + 1
        if traces.on:
            traces.handled(peer, message, result=result, began=began, ended=now)
    for peer, values in waits.items():
        meters.RECEIPT_TO_HANDLED.add(peer, values)
    for (peer, result), count in results.items():
        _child(meters.HANDLED, peer, result).inc(count)


def door_answered(path: str, status: int, *, seconds: float) -> None:
    """Tell of a request that the door has answered."""
    route = path if path in ROUTES else "other"
    _child(meters.DOOR, route, str(status)).inc()
    meters.DOOR_SECONDS.add(route, (seconds,))


def portal_answered(view: str, status: int, *, seconds: float) -> None:
    """Tell of a request that the portal has answered, by the name of its view."""
    _child(meters.PORTAL, view, str(status)).inc()
    meters.PORTAL_SECONDS.add(view, (seconds,))


@lru_cache(maxsize=1024)
def _child(counter: Counter, *labels: str) -> Counter:
    """Return the counter of these labels; looking it up again in the client costs a lock each time."""
    return counter.labels(*labels)
