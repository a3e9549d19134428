"""The operator's API: crossings, dead letters, and the newest checkpoint, which is public."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - read by the framework at run time
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import UUID  # noqa: TC003 - read by the framework at run time

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from kouan.apps.operations import listing, queries, services
from kouan.apps.operations.alarm_labels import alarm_sentence
from kouan.apps.operations.alarms import AlarmKind  # noqa: TC001 - read by the framework at run time
from kouan.apps.operations.detail import crossing_detail
from kouan.apps.operations.domain import (  # noqa: TC001 - read by the framework at run time
    Direction,
    State,
)
from kouan.apps.operations.errors import NoCheckpoint
from kouan.apps.operations.labels import state_words
from kouan.core.ledger import queries as ledger
from kouan.web.reasons import reason

if TYPE_CHECKING:
    from kouan.apps.operations.detail import CrossingDetail

router = Router(tags=["operations"])

MOST: Final = 200


class CrossingOut(Schema):
    """One crossing; sizes in bytes, ledger positions counted from 0, times in ISO 8601."""

    id: UUID
    direction: Direction
    type: str
    version: int
    title: str
    purpose: str
    peer: str
    conversation: UUID
    agreement: str
    clause: str
    state: State
    state_words: str
    code: str
    reason: str
    at: datetime = Field(description="When it was made here, or when it arrived here.")
    bytes: int | None
    receipt_at: datetime | None
    ledger_index: int | None
    peer_ledger_index: int | None
    finished_at: datetime | None


class CrossingsOut(Schema):
    """A page of crossings, newest first; `older` and `newer` are cursors, null at the end."""

    items: list[CrossingOut]
    older: str | None
    newer: str | None


class StepOut(Schema):
    """A step on a message's way."""

    step: str
    state: Literal["done", "current", "waiting", "failed"]
    at: datetime | None


class FieldOut(Schema):
    """A field of the content: its name and size in bytes, not what it says."""

    name: str
    bytes: int


class ReceiptOut(Schema):
    """What the receiver signed; digests in hexadecimal."""

    signer: str
    key: str
    batch: str
    root: str
    code: str | None
    ledger_index: int
    at: datetime


class InclusionOut(Schema):
    """A place in a ledger, and the co-signed checkpoint that holds it, if one does yet."""

    side: str
    index: int
    checkpoint_size: int | None
    witnesses: list[str]


class CrossingDetailOut(CrossingOut):
    """One crossing with its steps, receipt and places in the ledgers."""

    expires_at: datetime | None
    steps: list[StepOut]
    fields: list[FieldOut]
    receipt: ReceiptOut | None
    ledger: InclusionOut | None
    peer_ledger: InclusionOut | None
    conversation_messages: list[UUID]
    retry_of: UUID | None
    retried_as: UUID | None
    can_retry: bool
    can_cancel: bool


class AlarmOut(Schema):
    """An alarm; `value` and `limit` are seconds, messages, days, MB or entries, as its kind has it."""

    alarm: AlarmKind
    about: str = Field(description="A side's code, a side and a key's use, or nothing: the node itself.")
    sentence: str
    value: float
    limit: float
    raised_at: datetime
    cleared_at: datetime | None


class AlarmsOut(Schema):
    """`raised`: the gravest first. `over`: the newest first, a hundred at most."""

    raised: list[AlarmOut]
    over: list[AlarmOut]


class DeadLettersOut(Schema):
    """What failed and waits for a decision, newest first."""

    items: list[CrossingOut]


class RetriedOut(Schema):
    """`id` is the message that now waits; `already` says that nothing was done this time."""

    id: UUID
    already: bool


class CancelledOut(Schema):
    """`withdrawn`: it had not left yet. Otherwise a dead letter was put away."""

    withdrawn: bool
    already: bool


class CrossingFilters(Schema):
    """Which crossings to list."""

    direction: Direction | None = None
    peer: str = Field("", max_length=16)
    type: str = Field("", max_length=80)
    state: State | None = None
    q: str = Field("", max_length=64, description="The first digits of a message id or a conversation id.")
    before: str = Field("", max_length=40, description="A cursor: only what is older.")
    after: str = Field("", max_length=40, description="A cursor: only what is newer.")
    limit: int = Field(listing.PAGE, ge=1, le=MOST)


@router.get("/crossings", response=CrossingsOut)
def list_crossings(
    request: HttpRequest,  # noqa: ARG001 - the framework passes it by name
    filters: Annotated[CrossingFilters, Query()],
) -> dict[str, Any]:
    """List crossings in both directions, newest first."""
    wanted = listing.Filters(
        direction=filters.direction, peer=filters.peer, type=filters.type, state=filters.state, text=filters.q
    )
    page = listing.page(wanted, before=filters.before, after=filters.after, limit=filters.limit)
    return {
        "items": [_crossing(row) for row in page.rows],
        "older": str(page.older) if page.older else None,
        "newer": str(page.newer) if page.newer else None,
    }


@router.get("/crossings/{uuid:message_id}", response=CrossingDetailOut)
def get_crossing(
    request: HttpRequest,  # noqa: ARG001 - the framework passes it by name
    message_id: UUID,
    sender: Annotated[str, Query(max_length=16)] = "",
) -> dict[str, Any]:
    """Show one crossing, without its content. `sender` tells apart a peer's message under the same id."""
    return _detail(crossing_detail(message_id, sender=sender))


@router.get("/alarms", response=AlarmsOut)
def list_alarms(request: HttpRequest) -> dict[str, Any]:  # noqa: ARG001 - the framework passes it by name
    """List the alarms that are raised now, and those that are over."""
    return {
        "raised": [_alarm(row) for row in queries.open_alarms()],
        "over": [_alarm(row) for row in queries.past_alarms()],
    }


@router.get("/dead-letters", response=DeadLettersOut)
def list_dead_letters(request: HttpRequest) -> dict[str, Any]:  # noqa: ARG001 - the framework passes it by name
    """List what was refused, expired or could not be handled, until somebody decides about it."""
    return {"items": [_crossing(letter.row) for letter in queries.dead_letters()]}


@router.post("/dead-letters/{uuid:message_id}/retry", response=RetriedOut)
def retry_dead_letter(
    request: HttpRequest, message_id: UUID, sender: Annotated[str, Query(max_length=16)] = ""
) -> dict[str, Any]:
    """Try a dead letter again; a second request for the same one changes nothing."""
    done = services.retry(message_id=message_id, sender=sender, operator=request.user.get_username())
    return {"id": done.message_id, "already": done.already}


@router.post("/dead-letters/{uuid:message_id}/cancel", response=CancelledOut)
def cancel_dead_letter(
    request: HttpRequest, message_id: UUID, sender: Annotated[str, Query(max_length=16)] = ""
) -> dict[str, Any]:
    """Put a dead letter away, or withdraw a message that still waits; a second request changes nothing."""
    done = services.cancel(message_id=message_id, sender=sender, operator=request.user.get_username())
    return {"withdrawn": done.withdrawn, "already": done.already}


@router.get("/ledger/checkpoint", auth=None)
def newest_checkpoint(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - the framework passes it by name
    """Return the newest co-signed checkpoint (else the newest) as a signed note, in plain text."""
    checkpoint = ledger.latest_cosigned() or ledger.latest_checkpoint()
    if checkpoint is None:
        raise NoCheckpoint
    return HttpResponse(
        checkpoint.note, content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"}
    )


def _alarm(row: queries.AlarmRecord) -> dict[str, Any]:
    return {
        "alarm": row.alarm.kind,
        "about": row.alarm.about,
        "sentence": alarm_sentence(row.alarm),
        "value": row.alarm.value,
        "limit": row.alarm.limit,
        "raised_at": row.raised_at,
        "cleared_at": row.cleared_at,
    }


def _crossing(row: listing.CrossingRow) -> dict[str, Any]:
    return {
        "id": row.message_id,
        "direction": row.direction,
        "type": row.type,
        "version": row.version,
        "title": str(row.title),
        "purpose": str(row.purpose),
        "peer": row.peer,
        "conversation": row.conversation,
        "agreement": row.agreement,
        "clause": row.clause,
        "state": row.state,
        "state_words": state_words(row.direction, row.state, ahead=row.ahead),
        "code": row.code,
        "reason": reason(row.code) if row.code else "",
        "at": row.at,
        "bytes": row.size,
        "receipt_at": row.receipt_at,
        "ledger_index": row.ledger_index,
        "peer_ledger_index": row.peer_index,
        "finished_at": row.finished_at,
    }


def _detail(detail: CrossingDetail) -> dict[str, Any]:
    return _crossing(detail.row) | {
        "expires_at": detail.expires_at,
        "steps": [
            {"step": step.kind.value, "state": step.state.value, "at": step.at} for step in detail.steps
        ],
        "fields": [{"name": field.name, "bytes": field.size} for field in detail.fields],
        "receipt": detail.receipt,
        "ledger": detail.ours,
        "peer_ledger": detail.theirs,
        "conversation_messages": [row.message_id for row in detail.conversation],
        "retry_of": detail.retry_of,
        "retried_as": detail.retried_as,
        "can_retry": detail.can_retry,
        "can_cancel": detail.can_cancel,
    }
