"""Which cases an officer may see and work on: those of the departments in which they are caseworkers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import User

from kouan.apps.services.cases.errors import UnknownCase
from kouan.apps.services.models import Case
from kouan.web.access import departments_of, has_role

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
    from django.db import models

ROLE = "caseworker"


def departments(user: AbstractBaseUser | AnonymousUser) -> tuple[str, ...] | None:
    """Return the codes of the officer's departments; ``None`` for one who works for the whole side."""
    return tuple(held.code for held in departments_of(user, "caseworker")) or None


def cases_of(user: AbstractBaseUser | AnonymousUser) -> models.QuerySet[Case]:
    """Return the cases that an officer may see: none for who is no caseworker."""
    if not has_role(user, "caseworker"):
        return Case.objects.none()
    codes = departments(user)
    return Case.objects.all() if codes is None else Case.objects.filter(department__in=codes)


def case_of(user: AbstractBaseUser | AnonymousUser, reference: str) -> Case:
    """Return a case by its number; raises ``UnknownCase`` for any that is not this officer's."""
    found = cases_of(user).select_related("officer").filter(reference=reference).first()
    if found is None:
        raise UnknownCase
    return found


def colleagues(case: Case) -> list[User]:
    """Return who may work on a case, by name."""
    held = User.objects.filter(is_active=True, groups__name=ROLE).order_by("username")
    return [user for user in held if works_on(user, case)]


def works_on(user: User, case: Case) -> bool:
    """Whether an officer is a caseworker of the case's department."""
    if not has_role(user, "caseworker"):
        return False
    codes = departments(user)
    return codes is None or case.department in codes
