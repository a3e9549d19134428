"""The JSON API of this app, for institutions' own systems; the node mounts ``router`` under ``/api/v1``."""

from __future__ import annotations

import json
from collections.abc import Iterator  # noqa: TC003 - read by the framework at run time
from datetime import date
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Annotated, Any, Final, TypeVar
from uuid import UUID  # noqa: TC003 - read by the framework at run time

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from ninja import Query, Router, Schema
from pydantic import ValidationError

from kouan.apps.validation import queries, services, uploads, waiting
from kouan.apps.validation.asking import MOST as MAX_QUESTIONS
from kouan.apps.validation.asking import Question, ask_many
from kouan.apps.validation.bulk.api import router as bulk
from kouan.apps.validation.domain import ALGORITHM, Algorithm, DocumentType, Reference, RevocationReason
from kouan.apps.validation.errors import BadRequest
from kouan.apps.validation.files_api import OPERATION, validate_files
from kouan.apps.validation.limits import take_one
from kouan.apps.validation.marks import CarriedAs
from kouan.apps.validation.outputs import as_json, validation_out
from kouan.apps.validation.schemas import (
    Document,
    FingerprintsToAsk,
    FingerprintToAsk,
    Revocation,
    ValidationOut,
    ValidationsOut,
)
from kouan.apps.validation.stats_api import router as counts
from kouan.apps.validation.tokens import InstitutionToken, OptionalInstitutionToken, auth_of, token_of

if TYPE_CHECKING:
    from kouan.apps.validation.models import RegisteredDocument

router = Router(tags=["Validation by fingerprint"])
router.add_router("/bulk", bulk)
router.add_router("/statistics", counts)

S = TypeVar("S", bound=Schema)
_MAX_JSON: Final = 4096
_CHUNK: Final = 1 << 20
_TYPES: Final = [item.value for item in DocumentType]
_ALGORITHMS: Final = [item.value for item in Algorithm]


def _body(*contents: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "requestBody": {"required": True, "content": {kind: {"schema": schema} for kind, schema in contents}}
    }


_FILE: Final = {"type": "string", "format": "binary"}
_REGISTER_FORM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["file", "type"],
    "properties": {
        "file": _FILE,
        "type": {"type": "string", "enum": _TYPES},
        "expires_on": {"type": "string", "format": "date"},
        "as_package": {"type": "boolean", "default": False},
        "algorithm": {"type": "string", "enum": _ALGORITHMS, "default": ALGORITHM},
    },
}
_VALIDATE_FORM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": _FILE, "reference": {"type": "string", "maxLength": 80}},
}


@router.post(
    "/documents",
    auth=InstitutionToken(),
    response={201: None},
    url_name="register-document",
    summary="Register a document and receive the file that its owner carries",
    openapi_extra={
        **_body(("multipart/form-data", _REGISTER_FORM)),
        "responses": {
            201: {
                "description": "The carried file. It cannot be had again: keep it before closing.",
                "headers": {
                    "Kouan-Reference": {"schema": {"type": "string"}},
                    "Kouan-Digest": {"schema": {"type": "string"}},
                    "Location": {"schema": {"type": "string"}},
                },
                "content": {item.media_type: {"schema": _FILE} for item in CarriedAs},
            }
        },
    },
)
def register_document(request: HttpRequest) -> HttpResponseBase:
    """Put the mark into the file, its fingerprint on the register, and return the carried file.

    If the connection breaks before the file is complete, revoke the document (``issued-in-error``) by the
    reference from the headers, and register it again.
    """
    token = token_of(request)
    uploads.receive(request)
    file = uploads.taken_file(request.FILES, "file")
    registered = services.register(
        institution=token.institution,
        source=uploads.opened(file),
        name=file.name or "",
        type=DocumentType(_one_of("type", _TYPES, request.POST.get("type", ""))),
        expires_on=_date("expires_on", request.POST.get("expires_on", "")),
        as_package=_one_of("as_package", ["false", "true"], request.POST.get("as_package", "false"))
        == "true",
        algorithm=Algorithm(_one_of("algorithm", _ALGORITHMS, request.POST.get("algorithm", ALGORITHM))),
        token=token,
    )
    document = registered.document
    return StreamingHttpResponse(
        _pieces(registered.carried),
        status=HTTPStatus.CREATED,
        content_type=CarriedAs(document.carried_as).media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{document.file_name}"',
            "Content-Length": str(registered.size),
            "Cache-Control": "no-store",
            "Kouan-Reference": document.reference,
            "Kouan-Digest": document.digest.hex(),
            "Location": f"{request.path.rstrip('/')}/{document.reference}",
        },
    )


@router.get("/documents/{reference}", auth=InstitutionToken(), response=Document, url_name="document")
def get_document(request: HttpRequest, reference: str) -> dict[str, Any]:
    """Return a document of the institution's register."""
    return _document(_found(request, reference))


@router.post(
    "/documents/{reference}/revocation",
    auth=InstitutionToken(),
    response=Document,
    url_name="revoke-document",
)
def revoke_document(request: HttpRequest, reference: str, revocation: Revocation) -> dict[str, Any]:
    """Take a document back for good."""
    found = services.revoke(
        document=_found(request, reference),
        reason=RevocationReason(revocation.reason),
        token=token_of(request),
    )
    return _document(found)


@router.post(
    "/validations",
    auth=OptionalInstitutionToken(),
    response={200: ValidationOut, 202: ValidationOut},
    url_name="validate",
    summary="Ask whether a file is what an institution issued",
    openapi_extra=_body(
        ("multipart/form-data", _VALIDATE_FORM), ("application/json", FingerprintToAsk.model_json_schema())
    ),
)
def validate(
    request: HttpRequest, wait: Annotated[float, Query(ge=0, le=5)] = waiting.LONGEST
) -> HttpResponse:
    """Ask the issuing side, and wait up to ``wait`` seconds: 200 with the answer, or 202 to come back for it.

    Send the file, or the reference and the fingerprint alone. Without a token, 30 questions a minute. This
    asks the register alone: ``POST /validations/files`` answers for the signatures in a file as well.
    """
    take_one(request, auth_of(request))
    if request.content_type == "application/json":
        asked = _read(request, FingerprintToAsk, _MAX_JSON)
        item = services.ask(
            reference=Reference.parse(asked.reference),
            digest=bytes.fromhex(asked.digest),
            algorithm=Algorithm(asked.algorithm),
        )
    else:
        uploads.receive(request)
        file = uploads.taken_file(request.FILES, "file")
        item = services.validate_file(source=uploads.opened(file), typed=request.POST.get("reference", ""))
    if not item.local:
        waiting.wait_for_answer(item.pk, wait)
        item = queries.validation(item.pk)
    result = validation_out(item)
    return as_json(result, HTTPStatus.ACCEPTED if result["state"] == "waiting" else HTTPStatus.OK)


@router.post(
    "/validations/batch",
    auth=InstitutionToken(),
    response={200: ValidationsOut},
    url_name="validate-many",
    summary="Ask about many fingerprints at once",
    openapi_extra=_body(("application/json", FingerprintsToAsk.model_json_schema())),
)
def validate_many(request: HttpRequest) -> HttpResponse:
    """Ask about up to 500 fingerprints: all of them, or none if one cannot be asked.

    What this side registered is answered at once; come back for the other answers by their ids.
    """
    asked = _read(request, FingerprintsToAsk, MAX_QUESTIONS * _MAX_JSON)
    take_one(request, token_of(request), count=len(asked.questions))
    made = ask_many(
        [
            Question(Reference.parse(one.reference), bytes.fromhex(one.digest), Algorithm(one.algorithm))
            for one in asked.questions
        ]
    )
    return as_json({"validations": [validation_out(item) for item in made]})


# Before the next address: its key would be any word.
router.post("/validations/files", **OPERATION)(validate_files)


@router.get("/validations/{key}", auth=None, response=ValidationOut, url_name="validation")
def get_validation(request: HttpRequest, key: UUID) -> dict[str, Any]:  # noqa: ARG001 - the framework's signature
    """Return a validation; who knows its id may read it."""
    return validation_out(queries.validation(key))


@router.get(
    "/validations/{key}/evidence",
    auth=None,
    url_name="evidence",
    openapi_extra={
        "responses": {
            200: {
                "description": "The evidence bundle",
                "content": {"application/vnd.kouan.evidence": {"schema": _FILE}},
            }
        }
    },
)
def get_evidence(request: HttpRequest, key: UUID) -> HttpResponse:  # noqa: ARG001 - the framework's signature
    """Return the evidence bundle of an answered validation that crossed; 409 until it can be proved."""
    return HttpResponse(
        waiting.evidence(queries.validation(key)),
        content_type="application/vnd.kouan.evidence",
        headers={
            "Content-Disposition": 'attachment; filename="evidence.bundle"',
            "Cache-Control": "no-store",
        },
    )


def _found(request: HttpRequest, reference: str) -> RegisteredDocument:
    return queries.document(reference, of=[token_of(request).institution])


def _read(request: HttpRequest, schema: type[S], most: int) -> S:
    body = request.read(most + 1)
    if len(body) > most:
        raise BadRequest(field="body", detail=f"at most {most} bytes")
    try:
        return schema.model_validate(json.loads(body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part)[:40] for part in first["loc"]) or "body"
        raise BadRequest(field=field, detail=first["msg"]) from None
    except (ValueError, RecursionError):
        raise BadRequest(field="body", detail="not JSON") from None


def _one_of(field: str, allowed: list[str], value: str) -> str:
    if value not in allowed:
        raise BadRequest(field=field, detail=", ".join(allowed))
    return value


def _date(field: str, value: str) -> date | None:
    if not value:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise BadRequest(field=field, detail="2027-12-31") from None


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_CHUNK):
            yield piece


def _document(item: RegisteredDocument) -> dict[str, Any]:
    return {
        "reference": item.reference,
        "institution": item.institution.code,
        "type": item.type,
        "state": item.state(queries.today()).value,
        "carried_as": item.carried_as,
        "algorithm": item.algorithm,
        "digest": item.digest.hex(),
        "issued_on": item.issued_on,
        "expires_on": item.expires_on,
        "registered_at": item.registered_at,
        "revoked_at": item.revoked_at,
        "revocation_reason": item.revocation_reason or None,
    }
