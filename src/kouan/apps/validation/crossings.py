"""All that this app lets over the boundary: a fingerprint's question, and the answer to it."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from annotated_types import Len
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pydantic import AfterValidator, StringConstraints, model_validator

from kouan.apps.validation.answers import count_answers, record_answer, record_failure
from kouan.apps.validation.domain import (
    DIGEST_BYTES,
    REFERENCE_PATTERN,
    Algorithm,
    DocumentType,
    Outcome,
    question_id,
)
from kouan.apps.validation.errors import UnexpectedAnswer
from kouan.apps.validation.marks import INSTITUTION_CODE
from kouan.apps.validation.models import Validation
from kouan.apps.validation.queries import Answer, look_up
from kouan.apps.validation.queries import Issuer as IssuerOnRecord
from kouan.core.database.rows import fetch, stored
from kouan.core.exchange import Consent, Crossing, Payload, Received, Undelivered
from kouan.core.exchange.outbox import send
from kouan.core.text import Localised

LEGAL_BASIS = "document-validation"


def _is_date(text: str) -> str:
    if date.fromisoformat(text).isoformat() != text:
        raise ValueError("a date such as 2026-01-31 is expected")
    return text


def _is_time(text: str) -> str:
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text):
        raise ValueError("a time such as 2026-01-31T09:30:00Z is expected")
    datetime.fromisoformat(text)
    return text


DateText = Annotated[str, StringConstraints(max_length=10), AfterValidator(_is_date)]
TimeText = Annotated[str, StringConstraints(max_length=20), AfterValidator(_is_time)]
ReferenceText = Annotated[str, StringConstraints(pattern=f"^{REFERENCE_PATTERN}$", max_length=40)]
Digest = Annotated[bytes, Len(DIGEST_BYTES, DIGEST_BYTES)]
AlgorithmName = Literal["sha-256", "sm3"]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class FingerprintQuestion(Payload):
    """A question whether this is the fingerprint of the document with this reference."""

    reference: ReferenceText
    algorithm: AlgorithmName
    digest: Digest


class Issuer(Payload):
    """The institution that issued a document."""

    code: Annotated[str, StringConstraints(pattern=f"^{INSTITUTION_CODE}$")]
    name_en: Name
    name_zh_hant: Name
    name_zh_hans: Name


class FingerprintAnswer(Payload):
    """The register's answer. It repeats the question, so that it proves something by itself.

    For a file that does not match, or a reference that is not known, it says nothing else.
    """

    reference: ReferenceText
    algorithm: AlgorithmName
    digest: Digest
    outcome: Literal["match", "mismatch", "unknown", "expired", "revoked"]
    decided_at: TimeText
    issuer: Issuer | None
    document_type: (
        Literal[
            "academic-qualification",
            "bank-statement",
            "corporate-credit-report",
            "kyc-report",
            "business-owner-credit-record",
            "other",
        ]
        | None
    )
    issued_on: DateText | None
    expires_on: DateText | None
    revoked_on: DateText | None

    @model_validator(mode="after")
    def _discloses_what_it_may(self) -> FingerprintAnswer:
        outcome = Outcome(self.outcome)
        told = (self.issuer, self.document_type, self.issued_on)
        if outcome.discloses and None in told:
            raise ValueError("the answer does not name the document")
        if not outcome.discloses and any(
            value is not None for value in (*told, self.expires_on, self.revoked_on)
        ):
            raise ValueError("an answer about a file that does not match tells nothing else")
        if (self.revoked_on is not None) != (outcome is Outcome.REVOKED):
            raise ValueError("a revoked document has a date of revocation, and no other has")
        if outcome is Outcome.EXPIRED and self.expires_on is None:
            raise ValueError("an expired document has a date of expiry")
        return self


_NO_CONSENT = _(
    "The question names no person and holds nothing of the document: a reference and a salted fingerprint "
    "that only the file itself can give. The owner decides by handing over the file."
)

FINGERPRINT_QUESTION = Crossing(
    type="validation.question",
    version=1,
    payload=FingerprintQuestion,
    title=_("Question about a document's fingerprint"),
    purpose=_("To learn from the issuing side whether a file is what an institution there issued."),
    purpose_code="dpv:Verification",
    legal_basis=LEGAL_BASIS,
    fields={
        "reference": _("The document's public reference, read from the file's mark"),
        "algorithm": _("How the fingerprint was computed"),
        "digest": _("The file's fingerprint, 32 bytes, from which nothing of the file can be learnt"),
    },
    elements={
        "reference": "technical.number",
        "algorithm": "technical.outcome",
        "digest": "technical.digest",
    },
    consent=Consent.NOT_NEEDED,
    consent_reason=_NO_CONSENT,
    max_bytes=1024,
    expires_after=timedelta(hours=24),
)

FINGERPRINT_ANSWER = Crossing(
    type="validation.answer",
    version=1,
    payload=FingerprintAnswer,
    title=_("Answer about a document's fingerprint"),
    purpose=_("To tell the asking side whether a registered document has this fingerprint, and its state."),
    purpose_code="dpv:Verification",
    legal_basis=LEGAL_BASIS,
    fields={
        "reference": _("The reference that was asked about"),
        "algorithm": _("How the fingerprint was computed"),
        "digest": _("The fingerprint that was asked about"),
        "outcome": _("Match, mismatch, unknown, expired or revoked"),
        "decided_at": _("When the issuing side looked at its register"),
        "issuer": _("The issuing institution's code and names; only for the very file"),
        "document_type": _("What kind of document it is; only for the very file"),
        "issued_on": _(
            "The day on which the institution registered it; the document itself may bear another date. Only "
            "for the very file"
        ),
        "expires_on": _("The last day of validity, if it has one; only for the very file"),
        "revoked_on": _("The day of revocation, if it was revoked; only for the very file"),
    },
    elements={
        "reference": "technical.number",
        "algorithm": "technical.outcome",
        "digest": "technical.digest",
        "outcome": "technical.outcome",
        "decided_at": "technical.time",
        "issuer": "organisation.name",
        "document_type": "technical.outcome",
        "issued_on": "technical.time",
        "expires_on": "technical.time",
        "revoked_on": "technical.time",
    },
    consent=Consent.NOT_NEEDED,
    consent_reason=_NO_CONSENT,
    max_bytes=4096,
    expires_after=timedelta(hours=24),
)


def answer_payload(
    *, reference: str, digest: bytes, answer: Answer, algorithm: Algorithm = Algorithm.SHA_256
) -> FingerprintAnswer:
    """Return what crosses as the answer to a question about ``reference`` and ``digest``."""
    return FingerprintAnswer(
        reference=reference,
        algorithm=algorithm.value,
        digest=digest,
        outcome=answer.outcome.value,
        decided_at=answer.decided_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        issuer=_issuer(answer.issuer),
        document_type=DocumentType(answer.document_type).value if answer.document_type else None,
        issued_on=_text(answer.issued_on),
        expires_on=_text(answer.expires_on),
        revoked_on=_text(answer.revoked_on),
    )


@FINGERPRINT_QUESTION.handler
def answer_fingerprint_question(message: Received[FingerprintQuestion]) -> None:
    """Look the reference up in this side's register and send the answer back, once for each question.

    Raises ``QuestionAsked``: the door takes no message twice, and here no question is answered twice that
    comes in a message of its own.
    """
    question = message.payload
    reference, digest, algorithm = question.reference, question.digest, Algorithm(question.algorithm)
    question_key = question_id(
        sender=message.sender,
        conversation=message.conversation.bytes,
        reference=reference,
        algorithm=algorithm,
        digest=digest,
    )
    answer = look_up(reference=reference, digest=digest, algorithm=algorithm)
    count_answers(side=message.sender, answers=[(question_key, answer)])
    payload = answer_payload(reference=reference, digest=digest, answer=answer, algorithm=algorithm)
    send(FINGERPRINT_ANSWER, to=message.sender, conversation=message.conversation, payload=payload)


@FINGERPRINT_ANSWER.handler
def take_fingerprint_answer(message: Received[FingerprintAnswer]) -> None:
    """Record the answer, if this side asked the sender exactly this; else ``UnexpectedAnswer``."""
    said = message.payload
    open_ones = fetch(
        Validation,
        "conversation = %s AND issuing_side = %s AND answered_at IS NULL",
        [stored(message.conversation), message.sender],
        lock=True,
    )
    if not open_ones:
        raise UnexpectedAnswer
    validation = open_ones[0]
    asked = (validation.reference, validation.algorithm, bytes(validation.digest))
    if asked != (said.reference, said.algorithm, said.digest):
        raise UnexpectedAnswer
    answer = Answer(
        Outcome(said.outcome),
        datetime.fromisoformat(said.decided_at),
        issuer=_on_record(said.issuer),
        document_type=said.document_type or "",
        issued_on=_day(said.issued_on),
        expires_on=_day(said.expires_on),
        revoked_on=_day(said.revoked_on),
    )
    record_answer(validation=validation, answer=answer, answer_id=message.id, now=timezone.now())


@FINGERPRINT_QUESTION.undelivered
def note_undelivered_question(message: Undelivered) -> None:
    """Tell who waits that there will be no answer."""
    record_failure(conversation=message.conversation, code=message.code)


def _issuer(issuer: IssuerOnRecord | None) -> Issuer | None:
    if issuer is None:
        return None
    name = issuer.name
    return Issuer(code=issuer.code, name_en=name.en, name_zh_hant=name.zh_hant, name_zh_hans=name.zh_hans)


def _on_record(issuer: Issuer | None) -> IssuerOnRecord | None:
    if issuer is None:
        return None
    name = Localised(en=issuer.name_en, zh_hant=issuer.name_zh_hant, zh_hans=issuer.name_zh_hans)
    return IssuerOnRecord(issuer.code, name)


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
