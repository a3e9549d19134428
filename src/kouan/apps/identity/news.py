"""What residents are told on the pages of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from kouan.apps.identity.models import Notice

if TYPE_CHECKING:
    from kouan.apps.identity.models import Resident


def read(*, resident: Resident) -> int:
    """Put away what a resident has read; return how much was new."""
    return Notice.objects.filter(resident=resident, read_at__isnull=True).update(read_at=timezone.now())
