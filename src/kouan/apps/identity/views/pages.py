"""What a person decides on the way through a sign-in: whose identity to use, and what to agree to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from kouan.apps.identity import consents, labels
from kouan.apps.identity.models import PeerProvider
from kouan.apps.identity.provider import interactions
from kouan.apps.identity.provider.clients import get_client
from kouan.apps.identity.views.steps import address_of
from kouan.core.sides import get_side, side_name

if TYPE_CHECKING:
    import uuid

    from kouan.apps.identity.models import Interaction

Stage = interactions.Stage
REMEMBERED: Final = "kouan_side"
"""The cookie that remembers whose identity was chosen last."""
_A_YEAR: Final = 365 * 24 * 3600


@require_http_methods(["GET", "HEAD", "POST"])
def side(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Ask whose identity the person uses."""
    browser = interactions.browser_digest(request)
    if request.method == "POST":
        chosen = request.POST.get("side", "")
        row = interactions.chosen(key=key, browser=browser, side=chosen)
        response = onward(
            request,
            address_of(row),
            gettext("Going on to sign in in %(side)s") % {"side": side_name(chosen)},
        )
        response.set_cookie(
            REMEMBERED,
            chosen,
            max_age=_A_YEAR,
            httponly=True,
            samesite="Lax",
            secure=bool(settings.SESSION_COOKIE_SECURE),
            path="/identity/",
        )
        return response
    row = interactions.current(key=key, browser=browser)
    if row.stage != Stage.CHOOSE:
        return _seen(HttpResponseRedirect(address_of(row)))
    wanted = interactions.request_of(row)
    before = request.COOKIES.get(REMEMBERED, "")
    context = {
        "interaction": row,
        "service": wanted.service,
        "level": wanted.level,
        "sides": _sides(row, before),
        "before": before,
        "words": labels,
    }
    return _seen(render(request, "identity/side.html", context))


@require_http_methods(["GET", "HEAD", "POST"])
def consent(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Show what is asked and take the person's answer, claim by claim."""
    browser = interactions.browser_digest(request)
    if request.method == "POST":
        return _answered(request, key, browser)
    row = interactions.current(key=key, browser=browser)
    if row.stage != Stage.CONSENT:
        return _seen(HttpResponseRedirect(address_of(row)))
    offer = consents.offer(row)
    kind = next((each.value for each in offer.claims if each.name == "document_type"), "")
    context = {
        "interaction": row,
        "offer": offer,
        "kind": kind,
        "service": offer.service,
        "words": labels,
        "far": get_side(offer.peer) if offer.peer else None,
    }
    return _seen(render(request, "identity/consent.html", context))


def _answered(request: HttpRequest, key: uuid.UUID, browser: bytes) -> HttpResponse:
    row = interactions.current(key=key, browser=browser)
    name = interactions.request_of(row).service.name
    if request.POST.get("answer") != "agree":
        return onward(
            request,
            reverse("identity:stop", args=[key]),
            gettext("Going back to %(service)s without telling it anything") % {"service": name},
        )
    row = consents.give(key=key, browser=browser, ticked=request.POST.getlist("claims"))
    words = gettext("Going back to %(service)s") % {"service": name}
    return onward(request, address_of(row), words)


def onward(request: HttpRequest, address: str, words: str) -> HttpResponse:
    """Answer a form with a page that goes on by itself.

    A form may only lead to this origin (``form-action`` of the content security policy), and a browser holds
    redirects after it to that as well; the way on leads to other origins.
    """
    return _seen(render(request, "identity/onward.html", {"address": address, "onward": words}))


def _sides(row: Interaction, before: str) -> list[tuple[str, bool]]:
    """Return the sides to choose from, the one of last time first, and whether each can be chosen now."""
    known = set(PeerProvider.objects.values_list("side", flat=True)) | {settings.NODE.side}
    offered = get_client(row.client).sides
    return [(code, code in known) for code in sorted(offered, key=lambda code: code != before)]


def _seen(response: HttpResponse) -> HttpResponse:
    """Let nobody keep an answer that belongs to one sign-in."""
    add_never_cache_headers(response)
    return response
