"""What terms must be before anybody signs them, whoever drafted them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils import timezone

from kouan.apps.dataflow import errors
from kouan.apps.dataflow.domain import State, read_terms
from kouan.apps.dataflow.judging import area, grounds, rules_for
from kouan.apps.dataflow.models import Contract
from kouan.apps.dataflow.standing import counting
from kouan.core.database.locks import take_turn
from kouan.core.policy.decide import ImportantData, term_day
from kouan.core.policy.elements import elements_of, important_among

if TYPE_CHECKING:
    from kouan.apps.dataflow.domain import Terms


def check(terms: Terms, today: date) -> None:
    """Raise the ``KouanError`` that says why such a contract could never be in force."""
    if terms.last_day < terms.first_day:
        raise errors.TermEndsBeforeItBegins(
            clause="contract term", effective=terms.effective, expires=terms.expires
        )
    if len(terms.sides) < 2:  # noqa: PLR2004 - two parties
        raise errors.SameSide(clause="contract parties")
    if important := important_among(frozenset(terms.elements)):
        raise ImportantData(
            clause="elements", elements=", ".join(str(each.title) for each in elements_of(important))
        )
    for side in sorted(terms.sides):
        day = max(today, terms.first_day)
        rule, basis = rules_for(terms, side, day)
        area(terms, basis, rule=rule)
        grounds(terms, basis, rule=rule, day=day, elements=frozenset(terms.elements))
        if (terms.last_day - terms.first_day).days >= basis.longest_days:
            raise errors.TermTooLong(clause=f"{rule} term", side=side, days=basis.longest_days)
        made_on = date.fromisoformat(terms.assessment.made_on)
        most = basis.assessment_days
        if most is not None and not timedelta() <= terms.first_day - made_on <= timedelta(days=most):
            raise errors.AssessmentTooOld(clause=f"{rule} assessment", side=side, days=most)


def in_turn() -> None:
    """Wait for one's turn with contracts, first of all in a transaction that makes one count.

    Until it ends no other does so: of two at once that disagree, the second finds the first.
    """
    take_turn("dataflow contracts")


def agrees_with_others(terms: Terms) -> None:
    """Raise ``ContractsDisagree`` if another contract of the two covers some of it for the same purpose."""
    exporter, importer = parties_of(terms)
    # One that is replaced binds until the later version begins.
    first = max(terms.first_day, term_day(timezone.now()))
    others = Contract.objects.filter(
        Q(state=State.PROPOSED) | counting(first),
        exporter=exporter,
        importer=importer,
        effective__lte=terms.last_day,
        expires__gte=terms.first_day,
    ).exclude(contract=terms.contract)
    for other in others.iterator():
        its = read_terms(bytes(other.terms))
        if set(its.purposes) & set(terms.purposes) and set(its.elements) & set(terms.elements):
            raise errors.ContractsDisagree(clause="contract scope", contract=str(other.contract))


def parties_of(terms: Terms) -> tuple[str, str]:
    """Return the two parties' codes with their sides: exporter, importer."""
    return f"{terms.exporter.side}/{terms.exporter.code}", f"{terms.importer.side}/{terms.importer.code}"
