"""What this app can count of itself (``core.figures``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from kouan.apps.evidence.models import Credential
from kouan.core import figures

if TYPE_CHECKING:
    from datetime import datetime


def _shown(since: datetime, until: datetime) -> int:
    rows = Credential.objects.filter(kind=Credential.Kind.SHOWN)
    return rows.filter(issued_at__gte=since, issued_at__lt=until).count()


def offer() -> None:
    """Offer the figures."""
    figures.offer(figures.Figure("evidence.shown", _("Credentials of this side shown to the other"), _shown))
