"""Back-pressure at the receiving end: whose batch it may be, and how much unhandled a peer may leave here.

The credits in each receipt tell the peer how many bytes it may send next. Who sends on regardless is
refused at twice the credit; what is refused alone, message by message, counts against the door's allowance.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils import timezone

from kouan.core.database.rows import select
from kouan.core.errors import KouanError
from kouan.core.exchange import incidents
from kouan.core.exchange.entrance.allowance import allowances
from kouan.core.exchange.models import InboxMessage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kouan.core.exchange import wire

FULL: Final = 2
"""Times the credit at which batches with messages are refused altogether."""
_HELD: Final = f"SELECT sum(size) FROM {InboxMessage._meta.db_table} WHERE peer = %s AND state = 'waiting'"  # noqa: S608 - the table's own name


class OtherSender(KouanError):
    """A batch or checkpoint of another side than the one whose certificate the connection shows."""

    code = "other-sender"
    status = 403
    message = "The connection is that of %(caller)s; only %(sender)s itself may bring this."


class InboxFull(KouanError):
    """The peer has left more here than was agreed to be held, and handlers have not caught up."""

    code = "inbox-full"
    status = 503
    message = "%(held)s bytes wait to be handled here. Send again when the receipts give credits."
    retry_after = 5


def check_sender(sender: str, caller: str | None, signed: bytes) -> None:
    """Refuse what a connection brings for another side, and keep it; raises ``OtherSender``."""
    if caller is not None and sender != caller:
        now = timezone.now()
        incidents.note(caller, incidents.OTHER_SENDER, f"{sender[:16]}, {now:%Y-%m-%d}", signed, now=now)
        raise OtherSender(caller=caller, sender=sender[:16])


def check_room(statement: wire.Statement) -> None:
    """Refuse messages of a peer that has far overdrawn its credit; raises ``InboxFull``.

    Notices are taken in all the same: they end what waits elsewhere.
    """
    if statement.count:
        held = _held.of(statement.sender)
        if held >= FULL * settings.NODE.exchange.inbox_credit:
            raise InboxFull(held=held)


def credits_left(peer: str, more: int) -> int:
    """Return how many bytes the peer may send after ``more`` that are being taken in."""
    return max(0, settings.NODE.exchange.inbox_credit - _held.add(peer, more))


def count(peer: str, statuses: Sequence[str | None]) -> None:
    """Count messages, and those that were refused, against what the peer may take of the door."""
    refused = sum(code is not None for code in statuses)
    allowances.take(peer, messages=len(statuses), refusals=refused)


class _Held:
    """How many bytes of each peer wait for a handler: counted at most once a second for each process."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def of(self, peer: str) -> int:
        """Return the bytes that wait."""
        return self.add(peer, 0)

    def add(self, peer: str, more: int) -> int:
        """Count ``more`` bytes that are being taken in; return how many wait then."""
        with self._lock:
            counted_at, held = self._held.get(peer, (-60.0, 0))
            if time.monotonic() - counted_at > 1:
                counted_at = time.monotonic()
                ((total,),) = select(_HELD, (peer,))
                held = int(total or 0)
            held += more
            self._held[peer] = (counted_at, held)
            return held

    def forget(self) -> None:
        """Count anew at the next look."""
        self._held.clear()


_held: Final = _Held()
