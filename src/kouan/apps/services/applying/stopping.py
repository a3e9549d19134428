"""Taking back what has not left: an application that still waits here for the other side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kouan.apps.services.applying import drafts, errors
from kouan.apps.services.domain import Action, State
from kouan.apps.services.models import Application
from kouan.core.exchange import bodies, outbox

if TYPE_CHECKING:
    from datetime import datetime


def stopped(row: Application, *, words: str, at: datetime) -> bool:
    """Keep back a sent application; false where it is on its way already, and only its receiver can stop.

    Runs in the transaction that holds the row. What was to cross is erased, and the consent is over.
    """
    if State(row.state) is not State.SENT or row.message_id is None:
        return False
    if not outbox.withdraw(consent=str(row.key), code=errors.TakenBack.code):
        return False
    bodies.erase_sent([row.message_id])
    told = {"words": words} if words else None
    drafts.note(row, Action.WITHDRAW.value, at=at, told=told, state=State.WITHDRAWN.value)
    Application.objects.filter(pk=row.pk).update(
        state=State.WITHDRAWN, updated_at=at, consent_withdrawn_at=at
    )
    return True
