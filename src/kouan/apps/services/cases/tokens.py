"""Tokens by which a department's own system works on cases, each as the account of one caseworker.

What a token may do is what its account may do on the day it is used: its departments are looked at each time,
and an account that is closed, or no caseworker any more, lets its tokens do nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from django.utils import timezone

from kouan.apps.services.cases import errors
from kouan.apps.services.models import CaseAccess
from kouan.web import tokens
from kouan.web.access import has_role

if TYPE_CHECKING:
    from datetime import timedelta

    from django.http import HttpRequest

_KIND = "case"


def issue(*, account: str, name: str, life: timedelta = tokens.LIFE) -> str:
    """Return a new token that acts as an account; it cannot be shown again. Raises ``NotACaseworker``."""
    user = User.objects.filter(username=account).first()
    if user is None or not has_role(user, "caseworker"):
        raise errors.NotACaseworker(officer=account[:150])
    made, now = tokens.new_token(_KIND), timezone.now()
    CaseAccess.objects.create(
        account=user,
        name=name[:80],
        prefix=made.prefix,
        digest=made.digest,
        created_at=now,
        expires_at=now + life,
    )
    return made.token


def revoke(*, prefix: str) -> int:
    """Revoke the tokens that begin with ``prefix``; return how many."""
    return tokens.revoke(CaseAccess.objects.all(), prefix)


def admit(request: HttpRequest, token: str) -> User:
    """Let a request act as the account of its token; raises ``BadCaseToken``."""
    found = tokens.find(CaseAccess.objects.select_related("account"), token)
    if found is None or not has_role(found.account, "caseworker"):
        raise errors.BadCaseToken
    request.user = found.account
    return found.account
