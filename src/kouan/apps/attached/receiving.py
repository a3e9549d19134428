"""Messages for a system: stored by the crossing's handler, leased to the system, ended by it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from kouan.apps.attached.domain import LEASE, REFUSAL_CODE, Event, MessageEnd
from kouan.apps.attached.errors import (
    AlreadyEnded,
    BadMessage,
    NoSuchMessage,
    NoSystemForType,
    SystemNotAttached,
)
from kouan.apps.attached.events import tell
from kouan.apps.attached.models import Received, System
from kouan.core import cbor
from kouan.core.exchange import handling

if TYPE_CHECKING:
    import uuid
    from datetime import timedelta

    from kouan.apps.attached.crossings import Declared
    from kouan.apps.attached.payloads import DeclaredPayload
    from kouan.core.exchange import Received as Message

MOST: Final = 100
"""Messages that are handed out at once."""


def store(message: Message[DeclaredPayload], declared: Declared) -> None:
    """Keep an arrived message for the system that handles it; runs in the handler's transaction.

    Raises ``NoSystemForType``, which refuses the message, or ``SystemNotAttached``, after which it is tried
    again and at last set aside for the operator.
    """
    name = declared.declaration.handled_by.get(settings.NODE.side)
    if name is None:
        raise NoSystemForType(type=declared.declaration.type)
    system = System.objects.filter(name=name).first()
    if system is None or declared.declaration.type not in system.may_receive:
        raise SystemNotAttached(system=name, type=declared.declaration.type)
    now = timezone.now()
    kept = Received.objects.create(
        system=system,
        sender=message.sender,
        message_id=message.id,
        type=declared.declaration.type,
        version=declared.declaration.version,
        conversation=message.conversation,
        sent_at=message.sent_at,
        received_at=now,
        payload=cbor.encode(message.payload.model_dump(mode="python")),
        later=declared.declaration.handled == "acknowledged",
    )
    tell(
        system,
        Event.RECEIVED,
        message_id=kept.message_id,
        at=now,
        more={
            "from": kept.sender,
            "type": kept.type,
            "version": kept.version,
            "conversation": str(kept.conversation),
        },
    )


def lease(*, system: System, limit: int = 10, after: int = 0, how_long: timedelta = LEASE) -> list[Received]:
    """Hand out the oldest messages that wait and are nobody's; they come again unless ended in time.

    A message is handed out only with, or after, those before it in its conversation.
    """
    now = timezone.now()
    free = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
    waiting = Received.objects.filter(system=system, state=MessageEnd.WAITING)
    held = waiting.filter(
        conversation=OuterRef("conversation"), pk__lt=OuterRef("pk"), leased_until__gt=now
    ).order_by()
    ready = waiting.filter(free, ~Exists(held), pk__gt=after)
    if not ready.exists():
        return []
    with transaction.atomic():
        # One hand-out of a system's at a time: two at once would share out one conversation between them.
        System.objects.select_for_update().get(pk=system.pk)
        rows = list(ready.order_by("pk").select_for_update(of=("self",))[: min(limit, MOST)])
        Received.objects.filter(pk__in=[row.pk for row in rows]).update(
            leased_until=now + how_long, handed_out=F("handed_out") + 1
        )
    for row in rows:
        row.handed_out += 1
        row.leased_until = now + how_long
    return rows


def acknowledge(*, system: System, message_id: uuid.UUID) -> Received:
    """Note that a system has taken a message over; doing it twice is harmless.

    Raises ``NoSuchMessage`` for any message that is not this system's, or ``AlreadyEnded``.
    """
    return _end(system, message_id, MessageEnd.ACKNOWLEDGED, "")


def refuse(*, system: System, message_id: uuid.UUID, code: str) -> Received:
    """Note that a system will not take a message, and why; doing it twice is harmless.

    Raises ``BadMessage`` for a code that is none, ``NoSuchMessage`` or ``AlreadyEnded``.
    """
    if not re.fullmatch(REFUSAL_CODE, code):
        raise BadMessage(field="code", detail="up to 63 of a-z, 0-9 and -, beginning with a letter")
    return _end(system, message_id, MessageEnd.REFUSED, code)


def _end(system: System, message_id: uuid.UUID, state: MessageEnd, code: str) -> Received:
    with transaction.atomic():
        rows = Received.objects.select_for_update().filter(system=system, message_id=message_id)
        row = rows.first()
        if row is None:
            raise NoSuchMessage(message=str(message_id))
        if (row.state, row.code) == (state, code):
            return row
        if row.state != MessageEnd.WAITING:
            raise AlreadyEnded(message=str(message_id))
        row.state, row.code, row.ended_at, row.leased_until = state, code, timezone.now(), None
        row.save(update_fields=["state", "code", "ended_at", "leased_until"])
        if row.later:
            handling.finish(peer=row.sender, message_id=row.message_id, code=code)
    return row
