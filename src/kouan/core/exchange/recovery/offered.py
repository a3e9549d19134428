"""Messages that a peer offers again since the streams with it began anew: how old, and till when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kouan.core.exchange.models import Channel, ReceivedBatch
from kouan.core.exchange.recovery.forms import Agreement
from kouan.core.exchange.times import from_milliseconds

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class OfferedAgain:
    """What the last resynchronisation with a peer lets it send."""

    made_by: datetime
    """The peer sealed nothing from then until the streams began anew: what it offers again is older."""
    first_at: datetime
    """When the first batch of the new stream came: what is offered again counts from no later than that."""


def offered_again(peer: str, *, now: datetime) -> OfferedAgain | None:
    """Return how the streams with a peer last began anew; nothing if they never did."""
    row = Channel.objects.filter(peer=peer, cause="").exclude(ours=b"").exclude(theirs=b"").first()
    if row is None:
        return None
    # Between this side's word and the new stream the channel is halted, and no batch is taken.
    ours, theirs = Agreement.read(bytes(row.ours)), Agreement.read(bytes(row.theirs))
    batches = ReceivedBatch.objects.filter(peer=peer, received_at__gt=from_milliseconds(ours.at))
    first = batches.order_by("pk").values_list("received_at", flat=True).first()
    return OfferedAgain(from_milliseconds(theirs.at), now if first is None else first)
