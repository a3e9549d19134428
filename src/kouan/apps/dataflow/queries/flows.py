"""What auditors see of what was denied: by decisions that are on record, and by a node on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404

from kouan.apps.dataflow import labels
from kouan.apps.dataflow.crossings import DATA_RECORD
from kouan.apps.dataflow.decisions import reason_of
from kouan.apps.dataflow.judging import told_of
from kouan.apps.dataflow.models import Decision
from kouan.apps.dataflow.queries.contracts import within
from kouan.apps.dataflow.queries.register import denial_codes
from kouan.core.exchange.models import InboxMessage, OutboxMessage

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from django.core.paginator import Page
    from django.db.models import QuerySet

    from kouan.apps.dataflow.queries.contracts import Reach

A_PAGE: Final = 25
REFUSED_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class DecisionShown:
    """A decision as auditors read it."""

    row: Decision
    reason: str
    """Why not, as a sentence in the reader's language."""
    elements: tuple[str, ...]
    purpose: str


def denied(
    page: str, contract: uuid.UUID | None = None, reach: Reach = None
) -> tuple[list[DecisionShown], Page[Decision]]:
    """Return a page of what this node denied, in all or under one contract, the newest first."""
    rows = _decided(reach).filter(allowed=False)
    if contract is not None:
        rows = rows.filter(contract=contract)
    found = Paginator(rows.order_by("-at", "-pk"), A_PAGE).get_page(page)
    return [shown(row) for row in found], found


def denied_under(contract: uuid.UUID) -> int:
    """Return how often something was denied under a contract, leaving or arriving."""
    return Decision.objects.filter(contract=contract, allowed=False).count()


def decided(reach: Reach, *, most: int) -> list[Decision]:
    """Return the newest decisions by which something in reach was denied."""
    return list(_decided(reach).filter(allowed=False).order_by("-at", "-pk")[:most])


def _decided(reach: Reach) -> QuerySet[Decision]:
    rows = Decision.objects.all()
    return rows if reach is None else rows.filter(contract__in=within(reach).values("contract"))


def decision(number: int, reach: Reach = None) -> Decision:
    """Return one decision about a contract in reach; raises ``Http404``."""
    found = _decided(reach).filter(pk=number).first()
    if found is None:
        raise Http404
    return found


def shown(row: Decision) -> DecisionShown:
    """Return a decision with its reason in the reader's language, which judging it again gives."""
    again = reason_of(row)
    reason = labels.denied_because(row.code) if again is None or again.code != row.code else str(again)
    return DecisionShown(row, reason, told_of(frozenset(row.case["elements"])), row.case["purpose"])


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that crossed or was to cross, and that one of the nodes refused."""

    message_id: uuid.UUID
    at: datetime
    peer: str
    outgoing: bool
    type: str
    title: str
    """What such a message is, in the reader's language."""
    agreement: str
    """The contract or agreement that it named, and its clause."""
    clause: str
    code: str
    reason: str


def refused(*, most: int = REFUSED_MOST) -> list[Refused]:
    """Return the newest messages that did not count, without those that this node denied by a decision.

    Records under contracts, whatever stopped them; of every other kind, what a node's policy denied.
    """
    denied = Q(state="refused", code__in=denial_codes())
    ended = Q(type=DATA_RECORD.type, state__in=["refused", "cancelled", "expired"])
    ours = OutboxMessage.objects.filter(ended | denied)
    decided = Decision.objects.filter(outgoing=False, allowed=False, message_id__isnull=False)
    theirs = InboxMessage.objects.filter(Q(type=DATA_RECORD.type, state="refused") | denied).exclude(
        message_id__in=decided.values("message_id")
    )
    rows = [
        Refused(
            row.message_id,
            row.created_at,
            row.peer,
            outgoing,
            row.type,
            labels.message_name(row.type),
            row.agreement,
            row.clause,
            row.code,
            labels.denied_because(row.code),
        )
        for found, outgoing in ((ours, True), (theirs, False))
        for row in found.order_by("-pk")[:most]
    ]
    return sorted(rows, key=lambda each: each.at, reverse=True)[:most]
