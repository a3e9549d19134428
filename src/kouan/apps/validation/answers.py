"""Writing down how a validation ended; called inside the transaction of what ended it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kouan.apps.validation.models import Validation

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


def record_failure(*, conversation: uuid.UUID, code: str) -> None:
    """Note that the open question of a conversation will not be answered, and why."""
    Validation.objects.filter(conversation=conversation, answered_at__isnull=True).update(failure=code[:64])
