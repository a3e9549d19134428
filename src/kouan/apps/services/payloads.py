"""What the messages of this app hold, field by field; ``crossings`` declares what each field is for."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from annotated_types import Len, MaxLen
from pydantic import AfterValidator, Field, StringConstraints

from kouan.apps.services.definition.model import MAX_DEFINITION
from kouan.core.exchange import Payload
from kouan.core.exchange.blobs.reference import Blob  # noqa: TC001 - read by the framework at run time
from kouan.core.policy.elements import UnknownElement, elements_of

MAX_ANSWERS: Final = 256 * 1024
MAX_PRESENTATION: Final = 48 * 1024
MAX_FILE: Final = 20 << 20
"""Bytes of one attached file."""
MAX_FILES: Final = 10
MAX_WORDS: Final = 4000
FILE_KIND: Final = "person.file"
"""The kind of data that attached files are, whatever is in them."""
MAX_PARTS: Final = 20
"""Of a catalogue, 500 services each."""

Id16 = Annotated[bytes, Len(16, 16)]
Digest = Annotated[bytes, Len(32, 32)]
Seconds = Annotated[int, Field(ge=0, lt=1 << 37)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,63}$")]
State = Annotated[str, StringConstraints(pattern=r"^[a-z-]{2,16}$")]
Subject = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_-]{43}$")]
Language = Literal["en", "zh-hant", "zh-hans"]
Words = Annotated[str, StringConstraints(max_length=MAX_WORDS)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^\P{Cc}*$")]
"""Without control characters: databases refuse some, and pages show none."""
Place = Annotated[str, StringConstraints(pattern=r"^(answers|needs)\.[A-Za-z0-9_.-]{1,110}$")]
Day = Annotated[str, StringConstraints(pattern=r"^(\d{4}-\d\d-\d\d)?$")]
"""ISO 8601; empty for none."""


def _is_element(id_: str) -> str:
    try:
        elements_of([id_])
    except UnknownElement as error:
        raise ValueError(str(error)) from None
    return id_


Element = Annotated[str, StringConstraints(max_length=64), AfterValidator(_is_element)]


# The catalogue


class ServicePublished(Payload):
    """A version of a service, whole."""

    definition: Annotated[bytes, MaxLen(MAX_DEFINITION)]
    """Canonical JSON (``definition.model``)."""


class Listed(Payload):
    """One line of a catalogue."""

    service: Code
    version: Annotated[int, Field(ge=1, le=1_000_000)]
    digest: Digest


class CatalogueListed(Payload):
    """All that a side publishes now; what is not in it is withdrawn. Long lists come in parts."""

    at: Seconds
    part: Annotated[int, Field(ge=1, le=MAX_PARTS)]
    parts: Annotated[int, Field(ge=1, le=MAX_PARTS)]
    services: Annotated[list[Listed], MaxLen(500)]


class ServicesWanted(Payload):
    """Versions that were listed and are not here."""

    digests: Annotated[list[Digest], Len(1, 100)]


# Applications


class Evidence(Payload):
    """One presentation."""

    requirement: Code
    type: Name
    text: Annotated[str, StringConstraints(min_length=1, max_length=MAX_PRESENTATION)]


class Attachment(Payload):
    """One file."""

    place: Place
    """The question, or the requirement, that it answers."""
    name: Name
    file: Blob


class Cosigner(Payload):
    """Somebody else who signed."""

    subject: Subject
    name: Name
    level: Annotated[int, Field(ge=1, le=4)]
    at: Seconds


class ApplicationSubmitted(Payload):
    """An application for a service of the receiver."""

    application: Id16
    service: Code
    version: Annotated[int, Field(ge=1, le=1_000_000)]
    digest: Digest
    subject: Subject
    level: Annotated[int, Field(ge=1, le=4)]
    language: Language
    acts_for: Literal["self", "person", "company"]
    answers: Annotated[bytes, MaxLen(MAX_ANSWERS)]
    """Canonical JSON that fits the definition's form."""
    kinds: Annotated[list[Element], MaxLen(60)]
    evidence: Annotated[list[Evidence], MaxLen(16)]
    attachments: Annotated[list[Attachment], MaxLen(MAX_FILES)]
    cosigners: Annotated[list[Cosigner], MaxLen(10)]
    consent: Annotated[bytes, MaxLen(16 * 1024)]
    at: Seconds


class ApplicantActed1(Payload):
    """What the applicant did after that, to and from a node that is not told in which sign-in they did it."""

    application: Id16
    action: Literal["correct", "message", "appeal", "withdraw", "withdraw-consent"]
    answers: Annotated[bytes, MaxLen(MAX_ANSWERS)]
    """The whole of the corrected answers; empty where they are as they were."""
    words: Words
    kinds: Annotated[list[Element], MaxLen(60)]
    evidence: Annotated[list[Evidence], MaxLen(16)]
    attachments: Annotated[list[Attachment], MaxLen(MAX_FILES)]
    consent: Annotated[bytes, MaxLen(16 * 1024)]
    """The receipt of their consent to what is added; empty where nothing is."""
    at: Seconds


class ApplicantActed(ApplicantActed1):
    """What the applicant did after that: a correction, a word, an appeal, or a withdrawal."""

    level: Annotated[int, Field(ge=1, le=4)]


class CaseMoved(Payload):
    """One step of a case, or one word about it."""

    application: Id16
    seq: Annotated[int, Field(ge=1, le=100_000)]
    kind: Literal[
        "received", "take-up", "ask-correction", "correct", "ask-payment", "pay", "refuse", "withdraw",
        "lapse", "appeal", "reopen", "uphold", "message", "read", "restrict",
    ]  # fmt: skip
    state: State
    reference: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,16}-\d{4}-\d{4,12}$")]
    by: Annotated[str, StringConstraints(max_length=64)]
    """The department's code."""
    words: Words
    """What the officer says to the applicant, or why it was decided so."""
    ask: Annotated[list[Place], MaxLen(40)]
    """What is to be corrected or added."""
    due_on: Day
    pay_at: Annotated[str, StringConstraints(max_length=300, pattern=r"^(https?://.+)?$")]
    """Where the fee is paid."""
    at: Seconds


class CaseGranted(Payload):
    """The result."""

    application: Id16
    seq: Annotated[int, Field(ge=1, le=100_000)]
    reference: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,16}-\d{4}-\d{4,12}$")]
    by: Annotated[str, StringConstraints(max_length=64)]
    words: Words
    document: Blob
    """A signed PDF."""
    credential: Annotated[str, StringConstraints(min_length=1, max_length=MAX_PRESENTATION)]
    """The same as an SD-JWT VC."""
    at: Seconds
