"""The contracts and consents of this node, as the policy asks them about each message (``policy.decide``)."""

from __future__ import annotations

import hashlib
import threading
import uuid
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

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
from kouan.apps.dataflow.receipts import told
from kouan.apps.dataflow.standing import counts
from kouan.core.database.rows import look_up, stored
from kouan.core.exchange import agreements
from kouan.core.policy import Agreement, Allowed, Clause
from kouan.core.policy.decide import term_day
from kouan.core.text import Localised

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime

    from kouan.core.policy import Proposal

PREFIX: Final = "dataflow:"
_NO_KEY: Final = uuid.UUID(int=0)
_CONTRACT: Final = (
    "contract", "terms", "digest", "state", "effective", "expires", "ended_on", "signed_here", "signed_there",
    "peer",
)  # fmt: skip
CONSENT: Final = (
    # What counts of a consent.
    "contract", "subject", "elements", "separate", "purposes", "level", "given_at", "expires_at",
    "withdrawn_at", "notice", "receipt",
)  # fmt: skip
_FILING: Final = ("side", "due_on", "filed_on")
_WANTED: Final = (
    (Contract, "c", _CONTRACT), (FilingRow, "ours", _FILING), (FilingRow, "theirs", _FILING),
    (DataConsent, "d", CONSENT),
)  # fmt: skip
_FROM: Final = (
    # Each decision reads all of it in one go: of the way to a database server and back there is one.
    f"FROM {Contract._meta.db_table} c "
    f"LEFT JOIN {FilingRow._meta.db_table} ours ON ours.contract_id = c.id AND ours.side = %s "
    f"LEFT JOIN {FilingRow._meta.db_table} theirs ON theirs.contract_id = c.id AND theirs.side = c.peer "
    f"LEFT JOIN {DataConsent._meta.db_table} d ON d.key = %s "
)


class _Latest(threading.local):
    """What this thread has judged last, and what it has read for that very moment."""

    def __init__(self) -> None:
        self.begin(None)
        self.held: dict[uuid.UUID, ConsentFacts] | None = None

    def begin(self, moment: datetime | None) -> None:
        """Forget what was for another moment; each group of messages has one of its own."""
        self.moment = moment
        self.cases: list[Case] = []
        self.contracts: dict[bytes | str | None, ContractFacts | None] = {}
        self.allowed: dict[tuple[object, ...], Allowed] = {}


_latest = _Latest()


class ContractRegister:
    """Decides about what rests on a contract."""

    def decide(self, proposal: Proposal) -> Allowed:
        """Return the contract and its scope, or raise the ``Denied`` that says why not.

        What another side sends is judged here by its contract alone; the consent may stand in a message
        before it that was not handled yet, and is judged when this one is (``records.keep``).
        """
        if _latest.moment is not proposal.at:
            _latest.begin(proposal.at)
        if proposal.sender != settings.NODE.side:
            return _arriving(proposal)
        if _latest.held is None:
            case = case_of(proposal)
        else:
            key = key_of(proposal.consent_reference)
            case = _case(proposal, _named(proposal), None if key is None else _latest.held.get(key))
        _latest.cases.append(case)
        judge(case)
        return _allowed_in(case)


def _arriving(proposal: Proposal) -> Allowed:
    """Decide about what another side sends: once for all that differs in nothing that counts here."""
    asked = (
        proposal.agreement_digest, proposal.agreement, proposal.sender, proposal.elements, proposal.purpose,
    )  # fmt: skip
    allowed = _latest.allowed.get(asked)
    if allowed is None:
        case = _case(proposal, _named(proposal), None)
        judge(case, persons=False)
        allowed = _latest.allowed[asked] = _allowed_in(case)
    return allowed


def _allowed_in(case: Case) -> Allowed:
    if case.contract is None:
        raise errors.NoContract(clause="contract")
    return allowed_by(case.contract)


class ConsentRegister:
    """Says that a consent stands: for what rests on a contract that was judged a moment before."""

    def covers(self, proposal: Proposal) -> bool:
        """Whether a consent or a notice is named at all; ``judge`` looks at what it says."""
        return key_of(proposal.consent_reference) is not None


@contextmanager
def holding(consents: Iterable[DataConsent]) -> Iterator[None]:
    """Let consents that the caller has read and locked count as they are, and no others.

    A contract is read once then for all messages that leave together.
    """
    _latest.held = {each.key: _consent([getattr(each, name) for name in CONSENT]) for each in consents}
    try:
        yield
    finally:
        _latest.held = None


def judged() -> Case:
    """Return the case that this thread has judged last, as it stood: what is to be written down of it."""
    if not _latest.cases:
        raise LookupError("nothing was judged here")
    return _latest.cases[-1]


def judged_together(count: int) -> list[Case]:
    """Return the cases of messages that were to leave together, in their order."""
    if len(_latest.cases) != count:
        raise LookupError("something else was judged here")
    return _latest.cases


def case_of(proposal: Proposal, *, consent: DataConsent | None = None) -> Case:
    """Return all that counts for a proposal, as it stands now.

    Where the caller holds the ``consent`` that it names, that is what counts.
    """
    if consent is not None:
        contract, _none = _facts(replace(proposal, consent_reference=None))
        return _case(proposal, contract, _consent([getattr(consent, name) for name in CONSENT]))
    return _case(proposal, *_facts(proposal))


def _named(proposal: Proposal) -> ContractFacts | None:
    """Return the contract that messages of one batch or group name, as it stands then for all of them.

    They are decided for one moment, and in one transaction: for each of them the same was read.
    """
    named = proposal.agreement_digest or proposal.agreement
    if named not in _latest.contracts:
        _latest.contracts[named] = _facts(replace(proposal, consent_reference=None))[0]
    found = _latest.contracts[named]
    return found if found is not None and found.terms.contract == proposal.agreement else None


def _case(proposal: Proposal, contract: ContractFacts | None, consent: ConsentFacts | None) -> Case:
    return Case(
        at=proposal.at,
        day=term_day(proposal.at),
        sender=proposal.sender,
        receiver=proposal.receiver,
        elements=proposal.elements,
        purpose=proposal.purpose,
        subject=proposal.subject,
        contract=contract,
        named=proposal.agreement_digest,
        consent=consent,
    )


def allowed_by(contract: ContractFacts) -> Allowed:
    """Return a contract as an agreement whose one clause is its scope."""
    return _read(contract.digest, contract.text)[1]


def _facts(proposal: Proposal) -> tuple[ContractFacts | None, ConsentFacts | None]:
    """Return what counts of the contract and of the consent.

    The contract is the version that a message names by its digest; of what is to leave, the newest in force.
    """
    number, digest = _uuid(proposal.agreement or ""), proposal.agreement_digest
    key = key_of(proposal.consent_reference)
    if number is None:
        return None, consent_facts(proposal.consent_reference)
    which = "WHERE c.digest = %s" if digest is not None else "WHERE c.contract = %s ORDER BY c.version DESC"
    found = [
        _Row(values)
        for values in look_up(
            _WANTED,
            f"{_FROM}{which} LIMIT 4",
            (settings.NODE.side, stored(key or _NO_KEY), stored(number) if digest is None else digest),
        )
    ]
    if digest is None:
        signed = [row for row in found if row.state == State.SIGNED]
        found = [row for row in found if row.in_force(term_day(proposal.at))] or signed or found
    if not found or found[0].number != number:
        return None, consent_facts(proposal.consent_reference)
    return found[0].contract(), found[0].consent()


class _Row:
    """What one row of ``_WANTED`` holds."""

    def __init__(self, values: Sequence[Any]) -> None:
        self._values = values
        self.number, self._text, self._digest, self.state, self._first, self._last, self._ended = values[:7]

    def in_force(self, day: date) -> bool:
        """Whether a version counts on a day: a later one that both have signed may begin only after it."""
        return bool(counts(self.state, self._ended, day) and self._first <= day <= self._last)

    def contract(self) -> ContractFacts:
        """Return what counts of the contract."""
        here, there, peer, *filings = self._values[7:16]
        return _contract(
            bytes(self._digest),
            bytes(self._text),
            self.state,
            self._ended,
            (settings.NODE.side if here is not None else "", peer if there is not None else ""),
            tuple(filings),
        )

    def consent(self) -> ConsentFacts | None:
        """Return what counts of the consent, if there is one."""
        values = self._values[16:]
        return None if values[0] is None else _consent(values)


@lru_cache(4096)
def _contract(  # noqa: PLR0913, PLR0917 - all that is read of it, which is what the answer hangs on
    digest: bytes,
    text: bytes,
    state: str,
    ended_on: date | None,
    signers: tuple[str, str],
    filings: tuple[Any, ...],
) -> ContractFacts:
    """Make facts of what was read just now: the same values, the same facts."""
    found = [Filing(*each) for each in (filings[:3], filings[3:]) if each[0] is not None]
    return ContractFacts(
        terms=_read(digest, text)[0],
        digest=digest,
        state=State(state),
        ended_on=ended_on,
        signed_by=frozenset(filter(None, signers)),
        filings=tuple(sorted(found, key=lambda each: each.side)),
        text=text,
    )


def consent_facts(reference: str | None) -> ConsentFacts | None:
    """Return what counts of a consent, if there is one with this reference."""
    key = key_of(reference)
    if key is None:
        return None
    found = look_up(
        ((DataConsent, "d", CONSENT),),
        f"FROM {DataConsent._meta.db_table} d WHERE d.key = %s",
        (stored(key),),
    )
    return _consent(found[0]) if found else None


def _consent(values: Sequence[Any]) -> ConsentFacts:
    (
        contract, subject, elements, separate, purposes, level, given_at, expires_at, withdrawn_at, notice,
        receipt,
    ) = values  # fmt: skip
    retention_days, onward = _agreed_to(bytes(receipt))
    return ConsentFacts(
        contract=str(contract),
        subject=subject,
        elements=frozenset(elements),
        separate=frozenset(separate),
        purposes=frozenset(purposes),
        level=level,
        given_at=given_at,
        expires_at=expires_at,
        withdrawn_at=withdrawn_at,
        notice=bool(notice),
        retention_days=retention_days,
        onward=onward,
    )


def _agreed_to(receipt: bytes) -> tuple[int | None, frozenset[tuple[str, str]] | None]:
    """Return how long it may be kept, and on to whom, by the terms under which a consent was given."""
    digest, days = told(receipt)
    if digest is None:
        return days, None
    try:
        terms = terms_with(digest)
    except LookupError:  # nobody could show the person's consent to what is not here
        return days, frozenset()
    return terms.retention_days, frozenset((each.name, each.place) for each in terms.onward)


@lru_cache(4096)
def terms_with(digest: bytes) -> Terms:
    """Return the terms with a digest, which never change; raises ``LookupError`` where none are here.

    What both sides have signed once is kept, also where another text took its version's place afterwards.
    """
    wanted = ((Contract, "c", ("terms",)),)
    found = look_up(wanted, f"FROM {Contract._meta.db_table} c WHERE c.digest = %s", (digest,))
    if found:
        return _read(digest, bytes(found[0][0]))[0]
    kept = agreements.text_of(digest)
    if kept is None:
        raise LookupError
    return _read(digest, kept[1])[0]


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
