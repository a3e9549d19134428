"""What the journey of the comparison does inside a node, in a process of its own beside the node's three."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from kouan.core.exchange import outbox, reconciling
from kouan.core.exchange.audit import audit
from kouan.core.exchange.crossings import PROBE, Probe
from kouan.core.exchange.models import (
    Batch,
    InboxMessage,
    Incident,
    OutboxMessage,
    ReceivedBatch,
    Reconciliation,
)
from kouan.core.ledger.models import Entry
from kouan.core.policy.decide import TERM_ZONE

if TYPE_CHECKING:
    from datetime import date


def today() -> date:
    """Return today in UTC+8."""
    return timezone.now().astimezone(TERM_ZONE).date()


def probe(to: str, count: int) -> None:
    """Send so many probes."""
    with transaction.atomic():
        outbox.send_many(PROBE, to=to, payloads=[Probe(padding=b"")] * count)


def begin(peer: str, day: date) -> uuid.UUID:
    """Begin to compare."""
    return reconciling.begin(peer, day).run


def outcome(run: uuid.UUID) -> dict[str, Any] | None:
    """Return how a comparison ended here, once it has."""
    row = Reconciliation.objects.filter(run=run).exclude(state="under-way").first()
    if row is None:
        return None
    return {
        "state": row.state,
        "code": row.code,
        "started_by": row.started_by,
        "counts": {side: stream["count"] for side, stream in row.streams.items()},
        "unnamed": row.unnamed,
        "found": sorted((each.stream, each.number, each.what) for each in row.differences.all()),
        "logged": Entry.objects.filter(kind="reconciled").count(),
        "incidents": Incident.objects.filter(kind="records-differ").count(),
    }


def audited() -> list[str]:
    """Audit this node while it runs, with every signature, and return what is wrong."""
    findings = audit(signatures=True)
    assert findings.messages > 900
    return [f"{each.where}: {each.code}" for each in findings.problems]


def lose_received(number: int) -> None:
    """Forget a message that a peer sent."""
    assert InboxMessage.objects.filter(sequence=number).delete()[1]["exchange.InboxMessage"] == 1


def lose_sent(number: int) -> None:
    """Forget a message of ours."""
    assert OutboxMessage.objects.filter(sequence=number).delete()[1]["exchange.OutboxMessage"] == 1


def make_up_received(number: int) -> None:
    """Put a message into the inbox that nobody sent, beside the one with this number."""
    row = InboxMessage.objects.get(sequence=number)
    row.pk, row.message_id = None, uuid.uuid4()
    row.save(force_insert=True)


def change_received(number: int) -> None:
    """Have another content, and another outcome, on record of two messages that arrived."""
    InboxMessage.objects.filter(sequence=number).update(ciphertext_digest=bytes(32))
    InboxMessage.objects.filter(sequence=number + 1).update(state="refused", code="never")


def days_ago(days: int) -> None:
    """Have everything that crossed so far have crossed so many days ago."""
    for model, name in ((Batch, "sealed_at"), (ReceivedBatch, "received_at")):
        for row in model.objects.all():
            model.objects.filter(pk=row.pk).update(**{name: getattr(row, name) - timedelta(days=days)})


def forget() -> None:
    """Have nothing been compared yet."""
    Reconciliation.objects.all().delete()


def compared(day: date) -> list[str]:
    """Return the states of all comparisons of a day."""
    return list(Reconciliation.objects.filter(day=day).values_list("state", flat=True))
