"""Writing down how a validation ended, and what this side answered; called inside a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import IntegrityError

from kouan.apps.validation import queries
from kouan.apps.validation.errors import QuestionAsked
from kouan.apps.validation.models import AnsweredQuestion, Validation
from kouan.core.database.rows import among, insert_many, select, update_many

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from datetime import datetime

    from kouan.apps.validation.queries import Answer

_ANSWER: Final = (
    "answer_id",
    "answered_at",
    "failure",
    "outcome",
    "decided_at",
    "issuer_code",
    "issuer_names",
    "document_type",
    "issued_on",
    "expires_on",
    "revoked_on",
)
"""What ``fill_in`` writes."""


def record_answer(
    *, validation: Validation, answer: Answer, answer_id: uuid.UUID | None, now: datetime
) -> None:
    """Keep an answer; ``answer_id`` is the message that brought it."""
    fill_in(validation, answer=answer, answer_id=answer_id, now=now)
    row = [getattr(validation, name) for name in (*_ANSWER, "id")]
    update_many(Validation, _ANSWER, [row])


def fill_in(validation: Validation, *, answer: Answer, answer_id: uuid.UUID | None, now: datetime) -> None:
    """Write an answer into a row without saving it; ``answer_id`` is ``None`` for an answer of our own."""
    validation.answer_id = answer_id
    validation.answered_at = now
    validation.failure = ""
    validation.outcome = answer.outcome
    validation.decided_at = answer.decided_at
    if answer.issuer is not None:
        validation.issuer_code = answer.issuer.code
        validation.issuer_names = answer.issuer.name.as_mapping()
    validation.document_type = answer.document_type
    validation.issued_on = answer.issued_on
    validation.expires_on = answer.expires_on
    validation.revoked_on = answer.revoked_on


def count_answers(*, side: str, answers: Sequence[tuple[bytes | None, Answer]]) -> None:
    """Note that questions of ``side`` were answered; raises ``QuestionAsked`` for one that was before.

    Each comes with its ``domain.question_id``, ``None`` for one that did not cross. Whose document it was is
    counted for a file that does not match as well: the institution may know, who asked is not told.
    """
    known = [question for question, _ in answers if question is not None]
    if known:
        where, params = among("question", known)
        if select(f"SELECT 1 FROM validation_answeredquestion WHERE {where} LIMIT 1", params):  # noqa: S608 - names from here
            raise QuestionAsked
    rows = [
        (
            question,
            queries.today(answer.decided_at),
            side,
            answer.outcome.value,
            answer.about.institution_id if answer.about else None,
            answer.about.type if answer.about else "",
        )
        for question, answer in answers
    ]
    try:
        insert_many(AnsweredQuestion, ("question", "day", "side", "outcome", "institution_id", "type"), rows)
    except IntegrityError:  # another worker was answering it at this moment
        if not known:
            raise
        raise QuestionAsked from None


def record_failure(*, conversation: uuid.UUID, code: str) -> None:
    """Note that the open question of a conversation will not be answered, and why."""
    Validation.objects.filter(conversation=conversation, answered_at__isnull=True).update(failure=code[:64])
