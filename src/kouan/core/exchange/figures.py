"""What the channel can count of itself (``core.figures``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from kouan.core import figures
from kouan.core.exchange.models import InboxMessage, OutboxMessage

if TYPE_CHECKING:
    from datetime import datetime


def _handled(since: datetime, until: datetime) -> int:
    span = {"finished_at__gte": since, "finished_at__lt": until}
    return (
        InboxMessage.objects.filter(state=InboxMessage.State.HANDLED, **span).count()
        + OutboxMessage.objects.filter(state=OutboxMessage.State.HANDLED, **span).count()
    )


def offer() -> None:
    """Offer the figures."""
    figures.offer(
        figures.Figure("exchange.handled", _("Messages that crossed, either way, and were handled"), _handled)
    )
