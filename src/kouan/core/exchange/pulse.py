"""Whether a peer is there when nothing crosses: a quiet line is asked, so that silence means something."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from kouan.core.exchange.models import Stream
from kouan.core.trust.queries import members

QUIET_LONGEST: Final = 30.0
_OF_SILENCE: Final = 4


def patience() -> float:
    """Return after how many seconds without a batch or a receipt a peer is asked.

    Several times within what counts as its silence, so that one lost answer is no alarm.
    """
    return min(QUIET_LONGEST, max(settings.NODE.watch.silence_s / _OF_SILENCE, 0.5))


def quiet() -> list[str]:
    """Return the members of whom nothing was heard for ``patience``."""
    since = timezone.now() - timedelta(seconds=patience())
    heard = set(Stream.objects.filter(last_contact_at__gt=since).values_list("peer", flat=True))
    return [member.side for member in members() if member.side not in heard]


def heard(peer: str) -> None:
    """Note that the peer's door has answered now."""
    Stream.objects.get_or_create(peer=peer)
    Stream.objects.filter(peer=peer).update(last_contact_at=timezone.now())
