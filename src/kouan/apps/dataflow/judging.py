"""May this cross under this contract? A pure function of the case and of the rules of its day.

It raises the ``Denied`` whose ``clause`` names the rule that decides. The same case judged again, by the same
rules, ends the same way: that is how a past decision is replayed.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from django.utils.translation import gettext

from kouan.apps.dataflow import errors
from kouan.apps.dataflow.denials import SEVERAL
from kouan.apps.dataflow.domain import ALWAYS, SCOPE, State, Terms
from kouan.apps.dataflow.labels import place_name, purpose_name
from kouan.apps.dataflow.rules import Basis, NoRules, Rules, rules_of
from kouan.apps.dataflow.standing import counts
from kouan.core.policy.decide import ImportantData, term_day
from kouan.core.policy.elements import Category, elements_of, important_among, personal_among

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from kouan.apps.dataflow.domain import Case, ConsentFacts, ContractFacts

_NEVER: Final = frozenset({State.REFUSED, State.REPLACED, State.ENDED})


def judge(
    case: Case, *, persons: bool = True, find: Callable[[str, date], Rules] = rules_of
) -> tuple[str, ...]:
    """Return the names of the rules by which the case may pass, or raise the ``Denied`` that says why not.

    Without ``persons`` the person's consent is left for later.
    """
    if important := important_among(case.elements):
        raise ImportantData(clause="elements", elements=_titles(important))
    if case.contract is None:
        raise errors.NoContract(clause="contract")
    asked = _Asked(
        case.contract, case.day, case.sender, case.receiver, case.elements, case.purpose, case.named
    )
    rules = _passed(asked) if find is rules_of else _allows(asked, find)
    if persons:
        _consent(case, [basis for _name, basis in rules])
    return tuple(name for name, _basis in rules)


class _Asked(NamedTuple):
    """All of a case that a contract alone decides about."""

    contract: ContractFacts
    day: date
    sender: str
    receiver: str
    elements: frozenset[str]
    purpose: str
    named: bytes | None


def _allows(asked: _Asked, find: Callable[[str, date], Rules]) -> tuple[tuple[str, Basis], ...]:
    """Return the rules by which the contract lets it pass, whoever the person is."""
    contract = asked.contract
    terms = contract.terms
    _contract(asked, contract)
    rules = tuple(rules_for(terms, side, asked.day, find=find) for side in sorted(terms.sides))
    for name, basis in rules:
        area(terms, basis, rule=name)
        grounds(terms, basis, rule=name, day=asked.day, elements=asked.elements)
    _scope(asked, terms)
    _filings(asked, contract)
    return rules


@lru_cache(2048)
def _passed(asked: _Asked) -> tuple[tuple[str, Basis], ...]:
    """Remember what passes by the rules in force: the same facts, read anew, pass again.

    What is denied is judged each time.
    """
    return _allows(asked, rules_of)


def rules_for(
    terms: Terms, side: str, day: date, *, find: Callable[[str, date], Rules] = rules_of
) -> tuple[str, Basis]:
    """Return what a side's rules of a day say of such a contract; raises ``UnknownBasis``."""
    try:
        rules = find(side, day)
        return f"{rules.name} {terms.basis}", rules.bases[terms.basis]
    except (NoRules, KeyError):
        raise errors.UnknownBasis(clause="basis", side=side, day=day.isoformat(), basis=terms.basis) from None


def area(terms: Terms, basis: Basis, *, rule: str) -> None:
    """Raise ``OutsideArea`` or ``OnwardTransfer`` if somebody would hold the data outside the area."""
    for party in (terms.exporter, terms.importer):
        if not basis.has_place(party.place):
            raise errors.OutsideArea(clause=f"{rule} places", place=party.place, basis=str(basis.title))
    for other in terms.onward:
        if not basis.has_place(other.place):
            raise errors.OnwardTransfer(clause=f"{rule} places", place=other.place, basis=str(basis.title))


def grounds(terms: Terms, basis: Basis, *, rule: str, day: date, elements: frozenset[str]) -> None:
    """Raise the ``Denied`` that says what a basis asks for besides, and the terms do not give.

    Its ground, and that it counts on ``day``; how many persons; that nothing sensitive is among ``elements``.
    """
    if basis.persons_most is not None and terms.persons > basis.persons_most:
        raise errors.TooManyPersons(clause=f"{rule} persons", most=basis.persons_most, basis=str(basis.title))
    if not basis.sensitive and (sensitive := sensitive_among(elements)):
        raise errors.SensitiveUnderBasis(
            clause=f"{rule} sensitive", elements=_titles(sensitive), basis=str(basis.title)
        )
    if basis.ground is None:
        return
    if terms.ground is None:
        raise errors.NoGround(clause=f"{rule} ground", ground=str(basis.ground.title))
    issued = date.fromisoformat(terms.ground.issued_on)
    until = date.fromisoformat(terms.ground.valid_until or terms.expires)
    if basis.ground.longest_days is not None:
        until = min(until, issued + timedelta(days=basis.ground.longest_days - 1))
    if not issued <= day <= until:
        raise errors.GroundOver(
            clause=f"{rule} ground",
            ground=terms.ground.instrument,
            issued=issued.isoformat(),
            until=until.isoformat(),
        )


def asks_consent(terms: Terms, day: date, *, find: Callable[[str, date], Rules] = rules_of) -> bool:
    """Whether either side's rules ask for the person's consent to what crosses under a contract."""
    return any(rules_for(terms, side, day, find=find)[1].consent for side in sorted(terms.sides))


def needs_level(elements: frozenset[str], bases: list[Basis]) -> int:
    """Return the level of assurance in which a person must agree to these kinds of data."""
    sensitive = sensitive_among(elements)
    return max(each.sensitive_level if sensitive else each.level for each in bases)


@lru_cache(1024)
def sensitive_among(elements: frozenset[str]) -> frozenset[str]:
    """Return the sensitive kinds."""
    return frozenset(each.id for each in elements_of(elements) if each.category is Category.SENSITIVE)


def told_of(elements: Collection[str]) -> tuple[str, ...]:
    """Return what a person or an auditor is told of: the kinds that are not technical, in order.

    What always crosses is left out as well.
    """
    found = elements_of(elements)
    return tuple(
        each.id for each in found if each.category is not Category.TECHNICAL and each.id not in ALWAYS
    )


def _contract(case: _Asked, contract: ContractFacts) -> None:
    terms, name = contract.terms, contract.terms.contract
    if case.named is not None and case.named != contract.digest:
        raise errors.OtherTerms(clause="contract digest", contract=name)
    if contract.state in _NEVER and not counts(contract.state, contract.ended_on, case.day):
        raise errors.ContractOver(clause="contract state", contract=name, state=contract.state.value)
    if unsigned := terms.sides - contract.signed_by:
        raise errors.UnsignedContract(
            clause="contract signatures", contract=name, sides=SEVERAL.join(sorted(unsigned))
        )
    if not terms.first_day <= case.day <= terms.last_day:
        raise errors.OutsideTerm(
            clause="contract term", contract=name, effective=terms.effective, expires=terms.expires
        )
    if (case.sender, case.receiver) != (terms.exporter.side, terms.importer.side):
        raise errors.OtherParties(
            clause="contract parties",
            contract=name,
            exporter=terms.exporter.side,
            importer=terms.importer.side,
        )


def _scope(case: _Asked, terms: Terms) -> None:
    if case.purpose not in terms.purposes:
        raise errors.OtherPurpose(
            clause=f"contract {SCOPE} purposes", contract=terms.contract, purpose=case.purpose
        )
    if drift := personal_among(case.elements) - ALWAYS - set(terms.elements):
        raise errors.ScopeDrift(
            clause=f"contract {SCOPE} elements",
            contract=terms.contract,
            elements=", ".join(str(each.title) for each in elements_of(drift)),
        )


def _filings(case: _Asked, contract: ContractFacts) -> None:
    for filing in contract.filings:
        if case.day > filing.due_on and (filing.filed_on is None or filing.filed_on > case.day):
            raise errors.NotFiled(
                clause="contract filing",
                contract=contract.terms.contract,
                side=filing.side,
                due=filing.due_on.isoformat(),
            )


def _consent(case: Case, bases: list[Basis]) -> None:
    """Judge the consent or the notice that is named: also where no basis asks for one, it has to hold."""
    asked = any(each.consent for each in bases)
    consent = case.consent
    if asked and (consent is None or consent.notice):
        raise errors.NoPersonsConsent(clause="consent")
    if consent is None:
        return
    _stands(case, consent)
    if missing := personal_among(case.elements) - ALWAYS - consent.elements:
        raise errors.ConsentForOther(clause="consent elements", detail=_titles(missing))
    if asked:
        _agreed(case, consent, bases)
    if not consent.notice and case.contract is not None:
        _no_wider(case.contract.terms, consent)


def _stands(case: Case, consent: ConsentFacts) -> None:
    """Raise the ``Denied`` of a consent or a notice that does not count, or is about something else."""
    if consent.withdrawn_at is not None and consent.withdrawn_at <= case.at:
        raise errors.ConsentWithdrawn(clause="consent", day=_day(consent.withdrawn_at))
    # A notice goes out together with what it is about, and the other side's clock may be a little ahead.
    begun = consent.notice or consent.given_at <= case.at
    if not begun or case.at >= consent.expires_at:
        raise errors.ConsentExpired(clause="consent", day=_day(consent.expires_at))
    if consent.subject != case.subject or not case.subject:
        raise errors.ConsentOfAnother(clause="consent subject")
    if case.contract is None or consent.contract != case.contract.terms.contract:
        raise errors.ConsentForOther(clause="consent contract", detail=consent.contract)
    if case.purpose not in consent.purposes:
        raise errors.ConsentForOther(clause="consent purposes", detail=purpose_name(case.purpose))


def _agreed(case: Case, consent: ConsentFacts, bases: list[Basis]) -> None:
    """Raise the ``Denied`` of a consent that was not given in the way that the bases ask for."""
    wanted = personal_among(case.elements) - ALWAYS
    sensitive = sensitive_among(wanted)
    if any(each.separate_for_sensitive for each in bases) and (unseparated := sensitive - consent.separate):
        raise errors.ConsentForOther(clause="consent separate", detail=_titles(unseparated))
    needed = needs_level(wanted, bases)
    if consent.level < needed:
        raise errors.LevelTooLow(clause="consent level", level=consent.level, needed=needed)


def _no_wider(terms: Terms, consent: ConsentFacts) -> None:
    """Hold a version against the one that the person agreed to: what widens it needs their consent anew."""
    if consent.retention_days is not None and terms.retention_days > consent.retention_days:
        kept = gettext("%(days)s days, then erased") % {"days": terms.retention_days}
        raise errors.ConsentForOther(clause="consent retention", detail=kept)
    if consent.onward is None:
        return
    if more := {(each.name, each.place) for each in terms.onward} - consent.onward:
        names = ", ".join(f"{name} ({place_name(place)})" for name, place in sorted(more))
        raise errors.ConsentForOther(clause="consent onward", detail=names)


def _day(at: datetime) -> str:
    """Return the day that a person here would name."""
    return term_day(at).isoformat()


def _titles(ids: frozenset[str]) -> str:
    return ", ".join(str(each.title) for each in elements_of(ids))
