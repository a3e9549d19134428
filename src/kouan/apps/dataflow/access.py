"""Tokens of institutions: made for one of their systems (``web.tokens``)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from django.utils import timezone

from kouan.apps.dataflow import errors, system_errors
from kouan.apps.dataflow.models import InstitutionAccess
from kouan.web import tokens

if TYPE_CHECKING:
    from datetime import timedelta

CODE: Final = r"[a-z][a-z0-9-]{1,63}"
"""What a party is called in terms (``domain.Code``)."""


def issue(*, institution: str, name: str, life: timedelta = tokens.LIFE) -> str:
    """Return a new token for a system of an institution; it cannot be shown again. Raises ``BadCode``."""
    if not re.fullmatch(CODE, institution):
        raise errors.BadCode
    made, now = tokens.new_token("flow"), timezone.now()
    InstitutionAccess.objects.create(
        institution=institution,
        name=name[:80],
        prefix=made.prefix,
        digest=made.digest,
        created_at=now,
        expires_at=now + life,
    )
    return made.token


def revoke(*, institution: str, prefix: str) -> int:
    """Revoke an institution's tokens that begin with ``prefix``; return how many."""
    return tokens.revoke(InstitutionAccess.objects.filter(institution=institution), prefix)


def use(token: str) -> InstitutionAccess:
    """Return the access that a token gives; raises ``BadAccessToken``."""
    found = tokens.find(InstitutionAccess.objects.all(), token)
    if found is None:
        raise system_errors.BadAccessToken
    return found
