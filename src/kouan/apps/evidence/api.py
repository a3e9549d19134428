"""The JSON API for systems of departments; the node mounts ``router`` under ``/api/v1/evidence``."""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003 - read by the framework at run time
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID  # noqa: TC003 - read by the framework at run time

from django.http import HttpRequest  # noqa: TC002 - read by the framework at run time
from django.urls import register_converter
from ninja import Router, Schema, Status
from ninja.security import HttpBearer
from pydantic import ConfigDict, Field, StringConstraints

from kouan.apps.evidence import access, records
from kouan.apps.evidence.domain import MAX_REFERENCE, MAX_VALUE, Change
from kouan.apps.evidence.errors import UnknownRecord
from kouan.apps.evidence.models import DepartmentAccess, EvidenceRecord


class _Action:
    """What is done to a record, at the end of its address: a reference may have slashes of its own."""

    regex = "suspend|resume|revoke"

    def to_python(self, value: str) -> str:
        """Return it as it is."""
        return value

    to_url = to_python


register_converter(_Action, "record-change")
router = Router(tags=["Evidence"])

TypeCode = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=MAX_REFERENCE)]


class DepartmentToken(HttpBearer):
    """A department's access token, as ``kouan evidence token`` makes one."""

    def authenticate(self, request: HttpRequest, token: str) -> DepartmentAccess:  # noqa: ARG002 - the library's signature
        """Return the access that the token gives; raises ``BadEvidenceToken``."""
        return access.use(token)


class EvidenceRecordToKeep(Schema):
    """What a department says of one person."""

    model_config = ConfigDict(extra="forbid")
    type: Annotated[TypeCode, Field(description="A type of evidence of this department.")]
    reference: Annotated[Reference, Field(description="The department's own name of the record.")]
    document_number: Annotated[
        str,
        StringConstraints(min_length=1, max_length=64),
        Field(description="Of the person's identity document. It is kept as a keyed digest alone."),
    ]
    claims: Annotated[
        dict[
            Annotated[str, StringConstraints(max_length=40)],
            Annotated[str, StringConstraints(max_length=MAX_VALUE)],
        ],
        Field(description="The claims of the type.", max_length=24),
    ]
    valid_from: date
    valid_until: Annotated[
        date | None, Field(description="The last day; left out for a record without end.")
    ] = None
    document: Annotated[
        str,
        StringConstraints(max_length=32),
        Field(
            description="The kind of the person's document, such as `hkid`; may be left out where only one "
            "kind has such numbers."
        ),
    ] = ""


class EvidenceRecordOut(Schema):
    """A record as it stands, without what it says."""

    id: UUID
    type: str
    reference: str
    state: Literal["valid", "suspended", "revoked"]
    version: Annotated[int, Field(description="Grows each time the record is replaced.")]
    valid_from: date
    valid_until: date | None
    changed_at: datetime


class EvidenceRecordChange(Schema):
    """Why a record is changed."""

    model_config = ConfigDict(extra="forbid")
    reason: Annotated[str, StringConstraints(max_length=300)] = ""


@router.post(
    "/records",
    auth=DepartmentToken(),
    response={201: EvidenceRecordOut},
    url_name="keep-evidence-record",
    summary="Keep or replace a record",
)
def keep_record(request: HttpRequest, said: EvidenceRecordToKeep) -> Status[dict[str, Any]]:
    """Keep a record. The same type and reference again replaces it; what was issued from it is then revoked.

    The very same record again changes nothing.
    """
    held = _access(request)
    entry = records.Entry(
        type=said.type,
        reference=said.reference,
        document_number=said.document_number,
        claims=said.claims,
        valid_from=said.valid_from,
        valid_until=said.valid_until,
        document=said.document,
    )
    return Status(
        HTTPStatus.CREATED, _out(records.put(entry=entry, by=held.prefix, departments={held.department}))
    )


@router.post(
    "/records/{type}/{path:reference}/{record-change:action}",
    auth=DepartmentToken(),
    response=EvidenceRecordOut,
    url_name="change-evidence-record",
    summary="Suspend, resume or revoke a record",
)
def change_record(
    request: HttpRequest,
    type: str,  # noqa: A002 - the address's word
    reference: str,
    action: Literal["suspend", "resume", "revoke"],
    said: EvidenceRecordChange,
) -> dict[str, Any]:
    """Change a record and all that was issued from it; other sides are told at once. Revoked is for good."""
    held = _access(request)
    row = records.change(
        record=_found(held, type, reference),
        change=_CHANGES[action],
        by=held.prefix,
        reason=said.reason,
        departments={held.department},
    )
    return _out(row)


@router.get(
    "/records/{type}/{path:reference}",
    auth=DepartmentToken(),
    response=EvidenceRecordOut,
    url_name="evidence-record",
)
def get_record(request: HttpRequest, type: str, reference: str) -> dict[str, Any]:  # noqa: A002 - the address's word
    """Return how a record of this department stands."""
    return _out(_found(_access(request), type, reference))


_CHANGES = {"suspend": Change.SUSPENDED, "resume": Change.RESUMED, "revoke": Change.REVOKED}


def _access(request: HttpRequest) -> DepartmentAccess:
    found = request.auth  # type: ignore[attr-defined] # set by the framework
    assert isinstance(found, DepartmentAccess)  # noqa: S101 - DepartmentToken lets nobody else in
    return found


def _found(held: DepartmentAccess, type_: str, reference: str) -> EvidenceRecord:
    found = EvidenceRecord.objects.filter(
        type=type_[:64], reference=reference[:64], department=held.department
    ).first()
    if found is None:
        raise UnknownRecord
    return found


def _out(row: EvidenceRecord) -> dict[str, Any]:
    return {
        "id": row.key,
        "type": row.type,
        "reference": row.reference,
        "state": str(row.state),
        "version": row.version,
        "valid_from": row.valid_from,
        "valid_until": row.valid_until,
        "changed_at": row.changed_at,
    }
