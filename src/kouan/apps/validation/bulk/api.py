"""Files of many rows by the JSON API; ``validation.api`` mounts ``router`` under ``/bulk``."""

from __future__ import annotations

from collections.abc import Iterator  # noqa: TC003 - read by the framework at run time
from datetime import datetime  # noqa: TC003 - as above
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import UUID  # noqa: TC003 - as above

from django.http import HttpRequest, HttpResponse  # noqa: TC002 - as above
from ninja import Query, Router, Schema, Status

from kouan.apps.validation import uploads
from kouan.apps.validation.bulk import progress
from kouan.apps.validation.bulk.rows import COLUMNS
from kouan.apps.validation.bulk.starting import start
from kouan.apps.validation.domain import JobKind
from kouan.apps.validation.errors import UploadTruncated
from kouan.apps.validation.sizes import MAX_BULK
from kouan.apps.validation.tokens import InstitutionToken, token_of

if TYPE_CHECKING:
    from kouan.apps.validation.models import BulkJob

router = Router(auth=InstitutionToken(), tags=["Many documents at once"])

_CHUNK: Final = 1 << 20


class Job(Schema):
    """A file of many rows, and how far it is."""

    id: UUID
    institution: str
    kind: Literal["register", "revoke"]
    state: Literal["checking", "taking", "clearing", "done", "refused", "failed"]
    take_good: bool
    percent: int
    good: int
    unchanged: int
    bad: int
    created_at: datetime
    finished_at: datetime | None


class RowProblem(Schema):
    """Why one row cannot be taken; ``column`` is empty where the whole row is meant."""

    line: int
    column: str
    code: str
    detail: str


class Problems(Schema):
    """Some of a file's problems, by line; the first thousand are kept."""

    count: int
    problems: list[RowProblem]


def _csv(kind: JobKind) -> dict[str, Any]:
    columns = ", ".join(COLUMNS[kind])
    description = f"CSV (RFC 4180) in UTF-8. The first line names the columns: {columns}."
    schema = {"type": "string", "format": "binary", "description": description}
    form = {"type": "object", "required": ["file"], "properties": {"file": schema}}
    return {
        "requestBody": {
            "required": True,
            "content": {"text/csv": {"schema": schema}, "multipart/form-data": {"schema": form}},
        }
    }


@router.post(
    "/registrations",
    response={202: Job},
    url_name="bulk-register",
    summary="Register many documents",
    openapi_extra=_csv(JobKind.REGISTER),
)
def register(request: HttpRequest, response: HttpResponse, take_good: bool = False) -> Status[dict[str, Any]]:  # noqa: FBT001, FBT002 - a query's parameter
    """Take a file of documents to register, up to a million rows and 256 MB.

    One bad row and nothing is registered, unless ``take_good``. The same reference with the same fingerprint
    is no news, so a file may be sent again.
    """
    return _started(request, response, JobKind.REGISTER, take_good=take_good)


@router.post(
    "/revocations",
    response={202: Job},
    url_name="bulk-revoke",
    summary="Revoke many documents, or let them expire",
    openapi_extra=_csv(JobKind.REVOKE),
)
def revoke(request: HttpRequest, response: HttpResponse, take_good: bool = False) -> Status[dict[str, Any]]:  # noqa: FBT001, FBT002 - as above
    """Take a file of references with a reason each; the reason ``expired`` ends a document's validity.

    It cannot be undone. One bad row and nothing changes, unless ``take_good``.
    """
    return _started(request, response, JobKind.REVOKE, take_good=take_good)


@router.get("/{key}", response=Job, url_name="bulk-job")
def get_job(request: HttpRequest, key: UUID) -> dict[str, Any]:
    """Return how far a file of the institution is."""
    return _job(progress.job(key, of=[token_of(request).institution]))


@router.get("/{key}/problems", response=Problems, url_name="bulk-problems")
def get_problems(
    request: HttpRequest,
    key: UUID,
    first: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """Return what is wrong with rows of a file, in the language of ``Accept-Language``."""
    progress.job(key, of=[token_of(request).institution])
    rows = progress.problem_rows(key)
    found = [progress.in_words(row) for row in rows[first : first + limit]]
    return {
        "count": rows.count(),
        "problems": [
            {"line": one.line, "column": one.column, "code": one.code, "detail": one.text} for one in found
        ],
    }


def _started(
    request: HttpRequest, response: HttpResponse, kind: JobKind, *, take_good: bool
) -> Status[dict[str, Any]]:
    token = token_of(request)
    made = start(
        institution=token.institution, kind=kind, pieces=_pieces(request), take_good=take_good, token=token
    )
    response["Location"] = f"{request.path.rpartition('/')[0]}/{made.key}"
    return Status(HTTPStatus.ACCEPTED, _made(made))


def _pieces(request: HttpRequest) -> Iterator[bytes]:
    if request.content_type == "multipart/form-data":
        uploads.receive(request, limit=MAX_BULK)
        yield from uploads.taken_file(request.FILES, "file", limit=MAX_BULK).chunks(_CHUNK)
        return
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    if length > MAX_BULK:
        raise uploads.too_large(MAX_BULK)
    count = 0
    while piece := request.read(_CHUNK):
        count += len(piece)
        yield piece
    if count != length:
        raise UploadTruncated


def _made(made: BulkJob) -> dict[str, Any]:
    return _job(progress.job(made.key, of=[made.institution]))


def _job(found: progress.Progress) -> dict[str, Any]:
    return {
        "id": found.key,
        "institution": found.institution,
        "kind": found.kind.value,
        "state": found.state.value,
        "take_good": found.take_good,
        "percent": found.percent,
        "good": found.good,
        "unchanged": found.unchanged,
        "bad": found.bad,
        "created_at": found.created_at,
        "finished_at": found.finished_at,
    }
