"""Whatever files somebody was given: one answer for each, of the register and of the signatures in it."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Annotated, Any, Final

from django.core.exceptions import TooManyFilesSent
from django.http import HttpRequest, HttpResponse  # noqa: TC002 - read by the framework at run time
from ninja import Query

from kouan.apps.validation import queries, services, uploads, waiting
from kouan.apps.validation.errors import BadRequest, NoFile, NoSignatureApart
from kouan.apps.validation.limits import take_one
from kouan.apps.validation.models import AccessToken
from kouan.apps.validation.outputs import as_json, validation_out
from kouan.apps.validation.schemas import FilesOut
from kouan.apps.validation.tokens import OptionalInstitutionToken, auth_of
from kouan.core.errors import KouanError
from kouan.web import signatures

if TYPE_CHECKING:
    import uuid

    from django.core.files.uploadedfile import UploadedFile

MOST_FILES: Final = 100
_FILE: Final = {"type": "string", "format": "binary"}
_FORM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "array", "items": _FILE, "minItems": 1, "maxItems": MOST_FILES},
        "signature": _FILE,
    },
}


OPERATION: Final[dict[str, Any]] = {
    "auth": OptionalInstitutionToken(),
    "response": {200: FilesOut, 202: FilesOut},
    "url_name": "validate-files",
    "summary": "Validate files, whatever they are: by the register and by their signatures",
    "openapi_extra": {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}
    },
}


def validate_files(
    request: HttpRequest, wait: Annotated[float, Query(ge=0, le=5)] = waiting.LONGEST
) -> HttpResponse:
    """Return for each file what the register says of it, and the report on its signatures.

    Repeat the field ``file``: up to 100 files, 50 MB together; without a token one. A signature that is a
    file of its own comes in the field ``signature``, beside the one file that it is about. Answers of the
    other side are waited for up to ``wait`` seconds in all: 200 with all of them, or 202 to come back for
    those that wait (``GET /validations/{key}``). Of the files and the reports nothing is kept.
    """
    files, apart = _taken(request)
    take_one(request, auth_of(request), count=len(files))
    # First what may fail for want of a worker, so that no question was asked in vain.
    reports = [_reports(each, apart) for each in files]
    answers = [
        {"name": (file.name or "")[:200], **_asked(uploads.opened(file)), **found}
        for file, found in zip(files, reports, strict=True)
    ]
    _wait(answers, wait)
    waits = any(each["fingerprint"] and each["fingerprint"]["state"] == "waiting" for each in answers)
    return as_json({"files": answers}, HTTPStatus.ACCEPTED if waits else HTTPStatus.OK)


def _taken(request: HttpRequest) -> tuple[list[UploadedFile[Any]], IO[bytes] | None]:
    """Return the files and, where it came, the signature apart from the one; raises what is wrong."""
    most = MOST_FILES if isinstance(auth_of(request), AccessToken) else 1
    try:
        uploads.receive(request, most=MOST_FILES + 1)
    except TooManyFilesSent:
        raise BadRequest(field="file", detail=f"at most {most}") from None
    files = [uploads.checked(each) for each in request.FILES.getlist("file")]
    aparts = [uploads.checked(each) for each in request.FILES.getlist("signature")]
    if not files:
        raise NoFile
    if len(files) > most:
        raise BadRequest(field="file", detail=f"at most {most}")
    if aparts and len(files) + len(aparts) > 2:  # noqa: PLR2004 - a file and its signature
        raise BadRequest(field="signature", detail="one, beside one file")
    return files, uploads.opened(aparts[0]) if aparts else None


def _reports(file: UploadedFile[Any], apart: IO[bytes] | None) -> dict[str, Any]:
    """Return the report on the signatures in a file, and on the one apart from it."""
    beside = None
    if apart is not None:
        beside = signatures.report(apart, uploads.opened(file))
        if beside is None:
            raise NoSignatureApart
    return {"signatures": signatures.report(uploads.opened(file)), "signature_apart": beside}


def _asked(file: IO[bytes]) -> dict[str, Any]:
    """Ask the register about a file; where it cannot be asked, the reason is in ``refused``."""
    try:
        item = services.validate_file(source=file)
    except KouanError as error:
        return {"fingerprint": None, "refused": {"code": error.code, "detail": str(error)}}
    return {"fingerprint": validation_out(item), "refused": None}


def _wait(answers: list[dict[str, Any]], seconds: float) -> None:
    """Wait for what is still to come, for all of it together."""
    until = time.monotonic() + seconds
    for each in answers:
        if each["fingerprint"] is None or each["fingerprint"]["state"] != "waiting":
            continue
        key: uuid.UUID = each["fingerprint"]["id"]
        waiting.wait_for_answer(key, max(0.0, until - time.monotonic()))
        each["fingerprint"] = validation_out(queries.validation(key))
