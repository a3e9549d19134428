"""Validation for programs: one file, or many, and the report on each. Mounted below ``/api/v1/signing``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest  # noqa: TC002 - read by the framework at run time
from ninja import Router, Schema
from ninja.security import HttpBearer

from kouan.apps.signing.models import ValidationAccess
from kouan.apps.signing.validating import services, uploads
from kouan.apps.signing.validating.report import FileReport
from kouan.web.throttle import Bucket, Throttle, subscriber

router = Router()

_MINUTE: Final = timedelta(minutes=1)
_TOKENS: Final = Bucket()
_FILE: Final = {"type": "string", "format": "binary"}


class ReportsOut(Schema):
    """Reports, in the order of the files."""

    reports: list[FileReport]


class ValidationToken(HttpBearer):
    """A program's token, as ``kouan signing token`` makes one."""

    def authenticate(self, request: HttpRequest, token: str) -> ValidationAccess:  # noqa: ARG002 - the library's signature
        """Return the access that the token gives; raises ``BadValidationToken``."""
        return services.use_token(token)


class OptionalValidationToken(ValidationToken):
    """A program's token; without one the request counts towards the limit of its address."""

    def __call__(self, request: HttpRequest) -> Any:
        """Let in who shows no token at all, but nobody with a bad one."""
        return super().__call__(request) if "Authorization" in request.headers else "anonymous"


def _form(schema: dict[str, Any], **more: dict[str, Any]) -> dict[str, Any]:
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {"type": "object", "required": ["file"], "properties": {"file": schema, **more}}
                }
            },
        }
    }


@router.post(
    "/validations",
    auth=OptionalValidationToken(),
    response=FileReport,
    url_name="validate-signatures",
    summary="Validate the signatures of a file",
    openapi_extra=_form(_FILE, document=_FILE),
)
def validate(request: HttpRequest) -> FileReport:
    """Return the report on a signed file: PDF, OFD, CMS, XML or JWS, up to 50 MB. Nothing of it is kept.

    A detached signature (CMS, XML or JWS) is sent with what it is about, in the field ``document``.
    """
    _count(request)
    return services.validate(*uploads.with_document(request))


@router.post(
    "/validations/batch",
    auth=ValidationToken(),
    response=ReportsOut,
    url_name="validate-signatures-of-many",
    summary="Validate the signatures of many files",
    openapi_extra=_form({"type": "array", "items": _FILE, "maxItems": uploads.MOST_FILES}),
)
def validate_many(request: HttpRequest) -> ReportsOut:
    """Return a report on each of up to 100 files, 50 MB together; repeat the field ``file``."""
    files = uploads.taken(request, "file", most=uploads.MOST_FILES)
    _count(request, len(files))
    return ReportsOut(reports=[services.validate(each) for each in files])


def _count(request: HttpRequest, count: int = 1) -> None:
    """Count files of whoever asks, by the limits of ``[validation]``; raises ``TooManyTriesError``."""
    most = settings.NODE.validation
    access = request.auth  # type: ignore[attr-defined] # set by the framework
    if isinstance(access, ValidationAccess):
        _TOKENS.take(access.pk, most.token_per_minute, count)
        return
    address = subscriber(str(request.META.get("REMOTE_ADDR", "")))
    Throttle("signature-validation", limit=most.anonymous_per_minute, window=_MINUTE).take(address)
