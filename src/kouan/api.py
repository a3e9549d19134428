"""The JSON API under ``/api/v1``: the apps' routers, one way to fail, one OpenAPI document.

Every error is an RFC 9457 problem document: ``type``, ``title``, ``status``, ``code``, ``detail`` in
the language that ``Accept-Language`` asks for, and ``params``.
"""

from __future__ import annotations

import json
import logging
import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, AuthorizationError, HttpError, ValidationError
from ninja.parser import Parser
from ninja.security import SessionAuth

from kouan import __version__
from kouan.apps.attached.api import router as attached
from kouan.apps.dataflow.api import router as dataflow
from kouan.apps.dataflow.api_together import router as dataflow_together
from kouan.apps.evidence.api import router as evidence
from kouan.apps.identity.api import router as identity
from kouan.apps.operations.api import router as operations
from kouan.apps.programme.api import router as programme
from kouan.apps.services.api import catalogue
from kouan.apps.services.api import router as services
from kouan.apps.signing.api import router as signing
from kouan.apps.validation.api import router as validation
from kouan.core.errors import KouanError
from kouan.web.access import has_role
from kouan.web.unkeepable import require_keepable

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

PROBLEM: Final = "application/problem+json"
_UNAVAILABLE: Final = 503
_SOON: Final = 5
"""Seconds after which it is worth to try again what cannot be done now."""


class OperatorSession(SessionAuth):
    """A signed-in operator, by the portal's session; changes need the portal's CSRF token."""

    def authenticate(self, request: HttpRequest, key: str | None) -> Any | None:  # noqa: ARG002 - the framework's signature
        """Return the account, or nothing when it does not hold the role."""
        return request.user if has_role(request.user, "operator") else None


class RegistrarSession(SessionAuth):
    """A signed-in registrar, as above."""

    def authenticate(self, request: HttpRequest, key: str | None) -> Any | None:  # noqa: ARG002 - the framework's signature
        """Return the account, or nothing when it does not hold the role."""
        return request.user if has_role(request.user, "registrar") else None


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    params: Mapping[str, object] | None = None,
    retry_after: int | None = None,
) -> HttpResponse:
    """Return a problem document (RFC 9457 section 3)."""
    body: dict[str, object] = {
        "type": f"urn:kouan:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    if params:
        body["params"] = dict(params)
    response = HttpResponse(json.dumps(body, ensure_ascii=False), status=status, content_type=PROBLEM)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def not_found(_request: HttpRequest, path: str = "") -> HttpResponse:
    """Answer 404 to any address below ``/api/`` that does not exist."""
    return problem(404, "not-found", _("There is nothing at this address."), params={"path": path[:200]})


class _Parser(Parser):
    """Reads bodies, but none with a text that no database keeps."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """Return a JSON body; raises ``UnkeepableText``."""
        value = super().parse_body(request)
        if b"\\u" in request.body:  # such a character can stand in JSON as an escape alone
            require_keepable(value)
        return value


api = NinjaAPI(
    parser=_Parser(),
    title="Kouan",
    version=__version__,
    description=(
        "What a department's or an institution's own system may ask of its side's node. "
        "Errors are RFC 9457 problem documents with a stable `code`."
    ),
    urls_namespace="api",
    docs_url=None,  # the viewer would load from elsewhere; the document is what counts
    openapi_url="/openapi.json",
)
api.add_router("", validation)
api.add_router("/attached", attached)
api.add_router("/dataflow", dataflow_together)  # before an address that any word stands in
api.add_router("/dataflow", dataflow)
api.add_router("/evidence", evidence)
api.add_router("/programme", programme)
api.add_router("/services", services)  # before the catalogue, for which "cases" would be a side
api.add_router("/signing", signing)
api.add_router("", catalogue)
api.add_router("/operations", operations, auth=OperatorSession(csrf=True))
api.add_router("/identity", identity, auth=RegistrarSession(csrf=True))


@api.exception_handler(KouanError)
def _kouan_error(_request: HttpRequest, error: KouanError) -> HttpResponse:
    seconds = error.retry_after or error.params.get("seconds")
    return problem(
        error.status,
        error.code,
        str(error),
        params=error.params,
        retry_after=math.ceil(seconds)
        if isinstance(seconds, (int, float))
        else _SOON
        if error.status == _UNAVAILABLE
        else None,
    )


@api.exception_handler(ValidationError)
def _validation_error(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    # What was sent is not repeated: it may hold what must not be in a log.
    fields = [
        {"where": [str(part) for part in item["loc"]], "what": str(item["msg"])} for item in error.errors
    ]
    detail = _("The request does not fit the description of this address: see `params.fields`.")
    return problem(422, "invalid-request", detail, params={"fields": fields})


@api.exception_handler(AuthenticationError)
def _not_signed_in(_request: HttpRequest, _error: AuthenticationError) -> HttpResponse:
    response = problem(401, "not-authenticated", _("Show a valid token: `Authorization: Bearer …`."))
    response.headers["WWW-Authenticate"] = 'Bearer realm="kouan"'
    return response


@api.exception_handler(AuthorizationError)
def _not_allowed(_request: HttpRequest, _error: AuthorizationError) -> HttpResponse:
    return problem(403, "not-allowed", _("This account or token may not do this."))


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    if isinstance(error.__cause__, KouanError):  # the framework wraps whatever its parser raises
        return _kouan_error(request, error.__cause__)
    return problem(error.status_code, "http-error", str(error))


@api.exception_handler(Http404)
def _http_404(request: HttpRequest, _error: Http404) -> HttpResponse:
    return not_found(request)


@api.exception_handler(TooManyFieldsSent)
@api.exception_handler(TooManyFilesSent)
@api.exception_handler(RequestDataTooBig)
def _too_large(_request: HttpRequest, _error: Exception) -> HttpResponse:
    return problem(413, "request-too-large", _("The request is larger than this address accepts."))


@api.exception_handler(Exception)
def _unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("the API failed on %s", request.path, exc_info=error)
    return problem(
        500, "internal", _("The node failed on this request. Its operator can see why in the log.")
    )
