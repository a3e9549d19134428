"""The contracts and consents of this node, as the policy asks them about each message (``policy.decide``)."""

from __future__ import annotations

import uuid
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from django.conf import settings

from kouan.apps.dataflow import errors
from kouan.apps.dataflow.domain import (
    ALWAYS,
    LEGAL_BASIS,
    SCOPE,
    Case,
    ConsentFacts,
    ContractFacts,
    Filing,
    State,
    Terms,
    read_terms,
)
from kouan.apps.dataflow.judging import judge
from kouan.apps.dataflow.models import Contract, DataConsent
from kouan.apps.dataflow.models import Filing as FilingRow
from kouan.core.database.rows import fetch, stored
from kouan.core.policy import Agreement, Allowed, Clause
from kouan.core.policy.decide import TERM_ZONE
from kouan.core.text import Localised

if TYPE_CHECKING:
    from datetime import date

    from kouan.core.policy import Proposal

PREFIX: Final = "dataflow:"
_CONTRACT: Final = (
    "id", "contract", "terms", "digest", "state", "effective", "expires", "ended_on", "signed_here",
    "signed_there", "peer",
)  # fmt: skip
_CONSENT: Final = (
    "contract", "subject", "elements", "separate", "purposes", "level", "given_at", "expires_at",
    "withdrawn_at",
)  # fmt: skip


class ContractRegister:
    """Decides about what rests on a contract."""

    def decide(self, proposal: Proposal) -> Allowed:
        """Return the contract and its scope, or raise the ``Denied`` that says why not.

        What another side sends is judged here by its contract alone; the consent may stand in a message
        before it that was not handled yet, and is judged when this one is (``records.keep``).
        """
        case = case_of(proposal)
        own = proposal.sender == settings.NODE.side
        judge(case, persons=own)
        if case.contract is None:
            raise errors.NoContract(clause="contract")
        return allowed_by(case.contract.digest, case.contract.terms)


class ConsentRegister:
    """Says that a consent stands: for what rests on a contract that was judged a moment before."""

    def covers(self, proposal: Proposal) -> bool:
        """Whether a consent is named at all; ``judge`` has looked at what it says."""
        return key_of(proposal.consent_reference) is not None


def case_of(proposal: Proposal) -> Case:
    """Return all that counts for a proposal, as it stands now."""
    day = proposal.at.astimezone(TERM_ZONE).date()
    return Case(
        at=proposal.at,
        day=day,
        sender=proposal.sender,
        receiver=proposal.receiver,
        elements=proposal.elements,
        purpose=proposal.purpose,
        subject=proposal.subject,
        contract=contract_facts(proposal.agreement, proposal.agreement_digest, day),
        named=proposal.agreement_digest,
        consent=consent_facts(proposal.consent_reference),
    )


def contract_facts(number: str | None, digest: bytes | None, day: date) -> ContractFacts | None:
    """Return what counts of a contract: of the version with a digest, or of the newest in force on a day."""
    key = _uuid(number or "")
    if key is None:
        return None
    if digest is not None:
        found = fetch(Contract, "digest = %s", (digest,), names=_CONTRACT)
    else:
        found = fetch(
            Contract, "contract = %s ORDER BY version DESC LIMIT 4", (stored(key),), names=_CONTRACT
        )
        signed = [row for row in found if row.state == State.SIGNED]
        found = [row for row in found if _in_force(row, day)] or signed or found
    if not found or found[0].contract != key:
        return None
    row = found[0]
    signed_by = {settings.NODE.side} if row.signed_here is not None else set()
    if row.signed_there is not None:
        signed_by.add(row.peer)
    rows = fetch(FilingRow, "contract_id = %s", (row.pk,), names=("side", "due_on", "filed_on"))
    return ContractFacts(
        terms=_terms(bytes(row.digest), bytes(row.terms)),
        digest=bytes(row.digest),
        state=State(row.state),
        ended_on=row.ended_on,
        signed_by=frozenset(signed_by),
        filings=tuple(Filing(each.side, each.due_on, each.filed_on) for each in rows),
    )


def _in_force(row: Contract, day: date) -> bool:
    """Whether a version counts on a day: a later one that both have signed may begin only after it."""
    counts = row.state == State.SIGNED or (row.ended_on is not None and day < row.ended_on)
    return counts and row.effective <= day <= row.expires


def consent_facts(reference: str | None) -> ConsentFacts | None:
    """Return what counts of a consent, if there is one with this reference."""
    key = key_of(reference)
    found = fetch(DataConsent, "key = %s", (stored(key),), names=_CONSENT) if key is not None else []
    if not found:
        return None
    row = found[0]
    return ConsentFacts(
        contract=str(row.contract),
        subject=row.subject,
        elements=frozenset(row.elements),
        separate=frozenset(row.separate),
        purposes=frozenset(row.purposes),
        level=row.level,
        given_at=row.given_at,
        expires_at=row.expires_at,
        withdrawn_at=row.withdrawn_at,
    )


def key_of(reference: str | None) -> uuid.UUID | None:
    """Return the key in a reference to a consent of this app."""
    if reference is None or not reference.startswith(PREFIX):
        return None
    return _uuid(reference.removeprefix(PREFIX))


@lru_cache(4096)
def _terms(digest: bytes, terms: bytes) -> Terms:  # noqa: ARG001 - the digest is what tells them apart
    return read_terms(terms)


_allowed: dict[bytes, Allowed] = {}


def allowed_by(digest: bytes, terms: Terms) -> Allowed:
    """Return a contract as an agreement whose one clause is its scope."""
    found = _allowed.get(digest)
    if found is None:
        if len(_allowed) > 4096:  # noqa: PLR2004 - as many as there are terms kept
            _allowed.clear()
        title = Localised(
            en=f"{terms.exporter.name.en} – {terms.importer.name.en}",
            zh_hant=f"{terms.exporter.name.zh_hant}—{terms.importer.name.zh_hant}",
            zh_hans=f"{terms.exporter.name.zh_hans}—{terms.importer.name.zh_hans}",
        )
        clause = Clause(
            id=SCOPE,
            legal_basis=LEGAL_BASIS,
            types=frozenset({"dataflow.record"}),
            senders=frozenset({terms.exporter.side}),
            receivers=frozenset({terms.importer.side}),
            text=title,
            elements=frozenset(terms.elements) | ALWAYS,
        )
        found = _allowed[digest] = Allowed(
            Agreement(
                id=terms.contract,
                title=title,
                parties=terms.sides,
                effective=terms.first_day,
                expires=terms.last_day,
                clauses=(clause,),
                source=terms.canonical(),
                digest=digest,
            ),
            clause,
        )
    return found


def _uuid(text: str) -> uuid.UUID | None:
    try:
        key = uuid.UUID(text)
    except ValueError:
        return None
    return key if str(key) == text else None
