"""Tokens of departments: made for one of their systems, shown once, and kept as a digest alone."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from kouan.apps.evidence import errors
from kouan.apps.evidence.kinds import catalogue
from kouan.apps.evidence.models import DepartmentAccess

LIFE: Final = timedelta(days=365)
_USE_NOTED_EVERY: Final = timedelta(minutes=5)


def issue(*, department: str, name: str, life: timedelta = LIFE) -> str:
    """Return a new token for a department's system; it cannot be shown again. Raises ``BadDepartment``."""
    if department not in catalogue().departments:
        raise errors.BadDepartment(department=department[:64])
    head = f"kouan_{settings.NODE.side}_evid_"
    token = head + secrets.token_urlsafe(32)
    now = timezone.now()
    DepartmentAccess.objects.create(
        department=department,
        name=name[:80],
        prefix=token[: len(head) + 6],
        digest=_digest(token),
        created_at=now,
        expires_at=now + life,
    )
    return token


def revoke(*, department: str, prefix: str) -> int:
    """Revoke a department's tokens that begin with ``prefix``; return how many."""
    live = DepartmentAccess.objects.filter(department=department, prefix=prefix, revoked_at__isnull=True)
    return live.update(revoked_at=timezone.now())


def use(token: str) -> DepartmentAccess:
    """Return the access that a token gives; raises ``BadEvidenceToken``."""
    now = timezone.now()
    found = DepartmentAccess.objects.filter(digest=_digest(token)).first()
    if found is None or found.revoked_at is not None or found.expires_at <= now:
        raise errors.BadEvidenceToken
    if found.last_used_at is None or now - found.last_used_at > _USE_NOTED_EVERY:
        DepartmentAccess.objects.filter(pk=found.pk).update(last_used_at=now)
    return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
