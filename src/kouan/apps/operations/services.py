"""What an operator may do about a message: try it again, withdraw it, put it away.

Doing the same twice is harmless.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings

from kouan.apps.operations.detail import inbox_message, retried_as
from kouan.apps.operations.domain import DEAD_OUT, State
from kouan.apps.operations.errors import CannotPutAway, CannotRetry, NoSuchCrossing
from kouan.core.exchange import outbox, setaside
from kouan.core.exchange.models import InboxMessage, OutboxMessage

if TYPE_CHECKING:
    from uuid import UUID

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retried:
    """What came of trying again."""

    message_id: UUID
    """The message that now waits: a new one in place of ours, the same one of a peer's."""
    inbound: bool
    already: bool
    """Whether it had been tried again before, so that nothing was done now."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What came of cancelling."""

    withdrawn: bool
    """Whether it was withdrawn before it left; otherwise a dead letter was put away."""
    already: bool


def retry(*, message_id: UUID, sender: str = "", operator: str) -> Retried:
    """Try a dead letter again: ours under a new id and a fresh decision, a peer's with its handler.

    Raises ``NoSuchCrossing``, ``CannotRetry``, or why ours may not cross (any more).
    """
    ours = _outbound(message_id, sender)
    if ours is None:
        return _retry_inbound(message_id, sender, operator)
    again = retried_as(ours)
    if again is not None:
        return Retried(again, inbound=False, already=True)
    new_id = outbox.retry(message_id)
    log.info("%s tried message %s again, as %s", operator, message_id, new_id)
    return Retried(new_id, inbound=False, already=False)


def cancel(*, message_id: UUID, sender: str = "", operator: str) -> Cancelled:
    """Withdraw a message of ours that still waits, or put a dead letter of ours away.

    Raises ``NoSuchCrossing``, ``CannotPutAway`` (a peer's) or ``CannotCancel`` (it has left).
    """
    ours = _outbound(message_id, sender)
    if ours is None:
        _inbound(message_id, sender)
        raise CannotPutAway(message=str(message_id))
    state = State(ours.state)
    if ours.dismissed and state in (State.CANCELLED, *DEAD_OUT):
        return Cancelled(withdrawn=state is State.CANCELLED, already=True)
    outbox.cancel(message_id)
    log.info("%s cancelled message %s", operator, message_id)
    # What was waiting a moment ago may have expired or left meanwhile: ask what it became.
    now = OutboxMessage.objects.values_list("state", flat=True).get(pk=ours.pk)
    return Cancelled(withdrawn=now == State.CANCELLED, already=False)


def _retry_inbound(message_id: UUID, sender: str, operator: str) -> Retried:
    theirs = _inbound(message_id, sender)
    state = State(theirs.state)
    if state is State.WAITING:
        return Retried(message_id, inbound=True, already=True)
    if state is not State.FAILED:
        raise CannotRetry(message=str(message_id))
    setaside.try_again(theirs.pk)
    log.info("%s had message %s of %s handled again", operator, message_id, theirs.peer)
    return Retried(message_id, inbound=True, already=False)


def _is_own(sender: str) -> bool:
    return sender == settings.NODE.side


def _outbound(message_id: UUID, sender: str) -> OutboxMessage | None:
    if sender and not _is_own(sender):
        return None
    return OutboxMessage.objects.filter(message_id=message_id).first()


def _inbound(message_id: UUID, sender: str) -> InboxMessage:
    theirs = None if _is_own(sender) else inbox_message(message_id, sender=sender)
    if theirs is None:
        raise NoSuchCrossing(message=str(message_id))
    return theirs
