"""What auditors see: who sends what to whom under which contract, and what was denied and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.core.paginator import Paginator
from django.db.models import Count, Max
from django.http import Http404

from kouan.apps.dataflow.contracts import terms_of, today
from kouan.apps.dataflow.crossings import DATA_RECORD
from kouan.apps.dataflow.domain import State, from_json
from kouan.apps.dataflow.judging import judge, told_of
from kouan.apps.dataflow.models import Contract, Decision, Record
from kouan.core.exchange.models import InboxMessage, OutboxMessage
from kouan.core.policy import Denied

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from django.core.paginator import Page

    from kouan.apps.dataflow.domain import Terms

A_PAGE: Final = 25
REFUSED_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Flow:
    """One contract on the register, with what crossed under all its versions."""

    row: Contract
    terms: Terms
    records: int
    denied: int
    last_at: datetime | None

    @property
    def in_force(self) -> bool:
        """Whether something may cross under it today."""
        return self.row.state == State.SIGNED and self.row.effective <= today() <= self.row.expires

    @property
    def key(self) -> str:
        """What its page's address calls it."""
        return bytes(self.row.digest).hex()


def register() -> list[Flow]:
    """Return every contract that both sides have signed at some time, by its parties."""
    counted = {
        each["contract"]: each
        for each in Record.objects.values("contract").annotate(count=Count("pk"), last=Max("at"))
    }
    denied = dict(
        Decision.objects.filter(allowed=False)
        .values("contract")
        .annotate(count=Count("pk"))
        .values_list("contract", "count")
    )
    newest: dict[uuid.UUID, Contract] = {}
    signed = Contract.objects.filter(signed_here__isnull=False, signed_there__isnull=False)
    for row in signed.exclude(state=State.REFUSED).order_by("version"):
        newest[row.contract] = row
    flows = []
    for number, row in newest.items():
        count = counted.get(number, {"count": 0, "last": None})
        flows.append(Flow(row, terms_of(row), count["count"], denied.get(number, 0), count["last"]))
    return sorted(flows, key=lambda each: (each.row.exporter, each.row.importer, str(each.row.contract)))


# What was denied


@dataclass(frozen=True, slots=True)
class DecisionShown:
    """A decision as auditors read it."""

    row: Decision
    reason: str
    """Why not, as a sentence in the reader's language."""
    elements: tuple[str, ...]
    purpose: str


def denied(page: str) -> Page[DecisionShown]:
    """Return what this node denied, the newest first."""
    rows = Paginator(Decision.objects.filter(allowed=False).order_by("-at", "-pk"), A_PAGE).get_page(page)
    rows.object_list = [shown(row) for row in rows.object_list]
    return rows


def decision(number: int) -> Decision:
    """Return one decision; raises ``Http404``."""
    found = Decision.objects.filter(pk=number).first()
    if found is None:
        raise Http404
    return found


def shown(row: Decision) -> DecisionShown:
    """Return a decision with its reason in the reader's language, which judging it again gives."""
    case = from_json(row.case)
    reason = row.code
    try:
        judge(case)
    except Denied as again:
        if again.code == row.code:
            reason = str(again)
    return DecisionShown(row, reason, told_of(case.elements), case.purpose)


@dataclass(frozen=True, slots=True)
class Refused:
    """A record's message that crossed or was to cross, and that one of the nodes refused."""

    message_id: uuid.UUID
    at: datetime
    peer: str
    outgoing: bool
    contract: str
    code: str


def refused() -> list[Refused]:
    """Return the newest records that a node refused at its door, or while it handled them."""
    ours = OutboxMessage.objects.filter(type=DATA_RECORD.type, state__in=["refused", "cancelled", "expired"])
    theirs = InboxMessage.objects.filter(type=DATA_RECORD.type, state="refused")
    rows = [
        Refused(row.message_id, row.created_at, row.peer, outgoing, row.agreement, row.code)
        for found, outgoing in ((ours, True), (theirs, False))
        for row in found.order_by("-pk")[:REFUSED_MOST]
    ]
    return sorted(rows, key=lambda each: each.at, reverse=True)[:REFUSED_MOST]
