"""What this app can count of itself (``core.figures``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from kouan.apps.identity.models import SignIn
from kouan.core import figures

if TYPE_CHECKING:
    from datetime import datetime


def _from_other_sides(since: datetime, until: datetime) -> int:
    rows = SignIn.objects.filter(at__gte=since, at__lt=until)
    return rows.exclude(home_side=settings.NODE.side).count()


def offer() -> None:
    """Offer the figures."""
    figures.offer(
        figures.Figure(
            "identity.sign-ins",
            _("Sign-ins at services of this side with an identity of the other"),
            _from_other_sides,
        )
    )
