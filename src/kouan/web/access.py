"""Who may open a page: roles are groups of Django's accounts, and nothing implies a role.

Not even a superuser holds a role that was not given: who issues documents and who operates the
node are different people, and the list of a group's members says who they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar
from urllib.parse import urlsplit, urlunsplit

from django.contrib.auth.models import Group, User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from kouan.web.roles import ROLES, Role

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from kouan.core.text import Localised

__all__ = [
    "ROLES", "HeldIn", "Role", "came_from", "departments_by", "departments_of", "grant_role", "has_role",
    "require_role", "withdraw_role",
]  # fmt: skip

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)
View = Callable[Concatenate[HttpRequest, P], R]


def has_role(user: AbstractBaseUser | AnonymousUser, role: Role) -> bool:
    """Say whether an active, signed-in account holds ``role``; one query a user object and no more."""
    if not isinstance(user, User) or not user.is_active:
        return False
    held: frozenset[str] | None = getattr(user, "_kouan_roles", None)
    if held is None:
        held = frozenset(user.groups.filter(name__in=ROLES).values_list("name", flat=True))
        user._kouan_roles = held  # type: ignore[attr-defined] # noqa: SLF001 - a cache for one request
    return role in held


@dataclass(frozen=True, slots=True)
class HeldIn:
    """A department in which somebody holds a role."""

    code: str
    name: Localised


Departments = Callable[[User, Role], tuple[HeldIn, ...]]
_departments: list[Departments] = []


def departments_by(find: Departments) -> None:
    """Name the function that knows the departments (the app that keeps posts does so once it is ready)."""
    _departments[:] = [find]


def departments_of(user: AbstractBaseUser | AnonymousUser, role: Role) -> tuple[HeldIn, ...]:
    """Return the departments in which an account holds ``role``, by code.

    Empty for who does not hold it, and for who holds it without a department: given by ``grant_role``
    alone, a role is for the whole side.
    """
    if not isinstance(user, User) or not has_role(user, role):
        return ()
    return tuple(held for find in _departments for held in find(user, role))


def grant_role(*, user: User, role: Role) -> None:
    """Give an account a role; giving it twice is harmless."""
    user.groups.add(Group.objects.get_or_create(name=role)[0])


def withdraw_role(*, user: User, role: Role) -> None:
    """Take a role from an account; harmless when it does not hold it."""
    user.groups.remove(*Group.objects.filter(name=role))


def came_from(request: HttpRequest) -> str:
    """Return the path to come back to after signing in: of this page, or of the one whose form was sent.

    The address of a form may be no page, and what was sent is not kept.
    """
    if request.method not in {"GET", "HEAD"}:
        page = urlsplit(request.headers.get("Referer", ""))
        if page.netloc == request.get_host():
            return urlunsplit(("", "", page.path or "/", page.query, ""))
    return request.get_full_path()


def require_role(role: Role) -> Callable[[View[P, R]], View[P, HttpResponseBase]]:
    """Let only holders of ``role`` reach a view.

    Others who are signed in get the 403 page; everybody else is sent to sign in and comes back.
    """

    def decorate(view: View[P, R]) -> View[P, HttpResponseBase]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(came_from(request))
            if not has_role(request.user, role):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate
