"""Whether a peer is there when nothing crosses: a quiet line is asked, so that silence means something."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from django.conf import settings
from django.utils import timezone

from kouan.core.errors import KouanError
from kouan.core.exchange.models import Stream
from kouan.core.exchange.transport import Line
from kouan.core.trust.queries import members

if TYPE_CHECKING:
    from kouan.core.trust.member import MemberKeys

QUIET_LONGEST: Final = 30.0
_OF_SILENCE: Final = 4


class Host(Protocol):
    """What this needs of the thread that it runs in."""

    def pause(self, seconds: float) -> object:
        """Wait, unless asked to end."""


class Pulse:
    """Asks the doors of quiet peers whether they are open; a connection lasts for one question."""

    def step(self, host: Host) -> None:
        """Ask everybody of whom nothing was heard for a while, and wait."""
        for member in quiet():
            line = Line(member)
            with contextlib.suppress(KouanError):  # its silence is seen by the time of its last contact
                if line.alive():
                    heard(member.side)
            line.close()
        host.pause(patience() / 2)


def patience() -> float:
    """Return after how many seconds without a batch or a receipt a peer is asked.

    Several times within what counts as its silence, so that one lost answer is no alarm.
    """
    return min(QUIET_LONGEST, max(settings.NODE.watch.silence_s / _OF_SILENCE, 0.5))


def quiet() -> list[MemberKeys]:
    """Return the members of whom nothing was heard for ``patience``."""
    since = timezone.now() - timedelta(seconds=patience())
    lately = set(Stream.objects.filter(last_contact_at__gt=since).values_list("peer", flat=True))
    return [member for member in members() if member.side not in lately]


def heard(peer: str) -> None:
    """Note that the peer's door has answered now."""
    Stream.objects.get_or_create(peer=peer)
    Stream.objects.filter(peer=peer).update(last_contact_at=timezone.now())
