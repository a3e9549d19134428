"""The pages of an issuing institution's officers: register, find, revoke."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.core.paginator import Paginator
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from kouan.apps.validation import queries, services, store, uploads
from kouan.apps.validation.domain import Algorithm, DocumentState, DocumentType, RevocationReason
from kouan.apps.validation.errors import CarriedFileGone, ExpiryInThePast
from kouan.apps.validation.forms import RegisterFilter, RegisterForm, RevokeForm
from kouan.apps.validation.labels import ALGORITHMS, DOCUMENT_STATES, DOCUMENT_TYPES, REVOCATION_REASONS
from kouan.apps.validation.marks import CarriedAs
from kouan.core.errors import KouanError
from kouan.web.access import require_role

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from kouan.apps.validation.models import Institution, RegisteredDocument

_WORDS = {
    "algorithms": ALGORITHMS,
    "states": DOCUMENT_STATES,
    "types": DOCUMENT_TYPES,
    "reasons": REVOCATION_REASONS,
}


@require_safe
@require_role("issuer")
def documents(request: HttpRequest) -> HttpResponse:
    """List the register of the officer's institutions, the newest first."""
    institutions = queries.institutions_of(request.user)
    chosen = RegisterFilter(request.GET)
    values = chosen.cleaned_data if chosen.is_valid() else {}
    search, state = values.get("q", ""), values.get("state", "")
    found = queries.documents(of=institutions, search=search, state=DocumentState(state) if state else None)
    page = Paginator(found, queries.PAGE).get_page(request.GET.get("page"))
    today = queries.today()
    context = {
        "form": chosen,
        "page": page,
        "rows": [(row, row.state(today)) for row in page],
        "query": urlencode({"q": search, "state": state}),
        "filtered": bool(search or state),
        "several": len(institutions) > 1,
        **_WORDS,
    }
    return render(request, "validation/documents.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@require_role("issuer")
@uploads.taking_files
def register(request: HttpRequest) -> HttpResponseBase:
    """Register a document, and go on to the page from which its carried file is downloaded."""
    institutions = queries.institutions_of(request.user)
    if request.method != "POST":
        return render(request, "validation/register.html", {"form": RegisterForm(institutions=institutions)})
    form = RegisterForm(request.POST, request.FILES, institutions=institutions)
    try:
        file = uploads.taken_file(request.FILES, "file")
        if not form.is_valid():
            return _register_again(request, form)
        registered = services.register(
            institution=_chosen(institutions, form.cleaned_data.get("institution")),
            source=uploads.opened(file),
            name=file.name or "",
            type=DocumentType(form.cleaned_data["type"]),
            expires_on=form.cleaned_data["expires_on"],
            as_package="package" in form.cleaned_data["options"],
            algorithm=Algorithm(form.cleaned_data["algorithm"] or Algorithm.SHA_256),
            by=_officer(request),
        )
    except KouanError as error:
        form.is_valid()
        form.errors.pop("file", None)
        form.refuse(error, "expires_on" if isinstance(error, ExpiryInThePast) else "file")
        return _register_again(request, form, error.status)
    with registered.carried as carried_file:
        key = store.put(registered.document.reference, carried_file)
    response = _to(registered.document)
    response.set_cookie(
        _cookie(),
        key.hex(),
        max_age=store.KEPT,
        path=_address(registered.document),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
    return response


def _register_again(request: HttpRequest, form: RegisterForm, status: int = 422) -> HttpResponse:
    return render(request, "validation/register.html", {"form": form}, status=status)


@require_safe
@require_role("issuer")
def document(request: HttpRequest, reference: str) -> HttpResponse:
    """Show one document of the register, and the way to its carried file while that waits."""
    found = _found(request, reference)
    context = {
        "document": found,
        "state": found.state(queries.today()),
        "carried_waits": found.revoked_on is None
        and _cookie() in request.COOKIES
        and store.holds(found.reference),
        "kept_minutes": int(store.KEPT.total_seconds() // 60),
        **_WORDS,
    }
    return render(request, "validation/document.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@require_role("issuer")
def carried(request: HttpRequest, reference: str) -> HttpResponseBase:
    """Hand out the carried file to the browser that registered it; a POST says that it is safe now."""
    found = _found(request, reference)
    if request.method == "POST":
        response = _to(found)
        if _cookie() in request.COOKIES:
            store.remove(found.reference)
            response.delete_cookie(_cookie(), path=_address(found), samesite="Strict")
        return response
    try:
        key = bytes.fromhex(request.COOKIES.get(_cookie(), ""))
    except ValueError:
        key = b""
    if len(key) != store.KEY_BYTES:
        raise CarriedFileGone(minutes=int(store.KEPT.total_seconds() // 60))
    waiting = store.read(found.reference, key)
    return StreamingHttpResponse(
        waiting.pieces,
        content_type=CarriedAs(found.carried_as).media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{found.file_name}"',
            "Content-Length": str(waiting.size),
            "Cache-Control": "no-store",
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@require_role("issuer")
def revoke(request: HttpRequest, reference: str) -> HttpResponse:
    """Ask for the reason and for certainty, and take the document back."""
    found = _found(request, reference)
    if found.revoked_on is not None:
        return _to(found)
    form = RevokeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        services.revoke(
            document=found, reason=RevocationReason(form.cleaned_data["reason"]), by=_officer(request)
        )
        return _to(found)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(
        request, "validation/revoke.html", {"form": form, "document": found, **_WORDS}, status=status
    )


def _found(request: HttpRequest, reference: str) -> RegisteredDocument:
    return queries.document(reference, of=queries.institutions_of(request.user))


def _chosen(institutions: list[Institution], code: str | None) -> Institution:
    return next((item for item in institutions if item.code == code), institutions[0])


def _officer(request: HttpRequest) -> User:
    """Return the account that ``require_role`` has let in."""
    return cast("User", request.user)


def _to(found: RegisteredDocument) -> HttpResponseRedirect:
    return HttpResponseRedirect(_address(found), status=HTTPStatus.SEE_OTHER)


def _address(found: RegisteredDocument) -> str:
    return reverse("validation:document", args=[found.reference])


def _cookie() -> str:
    return f"kouan_{settings.NODE.side}_carried"
