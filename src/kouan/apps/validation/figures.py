"""What this app can count of itself (``core.figures``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from kouan.apps.validation.models import RegisteredDocument, Validation
from kouan.core import figures

if TYPE_CHECKING:
    from datetime import datetime


def _validated(since: datetime, until: datetime) -> int:
    rows = Validation.objects.filter(answered_at__gte=since, answered_at__lt=until)
    return rows.exclude(conversation=None).count()


def _registered(_since: datetime, until: datetime) -> int:
    return RegisteredDocument.objects.filter(registered_at__lt=until).count()


def offer() -> None:
    """Offer the figures."""
    for key, title, count in (
        ("validation.answered", _("Documents of the other side that were validated here"), _validated),
        ("validation.registered", _("Documents on this side's register, on the last day"), _registered),
    ):
        figures.offer(figures.Figure(key, title, count))
