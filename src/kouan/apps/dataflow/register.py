"""The contracts and consents of this node, as the policy asks them about each message (``policy.decide``)."""

from __future__ import annotations

import hashlib
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
        row = _row(proposal)
        judge(_case(proposal, row), persons=proposal.sender == settings.NODE.side)
        if row is None:
            raise errors.NoContract(clause="contract")
        return _read(bytes(row.digest), bytes(row.terms))[1]


class ConsentRegister:
    """Says that a consent stands: for what rests on a contract that was judged a moment before."""

    def covers(self, proposal: Proposal) -> bool:
        """Whether a consent is named at all; ``judge`` has looked at what it says."""
        return key_of(proposal.consent_reference) is not None


def case_of(proposal: Proposal) -> Case:
    """Return all that counts for a proposal, as it stands now."""
    return _case(proposal, _row(proposal))


def _case(proposal: Proposal, row: Contract | None) -> Case:
    return Case(
        at=proposal.at,
        day=_day(proposal),
        sender=proposal.sender,
        receiver=proposal.receiver,
        elements=proposal.elements,
        purpose=proposal.purpose,
        subject=proposal.subject,
        contract=None if row is None else _facts(row),
        named=proposal.agreement_digest,
        consent=consent_facts(proposal.consent_reference),
    )


def _row(proposal: Proposal) -> Contract | None:
    """Return the version that a message names by its digest; of what is to leave, the newest in force."""
    key, digest = _uuid(proposal.agreement or ""), proposal.agreement_digest
    if key is None:
        return None
    if digest is not None:
        found = fetch(Contract, "digest = %s", (digest,), names=_CONTRACT)
    else:
        found = fetch(
            Contract, "contract = %s ORDER BY version DESC LIMIT 4", (stored(key),), names=_CONTRACT
        )
        signed = [row for row in found if row.state == State.SIGNED]
        found = [row for row in found if _in_force(row, _day(proposal))] or signed or found
    return found[0] if found and found[0].contract == key else None


def _day(proposal: Proposal) -> date:
    return proposal.at.astimezone(TERM_ZONE).date()


def _facts(row: Contract) -> ContractFacts:
    signed_by = {settings.NODE.side} if row.signed_here is not None else set()
    if row.signed_there is not None:
        signed_by.add(row.peer)
    rows = fetch(FilingRow, "contract_id = %s", (row.pk,), names=("side", "due_on", "filed_on"))
    return ContractFacts(
        terms=_read(bytes(row.digest), bytes(row.terms))[0],
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
def _read(digest: bytes, text: bytes) -> tuple[Terms, Allowed]:
    """Return what is kept as a contract's text, also as an agreement whose one clause is its scope.

    It was checked in full when it was drafted or received. Another text than was signed is ``OtherTerms``.
    """
    terms = Terms.model_validate_json(text)
    if hashlib.sha256(text).digest() != digest:
        raise errors.OtherTerms(clause="contract digest", contract=terms.contract)
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
    agreement = Agreement(
        id=terms.contract,
        title=title,
        parties=terms.sides,
        effective=terms.first_day,
        expires=terms.last_day,
        clauses=(clause,),
        source=text,
        digest=digest,
    )
    return terms, Allowed(agreement, clause)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        key = uuid.UUID(text)
    except ValueError:
        return None
    return key if str(key) == text else None
