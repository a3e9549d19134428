"""Tokens of institutions: made for one of their systems, shown once, and kept as a digest alone."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from kouan.apps.dataflow import errors
from kouan.apps.dataflow.models import InstitutionAccess

CODE: Final = r"[a-z][a-z0-9-]{1,63}"
"""What a party is called in terms (``domain.Code``)."""
LIFE: Final = timedelta(days=365)
_USE_NOTED_EVERY: Final = timedelta(minutes=5)


def issue(*, institution: str, name: str, life: timedelta = LIFE) -> str:
    """Return a new token for a system of an institution; it cannot be shown again. Raises ``BadCode``."""
    if not re.fullmatch(CODE, institution):
        raise errors.BadCode
    head = f"kouan_{settings.NODE.side}_flow_"
    token = head + secrets.token_urlsafe(32)
    now = timezone.now()
    InstitutionAccess.objects.create(
        institution=institution,
        name=name[:80],
        prefix=token[: len(head) + 6],
        digest=_digest(token),
        created_at=now,
        expires_at=now + life,
    )
    return token


def revoke(*, institution: str, prefix: str) -> int:
    """Revoke an institution's tokens that begin with ``prefix``; return how many."""
    live = InstitutionAccess.objects.filter(institution=institution, prefix=prefix, revoked_at__isnull=True)
    return live.update(revoked_at=timezone.now())


def use(token: str) -> InstitutionAccess:
    """Return the access that a token gives; raises ``BadAccessToken``."""
    now = timezone.now()
    found = InstitutionAccess.objects.filter(digest=_digest(token)).first()
    if found is None or found.revoked_at is not None or found.expires_at <= now:
        raise errors.BadAccessToken
    if found.last_used_at is None or now - found.last_used_at > _USE_NOTED_EVERY:
        InstitutionAccess.objects.filter(pk=found.pk).update(last_used_at=now)
    return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
