"""Writing down how a validation ended, and what this side answered; called inside a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kouan.apps.validation import queries
from kouan.apps.validation.errors import QuestionAsked
from kouan.apps.validation.models import AnsweredQuestion, Validation

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from kouan.apps.validation.queries import Answer


def record_answer(
    *, validation: Validation, answer: Answer, answer_id: uuid.UUID | None, now: datetime
) -> None:
    """Keep an answer; ``answer_id`` is the message that brought it, ``None`` for one of our own."""
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
    validation.save()


def count_answer(*, question: bytes | None, reference: str, side: str, answer: Answer) -> None:
    """Note that a question of ``side`` was answered; raises ``QuestionAsked`` for one that was before.

    ``question`` is its ``domain.question_id``, ``None`` for one that did not cross. Whose document it was is
    counted for a file that does not match as well: the institution may know, who asked is not told.
    """
    if question is not None and AnsweredQuestion.objects.filter(question=question).exists():
        raise QuestionAsked
    whose = (
        queries.on_the_register().filter(reference=reference).values_list("institution_id", "type").first()
    )
    institution, kind = whose or (None, "")
    AnsweredQuestion.objects.create(
        question=question,
        day=queries.today(answer.decided_at),
        side=side,
        outcome=answer.outcome.value,
        institution_id=institution,
        type=kind,
    )


def record_failure(*, conversation: uuid.UUID, code: str) -> None:
    """Note that the open question of a conversation will not be answered, and why."""
    Validation.objects.filter(conversation=conversation, answered_at__isnull=True).update(failure=code[:64])
