"""Opening a file that has arrived: as a stream that decrypts one chunk at a time."""

from __future__ import annotations

import io
import os
import uuid
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from kouan.core.exchange.blobs import folder, stream
from kouan.core.exchange.blobs.errors import BlobNotHere
from kouan.core.exchange.blobs.models import ReceivedBlob

if TYPE_CHECKING:
    from pathlib import Path


def open_blob(*, sender: str, message_id: uuid.UUID, blob_id: bytes) -> BinaryIO:
    """Return the content of a file that a peer's message named, from its beginning; it can seek.

    A handler may call it, but has the database to itself meanwhile: a large file is better read
    later, within ``blobs.retention_s``. Raises ``BlobNotHere``; reading raises ``DamagedChunk`` if the
    disk lost something.
    """
    row = ReceivedBlob.objects.filter(
        peer=sender,
        message_id=message_id,
        blob_id=uuid.UUID(bytes=blob_id),
        state=ReceivedBlob.State.HERE,
    ).first()
    if row is None or row.key is None:
        raise BlobNotHere
    return cast("BinaryIO", io.BufferedReader(_Opened(folder.incoming(row.file), bytes(row.key), row.size)))


class _Opened(io.RawIOBase):
    """The opened content of a sealed file."""

    def __init__(self, path: Path, key: bytes, size: int) -> None:
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise BlobNotHere from None
        self._cipher = stream.Chunks(key)
        self._size = size
        self._at = 0
        self._held: tuple[int, bytes] = (-1, b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("before the beginning")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        index, within = divmod(self._at, stream.CHUNK)
        if not view or self._at >= self._size:
            return 0
        piece = self._chunk(index)[within : within + len(view)]
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _chunk(self, index: int) -> bytes:
        if self._held[0] != index:
            length = stream.sealed_length(index, self._size)
            sealed = os.pread(self._file, length, index * stream.SEALED_CHUNK)
            last = index == stream.chunks_of(self._size) - 1
            self._held = (index, self._cipher.open(index, sealed, last=last))
        return self._held[1]

    def close(self) -> None:
        if not self.closed:
            os.close(self._file)
        super().close()
