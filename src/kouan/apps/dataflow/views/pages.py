"""What the pages of this app share."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from kouan.apps.dataflow import labels
from kouan.web import access, pages
from kouan.web.access import came_from, departments_of, has_role
from kouan.web.pages import download, own

if TYPE_CHECKING:
    from collections.abc import Callable

    from kouan.apps.dataflow.queries.contracts import Reach
    from kouan.web.access import Role

__all__ = ["department_of", "download", "officer_of", "own", "page", "reach_of", "require_any", "sight_of"]

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)


def page(request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
    """Return a page with the words and the news that all of these show."""
    return pages.shown(request, f"dataflow/{template}.html", context, words=labels, status=status)


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
                return redirect_to_login(came_from(request))
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


def reach_of(request: HttpRequest) -> Reach:
    """Return for which departments an officer looks after contracts; None for the whole side.

    Who holds the role in departments acts for theirs, who holds it without one for all.
    """
    return access.reach_of(request.user, "data")


def sight_of(request: HttpRequest) -> Reach:
    """Return whose contracts a person may see: an auditor sees all, an officer those that they look after."""
    return None if has_role(request.user, "auditor") else reach_of(request)


def department_of(request: HttpRequest) -> str:
    """Return the department whose contract it becomes when this officer drafts or signs."""
    held = departments_of(request.user, "data")
    return held[0].code if held else ""
