"""What becomes of a contract here when this side's word about it never counted on the other side.

A proposal may be drafted anew; an answer is taken back, so that nobody is bound alone. An operator may send
either again only while it is still what this side says.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from kouan.apps.dataflow import checks, errors
from kouan.apps.dataflow.contracts import keep_paper, terms_of, today
from kouan.apps.dataflow.domain import State
from kouan.apps.dataflow.models import Contract, SignedPaper

if TYPE_CHECKING:
    from kouan.apps.dataflow.domain import Terms
    from kouan.core.exchange import Undelivered
    from kouan.core.exchange.crossing import SentAgain

log = logging.getLogger(__name__)

_ANSWERED: Final = (State.SIGNED, State.REFUSED)
_LOST: Final = (*_ANSWERED, State.ENDED)
"""As what a contract may stand whose answer turns out never to have arrived."""


def proposal(message: Undelivered) -> None:
    """Note that the other side could not take a proposal: it may be drafted anew."""
    Contract.objects.filter(message_id=message.id, state=State.PROPOSED).update(
        state=State.REFUSED, reason=message.code
    )


def proposal_sent_again(message: SentAgain) -> None:
    """Let an operator send a proposal again only while it is still the draft's: then it waits once more.

    Else the other side could sign what nobody here knows, or what disagrees with another contract by now.
    """
    checks.in_turn()
    contract = Contract.objects.select_for_update().filter(message_id=message.before).first()
    if contract is None:
        raise errors.UnknownContract
    if contract.state not in {State.PROPOSED, State.REFUSED}:
        raise errors.NotInThisState(contract=str(contract.contract), state=contract.state)
    terms = terms_of(contract)
    checks.check(terms, today())
    if contract.state == State.REFUSED:
        checks.agrees_with_others(terms)
    contract.state, contract.reason, contract.message_id = State.PROPOSED, "", message.id
    contract.save()


def answer(message: Undelivered) -> None:
    """Take an answer back that the other side never had: it still waits for one, and nobody is bound.

    What this version had replaced counts again. A filing that was made stays on record; the others begin anew
    with the next signature. One that was ended here since stays ended; of one answered anew nothing changes.
    """
    contract = Contract.objects.select_for_update().filter(message_id=message.id, state__in=_LOST).first()
    if contract is None:
        return
    if contract.state != State.REFUSED:
        terms = terms_of(contract)
        if terms.replaces is not None:
            before = Contract.objects.filter(digest=bytes.fromhex(terms.replaces), state=State.REPLACED)
            before.update(state=State.SIGNED, ended_on=None)
        contract.filings.filter(filed_on=None).delete()
        _unsign_paper(contract, terms)
    log.warning("contract %s: this side's answer was not delivered: %s", contract.contract, message.code)
    if contract.state == State.ENDED:
        return
    contract.state, contract.signed_here, contract.reason = State.PROPOSED, None, message.code
    contract.save()


def answer_sent_again(message: SentAgain) -> None:
    """Let an operator send an answer again only while it is still the contract's.

    Once it was taken back, an officer answers anew: else one side would be bound and the other not.
    """
    contract = Contract.objects.select_for_update().filter(message_id=message.before).first()
    if contract is None:
        raise errors.UnknownContract
    if contract.state not in _ANSWERED:
        raise errors.NotInThisState(contract=str(contract.contract), state=contract.state)
    contract.message_id = message.id
    contract.save(update_fields=["message_id"])


def _unsign_paper(contract: Contract, terms: Terms) -> None:
    """Take this side's signature off again, so that the next one goes on the other side's paper as this did.

    Of a paper with this side's signature alone, nothing stays: nothing here is signed now.
    """
    from kouan.apps.dataflow import seals  # noqa: PLC0415 - what prints is heavy, and few processes print

    held = SignedPaper.objects.filter(contract=contract).first()
    if held is None:
        return
    theirs = seals.without_own(bytes(held.data), terms)
    if theirs:
        keep_paper(contract, theirs)
    else:
        held.delete()
