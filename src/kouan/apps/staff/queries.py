"""Reads: who holds which post, and what an officer signs in with."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import User
from django.db.models import Count, Max, Prefetch

from kouan.apps.staff import sessions
from kouan.apps.staff.errors import UnknownDepartment, UnknownOfficer
from kouan.apps.staff.models import Department, Officer, Passkey, Post, PostChange, RecoveryCode, SignIn
from kouan.web.access import ROLES, HeldIn

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from kouan.core.text import Localised
    from kouan.web.access import Role

SIGN_INS: Final = 20
"""Recent sign-ins on an officer's page."""
CHANGES: Final = 50
"""Changes of posts on a page."""


def departments_of(users: Collection[User], role: Role) -> Mapping[int, tuple[HeldIn, ...]]:
    """Return, by an account's number, the departments in which it has a post of this role."""
    posts = Post.objects.filter(user__in=users, role=role).select_related("department")
    found = defaultdict[int, list[HeldIn]](list)
    for post in posts:
        found[post.user_id].append(HeldIn(post.department.code, post.department.name))
    return {number: tuple(held) for number, held in found.items()}


def codes() -> list[str]:
    """Return the codes of all departments."""
    return list(Department.objects.values_list("code", flat=True))


def department(code: str) -> Department:
    """Return a department; raises ``UnknownDepartment``."""
    found = Department.objects.filter(code=code).first()
    if found is None:
        raise UnknownDepartment(code=code[:40])
    return found


def account(name: str) -> User:
    """Return an account by its name; raises ``UnknownOfficer``."""
    found = User.objects.filter(username=name).first()
    if found is None:
        raise UnknownOfficer(name=name[:150])
    return found


@dataclass(frozen=True, slots=True)
class DepartmentRow:
    """A department in the list."""

    code: str
    name: Localised
    officers: int


def departments() -> Sequence[DepartmentRow]:
    """Return all departments with how many officers have a post there."""
    rows = Department.objects.annotate(officers=Count("posts__user", distinct=True))
    return [DepartmentRow(row.code, row.name, row.officers) for row in rows]


@dataclass(frozen=True, slots=True)
class Held:
    """A role that an officer holds: in a department, or for the whole side (``code`` is then empty)."""

    role: str
    code: str
    name: Localised | None
    since: datetime | None
    by: str


@dataclass(frozen=True, slots=True)
class OfficerRow:
    """An account in the list, or on its page."""

    id: int
    name: str
    active: bool
    from_provider: bool
    second_factor: bool
    last_sign_in: datetime | None
    held: tuple[Held, ...]


def officers(only: int | None = None) -> Sequence[OfficerRow]:
    """Return all accounts, by name, or the one with this number."""
    rows = User.objects.order_by("username").annotate(
        keys=Count("passkeys", distinct=True), last=Max("sign_ins__proved_at")
    )
    if only is not None:
        rows = rows.filter(pk=only)
    rows = rows.select_related("officer").prefetch_related(
        Prefetch("posts", Post.objects.select_related("department")), "groups"
    )
    return [_row(user) for user in rows]


def _row(user: User) -> OfficerRow:
    officer: Officer | None = getattr(user, "officer", None)
    posts = list(user.posts.all())
    in_departments = {post.role for post in posts}
    for_the_side = {group.name for group in user.groups.all()} & set(ROLES) - in_departments
    held = [
        Held(post.role, post.department.code, post.department.name, post.granted_at, post.granted_by)
        for post in posts
    ]
    held += [Held(role, "", None, None, "") for role in sorted(for_the_side)]
    return OfficerRow(
        id=user.pk,
        name=user.username,
        active=user.is_active,
        from_provider=officer is not None and bool(officer.issuer),
        second_factor=bool(user.keys or (officer is not None and officer.totp_secret is not None)),  # type: ignore[attr-defined] # annotated
        last_sign_in=user.last,  # type: ignore[attr-defined] # as above
        held=tuple(held),
    )


def officer(number: int) -> OfficerRow:
    """Return one account; raises ``UnknownOfficer``."""
    found = officers(number)
    if not found:
        raise UnknownOfficer(name=str(number))
    return found[0]


def changes(name: str | None = None) -> Sequence[PostChange]:
    """Return who granted and withdrew what, the newest first; of one account, or of all."""
    rows = PostChange.objects.all() if name is None else PostChange.objects.filter(officer=name)
    return list(rows[:CHANGES])


@dataclass(frozen=True, slots=True)
class Mine:
    """What an officer sees of their own account."""

    passkeys: Sequence[Passkey]
    passkeys_possible: bool
    app: bool
    recovery_codes: int
    """How many are left."""
    from_provider: bool
    sign_ins: Sequence[SignIn]
    held: tuple[Held, ...]

    @property
    def second_factor(self) -> bool:
        """Whether there is one."""
        return self.app or bool(self.passkeys)


def mine(user: User) -> Mine:
    """Return it."""
    from kouan.apps.staff import passkeys  # noqa: PLC0415 - its library is heavy; only pages of accounts need it

    return Mine(
        passkeys=list(Passkey.objects.filter(user=user)),
        passkeys_possible=passkeys.are_possible(),
        app=sessions.has_app(user),
        recovery_codes=RecoveryCode.objects.filter(user=user, used_at=None).count(),
        from_provider=sessions.is_from_provider(user),
        sign_ins=list(SignIn.objects.filter(user=user)[:SIGN_INS]),
        held=officer(user.pk).held,
    )
