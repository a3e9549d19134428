"""The JSON API for systems of institutions; the node mounts ``router`` under ``/api/v1/dataflow``."""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003 - read by the framework at run time
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import UUID  # noqa: TC003 - read by the framework at run time

from annotated_types import Len
from django.conf import settings
from django.http import HttpRequest, HttpResponse  # noqa: TC002 - read by the framework at run time
from ninja import Query, Router, Schema, Status
from ninja.security import HttpBearer
from pydantic import ConfigDict, Field, StringConstraints

from kouan.apps.dataflow import access, institutions, records
from kouan.apps.dataflow.domain import Purpose  # noqa: TC001 - read by the framework at run time
from kouan.apps.dataflow.models import InstitutionAccess
from kouan.apps.dataflow.payloads import Element  # noqa: TC001 - read by the framework at run time
from kouan.core.exchange.models import OutboxMessage
from kouan.web.throttle import Bucket

if TYPE_CHECKING:
    from kouan.apps.dataflow.models import ConsentRequest, DataConsent, Record

router = Router(tags=["Flow of data"])

LIMIT: Final = Bucket()
"""Requests of each token, in this process."""
MOST: Final = 100
"""Records of one page."""


class InstitutionToken(HttpBearer):
    """An institution's access token, as ``kouan dataflow token`` makes one."""

    def authenticate(self, request: HttpRequest, token: str) -> InstitutionAccess:  # noqa: ARG002 - the library's signature
        """Return the access that the token gives; raises ``BadAccessToken`` or ``TooManyTriesError``."""
        found = access.use(token)
        LIMIT.take(found.pk, settings.NODE.dataflow.token_per_minute)
        return found


DocumentType = Annotated[
    str,
    StringConstraints(max_length=32, pattern="^[a-z0-9-]*$"),
    Field(
        description="Which kind of identity document has the number, by its code, such as `hkid`: documents "
        "of two kinds may have the same. Empty: the number tells the kind, where only one can have it."
    ),
]


class ConsentToAsk(Schema):
    """What an institution asks of a customer, under one of its contracts."""

    model_config = ConfigDict(extra="forbid")
    contract: UUID
    customer: Annotated[
        str,
        StringConstraints(min_length=1, max_length=64),
        Field(description="What the institution itself knows the customer by. It stays on this side."),
    ]
    document_number: Annotated[
        str,
        StringConstraints(min_length=1, max_length=64),
        Field(description="Of the customer's identity document. It is kept as a hardened digest alone."),
    ]
    document_type: DocumentType = ""
    elements: Annotated[list[Element], Len(1, 40), Field(description="Kinds of data of the contract.")]
    purposes: Annotated[list[Purpose], Len(1, 16), Field(description="Purposes of the contract.")]


class NoticeToGive(Schema):
    """Whom an institution tells that their data crosses without their consent, under one of its contracts."""

    model_config = ConfigDict(extra="forbid")
    contract: UUID
    document_number: Annotated[
        str,
        StringConstraints(min_length=1, max_length=64),
        Field(description="Of the person's identity document. It is kept as a keyed digest alone."),
    ]
    document_type: DocumentType = ""
    elements: Annotated[list[Element], Len(1, 40), Field(description="Kinds of data of the contract.")]
    purposes: Annotated[list[Purpose], Len(1, 16), Field(description="Purposes of the contract.")]


class ConsentOut(Schema):
    """What a person has agreed to."""

    id: UUID
    elements: Annotated[list[str], Field(description="The kinds of data that the person ticked.")]
    purposes: list[str]
    given_at: datetime
    expires_at: datetime
    withdrawn_at: datetime | None


class ConsentRequestOut(Schema):
    """A request for consent, and what came of it."""

    id: UUID
    contract: UUID
    customer: str
    state: Literal["open", "given", "refused", "withdrawn", "expired"]
    url: Annotated[str, Field(description="Where the person answers, after signing in at home.")]
    created_at: datetime
    expires_at: datetime
    consent: ConsentOut | None


class DataAbout(Schema):
    """Data about a person, under the consent that they gave or the notice that they were given."""

    model_config = ConfigDict(extra="forbid")
    consent: UUID
    values: Annotated[
        dict[Element, Annotated[str, StringConstraints(max_length=32 * 1024)]],
        Len(1, 64),
        Field(description="Each kind of data, and what it is."),
    ]


class RecordToSend(DataAbout):
    """Data about a person, and what it crosses for."""

    purpose: Purpose


class UseOut(Schema):
    """That a record was read."""

    reader: str
    purpose: str
    at: datetime


class RecordOut(Schema):
    """A record that crossed, without what it says."""

    id: UUID
    position: Annotated[int, Field(description="Grows with each record; what `after` takes.")]
    direction: Literal["sent", "received"]
    state: Annotated[
        Literal[
            "waiting", "sealed", "accepted", "handled", "refused", "expired", "cancelled", "kept", "erased"
        ],
        Field(description="How far the message of one that was sent is; whether one that came is here."),
    ]
    code: Annotated[str | None, Field(description="Why it was refused, withdrawn or erased.")]
    contract: UUID
    consent: UUID
    subject: Annotated[str, Field(description="What the two parties know the person by.")]
    purpose: str
    elements: list[str]
    at: datetime
    erase_on: Annotated[date, Field(description="The last day on which the importer may have it.")]
    erased_at: datetime | None
    uses: list[UseOut]


class RecordsOut(Schema):
    """Records that came for this institution, the oldest first."""

    records: list[RecordOut]


class Reading(Schema):
    """Who reads a record, and for what."""

    model_config = ConfigDict(extra="forbid")
    reader: Annotated[
        str,
        StringConstraints(min_length=1, max_length=100, strip_whitespace=True),
        Field(description="The department or system; the person is shown it."),
    ]
    purpose: Purpose


class ValueOut(Schema):
    """One thing about the person."""

    element: str
    value: str


class ReadOut(Schema):
    """What a record says."""

    id: UUID
    subject: str
    values: list[ValueOut]


_KEY: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": True,
            "schema": {"type": "string", "minLength": 1, "maxLength": 200},
            "description": "New for each record, the same for each try of it.",
        }
    ]
}


@router.post(
    "/consent-requests",
    auth=InstitutionToken(),
    response={201: ConsentRequestOut},
    url_name="ask-for-consent",
    summary="Ask a customer for their consent",
)
def ask_for_consent(request: HttpRequest, asked: ConsentToAsk) -> Status[dict[str, Any]]:
    """Keep a request, and return where the person answers it.

    Only whom the number of the document belongs to can see and answer it, once, within 30 days. Where neither
    side's law asks for a consent: 409, and a notice is given instead.
    """
    made = institutions.ask(
        institution=institution_of(request),
        contract=asked.contract,
        reference=asked.customer,
        document_number=asked.document_number,
        document_type=asked.document_type,
        elements=asked.elements,
        purposes=asked.purposes,
    )
    return Status(HTTPStatus.CREATED, _request(made, None))


@router.get(
    "/consent-requests/{key}", auth=InstitutionToken(), response=ConsentRequestOut, url_name="consent-request"
)
def get_consent_request(request: HttpRequest, key: UUID) -> dict[str, Any]:
    """Return a request of this institution and what came of it."""
    return _request(*institutions.request_of(institution_of(request), key))


@router.post(
    "/notices",
    auth=InstitutionToken(),
    response={201: ConsentOut},
    url_name="give-notice",
    summary="Tell a person that their data crosses on a ground of law",
)
def give_notice(request: HttpRequest, asked: NoticeToGive) -> Status[dict[str, Any]]:
    """Give notice where the contract's ground asks for no consent; its id is the `consent` of `records`.

    The same notice again is the one that stands. Where a side's law asks for a consent: 409.
    """
    made = institutions.inform(
        institution=institution_of(request),
        contract=asked.contract,
        document_number=asked.document_number,
        document_type=asked.document_type,
        elements=asked.elements,
        purposes=asked.purposes,
    )
    return Status(HTTPStatus.CREATED, _consent(made))


@router.post(
    "/records",
    auth=InstitutionToken(),
    response={202: RecordOut},
    url_name="send-record",
    summary="Send data about a person under their consent",
    openapi_extra=_KEY,
)
def send_record(request: HttpRequest, asked: RecordToSend) -> Status[dict[str, Any]]:
    """Send what contract and consent both name; it leaves once, however often this is asked with one key.

    What may not cross is refused with 403; `params.clause` names the clause that decides. A request that was
    refused has used no key up.
    """
    record = institutions.send_once(
        institution=institution_of(request),
        key=request.headers.get("Idempotency-Key"),
        consent=asked.consent,
        purpose=asked.purpose,
        values=asked.values,
    )
    return Status(HTTPStatus.ACCEPTED, record_out(record))


@router.get("/records", auth=InstitutionToken(), response=RecordsOut, url_name="received-records")
def get_records(
    request: HttpRequest,
    after: Annotated[int, Query(ge=0, description="Only records beyond this position.")] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 20,
) -> dict[str, Any]:
    """Return the records that came for this institution, without what they say."""
    rows = institutions.received(institution_of(request)).filter(pk__gt=after)[:limit]
    return {"records": [record_out(row) for row in rows]}


@router.get("/records/{record_id}", auth=InstitutionToken(), response=RecordOut, url_name="record")
def get_record(request: HttpRequest, record_id: UUID) -> dict[str, Any]:
    """Return a record that this institution sent or received, without what it says."""
    return record_out(institutions.record_of(institution_of(request), record_id))


@router.post("/records/{record_id}/read", auth=InstitutionToken(), response=ReadOut, url_name="read-record")
def read_record(
    request: HttpRequest, response: HttpResponse, record_id: UUID, reading: Reading
) -> dict[str, Any]:
    """Return what a record says; the person is told who read it, when and for what."""
    found = institutions.received_by(institution_of(request), record_id)
    values = records.read(record=found, reader=reading.reader, purpose=reading.purpose)
    response.headers["Cache-Control"] = "no-store"
    return {
        "id": record_id,
        "subject": found.consent.subject,
        "values": [{"element": element, "value": value} for element, value in values],
    }


def institution_of(request: HttpRequest) -> str:
    """Return whose token a request came with."""
    found = request.auth  # type: ignore[attr-defined] # set by the framework
    assert isinstance(found, InstitutionAccess)  # noqa: S101 - InstitutionToken lets nobody else in
    return found.institution


def _request(row: ConsentRequest, consent: DataConsent | None) -> dict[str, Any]:
    return {
        "id": row.key,
        "contract": row.contract,
        "customer": row.reference,
        "state": institutions.request_state(row, consent),
        "url": f"{settings.NODE.portal_origin}/my-data/requests/{row.key}",
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "consent": consent and _consent(consent),
    }


def _consent(row: DataConsent) -> dict[str, Any]:
    return {
        "id": row.key,
        "elements": row.elements,
        "purposes": row.purposes,
        "given_at": row.given_at,
        "expires_at": row.expires_at,
        "withdrawn_at": row.withdrawn_at,
    }


def record_out(row: Record) -> dict[str, Any]:
    """Return a record as ``RecordOut`` has it."""
    state, code = _state(row)
    return {
        "id": row.message_id,
        "position": row.pk,
        "direction": "sent" if row.outgoing else "received",
        "state": state,
        "code": code or None,
        "contract": row.contract,
        "consent": row.consent.key,
        "subject": row.consent.subject,
        "purpose": row.purpose,
        "elements": row.elements,
        "at": row.at,
        "erase_on": row.erase_on,
        "erased_at": row.erased_at,
        "uses": [
            {"reader": use.reader, "purpose": use.purpose, "at": use.at}
            for use in sorted(row.uses.all(), key=lambda use: use.at)
        ],
    }


def _state(row: Record) -> tuple[str, str]:
    if not row.outgoing:
        return ("kept", "") if row.erased_at is None else ("erased", row.erased_because)
    message = OutboxMessage.objects.only("state", "code").get(message_id=row.message_id)
    if message.code or row.erased_at is None:
        return message.state, message.code
    return "erased", row.erased_because
