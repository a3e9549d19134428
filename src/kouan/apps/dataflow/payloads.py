"""What this app's messages hold, field by field; ``crossings`` says why each may cross."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from annotated_types import Len, MaxLen
from pydantic import AfterValidator, Field, StringConstraints

from kouan.apps.dataflow.domain import MAX_PAPER, MAX_TERMS, DateText, Purpose
from kouan.core.exchange import Payload
from kouan.core.policy.elements import UnknownElement, elements_of

MAX_STATEMENT: Final = 4096
MAX_RECEIPT: Final = 16 * 1024
MAX_PROPOSAL: Final = MAX_PAPER + MAX_TERMS + 8 * 1024
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
    paper: Annotated[bytes, MaxLen(MAX_PAPER)] = b""


class ContractAnswered(Payload):
    """The other side's answer: its own signature under the same terms, or its refusal."""

    digest: Digest
    outcome: Literal["signed", "refused"]
    statement: Annotated[bytes, MaxLen(MAX_STATEMENT)]
    reason: Reason
    paper: Annotated[bytes, MaxLen(MAX_PAPER)] = b""


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
    because: Literal["withdrawn", "asked", "retention"]
    at: Seconds


class NoticeGiven(Payload):
    """That data about a person will cross without their consent, and on what ground."""

    notice: Id16
    contract: Id16
    subject: Subject
    elements: Annotated[list[Element], Len(1, 40)]
    purposes: Annotated[list[Purpose], Len(1, 16)]
    given_at: Seconds
    expires_at: Seconds
    receipt: Annotated[bytes, MaxLen(MAX_RECEIPT)]


class ErasureAsked(Payload):
    """That a person asks to have erased what crossed about them."""

    request: Id16
    consent: Id16
    at: Seconds


class ErasureAnswered(Payload):
    """What came of it."""

    request: Id16
    outcome: Literal["erased", "refused"]
    reason: Annotated[str, StringConstraints(max_length=64)]
    words: Reason
    records: Annotated[int, Field(ge=0, lt=1 << 31)]
    at: Seconds
    receipt: Annotated[bytes, MaxLen(MAX_RECEIPT)]
