"""The files that were sent and received, with how far each has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kouan.apps.files.crossings import FILE
from kouan.apps.files.models import ReceivedFile, SentFile
from kouan.core.exchange.blobs.queries import Transfer, transfers

if TYPE_CHECKING:
    import uuid

MOST: Final = 100


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One file: its name, if it is known yet, and its transfer."""

    name: str
    transfer: Transfer


def files() -> list[ListedFile]:
    """Return the newest files in both directions; one that is still coming has no name here yet."""
    moving = transfers(limit=MOST, type_=FILE.type)
    ids = [each.message_id for each in moving if each.message_id is not None]
    names: dict[tuple[bool, str, uuid.UUID], str] = {}
    for out, model in ((True, SentFile), (False, ReceivedFile)):
        for row in model.objects.filter(message_id__in=ids):
            names[out, row.peer, row.message_id] = row.name
    return [
        ListedFile(names.get((each.outgoing, each.peer, each.message_id), ""), each)
        for each in moving
        if each.message_id is not None
    ]
