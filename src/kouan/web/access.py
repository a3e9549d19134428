"""Who may open a page: roles are groups of Django's accounts, and nothing implies a role.

Not even a superuser holds a role that was not given: who issues documents and who operates the
node are different people, and the list of a group's members says who they are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
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
    "ROLES", "HeldIn", "Reach", "Role", "came_from", "departments_by", "departments_of", "grant_role",
    "has_role", "holders", "known_departments", "reach_of", "require_role", "withdraw_role",
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


Departments = Callable[[Collection[User], Role], Mapping[int, tuple[HeldIn, ...]]]
"""Of accounts, by their number: the departments in which each has a post of a role, by code."""
Reach = frozenset[str] | None
"""For which departments somebody acts, by code; ``None`` for the whole side. Empty is for none at all."""
_departments: list[Departments] = []
_known: list[Callable[[], Collection[str]]] = []


def departments_by(find: Departments, *, known: Callable[[], Collection[str]]) -> None:
    """Name the functions that know the departments (the app that keeps posts does so once it is ready)."""
    _departments[:], _known[:] = [find], [known]


def known_departments() -> frozenset[str] | None:
    """Return the codes of this side's departments; ``None`` where none has been added yet."""
    return frozenset(code for known in _known for code in known()) or None


def departments_of(user: AbstractBaseUser | AnonymousUser, role: Role) -> tuple[HeldIn, ...]:
    """Return the departments in which an account holds ``role``, by code, for a page to name.

    Empty for who does not hold it, and for who holds it without a department. For which departments somebody
    acts, ``reach_of`` says.
    """
    if not isinstance(user, User) or not has_role(user, role):
        return ()
    return _posts([user], role)[user.pk]


def reach_of(user: AbstractBaseUser | AnonymousUser, role: Role) -> Reach:
    """Return for which departments an account acts in ``role``: given by ``grant_role`` alone, for the side.

    Who has lost their last post since the request began acts for none: the role goes with it.
    """
    if not isinstance(user, User) or not has_role(user, role):
        return frozenset()
    return _reaches([user], role)[user.pk]


def holders(role: Role) -> list[tuple[User, Reach]]:
    """Return all active accounts that hold ``role``, by name, and for which departments each acts."""
    users = list(User.objects.filter(is_active=True, groups__name=role).order_by("username"))
    found = _reaches(users, role)
    return [(user, found[user.pk]) for user in users]


def _reaches(users: Collection[User], role: Role) -> dict[int, Reach]:
    posts = _posts(users, role)
    without = [number for number, held in posts.items() if not held]
    # Looked up after the posts: with the last of them the role is withdrawn, in one transaction.
    rows = User.objects.filter(pk__in=without, is_active=True, groups__name=role)
    whole = set(rows.values_list("pk", flat=True)) if without else set()
    return {
        number: None if number in whole else frozenset(each.code for each in held)
        for number, held in posts.items()
    }


def _posts(users: Collection[User], role: Role) -> dict[int, tuple[HeldIn, ...]]:
    found = [find(users, role) for find in _departments]
    return {user.pk: tuple(held for each in found for held in each.get(user.pk, ())) for user in users}


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
