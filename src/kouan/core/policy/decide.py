"""May this cross? One function, asked for every message at both ends; the answer names its clause.

Deny by default: a message crosses only when its declaration names both sides, an agreement in
force between them has a clause for its type, legal basis and kinds of data, and, where its declaration
asks for a person's consent, a consent register confirms it. What rests on a contract of two institutions
is decided by the register that keeps such contracts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Final, Protocol

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError
from kouan.core.policy.agreements import Agreement, Clause, load_agreements
from kouan.core.policy.elements import elements_of, important_among, personal_among
from kouan.core.sides import side_name

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


TERM_ZONE: Final = timezone(timedelta(hours=8))
"""Agreements count days as all three sides' clocks do, eight hours ahead of UTC."""


def term_day(at: datetime) -> date:
    """Return the day on which a moment lies, as agreements count days."""
    return at.astimezone(TERM_ZONE).date()


class Denied(KouanError):
    """Base of every refusal; ``clause`` says which rule decided."""

    code = "denied"
    status = 403
    message = _("This may not cross (rule %(clause)s).")
    place: int = 0
    """Which one it is about of messages that were to leave together."""


class PartyNotNamed(Denied):
    """The declaration does not let this side send, or that side receive."""

    code = "party-not-named"
    message = _("%(type)s may not go from %(sender)s to %(receiver)s: its declaration does not name them.")
    words: ClassVar = {"sender": side_name, "receiver": side_name}


class NoAgreement(Denied):
    """No agreement between the two sides covers the message."""

    code = "no-agreement"
    message = _(
        "No agreement between %(sender)s and %(receiver)s has a clause for %(type)s on the basis "
        "“%(legal_basis)s”. Both sides must hold such an agreement before it can cross."
    )
    words: ClassVar = {"sender": side_name, "receiver": side_name}


class AgreementNotInForce(Denied):
    """The agreement that covers it has not begun or has ended."""

    code = "agreement-not-in-force"
    message = _(
        "Clause %(clause)s of agreement %(agreement)s covers this, but the agreement is in force only "
        "from %(effective)s to %(expires)s."
    )


class OtherAgreementText(Denied):
    """The peer relies on an agreement or a text of it that this side does not hold."""

    code = "other-agreement-text"
    message = _("The message relies on a text of agreement %(agreement)s that this side does not hold.")


class OutsideScope(Denied):
    """The message would hold kinds of data about persons that the clause does not name."""

    code = "outside-scope"
    message = _(
        "Clause %(clause)s of %(agreement)s lets no message cross that holds: %(elements)s. Both sides would "
        "have to agree to that first."
    )


class ImportantData(Denied):
    """The message would hold what the Mainland's law calls important data."""

    code = "important-data"
    message = _("This holds important data (%(elements)s), which crosses under no agreement.")


class ConsentMissing(Denied):
    """The declaration asks for the person's consent, and none is on record."""

    code = "consent-missing"
    message = _("%(type)s needs the consent of the person whom it is about, and none is on record.")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What someone wants to send, or what has arrived: all that a decision looks at."""

    type: str
    legal_basis: str
    sender: str
    receiver: str
    declared_senders: Collection[str] | str
    declared_receivers: Collection[str] | str
    consent_required: bool
    consent_reference: str | None
    at: datetime
    agreement_digest: bytes | None = None
    """The digest that an arrived message names; ``None`` for one that we are about to send."""
    agreement: str | None = None
    """The agreement or contract that it is to rest on; ``None`` for any that covers it."""
    elements: frozenset[str] = frozenset()
    """The kinds of data that it holds."""
    purpose: str = ""
    """What it is for: a term of the W3C Data Privacy Vocabulary."""
    subject: str = ""
    """The person whom it is about, as the receiver knows them; nothing where it names none."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """The decision to let a message cross, with the clause that carries it."""

    agreement: Agreement
    clause: Clause


class ConsentRegister(Protocol):
    """Who can say whether a person's consent is on record, and still stands."""

    def covers(self, proposal: Proposal) -> bool:
        """Whether a valid consent covers exactly this proposal."""


class ContractRegister(Protocol):
    """Who keeps the contracts of institutions on which messages of a legal basis rest."""

    def decide(self, proposal: Proposal) -> Allowed:
        """Return the contract and the clause that let it cross, or raise the ``Denied`` that says why not."""


_contracts: dict[str, ContractRegister] = {}


def register_contracts(legal_basis: str, register: ContractRegister) -> None:
    """Name who decides about what crosses on a legal basis; a second one is a ``ValueError``."""
    known = _contracts.setdefault(legal_basis, register)
    if type(known) is not type(register):
        raise ValueError(f"two registers keep the contracts for {legal_basis!r}")


_registers: dict[str, ConsentRegister] = {}


def register_consents(legal_basis: str, register: ConsentRegister) -> None:
    """Name who keeps the consents for what crosses on a legal basis; a second one is a ``ValueError``."""
    known = _registers.setdefault(legal_basis, register)
    if type(known) is not type(register):
        raise ValueError(f"two registers keep the consents for {legal_basis!r}")


class Policy:
    """The rules of one node: its agreements, and the registers of consents that its apps keep."""

    def __init__(self, agreements: tuple[Agreement, ...]) -> None:
        self.agreements = agreements
        self.consents: ConsentRegister | None = None
        """Stands in for the apps' registers where it is set."""

    def decide(self, proposal: Proposal) -> Allowed:
        """Return why the proposal may cross, or raise the ``Denied`` that says why not."""
        if not (
            _named(proposal.sender, proposal.declared_senders)
            and _named(proposal.receiver, proposal.declared_receivers)
            and proposal.sender != proposal.receiver
        ):
            raise PartyNotNamed(
                clause="declaration", type=proposal.type, sender=proposal.sender, receiver=proposal.receiver
            )
        if important := important_among(proposal.elements):
            raise ImportantData(clause="elements", elements=_titles(important))
        contracts = _contracts.get(proposal.legal_basis)
        allowed = self._clause(proposal) if contracts is None else contracts.decide(proposal)
        if outside := personal_among(proposal.elements) - allowed.clause.elements:
            raise OutsideScope(
                clause=allowed.clause.id, agreement=allowed.agreement.id, elements=_titles(outside)
            )
        if proposal.consent_required and not self._consented(proposal):
            raise ConsentMissing(clause=f"{allowed.agreement.id} {allowed.clause.id}", type=proposal.type)
        return allowed

    def _consented(self, proposal: Proposal) -> bool:
        register = self.consents or _registers.get(proposal.legal_basis)
        return register is not None and register.covers(proposal)

    def _clause(self, proposal: Proposal) -> Allowed:
        day = term_day(proposal.at)
        not_in_force: tuple[Agreement, Clause] | None = None
        other_text: Agreement | None = None
        for agreement in self.agreements:
            if not {proposal.sender, proposal.receiver} <= agreement.parties:
                continue
            if proposal.agreement not in (None, agreement.id):
                continue
            for clause in agreement.clauses:
                if not clause.covers(
                    type_=proposal.type,
                    legal_basis=proposal.legal_basis,
                    sender=proposal.sender,
                    receiver=proposal.receiver,
                ):
                    continue
                if proposal.agreement_digest not in (None, agreement.digest):
                    other_text = agreement
                elif not agreement.in_force(day):
                    not_in_force = (agreement, clause)
                else:
                    return Allowed(agreement, clause)
        if not_in_force is not None:
            agreement, clause = not_in_force
            raise AgreementNotInForce(
                clause=clause.id,
                agreement=agreement.id,
                effective=agreement.effective.isoformat(),
                expires=agreement.expires.isoformat(),
            )
        if other_text is not None:
            raise OtherAgreementText(clause="agreement", agreement=other_text.id)
        raise NoAgreement(
            clause="agreement",
            type=proposal.type,
            sender=proposal.sender,
            receiver=proposal.receiver,
            legal_basis=proposal.legal_basis,
        )


def _titles(ids: frozenset[str]) -> str:
    return ", ".join(str(each.title) for each in elements_of(ids))


def _named(side: str, declared: Collection[str] | str) -> bool:
    return declared == "any" or (not isinstance(declared, str) and side in declared)


@lru_cache(maxsize=4)
def policy_of(folder: Path) -> Policy:
    """Return the policy over the agreements of ``folder``, read once for each process."""
    return Policy(load_agreements(folder))
