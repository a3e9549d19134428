"""What the pages of this app share."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from kouan.apps.dataflow import labels
from kouan.web.access import departments_of, has_role
from kouan.web.persons import identities

if TYPE_CHECKING:
    from collections.abc import Callable

    from kouan.web.access import Role
    from kouan.web.persons import Person

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)


def page(request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
    """Return a page with the words and the news that all of these show."""
    context |= {
        "words": labels,
        "said": list(messages.get_messages(request)),
        "own_side": settings.NODE.side,
        "here": request.path,
    }
    return render(request, f"dataflow/{template}.html", context, status=status)


def require_any(
    *roles: Role,
) -> Callable[
    [Callable[Concatenate[HttpRequest, P], R]], Callable[Concatenate[HttpRequest, P], HttpResponseBase]
]:
    """Let only holders of one of the roles reach a view; as ``require_role`` otherwise."""

    def decorate(
        view: Callable[Concatenate[HttpRequest, P], R],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not any(has_role(request.user, role) for role in roles):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def officer_of(request: HttpRequest) -> str:
    """Return who signs: the officer's name, and the post in which they do."""
    assert isinstance(request.user, User)  # noqa: S101 - who holds no role does not come here
    name = request.user.get_full_name() or request.user.get_username()
    posts = [held.name.en for held in departments_of(request.user, "data")]
    return ", ".join([name, *posts])[:200]


def own(
    view: Callable[Concatenate[HttpRequest, Person, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Let only a resident who is signed in reach a page of their own; others sign in first and come back."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        person = identities().person(request)
        if person is None:
            response: HttpResponse = HttpResponseRedirect(identities().sign_in_url(request.path, level=1))
        else:
            response = view(request, person, *args, **kwargs)
        add_never_cache_headers(response)
        return response

    return guarded


def download(data: bytes, *, name: str, content_type: str) -> HttpResponse:
    """Return bytes for the reader to keep."""
    return HttpResponse(
        data,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
