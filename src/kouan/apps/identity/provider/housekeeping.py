"""What the provider forgets by itself, and the keys that it makes in time."""

from __future__ import annotations

from typing import Final

from django.utils import timezone

from kouan.apps.identity import keys
from kouan.apps.identity.domain import CODE_LIFE, TOKEN_LIFE
from kouan.apps.identity.models import (
    AccessToken,
    AuthorizationCode,
    Interaction,
    PushedRequest,
    SignIn,
    SpentToken,
)

AT_ONCE: Final = 1000
"""Rows of a kind that are deleted in one go, so that nobody waits for the lock for long."""
_FORGOTTEN: Final = (
    AuthorizationCode.objects,
    AccessToken.objects,
    PushedRequest.objects,
    Interaction.objects,
    SpentToken.objects,
)


def tidy() -> bool:
    """Delete what has expired, erase what was told once nobody can ask for it; say whether more waits."""
    keys.renew()
    now = timezone.now()
    more = False
    for kept in _FORGOTTEN:
        expired = kept.filter(expires_at__lte=now).order_by("expires_at")
        chosen = list(expired.values_list("pk", flat=True)[:AT_ONCE])
        if chosen:
            kept.filter(pk__in=chosen).delete()
        more |= len(chosen) == AT_ONCE
    over = SignIn.objects.filter(told__isnull=False, at__lte=now - CODE_LIFE - TOKEN_LIFE).order_by("at")
    chosen = list(over.values_list("pk", flat=True)[:AT_ONCE])
    if chosen:
        SignIn.objects.filter(pk__in=chosen).update(told=None)
    return more or len(chosen) == AT_ONCE
