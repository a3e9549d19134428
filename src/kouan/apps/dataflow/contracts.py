"""The life of a contract: drafted here, signed by both sides, replaced by a later version or ended.

Each step that the other side must know is a message in the same transaction.
"""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.dataflow import checks, errors, filings, statements
from kouan.apps.dataflow.crossings import CONTRACT_ANSWERED, CONTRACT_ENDED, CONTRACT_PROPOSED, DATA_RECORD
from kouan.apps.dataflow.domain import BadTerms, State, Terms, read_terms
from kouan.apps.dataflow.models import Contract, SignedPaper
from kouan.apps.dataflow.payloads import ContractAnswered, ContractEnded, ContractProposed
from kouan.apps.dataflow.standing import counts, first_version
from kouan.core.exchange import agreements, bodies, outbox
from kouan.core.exchange.outbox import send
from kouan.core.policy.decide import term_day

if TYPE_CHECKING:
    from datetime import date, datetime

    from kouan.core.exchange import Received

log = logging.getLogger(__name__)

_REPLACEABLE: Final = (State.DRAFT, State.REFUSED)
"""What another text of the same version may take the place of: nobody is bound by it, or was."""
_AT_ONCE: Final = 500


def today() -> date:
    """Return the day as agreements count it."""
    return term_day(timezone.now())


def terms_of(contract: Contract) -> Terms:
    """Return what a contract says."""
    return read_terms(bytes(contract.terms))


def draft(terms: Terms, *, department: str = "") -> Contract:
    """Keep terms as a draft, in the place of an earlier one of the same version or of one that was refused.

    ``department`` looks after a new contract; a later version stays with whose the first one is. Raises
    what ``checks.check`` raises: terms that could never be in force are not kept either.
    """
    checks.check(terms, today())
    if settings.NODE.side not in terms.sides:
        raise errors.NotYourContract(contract=terms.contract)
    with transaction.atomic():
        same = Contract.objects.select_for_update().filter(contract=terms.contract, version=terms.version)
        earlier = same.first()
        if earlier is not None and earlier.state not in _REPLACEABLE:
            raise errors.NotInThisState(contract=terms.contract, state=earlier.state)
        same.delete()
        _follows(terms)
        return _kept(terms, State.DRAFT, department=_department_of(terms) or department)


def propose(*, digest: bytes, officer: str, department: str = "") -> Contract:
    """Sign a draft for this side and put it before the other; raises ``NotInThisState``, or as ``send``."""
    paper = _signed_paper(digest, State.DRAFT, officer)
    with transaction.atomic():
        checks.in_turn()
        contract = _held(digest, State.DRAFT)
        terms = terms_of(contract)
        checks.check(terms, today())
        checks.agrees_with_others(terms)
        contract.signed_here = _sign(contract, officer, timezone.now())
        contract.state = State.PROPOSED
        contract.department = contract.department or department
        contract.message_id = send(
            CONTRACT_PROPOSED,
            to=contract.peer,
            payload=ContractProposed(
                terms=bytes(contract.terms), statement=contract.signed_here, paper=paper
            ),
            conversation=contract.contract,
        )
        contract.save()
        keep_paper(contract, paper)
    return contract


def received(*, message: Received[ContractProposed]) -> None:
    """Keep what the other side proposes; raises a ``KouanError`` for what could not be signed by anybody."""
    said = message.payload
    try:
        terms = read_terms(said.terms)
    except BadTerms as error:
        raise errors.IllFormedTerms(detail=str(error)) from None
    if terms.sides != {message.sender, settings.NODE.side}:
        raise errors.NotYourContract(contract=terms.contract)
    if uuid.UUID(terms.contract) != message.conversation:
        raise errors.IllFormedTerms(detail="contract")
    checks.in_turn()
    checks.check(terms, today())
    checks.agrees_with_others(terms)
    statements.read(said.statement, side=message.sender, digest=terms.digest())
    _follows(terms)
    if (
        Contract.objects.filter(contract=terms.contract, version=terms.version)
        .exclude(state__in=_REPLACEABLE)
        .exists()
    ):
        raise errors.NotInThisState(contract=terms.contract, state=State.PROPOSED)
    Contract.objects.filter(contract=terms.contract, version=terms.version).delete()
    contract = _kept(
        terms,
        State.PROPOSED,
        signed_there=said.statement,
        message_id=message.id,
        department=_department_of(terms),
    )
    _take_paper(contract, terms, said.paper, frozenset({message.sender}))


def sign(*, digest: bytes, officer: str, department: str = "") -> Contract:
    """Sign what the other side proposed; from now on both are bound, and the department looks after it."""
    paper = _signed_paper(digest, State.PROPOSED, officer)
    with transaction.atomic():
        checks.in_turn()
        contract = _held(digest, State.PROPOSED, signed_here=False)
        terms = terms_of(contract)
        checks.check(terms, today())
        checks.agrees_with_others(terms)
        now = timezone.now()
        contract.signed_here, contract.reason = _sign(contract, officer, now), ""
        contract.department = contract.department or department
        _answer(contract, "signed", statement=contract.signed_here, paper=paper)
        keep_paper(contract, paper)
        _bound(contract, terms, term_day(now))
    return contract


def refuse(*, digest: bytes, reason: str) -> Contract:
    """Refuse what the other side proposed."""
    with transaction.atomic():
        contract = _held(digest, State.PROPOSED, signed_here=False)
        contract.state, contract.reason = State.REFUSED, reason
        _answer(contract, "refused", reason=reason)
        contract.save()
    return contract


def answered(*, message: Received[ContractAnswered]) -> None:
    """Note the other side's answer to what this side proposed."""
    said = message.payload
    contract = Contract.objects.select_for_update().filter(digest=said.digest, peer=message.sender).first()
    if contract is None:
        raise errors.UnknownContract
    if contract.state != State.PROPOSED or contract.signed_here is None:
        raise errors.NotInThisState(contract=str(contract.contract), state=contract.state)
    if said.outcome == "refused":
        contract.state, contract.reason = State.REFUSED, said.reason
        contract.save()
        return
    answer = statements.read(said.statement, side=message.sender, digest=bytes(contract.digest))
    ours = statements.read(
        bytes(contract.signed_here), side=settings.NODE.side, digest=bytes(contract.digest)
    )
    borne = timedelta(seconds=settings.NODE.exchange.clock_tolerance_s)
    if not ours.at - borne <= answer.at <= timezone.now() + borne:
        raise errors.BadSignature
    contract.signed_there = said.statement
    terms = terms_of(contract)
    _take_paper(contract, terms, said.paper, terms.sides)
    _bound(contract, terms, term_day(answer.at))


def end(*, digest: bytes, reason: str) -> Contract:
    """End a contract from today on, before its term."""
    with transaction.atomic():
        contract = Contract.objects.select_for_update().filter(digest=digest).first()
        if contract is None:
            raise errors.UnknownContract
        if not counts(contract.state, contract.ended_on, today()):
            raise errors.NotInThisState(contract=str(contract.contract), state=contract.state)
        _ended(contract, today(), settings.NODE.side, reason)
        send(
            CONTRACT_ENDED,
            to=contract.peer,
            payload=ContractEnded(digest=bytes(contract.digest), ended_on=today().isoformat(), reason=reason),
            conversation=contract.contract,
        )
    return contract


def ended_there(*, message: Received[ContractEnded]) -> None:
    """End a contract that the other side has ended.

    If that side had signed it and its answer never arrived here, the proposal is at its end: nobody is bound.
    """
    said = message.payload
    contract = Contract.objects.select_for_update().filter(digest=said.digest, peer=message.sender).first()
    if contract is None:
        raise errors.UnknownContract
    if counts(contract.state, contract.ended_on, today()):
        _ended(contract, min(today(), contract.expires), message.sender, said.reason)
    elif contract.state == State.PROPOSED and contract.signed_here is not None:
        contract.state, contract.reason = State.REFUSED, said.reason
        contract.save()


def _ended(contract: Contract, on: date, by: str, reason: str) -> None:
    """End a version, and what waits to cross under it; what counted until it was to begin ends with it."""
    first_version(contract.contract, alone=True)
    contract.state, contract.ended_on, contract.ended_by, contract.reason = State.ENDED, on, by, reason
    contract.save()
    before = Contract.objects.filter(contract=contract.contract, version__lt=contract.version)
    replaced = before.filter(state=State.REPLACED, ended_on__gt=on)
    over = [bytes(contract.digest), *(bytes(each) for each in replaced.values_list("digest", flat=True))]
    replaced.update(ended_on=on)
    never_sent = outbox.withdraw_under(over, type_=DATA_RECORD.type, code=errors.ContractOver.code)
    for at in range(0, len(never_sent), _AT_ONCE):
        bodies.erase_sent(never_sent[at : at + _AT_ONCE])


def _bound(contract: Contract, terms: Terms, day: date) -> None:
    """Both have signed: the version before it is replaced, and the clocks of the filings begin.

    ``day`` is that of the second signature, which stands in its statement: so both sides count from the same
    one, also where the answer crosses midnight on its way.
    """
    if terms.replaces is not None:
        Contract.objects.filter(digest=bytes.fromhex(terms.replaces), state=State.SIGNED).update(
            state=State.REPLACED, ended_on=max(day, terms.first_day)
        )
    contract.state = State.SIGNED
    contract.save()
    agreements.keep(
        agreement=f"{contract.contract}.{contract.version}",
        digest=bytes(contract.digest),
        source=bytes(contract.terms),
    )
    filings.begin(contract, terms, bound_on=day)


def _sign(contract: Contract, officer: str, at: datetime) -> bytes:
    return statements.sign(statements.Statement(bytes(contract.digest), settings.NODE.side, officer, at))


def _signed_paper(digest: bytes, state: State, officer: str) -> bytes:
    """Return the paper with this side's signature, made before the transaction that sends it.

    It takes its time, and may ask a time-stamping authority. Whether the contract may be signed is
    looked at again in the transaction.
    """
    from kouan.apps.dataflow import seals  # noqa: PLC0415 - what prints is heavy, and few processes print

    contract = Contract.objects.filter(digest=digest).first()
    if contract is None:
        raise errors.UnknownContract
    if contract.state != state or contract.signed_here is not None:
        raise errors.NotInThisState(contract=str(contract.contract), state=contract.state)
    theirs = SignedPaper.objects.filter(contract=contract).values_list("data", flat=True).first()
    return seals.signed(terms_of(contract), officer=officer, theirs=bytes(theirs or b""))


def _take_paper(contract: Contract, terms: Terms, paper: bytes, signers: frozenset[str]) -> None:
    """Keep the other side's paper if it is sound; what binds is its statement, and nothing hangs on this."""
    if not paper:
        return
    from kouan.apps.dataflow import seals  # noqa: PLC0415 - as above
    from kouan.apps.dataflow.printing import rendered  # noqa: PLC0415 - as above
    from kouan.web.seals import UnsoundPaper  # noqa: PLC0415 - as above

    try:
        seals.check(paper, base=rendered(terms), sides=signers)
    except UnsoundPaper as error:
        log.warning("contract %s: the other side's PDF is not kept: %s", contract.contract, error)
    else:
        keep_paper(contract, paper)


def keep_paper(contract: Contract, paper: bytes) -> None:
    """Keep a version's PDF, in the place of the one before it."""
    SignedPaper.objects.update_or_create(contract=contract, defaults={"data": paper})


def _answer(
    contract: Contract,
    outcome: Literal["signed", "refused"],
    *,
    statement: bytes = b"",
    reason: str = "",
    paper: bytes = b"",
) -> None:
    contract.message_id = send(
        CONTRACT_ANSWERED,
        to=contract.peer,
        payload=ContractAnswered(
            digest=bytes(contract.digest), outcome=outcome, statement=statement, reason=reason, paper=paper
        ),
        conversation=contract.contract,
    )


def _held(digest: bytes, state: State, *, signed_here: bool | None = None) -> Contract:
    contract = Contract.objects.select_for_update().filter(digest=digest).first()
    if contract is None:
        raise errors.UnknownContract
    if contract.state != state or (signed_here is False and contract.signed_here is not None):
        raise errors.NotInThisState(contract=str(contract.contract), state=contract.state)
    return contract


def _follows(terms: Terms) -> None:
    """Raise ``IllFormedTerms`` unless terms are a first version, or the next one of a signed contract."""
    if terms.version == 1 and terms.replaces is None:
        return
    before = Contract.objects.filter(
        contract=terms.contract, version=terms.version - 1, state=State.SIGNED
    ).first()
    if before is None or terms.replaces != bytes(before.digest).hex():
        raise errors.IllFormedTerms(detail="replaces")
    if checks.parties_of(terms) != (before.exporter, before.importer):
        raise errors.IllFormedTerms(detail="exporter, importer")


def _department_of(terms: Terms) -> str:
    """Return whose the version before this one is; nothing for a first one."""
    before = Contract.objects.filter(contract=terms.contract).exclude(department="").order_by("-version")
    return before.values_list("department", flat=True).first() or ""


def _kept(terms: Terms, state: State, **more: object) -> Contract:
    (peer,) = terms.sides - {settings.NODE.side}
    exporter, importer = checks.parties_of(terms)
    return Contract.objects.create(
        contract=terms.contract,
        version=terms.version,
        peer=peer,
        terms=terms.canonical(),
        digest=terms.digest(),
        state=state,
        exporter=exporter,
        importer=importer,
        effective=terms.first_day,
        expires=terms.last_day,
        created_at=timezone.now(),
        **more,
    )
