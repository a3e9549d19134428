"""The words for contracts, purposes, places and what was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from kouan.apps.dataflow.domain import State
from kouan.apps.dataflow.rules import NoRules, rules_of
from kouan.core.exchange.crossing import registry
from kouan.core.policy.elements import UnknownElement, elements_of
from kouan.core.sides import UnknownSideError, get_side, side_name
from kouan.core.text import Localised
from kouan.web import reasons

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from django.utils.functional import _StrOrPromise

    from kouan.apps.dataflow.domain import Names, Terms

STATES: Final[Mapping[str, _StrOrPromise]] = {
    State.DRAFT: pgettext_lazy("contract", "Draft"),
    State.PROPOSED: pgettext_lazy("contract", "Proposed"),
    State.SIGNED: pgettext_lazy("contract", "Signed by both"),
    State.REFUSED: pgettext_lazy("contract", "Refused"),
    State.REPLACED: pgettext_lazy("contract", "Replaced"),
    State.ENDED: pgettext_lazy("contract", "Ended"),
}
COLOURS: Final[Mapping[str, str]] = {
    State.DRAFT: "grey",
    State.PROPOSED: "yellow",
    State.SIGNED: "green",
    State.REFUSED: "red",
    State.REPLACED: "grey",
    State.ENDED: "grey",
}
PURPOSES: Final[Mapping[str, _StrOrPromise]] = {
    "dpv:AccountManagement": _("Keeping an account"),
    "dpv:AcademicResearch": _("Academic research"),
    "dpv:CreditChecking": _("Checking creditworthiness"),
    "dpv:CustomerManagement": _("Looking after customers"),
    "dpv:FraudPreventionAndDetection": _("Preventing and detecting fraud"),
    "dpv:HumanResourceManagement": _("Human resources"),
    "dpv:IdentityVerification": _("Verifying identity"),
    "dpv:LegalCompliance": _("Meeting a duty under the law"),
    "dpv:PaymentManagement": _("Handling payments"),
    "dpv:ServiceProvision": _("Providing a service that the person asked for"),
}
"""What data may be used for: terms of the W3C Data Privacy Vocabulary."""
ERASURES: Final[Mapping[str, _StrOrPromise]] = {
    "asked": _("Waits for an answer"),
    "erased": pgettext_lazy("request", "Erased"),
    "refused": pgettext_lazy("request", "Refused"),
    "failed": _("The other side could not take it"),
}
"""How far a request to erase is."""
ERASURE_COLOURS: Final[Mapping[str, str]] = {
    "asked": "yellow",
    "erased": "green",
    "refused": "red",
    "failed": "grey",
}
ERASED: Final[Mapping[str, _StrOrPromise]] = {
    "withdrawn": _("because you withdrew your consent"),
    "consent-withdrawn": _("because you withdrew your consent"),
    "asked": _("because you asked"),
    "erased-on-request": _("because you asked"),
    "retention": _("because it had been kept as long as agreed"),
}


NO_BASIS: Final = _("No contract or agreement that counts")
DENIED: Final[Mapping[str, _StrOrPromise]] = {
    "agreement-not-in-force": _("The agreement that covers it was not in force on that day."),
    "consent-expired": _("The time for which the person had agreed was over."),
    "consent-for-other": _("The person had not agreed to this."),
    "consent-missing": _("It needs the person's consent, and none was on record."),
    "consent-of-another": _("The consent was not that of the person whom it is about."),
    "consent-withdrawn": _("The person had withdrawn the consent."),
    "contract-over": _("The contract no longer counted."),
    "erased-on-request": _("The person had asked to have it erased."),
    "erasure-already-asked": _(
        "An earlier request about the same data still waits for the other side's answer."
    ),
    "important-data": _("It holds important data, which crosses under no agreement."),
    "level-too-low": _("The person had not agreed in a sign-in that is sure enough."),
    "no-agreement": _("No agreement between the two sides lets this kind of message cross this way."),
    "other-agreement-text": _("It relies on a text of the agreement that the receiving side does not hold."),
    "no-consent": _("It needs the person's consent, and none was on record."),
    "no-right-to-erasure": _(
        "The law of the side that has the data gives nobody a right to have it erased on request."
    ),
    "no-such-consent": _("The side that has the data knows no consent or notice with this number."),
    "no-contract": _("It rests on a contract that the side which denied it does not know."),
    "not-filed": _("The contract had not been filed in time."),
    "not-in-this-state": _("The contract stood elsewhere on the other side, where this could not be done."),
    "other-clause": _("The receiving side's agreements let it cross by another clause than it names."),
    "other-parties": _("The contract lets data go the other way, or between other sides."),
    "other-purpose": _("The contract does not name its purpose."),
    "other-terms": _("It relies on a text of the contract that is not the one both sides signed."),
    "outside-scope": _("It holds kinds of data about persons that the clause does not name."),
    "outside-term": _("The contract was not in force on that day."),
    "party-not-named": _("Its declaration does not name these sides."),
    "scope-drift": _("It holds kinds of data that the contract does not cover."),
    "unsigned-contract": _("Not both sides had signed the contract."),
}
"""Why a message was denied, by the code, where its case is not here to be judged again."""


def side_names(code: str) -> Localised:
    """Return a side's name in all scripts."""
    try:
        return get_side(code).name
    except UnknownSideError:
        return Localised(code, code, code)


def localised(names: Names) -> Localised:
    """Return a name of a contract in all scripts."""
    return Localised(names.en, names.zh_hant, names.zh_hans)


def message_name(type_: str) -> str:
    """Return what a kind of message is called; one that is not declared here keeps its type."""
    return next((str(each.title) for each in registry.all() if each.type == type_), type_)


def denied_because(code: str) -> str:
    """Return in words why a message was denied or did not arrive, where nothing but the code is known."""
    return str(DENIED[code]) if code in DENIED else reasons.reason(code)


def undelivered_because(text: str) -> str:
    """Return in words why the other side could not take something; nothing for an officer's own reason."""
    return denied_because(text) if text in DENIED or reasons.is_code(text) else ""


def place_name(place: str) -> str:
    """Return a place's name: a side, or a side's city with its side."""
    side, _colon, city = place.partition(":")
    if not city:
        return side_name(side)
    try:
        found = next((each.name for each in get_side(side).cities if each.code == city), city)
    except UnknownSideError:
        found = city
    return gettext("%(city)s, %(side)s") % {"city": found, "side": side_name(side)}


def element_name(id_: str) -> str:
    """Return what a kind of data is called."""
    try:
        return str(elements_of([id_])[0].title)
    except UnknownElement:
        return id_


def element_names(ids: Iterable[str]) -> list[str]:
    """Return what kinds of data are called, in the vocabulary's order."""
    try:
        return [str(each.title) for each in elements_of(list(ids))]
    except UnknownElement:
        return sorted(ids)


def state_name(state: str) -> str:
    """Return how far a contract has come, in the reader's words."""
    return str(STATES.get(state, state))


def purpose_name(purpose: str) -> str:
    """Return what a purpose is called; one that is not in the list keeps its term."""
    return str(PURPOSES.get(purpose, purpose))


def purpose_names(purposes: Iterable[str]) -> list[str]:
    """Return what purposes are called."""
    return [purpose_name(each) for each in purposes]


def name_of(names: Names) -> str:
    """Return a name of a contract in the reader's language."""
    return str(localised(names))


def onward_lines(terms: Terms) -> list[str]:
    """Return to whom a contract lets the importer hand on what it got; one line that says so if to nobody."""
    return [f"{each.name} ({place_name(each.place)})" for each in terms.onward] or [gettext("nobody")]


def basis_name(basis: str, side: str, day: date) -> str:
    """Return what a side's rules of a day call a kind of contract."""
    try:
        found = rules_of(side, day).bases.get(basis)
    except NoRules:
        return basis
    return basis if found is None else str(found.title)


def refusal_name(side: str, day: date, reason: str) -> str:
    """Return for what reason of a side's rules a request to erase was refused, and by which law."""
    try:
        rules = rules_of(side, day).erasure
    except NoRules:
        rules = None
    found = None if rules is None else rules.refusals.get(reason)
    return reason if found is None else f"{found.title} ({found.source})"


def erased_because(code: str) -> str:
    """Return in words why something was erased."""
    return str(ERASED.get(code, _("because it never arrived")))
