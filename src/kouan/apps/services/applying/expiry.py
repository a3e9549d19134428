"""Drafts and waits for cosigners end: reminded a few days before, erased or opened again after."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from kouan.apps.services.applying import drafts, news
from kouan.apps.services.domain import State
from kouan.apps.services.models import Application, Cosignature

BEFORE: Final = timedelta(days=3)
"""How long before the end a person is reminded."""
AGAIN: Final = timedelta(days=30)
"""How long a draft is kept once its cosigners did not sign in time."""
AT_ONCE: Final = 100


def run() -> bool:
    """Remind of what ends soon, end what is over; returns whether there was anything."""
    now = timezone.now()
    return bool(_remind(now) + _end(now))


def _remind(now: datetime) -> int:
    soon = Application.objects.filter(
        state__in=drafts.OPEN, expires_at__gt=now, expires_at__lte=now + BEFORE, reminded_at__isnull=True
    )
    count = 0
    for row in soon.order_by("expires_at")[:AT_ONCE]:
        with transaction.atomic():
            if soon.filter(pk=row.pk).update(reminded_at=now):
                news.tell(row, "ends-soon" if row.state == State.DRAFT else "cosigning-ends-soon")
                count += 1
    return count


def _end(now: datetime) -> int:
    over = Application.objects.filter(state__in=drafts.OPEN, expires_at__lte=now)
    count = 0
    for row in over.order_by("expires_at")[:AT_ONCE]:
        with transaction.atomic():
            if row.state == State.DRAFT:
                count += drafts.erase(over.filter(pk=row.pk, state=State.DRAFT))
            elif over.filter(pk=row.pk, state=State.COSIGNING).update(
                state=State.DRAFT, expires_at=now + AGAIN, reminded_at=None
            ):
                row.cosignatures.exclude(state=Cosignature.State.REPLACED).update(
                    state=Cosignature.State.REPLACED
                )
                row.state = State.DRAFT
                drafts.note(row, "cosigning-lapsed", at=now)
                news.tell(row, "cosigning-lapsed")
                count += 1
    return count
