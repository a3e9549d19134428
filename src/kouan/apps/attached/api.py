"""The JSON API of attached systems; the node mounts ``router`` under ``/api/v1/attached``."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal
from uuid import UUID  # noqa: TC003 - read by the framework at run time

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from ninja.security import HttpBearer
from pydantic import ConfigDict, Field, StringConstraints

from kouan.apps.attached import crossings, queries, receiving, sending, services, waiting
from kouan.apps.attached.domain import REFUSAL_CODE
from kouan.apps.attached.limits import limit_of
from kouan.apps.attached.models import Received, System
from kouan.core import cbor
from kouan.core.exchange.crossing import MAX_PAYLOAD
from kouan.core.exchange.evidence import evidence_bundle

router = Router(tags=["Attached systems"])

_DAY: Final = 24 * 3600


class SystemBearer(HttpBearer):
    """An attached system's access token, as ``kouan system add`` makes one."""

    def authenticate(self, request: HttpRequest, token: str) -> System:  # noqa: ARG002 - the library's signature
        """Return the system that the token names; raises ``BadSystemToken`` or ``TooManyRequests``."""
        system = services.use_token(token)
        limit_of(settings.NODE.attached.rate_per_second).take(system.name)
        return system


class MessageToSend(Schema):
    """A message of a declared type."""

    model_config = ConfigDict(extra="forbid")
    type: Annotated[str, StringConstraints(max_length=80)]
    version: int
    to: Annotated[str, Field(description="The side that is to receive it, such as gd.")]
    payload: Annotated[dict[str, Any], Field(description="As the type's declaration describes it.")]
    conversation: UUID | None = None
    consent: Annotated[str | None, Field(description="The consent's reference, where one is needed.")] = None


class MessageTaken(Schema):
    """A message that will cross; ``GET /attached/messages/{id}`` tells how far it is."""

    id: UUID
    conversation: UUID
    type: str
    version: int
    to: str
    created_at: datetime
    state: Literal["waiting"]


class ReceiptOut(Schema):
    """The other side's signed receipt."""

    accepted: bool
    received_at: datetime
    ledger_position: Annotated[int | None, Field(description="In the other side's ledger.")]


class MessageState(Schema):
    """How far a message of this system is, or how it ended."""

    id: UUID
    conversation: UUID
    type: str
    version: int
    to: str
    state: Literal["waiting", "sealed", "accepted", "handled", "refused", "expired", "cancelled"]
    code: Annotated[str | None, Field(description="Why it was refused or has expired.")]
    created_at: datetime
    expires_at: datetime
    finished_at: datetime | None
    receipt: ReceiptOut | None
    ledger_position: Annotated[int | None, Field(description="In this side's ledger.")]
    evidence: Annotated[str, Field(description="Where the evidence bundle is, below this API's own address.")]


class ReceivedMessage(Schema):
    """A message of another side. It comes again unless it is acknowledged before ``leased_until``."""

    id: UUID
    position: Annotated[int, Field(description="Grows with each message; what `after` takes.")]
    sender: Annotated[str, Field(alias="from")]
    type: str
    version: int
    conversation: UUID
    sent_at: datetime
    received_at: datetime
    leased_until: datetime
    handed_out: Annotated[int, Field(description="How often it was handed out; above 1 it may be known.")]
    payload: dict[str, Any]
    ledger_position: int | None
    evidence: str


class InboxOut(Schema):
    """Messages for this system, the oldest first."""

    messages: list[ReceivedMessage]


class Refusal(Schema):
    """Why a system does not take a message."""

    model_config = ConfigDict(extra="forbid")
    code: Annotated[str, StringConstraints(pattern=f"^{REFUSAL_CODE}$")]


class Ended(Schema):
    """What became of a received message."""

    id: UUID
    state: Literal["acknowledged", "refused"]
    code: str | None
    ended_at: datetime


class TypeOut(Schema):
    """A declared type that this system may send or receive."""

    type: str
    version: int
    may_send: bool
    may_receive: bool
    digest: Annotated[
        str, Field(description="SHA-256 of the declaration, to be compared with the other side.")
    ]
    payload_schema: Annotated[dict[str, Any], Field(alias="schema")]


_BINARY: Final = {"type": "string", "format": "binary"}
_EVIDENCE: Final[dict[str, Any]] = {
    "responses": {
        200: {
            "description": "The evidence bundle",
            "content": {"application/vnd.kouan.evidence": {"schema": _BINARY}},
        }
    }
}


@router.post(
    "/messages",
    auth=SystemBearer(),
    response={202: MessageTaken},
    url_name="send-message",
    summary="Send a message of a declared type to another side",
    openapi_extra={
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "schema": {"type": "string", "minLength": 1, "maxLength": 200},
                "description": "New for each message, the same for each try of it.",
            }
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": MessageToSend.model_json_schema()}},
        },
    },
)
def send_message(request: HttpRequest) -> HttpResponse:
    """Queue a message; it leaves once, however often this is asked with the same key.

    The same key with the same request brings the same answer, byte for byte, for as long as the message is
    kept; with another request, 422. A request that was refused has used no key up.
    """
    asked = sending.parse(request.read(sending.MAX_REQUEST + 1))
    answer = sending.send_once(
        system=_system(request), key=request.headers.get("Idempotency-Key"), request=asked
    )
    return HttpResponse(answer, status=HTTPStatus.ACCEPTED, content_type="application/json")


@router.get("/messages/{message_id}", auth=SystemBearer(), response=MessageState, url_name="sent-message")
def get_message(request: HttpRequest, message_id: UUID) -> dict[str, Any]:
    """Return how far a message of this system is."""
    found = queries.sent(_system(request), message_id)
    row = found.message
    receipt = found.receipted_at and {
        "accepted": row.state in {"accepted", "handled"} or row.peer_ledger_index is not None,
        "received_at": found.receipted_at,
        "ledger_position": row.peer_ledger_index,
    }
    return {
        "id": message_id,
        "conversation": row.conversation,
        "type": row.type,
        "version": row.version,
        "to": row.peer,
        "state": row.state,
        "code": row.code or None,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "finished_at": row.finished_at,
        "receipt": receipt,
        "ledger_position": row.ledger_index,
        "evidence": f"/attached/messages/{message_id}/evidence",
    }


@router.get(
    "/messages/{message_id}/evidence",
    auth=SystemBearer(),
    url_name="sent-evidence",
    openapi_extra=_EVIDENCE,
)
def get_message_evidence(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """Return the evidence bundle of a message of this system; 409 until it can be proved."""
    found = queries.sent(_system(request), message_id)
    return _bundle(evidence_bundle([found.message.message_id], sender=settings.NODE.side))


@router.get("/inbox", auth=SystemBearer(), response=InboxOut, by_alias=True, url_name="inbox")
def get_inbox(  # noqa: PLR0913, PLR0917 - one parameter of the query each
    request: HttpRequest,
    response: HttpResponse,
    after: Annotated[int, Query(ge=0, description="Only messages beyond this position.")] = 0,
    limit: Annotated[int, Query(ge=1, le=receiving.MOST)] = 10,
    wait: Annotated[float, Query(ge=0, le=waiting.LONGEST, description="Seconds to wait for one.")] = 0,
    lease: Annotated[int, Query(ge=1, le=_DAY, description="Seconds until they come again.")] = 60,
) -> dict[str, Any]:
    """Hand out messages that wait for this system, the oldest first, in order within each conversation.

    Each is leased: nobody else gets it for ``lease`` seconds, and then it comes again, unless it was
    acknowledged or refused. So a message may come twice, always under the same id.
    """
    rows = waiting.lease_when_there(
        system=_system(request), limit=limit, after=after, how_long=timedelta(seconds=lease), seconds=wait
    )
    places = queries.ledger_indexes(rows) if rows else {}
    response.headers["Cache-Control"] = "no-store"
    return {"messages": [_received(row, places.get((row.sender, row.message_id))) for row in rows]}


@router.post("/inbox/{message_id}/ack", auth=SystemBearer(), response=Ended, url_name="acknowledge")
def acknowledge(request: HttpRequest, message_id: UUID) -> dict[str, Any]:
    """Take a message over for good. Once is enough, and twice is harmless."""
    return _ended(receiving.acknowledge(system=_system(request), message_id=message_id))


@router.post("/inbox/{message_id}/refuse", auth=SystemBearer(), response=Ended, url_name="refuse")
def refuse(request: HttpRequest, message_id: UUID, refusal: Refusal) -> dict[str, Any]:
    """Do not take a message, and say why by a code.

    The other side hears of it only where the declaration says ``handled = "acknowledged"``; otherwise the
    message was handled when it was stored, and the answer is a message of its own.
    """
    ended = receiving.refuse(system=_system(request), message_id=message_id, code=refusal.code)
    return _ended(ended)


@router.get(
    "/inbox/{message_id}/evidence",
    auth=SystemBearer(),
    url_name="received-evidence",
    openapi_extra=_EVIDENCE,
)
def get_received_evidence(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """Return the evidence bundle of a message that this system received; 409 until it can be proved."""
    found = queries.received(_system(request), message_id)
    return _bundle(evidence_bundle([found.message_id], sender=found.sender))


@router.get("/types", auth=SystemBearer(), response=list[TypeOut], by_alias=True, url_name="types")
def get_types(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the declared types that this system may send or receive, with their schemas."""
    system = _system(request)
    return [
        {
            "type": each.declaration.type,
            "version": each.declaration.version,
            "may_send": each.declaration.type in system.may_send,
            "may_receive": each.declaration.type in system.may_receive,
            "digest": each.declaration.digest.hex(),
            "schema": each.declaration.schema.schema,
        }
        for each in crossings.all_declared()
        if each.declaration.type in {*system.may_send, *system.may_receive}
    ]


def _system(request: HttpRequest) -> System:
    system = request.auth  # type: ignore[attr-defined] # set by the framework
    assert isinstance(system, System)  # noqa: S101 - SystemBearer lets nobody else in
    return system


def _bundle(data: bytes) -> HttpResponse:
    return HttpResponse(
        data,
        content_type="application/vnd.kouan.evidence",
        headers={
            "Content-Disposition": 'attachment; filename="evidence.bundle"',
            "Cache-Control": "no-store",
        },
    )


def _received(row: Received, place: int | None) -> dict[str, Any]:
    return {
        "id": row.message_id,
        "position": row.pk,
        "from": row.sender,
        "type": row.type,
        "version": row.version,
        "conversation": row.conversation,
        "sent_at": row.sent_at,
        "received_at": row.received_at,
        "leased_until": row.leased_until,
        "handed_out": row.handed_out,
        "payload": cbor.decode(bytes(row.payload), max_bytes=MAX_PAYLOAD),
        "ledger_position": place,
        "evidence": f"/attached/inbox/{row.message_id}/evidence",
    }


def _ended(row: Received) -> dict[str, Any]:
    return {"id": row.message_id, "state": row.state, "code": row.code or None, "ended_at": row.ended_at}
