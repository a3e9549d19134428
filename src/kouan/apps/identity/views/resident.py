"""“My identity”: what a resident sees and may do about their own sign-ins, consents and links."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kouan.apps.identity import consents, labels, linking, news, queries, residents
from kouan.apps.identity.nodes.errors import NotFreshEnough
from kouan.apps.identity.provider import interactions
from kouan.apps.identity.views.pages import onward
from kouan.core.errors import KouanError

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable

    from kouan.apps.identity.models import HomeSession

P = ParamSpec("P")


def _own(
    view: Callable[Concatenate[HttpRequest, HomeSession, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Let only a resident who is signed in reach a page of their own; others sign in first and come back."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        held = residents.of(request)
        if held is None:
            response: HttpResponse = HttpResponseRedirect(_enter(request.path))
        else:
            response = view(request, held, *args, **kwargs)
        add_never_cache_headers(response)
        return response

    return guarded


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Say where the resident is signed in and what is new; to everybody else, what these pages are for."""
    held = residents.of(request)
    if held is None:
        return _page(request, "welcome", enter=_enter(reverse("identity:mine")))
    standing, _over = queries.my_consents(held.resident)
    notices = queries.my_notices(held.resident)
    response = _page(
        request,
        "mine",
        session=held,
        sign_ins=queries.open_sign_ins(held.resident),
        consents=standing,
        links=[each for each in queries.my_links(held.resident) if each.can_end],
        notices=notices,
        unread=[each for each in notices if each.read_at is None],
    )
    add_never_cache_headers(response)
    return response


@require_POST
@_own
def read(request: HttpRequest, held: HomeSession) -> HttpResponse:  # noqa: ARG001 - the guard's signature
    """Put the news away."""
    news.read(resident=held.resident)
    return HttpResponseRedirect(reverse("identity:mine"))


@require_safe
@_own
def sign_ins(request: HttpRequest, held: HomeSession) -> HttpResponse:
    """List every use of the resident's identity."""
    rows, page = queries.my_sign_ins(held.resident, page=request.GET.get("page", ""))
    return _page(request, "sign-ins", rows=rows, page=page)


@require_safe
@_own
def sign_in(request: HttpRequest, held: HomeSession, key: uuid.UUID) -> HttpResponse:
    """Show one use of the resident's identity."""
    return _page(request, "sign-in", row=queries.my_sign_in(held.resident, key))


@require_safe
@_own
def my_consents(request: HttpRequest, held: HomeSession) -> HttpResponse:
    """List what the resident agreed to."""
    standing, over = queries.my_consents(held.resident)
    return _page(request, "consents", standing=standing, over=over)


@require_safe
@_own
def my_consent(request: HttpRequest, held: HomeSession, key: uuid.UUID) -> HttpResponse:
    """Show one consent with its receipt."""
    shown, row = queries.my_consent(held.resident, key)
    return _page(request, "consent-detail", consent=shown, receipt=queries.receipt_shown(row))


@require_safe
@_own
def receipt(request: HttpRequest, held: HomeSession, key: uuid.UUID) -> HttpResponse:  # noqa: ARG001 - the guard's signature
    """Hand out a consent's signed receipt."""
    _shown, row = queries.my_consent(held.resident, key)
    return HttpResponse(
        row.jws,
        content_type="application/jose",
        headers={"Content-Disposition": f'attachment; filename="consent-{key}.jws"'},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@_own
def withdraw(request: HttpRequest, held: HomeSession, key: uuid.UUID) -> HttpResponse:
    """Ask, then take a consent back."""
    shown, _row = queries.my_consent(held.resident, key)
    if request.method != "POST":
        return _page(request, "withdraw", consent=shown)
    if consents.withdraw(resident=held.resident, key=key):
        messages.success(
            request,
            gettext("Your consent for %(service)s is withdrawn. Sign-ins that rested on it have ended.")
            % {"service": shown.service.name},
        )
    else:
        messages.info(request, gettext("That consent was withdrawn already."))
    return HttpResponseRedirect(reverse("identity:my-consents"))


@require_safe
@_own
def links(request: HttpRequest, held: HomeSession) -> HttpResponse:
    """List the resident's links, and the sides with which one can be made."""
    rows = queries.my_links(held.resident)
    linked = {each.side for each in rows if each.can_end}
    return _page(
        request,
        "links",
        rows=rows,
        sides=[code for code in queries.linkable_sides() if code not in linked],
    )


@require_POST
@_own
def link_begin(request: HttpRequest, held: HomeSession) -> HttpResponse:
    """Begin a link: the other side's sign-in comes next, in the same browser."""
    peer = request.POST.get("side", "")
    if peer not in queries.linkable_sides():
        return HttpResponseRedirect(reverse("identity:my-links"))
    try:
        row = linking.begin(session=held, browser=interactions.browser_digest(request), peer=peer)
    except NotFreshEnough:
        again = _enter(reverse("identity:my-links"), level=int(linking.LEVEL), fresh="1")
        return onward(request, again, gettext("First sign in afresh, to show that it is you"))
    except KouanError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("identity:my-links"))
    words = gettext("Going on to sign in in %(side)s") % {"side": labels.side_name(peer)}
    return onward(request, reverse("identity:next", args=[row.key]), words)


@require_http_methods(["GET", "HEAD", "POST"])
@_own
def link_end(request: HttpRequest, held: HomeSession, key: uuid.UUID) -> HttpResponse:
    """Ask, then stop a link that is being made or end one that counts."""
    shown = queries.my_link(held.resident, key)
    if request.method != "POST":
        return _page(request, "link-end", link=shown)
    try:
        linking.unlink(resident=held.resident, key=key)
    except KouanError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext("The link has ended, on both sides."))
    return HttpResponseRedirect(reverse("identity:my-links"))


def _enter(back_to: str, **more: object) -> str:
    return f"{reverse('identity:enter')}?{urlencode({'next': back_to, **more})}"


def _page(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    context |= {
        "words": labels,
        "said": list(messages.get_messages(request)),
        "own_side": settings.NODE.side,
        "here": request.path,
    }
    return render(request, f"identity/{template}.html", context)
