"""Whether a peer is there when nothing crosses: a quiet line is asked, so that silence means something."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.utils import timezone

from kouan.core.exchange.models import Stream
from kouan.core.trust.queries import members

LOOK_EVERY: Final = 5.0
"""Seconds between two looks at who is quiet."""
QUIET: Final = timedelta(seconds=30)
"""After how long without a batch or a receipt a peer is asked."""


def quiet() -> list[str]:
    """Return the members of whom nothing was heard for ``QUIET``."""
    since = timezone.now() - QUIET
    heard = set(Stream.objects.filter(last_contact_at__gt=since).values_list("peer", flat=True))
    return [member.side for member in members() if member.side not in heard]


def heard(peer: str) -> None:
    """Note that the peer's door has answered now."""
    Stream.objects.get_or_create(peer=peer)
    Stream.objects.filter(peer=peer).update(last_contact_at=timezone.now())
