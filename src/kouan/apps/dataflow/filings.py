"""Filing a contract with each side's authority, within so many working days of that side."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.dataflow import errors
from kouan.apps.dataflow.crossings import CONTRACT_FILED
from kouan.apps.dataflow.domain import State, read_terms
from kouan.apps.dataflow.judging import rules_for
from kouan.apps.dataflow.models import Contract, Filing
from kouan.apps.dataflow.payloads import ContractFiled
from kouan.apps.dataflow.standing import counting
from kouan.core.exchange.outbox import send
from kouan.core.policy.decide import term_day
from kouan.core.sides import get_side
from kouan.core.watch.deadlines import Deadline

if TYPE_CHECKING:
    from kouan.apps.dataflow.domain import Terms
    from kouan.core.exchange import Received

_NEAR_MOST: Final = 50
"""So many of a kind are looked at together; each is an alarm of its own."""


def due_on(side: str, first_day: date, working_days: int) -> date:
    """Return the last day of a term: working days of that side, counted from the day after the first."""
    return counted(side, first_day, working_days)[0]


def counted(side: str, first_day: date, working_days: int) -> tuple[date, bool]:
    """Return the last day of a term, and whether a calendar was missing for some of it.

    Of a year whose calendar this node does not hold every day counts: the day is never later than the law's.
    """
    calendar = get_side(side).calendar
    day, left, uncertain = first_day, working_days, False
    while left:
        day += timedelta(days=1)
        known = day.year in calendar.by_year
        left -= calendar.is_working_day(day) if known else 1
        uncertain = uncertain or not known
    return day, uncertain


def near(now: datetime) -> list[Deadline]:
    """Return the filings and the contracts' ends that are near or passed, for watching.

    The filing of either side: without it nothing crosses.
    """
    watch, day = settings.NODE.watch, term_day(now)
    open_ = Filing.objects.filter(
        counting(day, at="contract__"),
        filed_on__isnull=True,
        contract__expires__gte=day,
        due_on__lte=day + timedelta(days=watch.filing_days),
    ).order_by("due_on", "pk")
    ending = Contract.objects.filter(
        state=State.SIGNED,
        effective__lte=day,
        expires__gte=day,
        expires__lte=day + timedelta(days=watch.contract_days),
    ).order_by("expires", "pk")
    return [
        *(
            Deadline("filing", f"{side} {contract}", (due - day).days)
            for side, contract, due in open_.values_list("side", "contract__contract", "due_on")[:_NEAR_MOST]
        ),
        *(
            Deadline("contract", str(contract), (expires - day).days)
            for contract, expires in ending.values_list("contract", "expires")[:_NEAR_MOST]
        ),
    ]


def begin(contract: Contract, terms: Terms, *, bound_on: date) -> None:
    """Write down what has to be filed, where and until when.

    The clock runs from the contract's first day, or from the day of the second signature where that is later.
    """
    first = max(terms.first_day, bound_on)
    for side in sorted(terms.sides):
        _rule, basis = rules_for(terms, side, first)
        if basis.filing_working_days is not None:
            last, uncertain = counted(side, first, basis.filing_working_days)
            Filing.objects.get_or_create(
                contract=contract,
                side=side,
                defaults={"counted_from": first, "due_on": last, "uncertain": uncertain},
            )


def count_again() -> bool:
    """Count anew the days of filings for which a calendar was missing; nothing is left over.

    So the two sides have the same day once both hold the calendar, whichever had it first.
    """
    open_ = Filing.objects.filter(uncertain=True, filed_on=None, counted_from__isnull=False)
    for pk in open_.values_list("pk", flat=True):
        with transaction.atomic():
            row = open_.select_for_update().filter(pk=pk).first()
            if row is None or row.counted_from is None:
                continue
            contract = Contract.objects.get(pk=row.contract_id)
            _rule, basis = rules_for(read_terms(bytes(contract.terms)), row.side, row.counted_from)
            last, uncertain = counted(row.side, row.counted_from, basis.filing_working_days or 0)
            if (last, uncertain) != (row.due_on, row.uncertain):
                row.due_on, row.uncertain = last, uncertain
                row.save(update_fields=["due_on", "uncertain"])
    return False


def filed(*, digest: bytes, filed_on: date, reference: str) -> Filing:
    """Note that this side's party has filed, and tell the other side."""
    today = term_day(timezone.now())
    with transaction.atomic():
        filing = (
            Filing.objects.select_for_update()
            .select_related("contract")
            .filter(counting(today, at="contract__"), contract__digest=digest, side=settings.NODE.side)
            .first()
        )
        if filing is None:
            raise errors.UnknownContract
        contract = filing.contract
        if filing.filed_on is not None or filed_on > today:
            raise errors.FiledAlready(contract=str(contract.contract))
        filing.filed_on, filing.reference = filed_on, reference
        filing.save()
        send(
            CONTRACT_FILED,
            to=contract.peer,
            payload=ContractFiled(digest=digest, filed_on=filed_on.isoformat(), reference=reference),
            conversation=contract.contract,
        )
    return filing


def told(*, message: Received[ContractFiled]) -> None:
    """Note that the other side's party has filed; only that side's own word about its own filing counts.

    The first word stands, and a day that has not come yet is none: else a promise would let data cross.
    """
    said = message.payload
    found = (
        Filing.objects.select_for_update()
        .select_related("contract")
        .filter(contract__digest=said.digest, contract__peer=message.sender, side=message.sender)
    )
    filing = found.first()
    if filing is None:
        raise errors.UnknownContract
    filed_on = date.fromisoformat(said.filed_on)
    if filing.filed_on is not None and (filing.filed_on, filing.reference) == (filed_on, said.reference):
        return
    borne = timedelta(seconds=settings.NODE.exchange.clock_tolerance_s)
    if filing.filed_on is not None or filed_on > term_day(timezone.now() + borne):
        raise errors.FiledAlready(contract=str(filing.contract.contract))
    filing.filed_on, filing.reference = filed_on, said.reference
    filing.save()
