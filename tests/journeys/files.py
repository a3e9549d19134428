"""What journeys with large files do inside a node (see ``station.py``)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kouan.apps.files import queries, services
from kouan.apps.files.models import ReceivedFile

if TYPE_CHECKING:
    import uuid


def send(path: str, to: str) -> uuid.UUID:
    """Send a file."""
    return services.send_file(path=Path(path), to=to)


def stage(message: uuid.UUID) -> tuple[str, str, str]:
    """Return (stage, share, last error) of a file's transfer."""
    for each in queries.files():
        if each.transfer.message_id == message:
            return each.transfer.stage.value, each.transfer.share, each.transfer.error
    return "", "", ""


def arrived(message: uuid.UUID) -> bool:
    """Return whether a file is complete and its message handled."""
    return ReceivedFile.objects.filter(message_id=message).exists()


def save(message: uuid.UUID, out: str) -> str:
    """Save a received file."""
    return str(services.save_file(message_id=message, out=Path(out)))
