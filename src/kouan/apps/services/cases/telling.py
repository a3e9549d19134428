"""The audit trail of a case, and what of it the applicant is told: one line, one message, one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone

from kouan.apps.services import sealing
from kouan.apps.services.cases.clock import turn_of
from kouan.apps.services.domain import Role
from kouan.apps.services.models import Case, CaseEvent
from kouan.core.exchange import outbox

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from datetime import date, datetime

    from django.contrib.auth.models import User

    from kouan.apps.services.domain import State
    from kouan.core.exchange import Undelivered

NOT_TOLD: Final = "not-told"
"""The applicant's side did not take what it was told."""


def note(  # noqa: PLR0913 - all that a line says, by name
    case: Case,
    kind: str,
    *,
    role: Role,
    by: User | None = None,
    told: dict[str, Any] | None = None,
    seq: int | None = None,
    message_id: uuid.UUID | None = None,
    caused_by: uuid.UUID | None = None,
    at: datetime | None = None,
) -> CaseEvent:
    """Add a line to the audit trail, in the caller's transaction."""
    return CaseEvent.objects.create(
        case=case,
        at=at or timezone.now(),
        kind=kind,
        role=role.value,
        by="" if by is None else by.get_username(),
        state=case.state,
        told=sealing.seal_json(told, of=_of(case)) if told else b"",
        changed=case.changed,
        seq=seq,
        message_id=message_id,
        caused_by=caused_by,
    )


def said(case: Case, event: CaseEvent) -> dict[str, Any]:
    """Return what a line says."""
    return sealing.unseal_json(event.told, of=_of(case)) or {}


def _of(case: Case) -> str:
    return f"case {case.key} event"


def tell(  # noqa: PLR0913 - all that a step is, by name
    case: Case,
    kind: str,
    *,
    role: Role,
    by: User | None = None,
    words: str = "",
    ask: Sequence[str] = (),
    due_on: date | None = None,
    pay_at: str = "",
    caused_by: uuid.UUID | None = None,
    more: dict[str, Any] | None = None,
) -> CaseEvent:
    """Add a line, and tell the applicant's side of it; the case's own row is the caller's to save."""
    from kouan.apps.services.crossings import CASE_MOVED  # noqa: PLC0415 - it imports this
    from kouan.apps.services.payloads import CaseMoved  # noqa: PLC0415 - it imports this

    case.seq += 1
    now = timezone.now()
    message_id = outbox.send(
        CASE_MOVED,
        to=case.home,
        payload=CaseMoved(
            application=case.key.bytes,
            seq=case.seq,
            kind=kind,  # type: ignore[arg-type] # one of those that it lists, or it refuses it
            state=case.state,
            reference=case.reference,
            by=case.department,
            words=words,
            ask=list(ask),
            due_on="" if due_on is None else due_on.isoformat(),
            pay_at=pay_at,
            at=int(now.timestamp()),
        ),
        conversation=case.key,
    )
    told: dict[str, Any] = {"words": words, "ask": list(ask), **(more or {})}
    if due_on is not None:
        told["due_on"] = due_on.isoformat()
    told = {name: value for name, value in told.items() if value}
    return note(
        case,
        kind,
        role=role,
        by=by,
        told=told,
        seq=case.seq,
        message_id=message_id,
        caused_by=caused_by,
        at=now,
    )


def not_told(*, message: Undelivered) -> None:
    """Note on the case that the applicant's side did not take what it was told, for the officer to see."""
    with transaction.atomic():
        event = CaseEvent.objects.select_related("case").filter(message_id=message.id).first()
        if event is None or CaseEvent.objects.filter(case=event.case, kind=NOT_TOLD, seq=event.seq).exists():
            return
        told = {"said": f"{event.kind} ({message.code})"}
        note(event.case, NOT_TOLD, role=Role.CLOCK, told=told, seq=event.seq)


def enter(case: Case, state: State) -> None:
    """Bring a case to a state, and count the change."""
    case.state, case.turn = state.value, turn_of(state).value
    case.changed += 1
