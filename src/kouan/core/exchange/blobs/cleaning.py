"""Clearing away: files whose message has ended, files that no message took, remains of killed processes.

A row is marked first and its file removed after; whatever a killed process leaves between the two is found
by its name, which no row keeps.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from kouan.core.exchange.blobs import folder
from kouan.core.exchange.blobs.models import ReceivedBlob, SentBlob
from kouan.core.exchange.models import InboxMessage, OutboxMessage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

UNCLAIMED_AFTER: Final = 3600.0
"""Seconds after which a file that no message took, or that no row knows, is removed."""
_SOME: Final = 200
_Sent = SentBlob.State
_Received = ReceivedBlob.State


def clean() -> bool:
    """Clear away what is due; return whether more is (the worker's chore)."""
    now = timezone.now()
    full = [_sent(now) == _SOME, _received(now) == _SOME]
    _unclaimed(now)
    _strays(now.timestamp())
    return any(full)


def _sent(now: datetime) -> int:
    """Remove our files whose message was handled; one that was refused stays for a retry, for a while."""
    states = OutboxMessage.State
    retry = OutboxMessage.objects.filter(retry_of=OuterRef("message_id"))
    for row in SentBlob.objects.filter(Exists(retry), state=_Sent.SENT)[:_SOME]:
        following = OutboxMessage.objects.filter(retry_of=row.message_id).order_by("-pk").first()
        if following is not None:
            SentBlob.objects.filter(pk=row.pk).update(message_id=following.message_id, served=0)
    message = OutboxMessage.objects.filter(message_id=OuterRef("message_id"))
    kept_until = now - timedelta(seconds=settings.NODE.blobs.retention_s)
    failed = message.filter(state__in=[states.REFUSED, states.EXPIRED, states.CANCELLED])
    over = (
        Exists(message.filter(state=states.HANDLED))
        | Exists(failed.filter(dismissed=True))
        | Exists(failed.filter(finished_at__lt=kept_until))
    )
    rows = list(SentBlob.objects.filter(over, state=_Sent.SENT)[:_SOME])
    for row in rows:
        SentBlob.objects.filter(pk=row.pk).update(state=_Sent.GONE, removed_at=now)
        folder.remove(folder.outgoing(row.blob_id))
    return len(rows)


def _received(now: datetime) -> int:
    """Remove peers' files after their time; those of a message that was refused at once."""
    states = InboxMessage.State
    message = InboxMessage.objects.filter(peer=OuterRef("peer"), message_id=OuterRef("message_id"))
    kept_until = now - timedelta(seconds=settings.NODE.blobs.retention_s)
    over = Exists(message.filter(state=states.REFUSED)) | Exists(
        message.filter(state=states.HANDLED, finished_at__lt=kept_until)
    )
    rows = list(ReceivedBlob.objects.filter(over).exclude(state=_Received.GONE)[:_SOME])
    for row in rows:
        ReceivedBlob.objects.filter(pk=row.pk).update(state=_Received.GONE, key=None, removed_at=now)
        folder.remove(folder.incoming(row.file))
    return len(rows)


def forget(peer: str, messages: Collection[uuid.UUID]) -> None:
    """Remove files of a peer's messages that have ended before their time, in the caller's transaction."""
    rows = ReceivedBlob.objects.filter(peer=peer, message_id__in=messages).exclude(state=_Received.GONE)
    files = list(rows.values_list("file", flat=True))
    rows.update(state=_Received.GONE, key=None, removed_at=timezone.now())
    for file in files:
        transaction.on_commit(partial(folder.remove, folder.incoming(file)))


def _unclaimed(now: datetime) -> None:
    """Forget files of ours that no message took; one that is still being written is left alone."""
    old = now - timedelta(seconds=UNCLAIMED_AFTER)
    for row in SentBlob.objects.filter(state__in=[_Sent.SEALING, _Sent.READY], created_at__lt=old)[:_SOME]:
        path = folder.outgoing(row.blob_id)
        if row.state == _Sent.SEALING and _fresh(path, now.timestamp()):
            continue
        if SentBlob.objects.filter(pk=row.pk, state=row.state).delete()[
            0
        ]:  # no message has taken it meanwhile
            folder.remove(path)


def _strays(now: float) -> None:
    """Remove files that no row knows."""
    out, into = folder.both()
    known_out = SentBlob.objects.exclude(state=_Sent.GONE)
    for name, path in _old_files(out, now):
        if not known_out.filter(blob_id=name).exists():
            folder.remove(path)
    known_in = ReceivedBlob.objects.exclude(state=_Received.GONE)
    for name, path in _old_files(into, now):
        if not known_in.filter(file=name).exists():
            folder.remove(path)


def _old_files(place: Path, now: float) -> Iterator[tuple[uuid.UUID, Path]]:
    for path in place.iterdir() if place.is_dir() else ():
        if not _fresh(path, now):
            try:
                yield uuid.UUID(hex=path.name), path
            except ValueError:  # not a name that we give: not ours to remove
                continue


def _fresh(path: Path, now: float) -> bool:
    try:
        return now - path.stat().st_mtime < UNCLAIMED_AFTER
    except FileNotFoundError:
        return False
