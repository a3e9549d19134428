"""Reads: what systems ask about their messages, and what the operator sees of the systems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Count, Prefetch, Q
from django.utils import timezone

from kouan.apps.attached.domain import FINAL, MessageEnd
from kouan.apps.attached.errors import NoSuchMessage, UnknownSystem
from kouan.apps.attached.models import Delivery, Received, Sent, System, SystemToken, Try
from kouan.core.exchange.models import InboxMessage, OutboxMessage

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

DELIVERIES: Final = 50
"""Events on a system's page."""
_CHAIN: Final = 20
"""How often one message may have been sent again by the operator and still be followed."""


def system(name: str) -> System:
    """Return a system; raises ``UnknownSystem``."""
    found = System.objects.filter(name=name).first()
    if found is None:
        raise UnknownSystem(name=name[:40])
    return found


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message that a system sent, as it stands now; after a retry, the newest try of it."""

    id: uuid.UUID
    """The id that the system was given."""
    message: OutboxMessage
    receipted_at: datetime | None


def sent(system: System, message_id: uuid.UUID) -> SentMessage:
    """Return one of a system's own messages; raises ``NoSuchMessage`` for any other."""
    if not Sent.objects.filter(system=system, message_id=message_id).exists():
        raise NoSuchMessage(message=str(message_id))
    row = OutboxMessage.objects.select_related("batch").get(message_id=message_id)
    for _ in range(_CHAIN):
        again = OutboxMessage.objects.select_related("batch").filter(retry_of=row.message_id).first()
        if again is None:
            break
        row = again
    return SentMessage(message_id, row, row.batch.receipted_at if row.batch else None)


def received(system: System, message_id: uuid.UUID) -> Received:
    """Return a message that was stored for a system; raises ``NoSuchMessage`` for any other."""
    found = Received.objects.filter(system=system, message_id=message_id).first()
    if found is None:
        raise NoSuchMessage(message=str(message_id))
    return found


def ledger_indexes(rows: list[Received]) -> dict[tuple[str, uuid.UUID], int]:
    """Return where this node's ledger holds these messages, by sender and id."""
    found = InboxMessage.objects.filter(
        peer__in={row.sender for row in rows}, message_id__in=[row.message_id for row in rows]
    )
    return {(peer, key): at for peer, key, at in found.values_list("peer", "message_id", "ledger_index")}


# The operator's view


@dataclass(frozen=True, slots=True)
class SystemRow:
    """A system in the list."""

    system: System
    waiting: int
    """Messages that it has not acknowledged."""
    oldest: datetime | None
    under_way: int
    """Its own messages that have not ended yet."""
    undelivered: int
    """Events that its webhook has not taken yet."""
    last_used_at: datetime | None


def systems() -> list[SystemRow]:
    """Return every system, by name."""
    return [_row(each) for each in System.objects.order_by("name")]


def _row(each: System) -> SystemRow:
    waiting = Received.objects.filter(system=each, state=MessageEnd.WAITING)
    oldest = waiting.order_by("pk").first()
    mine = Sent.objects.filter(system=each).values("message_id")
    used = each.tokens.order_by("-last_used_at").exclude(last_used_at=None).first()
    return SystemRow(
        system=each,
        waiting=waiting.count(),
        oldest=oldest.received_at if oldest else None,
        under_way=OutboxMessage.objects.filter(message_id__in=mine).exclude(state__in=FINAL).count(),
        undelivered=Delivery.objects.filter(system=each, state=Delivery.State.WAITING).count(),
        last_used_at=used.last_used_at if used else None,
    )


@dataclass(frozen=True, slots=True)
class SystemDetail:
    """One system with everything that its page shows."""

    row: SystemRow
    tokens: list[SystemToken]
    deliveries: list[Delivery]
    waiting: list[Received]


def detail(name: str) -> SystemDetail:
    """Return one system's page; raises ``UnknownSystem``."""
    found = system(name)
    now = timezone.now()
    live = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    tries = Prefetch("tries", queryset=Try.objects.order_by("-pk"), to_attr="newest_first")
    return SystemDetail(
        row=_row(found),
        tokens=list(found.tokens.filter(live).order_by("pk")),
        deliveries=list(found.deliveries.order_by("-pk").prefetch_related(tries)[:DELIVERIES]),
        waiting=list(
            Received.objects.filter(system=found, state=MessageEnd.WAITING).order_by("pk")[:DELIVERIES]
        ),
    )


def alarms() -> list[System]:
    """Return the systems whose webhooks were switched off because nothing arrived there."""
    return list(System.objects.filter(webhook_disabled_at__isnull=False).order_by("name"))


def listed() -> list[dict[str, Any]]:
    """Return every system for the command line."""
    rows = System.objects.order_by("name").annotate(
        waits=Count("received", filter=Q(received__state=MessageEnd.WAITING))
    )
    return [
        {
            "name": row.name,
            "department": row.department,
            "off": row.disabled_at is not None,
            "waits": row.waits,
            "may_send": row.may_send,
            "may_receive": row.may_receive,
        }
        for row in rows
    ]
