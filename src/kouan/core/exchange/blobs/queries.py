"""What there is to say of files on their way: for pages and commands, as frozen values."""

from __future__ import annotations

import enum
import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kouan.core.exchange.blobs.models import ReceivedBlob, SentBlob
from kouan.core.exchange.blobs.stream import CHUNK, chunks_of
from kouan.core.exchange.crossing import registry
from kouan.core.exchange.models import OutboxMessage

if TYPE_CHECKING:
    import uuid
    from datetime import datetime


class Stage(enum.Enum):
    """Where a file stands."""

    SEALING = "sealing"
    WAITING = "waiting"
    MOVING = "moving"
    HERE = "here"
    DELIVERED = "delivered"
    FAILED = "failed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Transfer:
    """A file of one message, in one direction; sizes in bytes of content."""

    outgoing: bool
    peer: str
    message_id: uuid.UUID | None
    type: str
    size: int
    done: int
    """How much the receiver has; of our own files, how much its door was handed."""
    stage: Stage
    code: str
    error: str
    """What went wrong the last time, if nothing has come since."""
    created_at: datetime
    finished_at: datetime | None

    @property
    def share(self) -> str:
        """Return how far it has come, in whole per cent, never 100 before the end."""
        return f"{100 * self.done // self.size if self.size else 100} %"

    @property
    def title(self) -> str:
        """Return what the message is called that names it."""
        found = [crossing for crossing in registry.all() if crossing.type == self.type]
        return str(found[-1].title) if found else self.type


def transfers(*, limit: int, type_: str | None = None) -> list[Transfer]:
    """Return the newest files in both directions, newest first."""
    sent = SentBlob.objects.order_by("-pk")
    received = ReceivedBlob.objects.order_by("-pk")
    if type_ is not None:
        sent, received = sent.filter(type=type_), received.filter(type=type_)
    rows = [*_sent(list(sent[:limit])), *(_received(row) for row in received[:limit])]
    return heapq.nlargest(limit, rows, key=lambda row: row.created_at)


def _sent(rows: list[SentBlob]) -> list[Transfer]:
    messages = {
        message.message_id: message
        for message in OutboxMessage.objects.filter(
            message_id__in=[row.message_id for row in rows if row.message_id is not None]
        ).only("message_id", "state", "code", "finished_at")
    }
    return [_sent_one(row, messages.get(row.message_id) if row.message_id else None) for row in rows]


def _sent_one(row: SentBlob, message: OutboxMessage | None) -> Transfer:
    states = OutboxMessage.State
    state = message.state if message is not None else ""
    if row.state == SentBlob.State.SEALING:
        stage = Stage.SEALING
    elif state == states.HANDLED:
        stage = Stage.DELIVERED
    elif state in {states.REFUSED, states.EXPIRED, states.CANCELLED}:
        stage = Stage.FAILED
    elif row.state == SentBlob.State.GONE:
        stage = Stage.REMOVED
    else:
        stage = Stage.MOVING if row.served else Stage.WAITING
    return Transfer(
        outgoing=True,
        peer=row.peer,
        message_id=row.message_id,
        type=row.type,
        size=row.size,
        done=row.size if stage is Stage.DELIVERED else min(row.served * CHUNK, row.size),
        stage=stage,
        code=message.code if message is not None else "",
        error="",
        created_at=row.created_at,
        finished_at=message.finished_at if message is not None else None,
    )


def _received(row: ReceivedBlob) -> Transfer:
    states = ReceivedBlob.State
    stages = {states.HERE: Stage.HERE, states.FAILED: Stage.FAILED, states.GONE: Stage.REMOVED}
    moving = Stage.MOVING if row.chunks else Stage.WAITING
    whole = row.chunks >= chunks_of(row.size)
    stage = stages.get(states(row.state), moving)
    if stage is Stage.REMOVED and row.code:
        stage = Stage.FAILED
    return Transfer(
        outgoing=False,
        peer=row.peer,
        message_id=row.message_id,
        type=row.type,
        size=row.size,
        done=row.size if whole else row.chunks * CHUNK,
        stage=stage,
        code=row.code,
        error=row.error,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
