"""Sending a file, taking one in, saving one to a place of one's own."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import secrets
import uuid
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.files.crossings import FILE, File
from kouan.apps.files.domain import sound_name
from kouan.apps.files.errors import CannotReadFile, FileExists, UnknownFile, UnsoundName
from kouan.apps.files.models import ReceivedFile, SentFile
from kouan.core.exchange import outbox
from kouan.core.exchange.blobs.attaching import attach
from kouan.core.exchange.blobs.errors import BlobDamaged
from kouan.core.exchange.blobs.reading import open_blob

if TYPE_CHECKING:
    from pathlib import Path

    from kouan.core.exchange.crossing import Received

_PIECE: Final = 1 << 20
_UNKNOWN_TYPE: Final = "application/octet-stream"


def send_file(*, path: Path, to: str, name: str = "") -> uuid.UUID:
    """Seal a file for the side ``to`` and queue the message that names it; return the message's id.

    Raises ``UnsoundName``, ``CannotReadFile``, what ``attach`` raises and what ``outbox.send`` raises;
    then nothing was sent.
    """
    name = name or path.name
    if not sound_name(name):
        raise UnsoundName
    # Policy is asked again by `send`; asked now, it spares sealing gigabytes that may not cross.
    outbox.decide(FILE, sender=settings.NODE.side, receiver=to, consent=None, at=timezone.now())
    guessed, encoding = mimetypes.guess_type(name)
    media_type = guessed.lower() if guessed and not encoding else _UNKNOWN_TYPE
    try:
        blob = attach(FILE, path, to=to, media_type=media_type)
    except OSError as error:
        raise CannotReadFile(path=str(path), detail=os.strerror(error.errno or 0)) from None
    with transaction.atomic():
        message_id = outbox.send(FILE, to=to, payload=File(name=name, content=blob))
        SentFile.objects.create(
            message_id=message_id,
            peer=to,
            name=name,
            size=blob.size,
            sha256=blob.sha256,
            sent_at=timezone.now(),
        )
    return message_id


def receive(message: Received[File]) -> None:
    """Note a file that has arrived whole; raises ``UnsoundName``, which refuses the message."""
    payload = message.payload
    if not sound_name(payload.name):
        raise UnsoundName
    ReceivedFile.objects.create(
        message_id=message.id,
        peer=message.sender,
        blob_id=uuid.UUID(bytes=payload.content.id),
        name=payload.name,
        media_type=payload.content.media_type,
        size=payload.content.size,
        sha256=payload.content.sha256,
        received_at=timezone.now(),
    )


def save_file(*, message_id: uuid.UUID, out: Path) -> Path:
    """Write a received file into the folder ``out``, or to the new file ``out``; return where it is.

    Nothing is overwritten, and nothing half-written gets the name. Raises ``UnknownFile``,
    ``FileExists``, ``BlobNotHere`` or, if this node's disk lost something, ``BlobDamaged``.
    """
    row = ReceivedFile.objects.filter(message_id=message_id).order_by("-pk").first()
    if row is None:
        raise UnknownFile(file=str(message_id))
    target = out / row.name if out.is_dir() else out
    if target.exists():
        raise FileExists(path=str(target))
    partial = target.with_name(f".{secrets.token_hex(8)}.partial")
    digest = hashlib.sha256()
    try:
        with (
            open_blob(sender=row.peer, message_id=row.message_id, blob_id=row.blob_id.bytes) as source,
            partial.open("xb") as file,
        ):
            while piece := source.read(_PIECE):
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if digest.digest() != bytes(row.sha256):
            raise BlobDamaged
        # A link, unlike a rename, does not replace what has got the name meanwhile.
        target.hardlink_to(partial)
    except FileExistsError:
        raise FileExists(path=str(target)) from None
    except OSError as error:
        raise CannotReadFile(path=str(target), detail=os.strerror(error.errno or 0)) from None
    finally:
        partial.unlink(missing_ok=True)
    return target
