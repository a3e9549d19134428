"""Writes: departments, posts, and what may happen only once."""

from __future__ import annotations

import hashlib
import logging
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from kouan.apps.staff.domain import claimed_posts, is_department_code, user_name
from kouan.apps.staff.errors import (
    AccountClosed,
    BadDepartment,
    DepartmentExists,
    NoPost,
    OwnPost,
    ProviderDecides,
    UsedBefore,
)
from kouan.apps.staff.models import (
    Department,
    Officer,
    Passkey,
    Post,
    PostChange,
    RecoveryCode,
    SignIn,
    Spent,
)
from kouan.core.database.locks import take_turn
from kouan.web.access import ROLES, grant_role, withdraw_role

if TYPE_CHECKING:
    from kouan.core.text import Localised
    from kouan.web.access import Role
    from kouan.web.oidc import SignedIn

PROVIDER: Final = "staff provider"
"""Who changed a post, when nobody here did."""
KEPT: Final = timedelta(days=90)
"""How long sign-ins that are over are shown."""
log = logging.getLogger(__name__)


def add_department(*, code: str, name: Localised) -> Department:
    """Add a department; raises ``BadDepartment`` or ``DepartmentExists``."""
    texts = [text.strip() for text in (name.en, name.zh_hant, name.zh_hans)]
    if not is_department_code(code) or not all(0 < len(text) <= 120 for text in texts):  # noqa: PLR2004 - the column's
        raise BadDepartment
    en, zh_hant, zh_hans = texts
    with transaction.atomic():
        found, made = Department.objects.get_or_create(
            code=code,
            defaults={
                "name_en": en,
                "name_zh_hant": zh_hant,
                "name_zh_hans": zh_hans,
                "created_at": timezone.now(),
            },
        )
    if not made:
        raise DepartmentExists(code=code)
    return found


def grant_post(*, user: User, department: Department, role: Role, by: User | str) -> None:
    """Give an officer a role in a department; twice is harmless.

    ``by`` is the operator, or the program's name. Raises ``OwnPost`` or ``ProviderDecides``.
    """
    _may_change(user, by)
    with transaction.atomic():
        take_turn(f"staff posts {user.pk}")
        _grant(user, department, role, by=str(by), by_provider=False)


def withdraw_post(*, user: User, department: Department, role: Role, by: User | str) -> None:
    """Take a role in a department from an officer; harmless when they do not hold it. Raises as above."""
    _may_change(user, by)
    with transaction.atomic():
        take_turn(f"staff posts {user.pk}")
        for post in Post.objects.filter(user=user, department=department, role=role):
            _withdraw(post, by=str(by))


def _may_change(user: User, by: User | str) -> None:
    if isinstance(by, User) and by.pk == user.pk:
        raise OwnPost
    if Officer.objects.filter(user=user).exclude(issuer="").exists():
        raise ProviderDecides(name=user.username)


def _grant(user: User, department: Department, role: Role, *, by: str, by_provider: bool) -> None:
    now = timezone.now()
    _post, made = Post.objects.get_or_create(
        user=user,
        department=department,
        role=role,
        defaults={"by_provider": by_provider, "granted_at": now, "granted_by": by[:150]},
    )
    if made:
        _note(user, department, role, by=by, granted=True)
        grant_role(user=user, role=role)


def _withdraw(post: Post, *, by: str) -> None:
    user, role = post.user, post.role
    post.delete()
    _note(user, post.department, role, by=by, granted=False)
    if not Post.objects.filter(user=user, role=role).exists():
        withdraw_role(user=user, role=next(each for each in ROLES if each == role))


def _note(user: User, department: Department, role: str, *, by: str, granted: bool) -> None:
    PostChange.objects.create(
        at=timezone.now(),
        by=by[:150],
        officer=user.username,
        department=department.code,
        role=role,
        granted=granted,
    )
    SignIn.objects.filter(user=user, ended_at=None).update(renew=True)
    log.warning(
        "%s: %s in %s %s by %s", user.username, role, department, "granted" if granted else "withdrawn", by
    )


def officer_of(user: User) -> Officer:
    """Return what an account signs in with, made when it is first asked for."""
    return Officer.objects.get_or_create(user=user, defaults={"handle": secrets.token_bytes(32)})[0]


def account_for(*, signed_in: SignedIn) -> User:
    """Return the account of somebody whom the staff provider has signed in, with the posts that it claims.

    The account is made when the claims give it a post. Posts that are claimed no more are withdrawn, and
    who has none left is not signed in: raises ``NoPost``, with the withdrawals done, or ``AccountClosed``.
    """
    departments = {each.code: each for each in Department.objects.all()}
    claimed = claimed_posts(
        signed_in.attributes.get("departments"),
        signed_in.attributes.get("roles"),
        known=departments,
        allowed=ROLES,
    )
    with transaction.atomic():
        take_turn(f"staff subject {_digest(signed_in.issuer, signed_in.subject)}")
        officer = (
            Officer.objects.select_related("user")
            .filter(issuer=signed_in.issuer, subject=signed_in.subject)
            .first()
        )
        if officer is None and claimed:
            officer = _new_account(signed_in)
        if officer is not None:
            for post in Post.objects.filter(user=officer.user).select_related("user", "department"):
                if (post.department.code, post.role) not in claimed:
                    _withdraw(post, by=PROVIDER)
            for role in ROLES:
                for code in sorted(code for code, each in claimed if each == role):
                    _grant(officer.user, departments[code], role, by=PROVIDER, by_provider=True)
    if officer is None or not claimed:
        raise NoPost
    if not officer.user.is_active:
        raise AccountClosed
    return officer.user


def _new_account(signed_in: SignedIn) -> Officer:
    """Make an account under a name that nobody has: a local account is never taken over by its name."""
    fallback = f"staff-{_digest(signed_in.issuer, signed_in.subject)[:12]}"
    wanted = user_name(signed_in.attributes.get("name"), fallback)
    name = fallback if User.objects.filter(username__iexact=wanted).exists() else wanted
    user = User(username=name)
    user.set_unusable_password()
    user.save()
    return Officer.objects.create(
        user=user, handle=secrets.token_bytes(32), issuer=signed_in.issuer, subject=signed_in.subject
    )


def spend(*, what: str, value: str, keep: timedelta) -> None:
    """Note that ``value`` was used; raises ``UsedBefore`` when it was used already, here or in parallel."""
    try:
        with transaction.atomic():
            Spent.objects.create(digest=_digest(what, value), until=timezone.now() + keep)
    except IntegrityError:
        raise UsedBefore from None


def reset_factors(*, user: User) -> None:
    """Remove everything that an account signs in with beside its password, and end its sessions."""
    with transaction.atomic():
        Officer.objects.filter(user=user).update(totp_secret=None, totp_step=0)
        Passkey.objects.filter(user=user).delete()
        RecoveryCode.objects.filter(user=user).delete()
        SignIn.objects.filter(user=user, ended_at=None).update(ended_at=timezone.now())
    log.warning("%s: the ways to sign in beside the password were reset", user)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def tidy() -> bool:
    """Forget what no longer matters: spent values that are too old to come back, and old sign-ins.

    Returns ``False``: nothing is left to do.
    """
    now = timezone.now()
    Spent.objects.filter(until__lt=now).delete()
    SignIn.objects.filter(seen_at__lt=now - KEPT).delete()
    return False
