"""What these pages share."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from django.contrib.auth.models import User
from django.utils.cache import add_never_cache_headers

from kouan.apps.services.cases import access, labels
from kouan.web import pages
from kouan.web.access import require_role
from kouan.web.pages import download

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from kouan.apps.services.models import Case

__all__ = ["download", "officer_of", "on_case", "page"]

P = ParamSpec("P")


def page(request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
    """Return a page with the words and the news that all of these show."""
    response = pages.shown(request, f"services/cases/{template}.html", context, words=labels, status=status)
    add_never_cache_headers(response)
    return response


def officer_of(request: HttpRequest) -> User:
    """Return who is signed in: nobody else comes to these views."""
    assert isinstance(request.user, User)  # noqa: S101 - who holds no role does not come here
    return request.user


def on_case(
    view: Callable[Concatenate[HttpRequest, Case, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Let only caseworkers of the case's department reach a view; for others there is no such case."""

    @require_role("caseworker")
    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        reference = str(kwargs.pop("reference"))
        return view(request, access.case_of(request.user, reference), *args, **kwargs)

    return guarded
