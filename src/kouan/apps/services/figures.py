"""What this app can count of itself (``core.figures``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from kouan.apps.services.models import Application, Case, ServiceVersion
from kouan.core import figures

if TYPE_CHECKING:
    from datetime import datetime


def _published(_since: datetime, until: datetime) -> int:
    return (
        ServiceVersion.objects.filter(side=settings.NODE.side, published_at__lt=until)
        .filter(Q(ended_at__isnull=True) | Q(ended_at__gte=until))
        .exclude(state=ServiceVersion.State.DRAFT)
        .values("service")
        .distinct()
        .count()
    )


def _received(since: datetime, until: datetime) -> int:
    return Case.objects.filter(received_at__gte=since, received_at__lt=until).count()


def _sent(since: datetime, until: datetime) -> int:
    return Application.objects.filter(sent_at__gte=since, sent_at__lt=until).count()


def offer() -> None:
    """Offer the figures."""
    for key, title, count in (
        ("services.published", _("Public services of this side on line, on the last day"), _published),
        ("services.received", _("Applications that came from the other side"), _received),
        ("services.sent", _("Applications that went to the other side"), _sent),
    ):
        figures.offer(figures.Figure(key, title, count))
