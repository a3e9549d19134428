"""What anybody may see: checking a credential, and what verifiers need for doing so themselves."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_http_methods, require_safe

from kouan.apps.evidence import keys, queries, reading
from kouan.apps.evidence.errors import FileNotRead, NotACredential
from kouan.apps.evidence.sdjwt.signing import MAX_TEXT
from kouan.apps.evidence.statuses import TTL
from kouan.apps.evidence.views.pages import page
from kouan.web.throttle import Throttle
from kouan.web.uploads import taking_file

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

_TRIES: Final = Throttle("check-credential", 60, timedelta(minutes=1))


@require_http_methods(["GET", "HEAD", "POST"])
@taking_file(MAX_TEXT, lambda: FileNotRead(limit=max(1, MAX_TEXT >> 20)))
def check(request: HttpRequest) -> HttpResponse:
    """Take a credential, and say who issued it, what it says, and whether it still counts."""
    if request.method != "POST":
        return page(request, "check", error="", text="")
    _TRIES.take(str(request.META.get("REMOTE_ADDR", "")))
    text = _text(request)
    response = reading.answer(request, text)
    if response is None:
        error = NotACredential()
        response = page(
            request,
            "check",
            error=str(error),
            text=text.decode(errors="replace")[:MAX_TEXT],
            status=error.status,
        )
    add_never_cache_headers(response)
    return response


@require_safe
def accepted(request: HttpRequest) -> HttpResponse:
    """Show what each requirement is proved by, on each side: the broker's map."""
    rows = queries.accepted()
    return page(
        request, "accepted", rows=rows, sides=[side for side, _types in rows[0].sides] if rows else []
    )


def _text(request: HttpRequest) -> bytes:
    file: UploadedFile[Any] | None = request.FILES.get("file")
    if file is not None and file.size:
        return bytes(file.read(MAX_TEXT + 1))
    return request.POST.get("text", "").encode()


@require_safe
def issuer(_request: HttpRequest) -> HttpResponse:
    """Return the issuer's keys (SD-JWT VC, JWT VC Issuer Metadata)."""
    return _open(
        JsonResponse({"issuer": settings.NODE.portal_origin, "jwks": keys.jwks()}), timedelta(hours=1)
    )


@require_safe
def type_(_request: HttpRequest, code: str) -> HttpResponse:
    """Return the description of a type of credential (SD-JWT VC, type metadata)."""
    found = queries.metadata(code)
    if found is None:
        raise Http404
    return _open(JsonResponse(found, json_dumps_params={"ensure_ascii": False}), timedelta(hours=1))


@require_safe
def status(_request: HttpRequest, number: int) -> HttpResponse:
    """Return a status list (Token Status List)."""
    token = queries.status_list(number)
    if token is None:
        raise Http404
    response = HttpResponse(token, content_type="application/statuslist+jwt", status=HTTPStatus.OK)
    return _open(response, min(TTL / 2, timedelta(minutes=5)))


def _open(response: HttpResponse, kept: timedelta) -> HttpResponse:
    """Let verifiers anywhere read it, also those in a browser."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = f"public, max-age={int(kept.total_seconds())}"
    return response
