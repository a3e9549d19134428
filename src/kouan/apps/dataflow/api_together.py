"""The JSON API by which records about several persons leave together; mounted beside ``api.router``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from annotated_types import Len
from django.http import HttpRequest  # noqa: TC002 - read by the framework at run time
from ninja import Router, Schema, Status
from pydantic import ConfigDict, Field, StringConstraints

from kouan.apps.dataflow import institutions
from kouan.apps.dataflow.api import MOST, DataAbout, InstitutionToken, RecordsOut, institution_of, record_out
from kouan.apps.dataflow.domain import Purpose  # noqa: TC001 - read by the framework at run time

router = Router(tags=["Flow of data"])


class OneOfThem(DataAbout):
    """Data about one of the persons, under a key of its own."""

    key: Annotated[
        str,
        StringConstraints(pattern=rf"^(?:{institutions.IDEMPOTENCY_KEY})$"),
        Field(description="New for each record, the same for each try of it, as an Idempotency-Key is."),
    ]


class RecordsToSend(Schema):
    """Data about several persons, for one purpose and under one contract."""

    model_config = ConfigDict(extra="forbid")
    purpose: Purpose
    records: Annotated[list[OneOfThem], Len(1, MOST)]


@router.post(
    "/records/batch",
    auth=InstitutionToken(),
    response={202: RecordsOut},
    url_name="send-records",
    summary="Send data about several persons under one contract",
)
def send_records(request: HttpRequest, asked: RecordsToSend) -> Status[dict[str, Any]]:
    """Send all of them, or none; each leaves once, however often it is asked with its key.

    Where one may not cross, all are refused with 403 and no key is used up; `params.clause` names the clause
    that decides. The answer has the records in the order of the request.
    """
    sent = institutions.send_all_once(
        institution=institution_of(request),
        purpose=asked.purpose,
        wanted=[institutions.ToSend(each.key, each.consent, each.values) for each in asked.records],
    )
    return Status(HTTPStatus.ACCEPTED, {"records": [record_out(row) for row in sent]})
