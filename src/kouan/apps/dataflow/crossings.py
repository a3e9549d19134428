"""All that this app lets over the boundary.

Contracts, their filings and ends, consents and their withdrawal cross as records between the two governments'
nodes. The data itself crosses as ``dataflow.record``, under the contract and the consent that it names.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from annotated_types import Len, MaxLen
from django.utils.translation import gettext_lazy as _
from pydantic import AfterValidator, Field, StringConstraints

from kouan.apps.dataflow.domain import LEGAL_BASIS, MAX_TERMS, DateText, Purpose
from kouan.core.exchange import Consent, Crossing, Payload, Received, Undelivered
from kouan.core.exchange.crossing import Told
from kouan.core.policy.elements import UnknownElement, elements_of

BASIS: Final = "data-flow"
"""What the two sides' own records about contracts and consents rest on."""
MAX_STATEMENT: Final = 4096
MAX_RECEIPT: Final = 16 * 1024
MAX_VALUES: Final = 256 * 1024

Id16 = Annotated[bytes, Len(16, 16)]
Digest = Annotated[bytes, Len(32, 32)]
Seconds = Annotated[int, Field(ge=0, lt=1 << 37)]
"""Since 1970, as far as a date can be told."""
Subject = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_-]{43}$")]
Reason = Annotated[str, StringConstraints(max_length=400)]


def _is_element(id_: str) -> str:
    try:
        elements_of([id_])
    except UnknownElement as error:
        raise ValueError(str(error)) from None
    return id_


Element = Annotated[str, StringConstraints(max_length=64), AfterValidator(_is_element)]


class ContractProposed(Payload):
    """A contract's terms, signed by the side that proposes them."""

    terms: Annotated[bytes, MaxLen(MAX_TERMS)]
    statement: Annotated[bytes, MaxLen(MAX_STATEMENT)]


class ContractAnswered(Payload):
    """The other side's answer: its own signature under the same terms, or its refusal."""

    digest: Digest
    outcome: Literal["signed", "refused"]
    statement: Annotated[bytes, MaxLen(MAX_STATEMENT)]
    reason: Reason


class ContractFiled(Payload):
    """That one side's party has filed a contract with its authority."""

    digest: Digest
    filed_on: DateText
    reference: Annotated[str, StringConstraints(max_length=64)]


class ContractEnded(Payload):
    """That one side ends a contract before its term."""

    digest: Digest
    ended_on: DateText
    reason: Reason


class ConsentGiven(Payload):
    """A person's consent, as the side where it was given signed it."""

    consent: Id16
    contract: Id16
    subject: Subject
    elements: Annotated[list[Element], Len(1, 40)]
    separate: Annotated[list[Element], MaxLen(40)]
    purposes: Annotated[list[Purpose], Len(1, 16)]
    level: Annotated[int, Field(ge=1, le=4)]
    given_at: Seconds
    expires_at: Seconds
    receipt: Annotated[bytes, MaxLen(MAX_RECEIPT)]


class ConsentTakenBack(Payload):
    """That a person's consent counts no more."""

    consent: Id16
    at: Seconds


class Value(Payload):
    """One thing about the person: which kind of data, and what it is."""

    element: Element
    value: Annotated[str, StringConstraints(max_length=32 * 1024)]


class DataRecord(Payload):
    """Data about one person, under the contract and the consent that the message names."""

    subject: Subject
    purpose: Purpose
    values: Annotated[list[Value], Len(1, 64)]


class RecordRead(Payload):
    """That somebody on the importer's side read a record."""

    use: Id16
    record: Id16
    reader: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    purpose: Purpose
    at: Seconds


class RecordsErased(Payload):
    """That the importer has erased records."""

    records: Annotated[list[Id16], Len(1, 500)]
    because: Literal["withdrawn", "asked", "retention", "contract-over"]
    at: Seconds


_ABOUT_NOBODY = _("It is about institutions, and about no single person.")
_ENDS = _("It carries out what the person has decided, and tells nothing else.")


def _declare(**given: Any) -> Crossing[Any]:
    values: dict[str, Any] = {"version": 1, "legal_basis": BASIS, "expires_after": timedelta(days=7)}
    return Crossing(**(values | given))


CONTRACT_PROPOSED: Final[Crossing[ContractProposed]] = _declare(
    type="dataflow.contract",
    payload=ContractProposed,
    title=_("Proposal of a contract"),
    purpose=_("To put a contract between two institutions before the other side, signed by one."),
    purpose_code="dpv:LegalCompliance",
    fields={
        "terms": _("All that the two parties agree on, as canonical JSON"),
        "statement": _("The proposing side's signature under it: who signed, and when"),
    },
    elements={
        "terms": "organisation.name organisation.registration matter.text",
        "statement": "technical.proof",
    },
    consent=Consent.NOT_NEEDED,
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
    },
    elements={
        "digest": "technical.digest",
        "outcome": "technical.outcome",
        "statement": "technical.proof",
        "reason": "matter.text",
    },
    consent=Consent.NOT_NEEDED,
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
    consent=Consent.NOT_NEEDED,
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
    consent=Consent.NOT_NEEDED,
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
    consent=Consent.NOT_NEEDED,
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
    consent=Consent.NOT_NEEDED,
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
    elements={
        "subject": "person.pseudonym",
        "purpose": "technical.outcome",
        "values": "technical.outcome",
    },
    tells=lambda payload: Told(
        frozenset(each.element for each in payload.values), payload.purpose, payload.subject
    ),
    max_bytes=MAX_VALUES,
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
    consent=Consent.NOT_NEEDED,
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
    consent=Consent.NOT_NEEDED,
    consent_reason=_ENDS,
    expires_after=timedelta(days=30),
)


# What handles them. They send some of the above themselves, and so are only known from here on.

from kouan.apps.dataflow import consents, contracts, filings, records  # noqa: E402 - see above


@CONTRACT_PROPOSED.handler
def keep_proposal(message: Received[ContractProposed]) -> None:
    """Keep the terms until an officer here signs or refuses them."""
    contracts.received(message=message)


@CONTRACT_PROPOSED.undelivered
def note_refused_proposal(message: Undelivered) -> None:
    """Let the officers see that the other side could not take it."""
    contracts.not_delivered(message=message)


@CONTRACT_ANSWERED.handler
def keep_answer(message: Received[ContractAnswered]) -> None:
    """Note that the other side has signed or refused."""
    contracts.answered(message=message)


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


@DATA_RECORD.handler
def keep_record(message: Received[DataRecord]) -> None:
    """Judge once more, now that the consent is known here, and keep the data."""
    records.keep(message=message)


@DATA_RECORD.undelivered
def note_undelivered(message: Undelivered) -> None:
    """Note that the data never counted on the other side."""
    records.not_delivered(message=message)


@RECORD_READ.handler
def keep_use(message: Received[RecordRead]) -> None:
    """Let the person see it."""
    records.read_there(message=message)


@RECORDS_ERASED.handler
def keep_erasure(message: Received[RecordsErased]) -> None:
    """Note that the data is gone."""
    records.erased_there(message=message)
