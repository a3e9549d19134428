"""All that this app lets over the boundary.

Contracts, their filings and ends, consents and their withdrawal cross as records between the two governments'
nodes. The data itself crosses as ``dataflow.record``, under the contract and the consent that it names.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from kouan.apps.dataflow.domain import LEGAL_BASIS
from kouan.apps.dataflow.payloads import (
    MAX_PROPOSAL,
    MAX_VALUES,
    ConsentGiven,
    ConsentTakenBack,
    ContractAnswered,
    ContractEnded,
    ContractFiled,
    ContractProposed,
    DataRecord,
    ErasureAnswered,
    ErasureAsked,
    NoticeGiven,
    RecordRead,
    RecordsErased,
)
from kouan.core.exchange import Consent, Crossing, Keep, Received
from kouan.core.exchange.crossing import Refused, Told

BASIS: Final = "data-flow"
"""What the two sides' own records about contracts and consents rest on."""
_TERMS = "organisation.name organisation.registration matter.text"
_ABOUT_NOBODY = _("It is about institutions, and about no single person.")
_ENDS = _("It carries out what the person has decided, and tells nothing else.")


_declare: Final = partial(
    Crossing[Any],
    version=1,
    legal_basis=BASIS,
    expires_after=timedelta(days=7),
    consent=Consent.NOT_NEEDED,  # for most; each says why
)

CONTRACT_PROPOSED: Final[Crossing[ContractProposed]] = _declare(
    type="dataflow.contract",
    payload=ContractProposed,
    title=_("Proposal of a contract"),
    purpose=_("To put a contract between two institutions before the other side, signed by one."),
    purpose_code="dpv:LegalCompliance",
    fields={
        "terms": _("All that the two parties agree on, as canonical JSON"),
        "statement": _("The proposing side's signature under it: who signed, and when"),
        "paper": _("The same terms as PDF, with that side's signature in it"),
    },
    elements={"terms": _TERMS, "statement": "technical.proof", "paper": f"{_TERMS} technical.proof"},
    max_bytes=MAX_PROPOSAL,
    consent_reason=_ABOUT_NOBODY,
)
CONTRACT_ANSWERED: Final[Crossing[ContractAnswered]] = _declare(
    type="dataflow.contract-answer",
    payload=ContractAnswered,
    title=_("Answer to a proposed contract"),
    purpose=_("To sign the same terms, or to refuse them and say why."),
    purpose_code="dpv:LegalCompliance",
    fields={
        "digest": _("SHA-256 of the canonical terms"),
        "outcome": _("Signed or refused"),
        "statement": _("The answering side's signature; empty where it refuses"),
        "reason": _("Why it refuses; empty where it signs"),
        "paper": _("The terms as PDF, with both sides' signatures in it; empty where it refuses"),
    },
    elements={
        "digest": "technical.digest",
        "outcome": "technical.outcome",
        "statement": "technical.proof",
        "reason": "matter.text",
        "paper": f"{_TERMS} technical.proof",
    },
    max_bytes=MAX_PROPOSAL,
    consent_reason=_ABOUT_NOBODY,
)
CONTRACT_FILED: Final[Crossing[ContractFiled]] = _declare(
    type="dataflow.filing",
    payload=ContractFiled,
    title=_("Filing of a contract"),
    purpose=_("To tell the other side that a contract was filed with this side's authority."),
    purpose_code="dpv:LegalCompliance",
    fields={
        "digest": _("SHA-256 of the canonical terms"),
        "filed_on": _("The day of the filing"),
        "reference": _("The authority's number for it"),
    },
    elements={"digest": "technical.digest", "filed_on": "technical.time", "reference": "technical.number"},
    consent_reason=_ABOUT_NOBODY,
)
CONTRACT_ENDED: Final[Crossing[ContractEnded]] = _declare(
    type="dataflow.contract-end",
    payload=ContractEnded,
    title=_("End of a contract"),
    purpose=_("To end a contract on both sides before its term."),
    purpose_code="dpv:LegalCompliance",
    fields={
        "digest": _("SHA-256 of the canonical terms"),
        "ended_on": _("The first day on which it no longer counts"),
        "reason": _("Why, in the words of the side that ends it"),
    },
    elements={"digest": "technical.digest", "ended_on": "technical.time", "reason": "matter.text"},
    consent_reason=_ABOUT_NOBODY,
)
CONSENT_GIVEN: Final[Crossing[ConsentGiven]] = _declare(
    type="dataflow.consent",
    payload=ConsentGiven,
    title=_("A person's consent"),
    purpose=_("To show the receiving side what a person has agreed to, before anything about them crosses."),
    purpose_code="dpv:ConsentManagement",
    fields={
        "consent": _("The consent's random number"),
        "contract": _("The number of the contract that it is for"),
        "subject": _("What the importer knows the person by; no other contract has the same"),
        "elements": _("The kinds of data that the person ticked; not what they are"),
        "separate": _("The sensitive ones among them, each ticked by itself"),
        "purposes": _("What the data may be used for"),
        "level": _("The level of assurance of the sign-in in which it was given"),
        "given_at": _("When it was given"),
        "expires_at": _("Until when it counts"),
        "receipt": _("The receipt that the person has, signed by this side"),
    },
    elements={
        "consent": "technical.number",
        "contract": "technical.number",
        "subject": "person.pseudonym",
        "elements": "technical.outcome",
        "separate": "technical.outcome",
        "purposes": "technical.outcome",
        "level": "person.sign-in",
        "given_at": "technical.time",
        "expires_at": "technical.time",
        "receipt": "technical.proof",
    },
    max_bytes=32 * 1024,
    consent_reason=_("It is the consent itself, which the person gives for this very purpose."),
)
CONSENT_TAKEN_BACK: Final[Crossing[ConsentTakenBack]] = _declare(
    type="dataflow.consent-withdrawn",
    payload=ConsentTakenBack,
    title=_("Withdrawal of a person's consent"),
    purpose=_("To end on both sides what a person had agreed to, and have what crossed erased."),
    purpose_code="dpv:ConsentManagement",
    fields={"consent": _("The consent's random number"), "at": _("When it was withdrawn")},
    elements={"consent": "technical.number", "at": "technical.time"},
    consent_reason=_ENDS,
    expires_after=timedelta(days=30),
)
DATA_RECORD: Final[Crossing[DataRecord]] = _declare(
    type="dataflow.record",
    payload=DataRecord,
    title=_("Data about a person"),
    purpose=_("To hand data about a person from one institution to another, under their contract."),
    purpose_code="dpv:ServiceProvision",
    legal_basis=LEGAL_BASIS,
    fields={
        "subject": _("What the importer knows the person by; no other contract has the same"),
        "purpose": _("What it is for: one of the contract's purposes that the person agreed to"),
        "values": _("Kinds of data and what they are: only what contract and consent both name"),
    },
    elements={"subject": "person.pseudonym", "purpose": "technical.outcome", "values": "technical.outcome"},
    tells=lambda payload: Told(
        frozenset(each.element for each in payload.values), payload.purpose, payload.subject
    ),
    max_bytes=MAX_VALUES,
    keep=Keep.UNTIL_HANDLED,
    consent=Consent.REQUIRED,
    consent_reason=_("The person ticks what may go to whom, and for what, and may withdraw it at any time."),
    expires_after=timedelta(days=2),
)
RECORD_READ: Final[Crossing[RecordRead]] = _declare(
    type="dataflow.use",
    payload=RecordRead,
    title=_("Use of data about a person"),
    purpose=_("To let the person see who has read their data, when and for what."),
    purpose_code="dpv:RecordManagement",
    fields={
        "use": _("A random number"),
        "record": _("The id of the message that brought the data"),
        "reader": _("The department or system that read it"),
        "purpose": _("What it was read for"),
        "at": _("When"),
    },
    elements={
        "use": "technical.number",
        "record": "technical.number",
        "reader": "organisation.name",
        "purpose": "technical.outcome",
        "at": "technical.time",
    },
    consent_reason=_("It names a message, and goes back to the side that it came from."),
    expires_after=timedelta(days=30),
)
RECORDS_ERASED: Final[Crossing[RecordsErased]] = _declare(
    type="dataflow.erased",
    payload=RecordsErased,
    title=_("Erasure of data about persons"),
    purpose=_("To confirm that data which had crossed was erased, and why."),
    purpose_code="dpv:RecordManagement",
    fields={
        "records": _("The ids of the messages that brought it"),
        "because": _("Why it was erased"),
        "at": _("When"),
    },
    elements={"records": "technical.number", "because": "technical.outcome", "at": "technical.time"},
    consent_reason=_ENDS,
    expires_after=timedelta(days=30),
)


NOTICE_GIVEN: Final[Crossing[NoticeGiven]] = _declare(
    type="dataflow.notice",
    payload=NoticeGiven,
    title=_("Notice to a person"),
    purpose=_("To show the receiving side on what ground other than consent data about a person will cross."),
    purpose_code="dpv:LegalCompliance",
    fields={
        "notice": _("The notice's random number"),
        "contract": _("The number of the contract that it is for"),
        "subject": _("What the importer knows the person by; no other contract has the same"),
        "elements": _("The kinds of data that will cross; not what they are"),
        "purposes": _("What the data may be used for"),
        "given_at": _("When it was given"),
        "expires_at": _("Until when it counts"),
        "receipt": _("What the person can see of it, signed by this side"),
    },
    elements={
        "notice": "technical.number",
        "contract": "technical.number",
        "subject": "person.pseudonym",
        "elements": "technical.outcome",
        "purposes": "technical.outcome",
        "given_at": "technical.time",
        "expires_at": "technical.time",
        "receipt": "technical.proof",
    },
    max_bytes=32 * 1024,
    consent_reason=_("The law of neither side asks for a consent to what the contract's ground lets cross."),
)
ERASURE_ASKED: Final[Crossing[ErasureAsked]] = _declare(
    type="dataflow.erasure-request",
    payload=ErasureAsked,
    title=_("Request to erase data about a person"),
    purpose=_("To put a person's request to erase what crossed before the side that has it."),
    purpose_code="dpv:RightsManagement",
    fields={
        "request": _("The request's random number"),
        "consent": _("The number of the consent or notice under which it crossed"),
        "at": _("When the person asked"),
    },
    elements={"request": "technical.number", "consent": "technical.number", "at": "technical.time"},
    consent_reason=_ENDS,
    expires_after=timedelta(days=30),
)
ERASURE_ANSWERED: Final[Crossing[ErasureAnswered]] = _declare(
    type="dataflow.erasure-answer",
    payload=ErasureAnswered,
    title=_("Answer to a request to erase"),
    purpose=_("To tell the person what was erased, or by which rule of law it stays."),
    purpose_code="dpv:RightsManagement",
    fields={
        "request": _("The request's random number"),
        "outcome": _("Erased or refused"),
        "reason": _("For which reason of that side's rules it was refused; empty where it was erased"),
        "words": _("What the officer adds for the person"),
        "records": _("How many records were erased"),
        "at": _("When"),
        "receipt": _("The same, signed by the side that answers"),
    },
    elements={
        "request": "technical.number",
        "outcome": "technical.outcome",
        "reason": "technical.outcome",
        "words": "matter.text",
        "records": "technical.outcome",
        "at": "technical.time",
        "receipt": "technical.proof",
    },
    max_bytes=32 * 1024,
    keep=Keep.TERM,  # an officer's words to one person
    consent_reason=_ENDS,
    expires_after=timedelta(days=30),
)


# What handles them. They send some of the above themselves, and so are only known from here on.

from kouan.apps.dataflow import clearing, consents, contracts, erasing, filings, notices, records, undelivered  # noqa: E402 - above


@CONTRACT_PROPOSED.handler
def keep_proposal(message: Received[ContractProposed]) -> None:
    """Keep the terms until an officer here signs or refuses them."""
    contracts.received(message=message)


CONTRACT_PROPOSED.undelivered(undelivered.proposal)
CONTRACT_PROPOSED.sent_again(undelivered.proposal_sent_again)


@CONTRACT_ANSWERED.handler
def keep_answer(message: Received[ContractAnswered]) -> None:
    """Note that the other side has signed or refused."""
    contracts.answered(message=message)


CONTRACT_ANSWERED.undelivered(undelivered.answer)
CONTRACT_ANSWERED.sent_again(undelivered.answer_sent_again)


@CONTRACT_FILED.handler
def keep_filing(message: Received[ContractFiled]) -> None:
    """Note the other side's filing."""
    filings.told(message=message)


@CONTRACT_ENDED.handler
def keep_end(message: Received[ContractEnded]) -> None:
    """End the contract here as well."""
    contracts.ended_there(message=message)


@CONSENT_GIVEN.handler
def keep_consent(message: Received[ConsentGiven]) -> None:
    """Keep the consent: what it does not cover is refused from then on."""
    consents.keep(message=message)


@CONSENT_TAKEN_BACK.handler
def end_consent(message: Received[ConsentTakenBack]) -> None:
    """End the consent here, and erase what it had let cross."""
    consents.taken_back(message=message)


CONSENT_GIVEN.sent_again(consents.sent_again)


@DATA_RECORD.handler
def keep_record(message: Received[DataRecord]) -> None:
    """Judge once more, now that the consent is known here, and keep the data."""
    records.keep(message=message)


DATA_RECORD.undelivered(records.not_delivered)
DATA_RECORD.sent_again(records.sent_again)


@DATA_RECORD.refused
def note_denied(message: Refused) -> None:
    """Write down what was not let in, and by which clause."""
    records.refused_here(message=message)


@RECORD_READ.handler
def keep_use(message: Received[RecordRead]) -> None:
    """Let the person see it."""
    records.read_there(message=message)


@RECORDS_ERASED.handler
def keep_erasure(message: Received[RecordsErased]) -> None:
    """Note that the data is gone."""
    clearing.erased_there(message=message)


@NOTICE_GIVEN.handler
def keep_notice(message: Received[NoticeGiven]) -> None:
    """Keep that the person was told, and on what ground."""
    notices.keep(message=message)


NOTICE_GIVEN.sent_again(consents.sent_again)


@ERASURE_ASKED.handler
def keep_erasure_request(message: Received[ErasureAsked]) -> None:
    """Put it before the officers."""
    erasing.asked_there(message=message)


ERASURE_ASKED.undelivered(erasing.not_delivered)
ERASURE_ASKED.sent_again(erasing.sent_again)


@ERASURE_ANSWERED.handler
def keep_erasure_answer(message: Received[ErasureAnswered]) -> None:
    """Show the person what came of it."""
    erasing.answered(message=message)
