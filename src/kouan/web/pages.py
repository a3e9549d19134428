"""What the pages of every app share: for whom they are, what each of them shows, and what is handed out."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from kouan.web.access import came_from
from kouan.web.persons import identities

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from kouan.web.persons import Person

P = ParamSpec("P")


def shown(
    request: HttpRequest, template: str, context: dict[str, Any], *, words: ModuleType, status: int = 200
) -> HttpResponse:
    """Return a page with an app's words and the news that every page shows."""
    context |= {
        "words": words,
        "said": list(messages.get_messages(request)),
        "own_side": settings.NODE.side,
        "here": request.path,
    }
    return render(request, template, context, status=status)


def to_sign_in(request: HttpRequest, *, level: int = 1) -> HttpResponse:
    """Send a resident to sign in at a level or above, and back again.

    A form may only lead to this origin (``form-action`` of the content security policy), and a browser holds
    redirects after it to that as well, while the identity provider is of another: whoever sent one is told
    so, and goes on by a link.
    """
    address = identities().sign_in_url(came_from(request), level=level)
    if request.method in {"GET", "HEAD"}:
        return HttpResponseRedirect(address)
    return render(request, "web/errors/signed-out.html", {"address": address}, status=403)


def own(
    view: Callable[Concatenate[HttpRequest, Person, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Let only a resident who is signed in reach a page of their own; others sign in first and come back."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        person = identities().person(request)
        response = to_sign_in(request) if person is None else view(request, person, *args, **kwargs)
        add_never_cache_headers(response)
        return response

    return guarded


def download(data: bytes, *, name: str, content_type: str) -> HttpResponse:
    """Return bytes to be kept, and not opened by the browser in this node's name."""
    quoted = "".join(each if each.isascii() and (each.isalnum() or each in "-_.") else "_" for each in name)
    return HttpResponse(
        data,
        content_type=content_type,
        headers={
            "Content-Disposition": f'attachment; filename="{quoted}"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )
