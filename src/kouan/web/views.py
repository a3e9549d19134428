"""The pages that belong to no app: home, accessibility, and the node's pulse."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST, require_safe
from django.views.i18n import set_language as django_set_language

from kouan.web.home import cards_for, opening
from kouan.web.navigation import work_for
from kouan.web.sidecolours import stylesheet, stylesheet_version


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Say what this node is and what a visitor can do here."""
    first = opening()
    context = {
        "cards": cards_for(request.user),
        "work": work_for(request),
        "first": first,
        "opening": first.context(request) if first else {},
    }
    return render(request, "web/home.html", context)


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    """State how accessible the pages are and what is known to be wanting."""
    return render(request, "web/accessibility.html")


@require_safe
def health(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django calls it so
    """Answer ``ok`` while the process serves requests; asks nothing of the database."""
    return HttpResponse("ok\n", content_type="text/plain", headers={"Cache-Control": "no-store"})


# Language is no secret and changes nothing else, so this one form carries no token: the pages that
# hold it need no cookie, and it also works on the page that says that a token was wrong.
@csrf_exempt
@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Keep the chosen language in a cookie and go back to the page; other sites as a target are ignored."""
    return django_set_language(request)


@require_GET
def side_stylesheet(request: HttpRequest) -> HttpResponse:
    """Serve the sides' colours; sides are data, so this style sheet is made from the data."""
    etag = f'"{stylesheet_version()}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponseNotModified(headers={"ETag": etag})
    fresh = request.GET.get("v") == stylesheet_version()
    return HttpResponse(
        stylesheet(),
        content_type="text/css; charset=utf-8",
        headers={
            "ETag": etag,
            "Cache-Control": "public, max-age=31536000, immutable" if fresh else "public, max-age=60",
        },
    )
