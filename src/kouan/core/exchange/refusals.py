"""Telling apps what this side did not let in, or out: in a transaction with the fact, and never at its cost.

What was not let out undoes the transaction that wanted to send it. So that is told afterwards, by whatever
this process does next: the end of the request, or the worker's next look.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from kouan.core.errors import KouanError
from kouan.core.exchange import wire
from kouan.core.exchange.crossing import Basis, Refused, registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from kouan.core.exchange.crossing import Told
    from kouan.core.policy import Denied

log = logging.getLogger(__name__)

MOST: Final = 50
"""Of one request, so many are told: more of them tell nobody anything new, and would cost the receiver."""


def tell(header: wire.Header, body: bytes, denied: Denied) -> None:
    """Tell the app whose message it was, if it asks to be told; what goes wrong there changes nothing."""
    try:
        crossing = registry.get(header.type, header.version)
        if crossing.handle_refused is None:
            return
        payload: Any = crossing.decode_bytes(wire.decode_body(body, max_bytes=crossing.max_bytes))
        refused = Refused(
            id=header.id,
            sender=header.sender,
            conversation=header.conversation,
            told=crossing.told(payload),
            basis=Basis(header.agreement, header.agreement_digest, header.consent),
            denied=denied,
        )
        with transaction.atomic():
            crossing.handle_refused(refused)
    except KouanError as error:
        log.warning("nobody is told of the refused message %s: %s", header.id, error)
    except Exception:  # the refusal stands whatever an app makes of it
        log.exception("telling %s of the refused message %s failed", header.type, header.id)


def tell_all(refused: Iterable[tuple[wire.Header, bytes, Denied]]) -> None:
    """Tell of what the door denied in one request."""
    for count, each in enumerate(refused):
        if count == MOST:
            log.warning("more than %s messages of one request were denied; the rest is not told", MOST)
            break
        tell(*each)


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A message that this side's policy did not let leave."""

    type: str
    version: int
    receiver: str
    told: Told
    agreement: str | None
    """Which agreement or contract it was to rest on, where its app named one."""
    consent: str | None
    at: datetime
    denied: Denied


_held_back: deque[HeldBack] = deque(maxlen=MOST)
_told: list[Callable[[HeldBack], None]] = []


def tell_of_held_back(function: Callable[[HeldBack], None]) -> None:
    """Name what is told, each in a transaction of its own, of messages of all apps that did not leave."""
    _told[:] = [function]


def hold_back(message: HeldBack) -> None:
    """Remember what did not leave, until it can be told; of very much at once only the newest."""
    _held_back.append(message)


def tell_held_back() -> int:
    """Tell of what did not leave; belongs where no transaction is open. Return of how many messages."""
    count = 0
    while _held_back:
        try:
            message = _held_back.popleft()
        except IndexError:  # another thread was faster
            break
        count += 1
        for function in _told:
            try:
                with transaction.atomic():
                    function(message)
            except Exception:  # it did not leave, whatever is written down of it
                log.exception("telling of a message of type %s that was held back failed", message.type)
    return count


def forget_held_back() -> None:
    """Drop what was not told yet; for tests, in which one process is many nodes."""
    _held_back.clear()
