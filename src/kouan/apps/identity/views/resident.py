"""“My identity”: what a resident sees and may do about their own sign-ins and consents."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kouan.apps.identity import consents, labels, news, queries, residents
from kouan.web import persons
from kouan.web.pages import to_sign_in

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable

    from kouan.apps.identity.models import HomeSession

P = ParamSpec("P")


def own(
    view: Callable[Concatenate[HttpRequest, HomeSession, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Let only a resident who is signed in reach a page of their own; others sign in first and come back."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        held = residents.of(request)
        response = to_sign_in(request) if held is None else view(request, held, *args, **kwargs)
        add_never_cache_headers(response)
        return response

    return guarded


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Say where the resident is signed in and what is new; to everybody else, what these pages are for."""
    held = residents.of(request)
    if held is None:
        return page_of(request, "welcome", enter=enter(reverse("identity:mine")))
    standing, _over = queries.my_consents(held.resident)
    notices = queries.my_notices(held.resident)
    response = page_of(
        request,
        "mine",
        session=held,
        sign_ins=queries.open_sign_ins(held.resident),
        consents=standing,
        linked=sum(each.can_end for each in queries.my_links(held.resident)),
        notices=notices,
        unread=[each for each in notices if each.read_at is None],
        others=persons.pages(),
    )
    add_never_cache_headers(response)
    return response


@require_POST
@own
def read(request: HttpRequest, held: HomeSession) -> HttpResponse:  # noqa: ARG001 - the guard's signature
    """Put the news away."""
    news.read(resident=held.resident)
    return HttpResponseRedirect(reverse("identity:mine"))


@require_safe
@own
def sign_ins(request: HttpRequest, held: HomeSession) -> HttpResponse:
    """List every use of the resident's identity."""
    rows, page = queries.my_sign_ins(held.resident, page=request.GET.get("page", ""))
    return page_of(request, "sign-ins", rows=rows, page=page)


@require_safe
@own
def sign_in(request: HttpRequest, held: HomeSession, key: uuid.UUID) -> HttpResponse:
    """Show one use of the resident's identity."""
    return page_of(request, "sign-in", row=queries.my_sign_in(held.resident, key))


@require_safe
@own
def my_consents(request: HttpRequest, held: HomeSession) -> HttpResponse:
    """List what the resident agreed to."""
    standing, over = queries.my_consents(held.resident)
    return page_of(request, "consents", standing=standing, over=over)


@require_safe
@own
def my_consent(request: HttpRequest, held: HomeSession, key: uuid.UUID) -> HttpResponse:
    """Show one consent with its receipt."""
    shown, row = queries.my_consent(held.resident, key)
    return page_of(request, "consent-detail", consent=shown, receipt=queries.receipt_shown(row))


@require_safe
@own
def receipt(request: HttpRequest, held: HomeSession, key: uuid.UUID) -> HttpResponse:  # noqa: ARG001 - the guard's signature
    """Hand out a consent's signed receipt."""
    _shown, row = queries.my_consent(held.resident, key)
    return HttpResponse(
        row.jws,
        content_type="application/jose",
        headers={"Content-Disposition": f'attachment; filename="consent-{key}.jws"'},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@own
def withdraw(request: HttpRequest, held: HomeSession, key: uuid.UUID) -> HttpResponse:
    """Ask, then take a consent back."""
    shown, _row = queries.my_consent(held.resident, key)
    if request.method != "POST":
        return page_of(request, "withdraw", consent=shown)
    if consents.withdraw(resident=held.resident, key=key):
        messages.success(
            request,
            gettext("Your consent for %(service)s is withdrawn. Sign-ins that rested on it have ended.")
            % {"service": shown.service.name},
        )
    else:
        messages.info(request, gettext("That consent was withdrawn already."))
    return HttpResponseRedirect(reverse("identity:my-consents"))


def enter(back_to: str, **more: object) -> str:
    """Return where a resident signs in to come back to a page of their own."""
    return f"{reverse('identity:enter')}?{urlencode({'next': back_to, **more})}"


def page_of(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    """Return a page with the words and the news that all of these show."""
    context |= {
        "words": labels,
        "said": list(messages.get_messages(request)),
        "own_side": settings.NODE.side,
        "here": request.path,
    }
    return render(request, f"identity/{template}.html", context)
