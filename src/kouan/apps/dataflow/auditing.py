"""A sample audit: messages at random, and whether both ledgers and the signatures prove that they might.

Of records under contracts of institutions, or of all messages of every app that may hold data about persons.
This side's ledger is read here; the other side's shows its entry when it is asked (``ledgers``).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext_noop as _noop

from kouan.apps.dataflow import decisions, errors, ledgers, receipts, statements
from kouan.apps.dataflow.crossings import DATA_RECORD
from kouan.apps.dataflow.domain import ALWAYS, BadTerms, Terms, read_terms
from kouan.apps.dataflow.models import Contract, DataConsent, Decision, Record
from kouan.apps.dataflow.proving import Found, declared_types, personal_types, under_agreement
from kouan.apps.dataflow.register import key_of
from kouan.core.errors import KouanError
from kouan.core.exchange import wire
from kouan.core.exchange.evidence import evidence_bundle
from kouan.core.exchange.models import InboxMessage, OutboxMessage
from kouan.core.exchange.verify import verify_bundle
from kouan.core.policy.decide import term_day
from kouan.core.policy.elements import personal_among
from kouan.core.trust.queries import get_member, own
from kouan.core.trust.receipts import BadReceipt

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from datetime import datetime

CONTRACT: Final = _noop("The contract's text has the digest that the message names")
SIGNED: Final = _noop("Both sides' officers have signed that text, and both signatures hold")
DECIDED: Final = _noop("It was decided to let it pass, and the decision comes out the same again")
CONSENT: Final = _noop("The consent's receipt is signed by the person's side and covers what crossed")
LEDGERS: Final = _noop(
    "It is in this side's ledger, the other side has co-signed it, and the receiver signed for it"
)
THERE: Final = _noop("It is in the other side's ledger too, in a checkpoint that this side has co-signed")
_DRAW: Final = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Sampled:
    """One message and what was found of it."""

    message_id: uuid.UUID
    type: str
    outgoing: bool
    peer: str
    at: datetime
    contract: str
    ledger_index: int | None
    """Its entry in this side's ledger."""
    peer_ledger_index: int | None
    """Its entry in the other side's, where this side knows it."""
    found: tuple[Found, ...]
    """What has to hold; the last of it is of the other side's ledger."""
    wanted: ledgers.Wanted

    @property
    def proven(self) -> bool:
        """Whether all of it holds, from both ledgers."""
        return all(each.holds for each in self.found)

    @property
    def proven_here(self) -> bool:
        """Whether all holds that this side can prove by itself: the other side's ledger may be missing."""
        return all(each.holds for each in self.found if each.what != THERE)


def population(*, records_only: bool = True) -> tuple[list[int], list[int]]:
    """Return the rows of the messages that crossed: ours, and the other sides'.

    Of records alone; or of each kind that may hold data about a person, and of those that nobody declares
    here any more, since of these nobody can say what they held.
    """
    ours = OutboxMessage.objects.filter(state__in=["accepted", "handled"])
    theirs = InboxMessage.objects.filter(state="handled")
    if records_only:
        which = Q(type=DATA_RECORD.type)
    else:
        which = Q(type__in=personal_types()) | ~Q(type__in=declared_types())
    return (
        list(ours.filter(which).values_list("pk", flat=True)),
        list(theirs.filter(which).values_list("pk", flat=True)),
    )


def sample(
    count: int | None, *, records_only: bool = True, patient: bool = False
) -> tuple[list[Sampled], int]:
    """Return so many messages, taken at random from all that crossed, and how many there are in all.

    Without a ``count`` all of them, one after the other. The other sides are asked for their ledgers'
    entries: what one does not show is said with the message. ``patient`` waits for a side that is busy.
    """
    ours, theirs = population(records_only=records_only)
    everything = [(True, pk) for pk in ours] + [(False, pk) for pk in theirs]
    drawn = everything if count is None else _DRAW.sample(everything, min(count, len(everything)))
    rows = [_sampled(outgoing, pk) for outgoing, pk in drawn]
    return _with_theirs(rows, patient=patient), len(everything)


def _with_theirs(rows: Sequence[Sampled], *, patient: bool) -> list[Sampled]:
    shown = ledgers.shown([each.wanted for each in rows], patient=patient)
    return [
        replace(
            row,
            peer_ledger_index=row.peer_ledger_index if theirs.index is None else theirs.index,
            found=(*row.found, Found(THERE, holds=not theirs.missing, missing=theirs.missing)),
        )
        for row, theirs in zip(rows, shown, strict=True)
    ]


def _sampled(outgoing: bool, pk: int) -> Sampled:  # noqa: FBT001 - which of the two tables
    row: OutboxMessage | InboxMessage
    row = OutboxMessage.objects.get(pk=pk) if outgoing else InboxMessage.objects.get(pk=pk)
    header = wire.Header.decode(bytes(row.header or b""))
    found: tuple[Found, ...]
    if header.type == DATA_RECORD.type:
        terms, contract = _contract(header)
        record = Record.objects.filter(message_id=row.message_id, outgoing=outgoing).first()
        found = (
            contract,
            _signed(header, terms),
            _decided(row.message_id, outgoing),
            _consent(header, terms, record),
        )
    else:
        found = under_agreement(header)
    receipted_at = row.peer_ledger_index if isinstance(row, OutboxMessage) else None
    return Sampled(
        message_id=row.message_id,
        type=header.type,
        outgoing=outgoing,
        peer=row.peer,
        at=row.created_at,
        contract=header.agreement,
        ledger_index=row.ledger_index,
        peer_ledger_index=receipted_at,
        found=(*found, _ledgers(row.message_id, header.sender)),
        wanted=ledgers.Wanted(
            peer=row.peer,
            sender=header.sender,
            message_id=row.message_id,
            record=wire.leaf(bytes(row.header or b""), bytes(row.ciphertext_digest or b"")),
            receipted_at=receipted_at,
        ),
    )


def _contract(header: wire.Header) -> tuple[Terms | None, Found]:
    row = Contract.objects.filter(digest=header.agreement_digest).first()
    if row is None:
        return None, Found(CONTRACT, holds=False, missing=str(errors.NoContract.message))
    try:
        terms = read_terms(bytes(row.terms))
    except BadTerms as error:
        return None, Found(CONTRACT, holds=False, missing=str(errors.IllFormedTerms(detail=str(error))))
    same = terms.digest() == header.agreement_digest and terms.contract == header.agreement
    wrong = "" if same else str(errors.OtherTerms(contract=header.agreement))
    return terms, Found(CONTRACT, holds=same, missing=wrong)


def _signed(header: wire.Header, terms: Terms | None) -> Found:
    row = Contract.objects.filter(digest=header.agreement_digest).first()
    if row is None or terms is None:
        return Found(SIGNED, holds=False, missing=str(errors.NoContract.message))
    unsigned = []
    for side, data in ((settings.NODE.side, row.signed_here), (row.peer, row.signed_there)):
        try:
            statements.read(bytes(data or b""), side=side, digest=header.agreement_digest)
        except KouanError:
            unsigned.append(side)
    wrong = str(errors.UnsignedContract(contract=terms.contract, sides=", ".join(unsigned)))
    return Found(SIGNED, holds=not unsigned, missing=wrong if unsigned else "")


def _decided(message_id: uuid.UUID, outgoing: bool) -> Found:  # noqa: FBT001 - as above
    decision = Decision.objects.filter(message_id=message_id, outgoing=outgoing).first()
    if decision is None:
        return Found(DECIDED, holds=False, missing=str(errors.NoDecision.message))
    again = decisions.replay(decision)
    holds = decision.allowed and again.same and again.same_rules
    wrong = str(errors.DecisionDiffers(code=again.code or "rules"))
    return Found(DECIDED, holds=holds, missing="" if holds else wrong)


def _consent(header: wire.Header, terms: Terms | None, record: Record | None) -> Found:
    key = key_of(header.consent)
    consent = None if key is None else DataConsent.objects.filter(key=key).first()
    if consent is None or record is None or terms is None:
        return Found(CONSENT, holds=False, missing=str(errors.NoPersonsConsent.message))
    side = settings.NODE.side if consent.person else consent.peer
    try:
        said = receipts.read(bytes(consent.receipt), side=side, at=consent.given_at)["pii_processing"]
        named = {each["pii_attribute_id"] for each in said["purposes"][0]["pii_information"]}
        purposes = {each["purpose_type"] for each in said["purposes"]}
        covers = (
            said["contract"] == header.agreement
            and personal_among(frozenset(record.elements)) - ALWAYS <= named
            and record.purpose in purposes
        )
    except (BadReceipt, KeyError, IndexError, TypeError):
        covers = False
    # What was on its way when the consent was withdrawn comes after it, and is erased on arrival.
    obeyed = not record.outgoing and record.erased_because == "withdrawn"
    withdrawn = consent.withdrawn_at is not None and consent.withdrawn_at <= record.at and not obeyed
    wrong = "" if covers else str(errors.BadReceiptFound.message)
    if covers and withdrawn and consent.withdrawn_at is not None:
        day = term_day(consent.withdrawn_at)
        wrong = str(errors.ConsentWithdrawn(day=day.isoformat()))
    return Found(CONSENT, holds=not wrong, missing=wrong)


def _ledgers(message_id: uuid.UUID, sender: str) -> Found:
    try:
        bundle = evidence_bundle([message_id], sender=sender)
    except KouanError as error:
        return Found(LEDGERS, holds=False, missing=str(error))
    report = verify_bundle(bundle, trusted=_fingerprints(sender))
    wrong = "; ".join(f"{check.part}: {check.problem}" for check in report.problems[:3])
    return Found(LEDGERS, holds=report.holds, missing=wrong)


def _fingerprints(sender: str) -> dict[str, str]:
    keys = own()
    trusted = {keys.side: keys.fingerprint}
    if sender != keys.side:
        trusted[sender] = get_member(sender).fingerprint
    return trusted
