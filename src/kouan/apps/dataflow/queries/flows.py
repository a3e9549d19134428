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
from kouan.apps.dataflow.labels import name_of
from kouan.apps.dataflow.models import Contract, Decision, Record
from kouan.apps.dataflow.queries.contracts import within
from kouan.core.exchange.models import InboxMessage, OutboxMessage
from kouan.core.policy import Denied

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from django.core.paginator import Page
    from django.db.models import QuerySet

    from kouan.apps.dataflow.domain import Terms
    from kouan.apps.dataflow.queries.contracts import Reach

A_PAGE: Final = 25
REFUSED_MOST: Final = 50
MOST: Final = 60
"""Contracts on the register's page."""
_BOUND: Final = (State.SIGNED, State.REPLACED, State.ENDED)


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
    def exporter(self) -> str:
        """The exporter's name in the reader's language."""
        return name_of(self.terms.exporter.name)

    @property
    def importer(self) -> str:
        """The importer's name in the reader's language."""
        return name_of(self.terms.importer.name)

    @property
    def key(self) -> str:
        """What its page's address calls it."""
        return bytes(self.row.digest).hex()


def register(reach: Reach = None) -> tuple[list[Flow], int]:
    """Return the contracts in reach that both have signed at some time, by their parties, and how many more.

    Of very many, those under which most crossed.
    """
    signed = (
        within(reach)
        .filter(signed_here__isnull=False, signed_there__isnull=False, state__in=_BOUND)
        .order_by("version")
    )
    newest = dict(signed.values_list("contract", "pk"))
    counts: dict[uuid.UUID, int] = dict(
        Record.objects.values("contract").annotate(count=Count("pk")).values_list("contract", "count")
    )
    chosen = sorted(newest, key=lambda each: (-counts.get(each, 0), -newest[each]))[:MOST]
    last: dict[uuid.UUID, datetime] = dict(
        Record.objects.filter(contract__in=chosen)
        .values("contract")
        .annotate(last=Max("at"))
        .values_list("contract", "last")
    )
    refused: dict[uuid.UUID | None, int] = dict(
        Decision.objects.filter(allowed=False, contract__in=chosen)
        .values("contract")
        .annotate(count=Count("pk"))
        .values_list("contract", "count")
    )
    flows = [
        Flow(
            row=row,
            terms=terms_of(row),
            records=counts.get(row.contract, 0),
            denied=refused.get(row.contract, 0),
            last_at=last.get(row.contract),
        )
        for row in Contract.objects.filter(pk__in=[newest[each] for each in chosen])
    ]
    flows.sort(key=lambda each: (each.row.exporter, each.row.importer, str(each.row.contract)))
    return flows, len(newest) - len(flows)


# What was denied


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
    """Return the newest records that did not count, without those that this node denied by a decision."""
    ours = OutboxMessage.objects.filter(type=DATA_RECORD.type, state__in=["refused", "cancelled", "expired"])
    decided = Decision.objects.filter(outgoing=False, allowed=False, message_id__isnull=False)
    theirs = InboxMessage.objects.filter(type=DATA_RECORD.type, state="refused").exclude(
        message_id__in=decided.values("message_id")
    )
    rows = [
        Refused(row.message_id, row.created_at, row.peer, outgoing, row.agreement, row.code)
        for found, outgoing in ((ours, True), (theirs, False))
        for row in found.order_by("-pk")[:REFUSED_MOST]
    ]
    return sorted(rows, key=lambda each: each.at, reverse=True)[:REFUSED_MOST]
