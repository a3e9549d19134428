"""Whether a message with personal data crossed under an agreement: proved from what both sides signed.

For messages of every kind that is declared, of whichever app; of what crossed under contracts of institutions
``auditing`` proves more, since their terms, consents and decisions are kept here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, cast

from django.utils.translation import gettext_noop as _noop

from kouan.core import cbor
from kouan.core.exchange import agreements
from kouan.core.exchange.crossing import Consent, UndeclaredCrossing, registry
from kouan.core.exchange.times import from_milliseconds
from kouan.core.policy.agreements import lets_through
from kouan.core.policy.decide import (
    AgreementNotInForce,
    ConsentMissing,
    NoAgreement,
    OtherAgreementText,
    OutsideScope,
    term_day,
)
from kouan.core.policy.elements import elements_of, personal_among

if TYPE_CHECKING:
    from kouan.core.exchange import wire
    from kouan.core.exchange.crossing import Crossing

DECLARED: Final = _noop("Its kind is declared on this node")
AGREEMENT: Final = _noop("The agreement's text has the digest that the message names")
CLAUSE: Final = _noop("A clause of that agreement, in force on that day, lets this kind cross this way")
SCOPE: Final = _noop("That clause names every kind of personal data that this kind of message may hold")
NAMED: Final = _noop("It names the consent that its declaration asks for")
_MAX_TEXT: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """How one thing that has to hold was found."""

    what: str
    """An English sentence to be translated."""
    holds: bool
    missing: str = ""
    """What is missing or wrong, in the reader's language."""


def personal_types() -> list[str]:
    """Return the kinds of message that may hold data about a person, by their declarations."""
    return sorted({each.type for each in registry.all() if personal_among(each.always)})


def declared_types() -> list[str]:
    """Return all kinds of message that this node declares."""
    return sorted({each.type for each in registry.all()})


def under_agreement(header: wire.Header) -> tuple[Found, ...]:
    """Return what has to hold of a message that rests on an agreement between the sides."""
    try:
        crossing = registry.get(header.type, header.version)
    except UndeclaredCrossing as error:
        return (Found(DECLARED, holds=False, missing=str(error)),)
    return (
        Found(DECLARED, holds=True),
        _text(header),
        _clause(header, crossing),
        _scope(header, crossing),
        *_consent(header, crossing),
    )


def _text(header: wire.Header) -> Found:
    kept = agreements.text_of(header.agreement_digest)
    same = (
        kept is not None
        and kept[0] == header.agreement
        and hashlib.sha256(kept[1]).digest() == header.agreement_digest
    )
    wrong = "" if same else str(OtherAgreementText(clause="agreement", agreement=header.agreement))
    return Found(AGREEMENT, holds=same, missing=wrong)


def _clause(header: wire.Header, crossing: Crossing[Any]) -> Found:
    text = _read(header)
    clause = _named(text, header)
    passes = lets_through(
        text, clause=header.clause, type_=header.type, sender=header.sender, receiver=header.receiver
    )
    if clause.get("legal_basis") != crossing.legal_basis or passes != "yes":
        denied = NoAgreement(
            clause=header.clause,
            type=header.type,
            sender=header.sender,
            receiver=header.receiver,
            legal_basis=crossing.legal_basis,
        )
        return Found(CLAUSE, holds=False, missing=str(denied))
    day = term_day(from_milliseconds(header.created))
    if not _day(text, "effective") <= day <= _day(text, "expires"):
        over = AgreementNotInForce(
            clause=header.clause,
            agreement=header.agreement,
            effective=str(text.get("effective")),
            expires=str(text.get("expires")),
        )
        return Found(CLAUSE, holds=False, missing=str(over))
    return Found(CLAUSE, holds=True)


def _scope(header: wire.Header, crossing: Crossing[Any]) -> Found:
    named = _named(_read(header), header).get("elements", [])
    outside = personal_among(crossing.always) - set(named if isinstance(named, list) else [])
    titles = ", ".join(str(each.title) for each in elements_of(outside))
    wrong = OutsideScope(clause=header.clause, agreement=header.agreement, elements=titles)
    return Found(SCOPE, holds=not outside, missing=str(wrong) if outside else "")


def _consent(header: wire.Header, crossing: Crossing[Any]) -> tuple[Found, ...]:
    if crossing.consent is not Consent.REQUIRED:
        return ()
    wrong = "" if header.consent else str(ConsentMissing(clause=header.clause, type=header.type))
    return (Found(NAMED, holds=not wrong, missing=wrong),)


def _read(header: wire.Header) -> dict[str, Any]:
    """Return what the agreement that a message names says; nothing if its text is not here."""
    kept = agreements.text_of(header.agreement_digest)
    try:
        value = cbor.decode(kept[1], max_bytes=_MAX_TEXT) if kept is not None else {}
    except cbor.NotDeterministicCBOR:
        value = {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _named(text: dict[str, Any], header: wire.Header) -> dict[str, Any]:
    clauses = text.get("clauses")
    for each in clauses if isinstance(clauses, list) else []:
        if isinstance(each, dict) and each.get("id") == header.clause:
            return each
    return {}


def _day(text: dict[str, Any], key: str) -> date:
    try:
        return date.fromisoformat(str(text.get(key)))
    except ValueError:
        return date.max if key == "effective" else date.min
