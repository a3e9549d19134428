"""Putting questions, one or many at once; what this side itself registered is answered on the spot."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, transaction
from django.utils import timezone

from kouan.apps.validation import queries
from kouan.apps.validation.answers import count_answers, fill_in
from kouan.apps.validation.crossings import FINGERPRINT_QUESTION, FingerprintQuestion
from kouan.apps.validation.domain import Algorithm, Reference
from kouan.apps.validation.errors import UnknownSide
from kouan.apps.validation.models import Validation
from kouan.core.database.rows import insert_many
from kouan.core.exchange.ids import new_id
from kouan.core.exchange.outbox import send
from kouan.core.trust.errors import UnknownMember
from kouan.core.trust.queries import get_member

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

MOST: Final = 500
"""Questions that are put at once."""
_FIELDS: Final = tuple(field.attname for field in Validation._meta.concrete_fields)
_NEW: Final = {
    field.attname: field.get_default() for field in Validation._meta.concrete_fields if not field.primary_key
}
"""What a row has that nothing is said of."""


@dataclass(frozen=True, slots=True)
class Question:
    """Whether ``digest`` (32 bytes) is that of the referenced document."""

    reference: Reference
    digest: bytes
    algorithm: Algorithm = Algorithm.SHA_256
    size: int | None = None
    """Bytes of the file, if it was here."""


def ask_many(questions: Sequence[Question]) -> list[Validation]:
    """Ask the issuing sides, and return a validation for each question, in order.

    Documents of this side are answered at once from the register. The other questions are queued with the
    rows that wait for their answers: all of them, or nothing. Raises ``UnknownSide``, or what ``send``
    raises.
    """
    now, own = timezone.now(), settings.NODE.side
    made = [_open(one, now) for one in questions]
    with transaction.atomic():
        ours = [(row, one) for row, one in zip(made, questions, strict=True) if one.reference.side == own]
        asked = [(row.reference, one.digest, one.algorithm) for row, one in ours]
        answers = queries.look_up_many(asked, now=now)
        count_answers(side=own, answers=[(None, answer) for answer in answers])
        for (row, _), answer in zip(ours, answers, strict=True):
            fill_in(row, answer=answer, answer_id=None, now=now)
        for row in made:
            if row.issuing_side != own:
                _send(row)
        insert_many(Validation, _FIELDS, [[row.__dict__[name] for name in _FIELDS] for row in made])
    return made


def _open(question: Question, now: datetime) -> Validation:
    """Return the row of a question that has no answer yet, as if it were read from where it will be kept.

    Made with a name for each value it would cost several times as much, and a machine may ask all day.
    """
    values = _NEW | {
        "id": uuid.uuid4(),
        "reference": str(question.reference),
        "issuing_side": question.reference.side,
        "algorithm": question.algorithm.value,
        "digest": question.digest,
        "size": question.size,
        "asked_at": now,
    }
    return Validation.from_db(DEFAULT_DB_ALIAS, _FIELDS, [values[name] for name in _FIELDS])


def _send(row: Validation) -> None:
    try:
        get_member(row.issuing_side)
    except UnknownMember:
        raise UnknownSide(side=row.issuing_side.upper()) from None
    row.conversation = new_id()
    payload = FingerprintQuestion(
        reference=row.reference, algorithm=Algorithm(row.algorithm).value, digest=bytes(row.digest)
    )
    send(FINGERPRINT_QUESTION, to=row.issuing_side, payload=payload, conversation=row.conversation)
