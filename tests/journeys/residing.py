"""What a journey asks inside a node about its residents (see ``station.py``)."""

from __future__ import annotations

from typing import Any

from kouan.apps.identity.models import HomeSession, Resident


def home_sessions() -> list[dict[str, Any]]:
    """Return every session of a resident, the oldest first."""
    return [
        {
            "level": session.level,
            "amr": session.amr,
            "ended": session.ended_at is not None,
            "attributes": session.attributes is not None,
        }
        for session in HomeSession.objects.order_by("pk")
    ]


def residents() -> int:
    """Return how many residents there are."""
    return Resident.objects.count()
