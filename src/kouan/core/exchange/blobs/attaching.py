"""Sealing a file for a side, and giving it to the message that names it."""

from __future__ import annotations

import errno
import hashlib
import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.core.exchange.blobs import folder, room, stream
from kouan.core.exchange.blobs.errors import BlobNotAttached, DiskLow, OversizedBlob, SourceChanged
from kouan.core.exchange.blobs.models import SentBlob
from kouan.core.exchange.blobs.reference import Blob, blobs_in
from kouan.core.exchange.streams import lock_stream
from kouan.core.trust import sealing
from kouan.core.trust.queries import get_member

if TYPE_CHECKING:
    from kouan.core.exchange.crossing import Crossing

State = SentBlob.State


def attach(crossing: Crossing[Any], source: Path | BinaryIO, *, to: str, media_type: str) -> Blob:
    """Seal a file for the side ``to`` and return what a payload of ``crossing`` says of it.

    Call it **before** the transaction that sends the message: sealing takes seconds a gigabyte, and a
    transaction would keep every other writer out meanwhile; inside one it is a ``RuntimeError``. The
    message then takes the file in its own transaction; a file that no message takes within the hour is
    removed. A stream is read to its end. Raises ``UnknownMember``, ``OversizedBlob``, ``NoRoomForBlob``,
    ``DiskLow`` or ``SourceChanged``; then nothing is left.
    """
    if isinstance(source, Path):
        with source.open("rb", buffering=0) as file:
            return attach(crossing, file, to=to, media_type=media_type)
    if crossing.blobs is None:
        raise ValueError(f"{crossing} declares no files")
    limit = crossing.blobs.each_bytes
    expected = _size_of(source)
    if expected is not None and expected > limit:
        raise OversizedBlob(size=expected, type=crossing.type, limit=limit)
    kid, recipient = get_member(to).sealing_key(timezone.now())
    row = _reserve(to, crossing.type, stream.sealed_size(limit if expected is None else expected))
    path = folder.outgoing(row.blob_id)
    key = stream.new_key()
    try:
        with folder.create(path) as target:
            size, digest = _seal(source, target, key, limit if expected is None else expected)
        info = stream.key_info(
            sender=settings.NODE.side, receiver=to, blob_id=row.blob_id.bytes, size=size, sha256=digest
        )
        blob = Blob(
            id=row.blob_id.bytes,
            sha256=digest,
            size=size,
            media_type=media_type,
            kid=kid,
            key=sealing.wrap_batch_key(key, recipient, info=info),
        )
        SentBlob.objects.filter(pk=row.pk).update(
            state=State.READY, size=size, sealed_size=stream.sealed_size(size), sha256=digest
        )
    except BaseException as error:
        folder.remove(path)
        SentBlob.objects.filter(pk=row.pk).delete()
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskLow(size=row.sealed_size, keep=settings.NODE.blobs.min_free_bytes) from None
        if isinstance(error, SourceChanged) and expected is None:
            raise OversizedBlob(size=f"> {limit}", type=crossing.type, limit=limit) from None
        raise
    return blob


def claim(message_id: uuid.UUID, payload: object, *, to: str, type_: str) -> None:
    """Give the files that ``payload`` names to one message, in the transaction that queues it.

    Raises ``BlobNotAttached`` for a file that is not sealed for that side or belongs to a message.
    """
    for blob in blobs_in(payload):
        ready = SentBlob.objects.filter(
            blob_id=uuid.UUID(bytes=blob.id), peer=to, state=State.READY, sha256=blob.sha256, size=blob.size
        )
        if not ready.update(state=State.SENT, message_id=message_id, type=type_):
            raise BlobNotAttached(peer=to)


def _reserve(to: str, type_: str, size: int) -> SentBlob:
    # Durable: refuses to run inside another transaction, except the one in which a test is wrapped.
    with transaction.atomic(durable=True):
        lock_stream(to)
        room.room_to_send(to, size)
        return SentBlob.objects.create(
            blob_id=uuid.uuid4(), peer=to, type=type_, sealed_size=size, created_at=timezone.now()
        )


def _size_of(source: BinaryIO) -> int | None:
    """Return how many bytes are left in a stream, or ``None`` if it does not know."""
    try:
        here = source.tell()
        size = source.seek(0, os.SEEK_END) - here
        source.seek(here)
    except (OSError, AttributeError):  # a pipe
        return None
    return size


def _seal(source: BinaryIO, target: BinaryIO, key: bytes, most: int) -> tuple[int, bytes]:
    """Seal ``source`` into ``target`` durably; return the content's size and SHA-256."""
    cipher, digest = stream.Chunks(key), hashlib.sha256()
    size = index = 0
    content = _read(source)
    while True:
        following = _read(source) if len(content) == stream.CHUNK else b""
        size += len(content)
        if size > most:
            raise SourceChanged
        digest.update(content)
        folder.write_all(target, cipher.seal(index, content, last=not following))
        if not following:
            break
        content, index = following, index + 1
    os.fsync(target.fileno())
    return size, digest.digest()


def _read(source: BinaryIO) -> bytes:
    """Return one chunk, shorter only at the end: a raw stream may give less than was asked for."""
    parts = []
    wanted = stream.CHUNK
    while wanted and (part := cast("bytes | None", source.read(wanted))):
        parts.append(part)
        wanted -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
