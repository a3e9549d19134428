"""Which cases an officer may see and work on: those of the departments in which they are caseworkers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kouan.apps.services.cases.errors import UnknownCase
from kouan.apps.services.models import Case
from kouan.web.access import holders, reach_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
    from django.db import models

    from kouan.web.access import Reach

ROLE: Final = "caseworker"


def departments(user: AbstractBaseUser | AnonymousUser) -> Reach:
    """Return the codes of the officer's departments; ``None`` for one who works for the whole side."""
    return reach_of(user, ROLE)


def cases_of(user: AbstractBaseUser | AnonymousUser) -> models.QuerySet[Case]:
    """Return the cases that an officer may see: none for who is no caseworker."""
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
    return [user for user, codes in holders(ROLE) if _covers(codes, case)]


def works_on(user: User, case: Case) -> bool:
    """Whether an officer is a caseworker of the case's department."""
    return _covers(departments(user), case)


def _covers(codes: Reach, case: Case) -> bool:
    return codes is None or case.department in codes
