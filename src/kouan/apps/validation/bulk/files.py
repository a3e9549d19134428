"""The file of a job, sealed in pieces under the node's secret until the job has ended.

Rows may hold whole documents with their salts; the node keeps none, so neither does its disk.
"""

from __future__ import annotations

import os
import time
import uuid
from typing import TYPE_CHECKING, Final

from django.conf import settings

from kouan.apps.validation.bulk.errors import BulkTooLarge, NoRoomForBulk
from kouan.apps.validation.errors import EmptyFile
from kouan.apps.validation.sizes import MAX_BULK
from kouan.core.exchange.blobs.folder import free_bytes
from kouan.core.trust.files import FILE_MODE, FOLDER_MODE, sync_folder
from kouan.core.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_PIECE: Final = 1 << 20
_ADDED: Final = 28
"""What sealing adds to a piece: nonce and tag."""
_ABANDONED: Final = 3600
"""Seconds after which a file is nobody's if no job is open for it."""
_vault: Final = Vault("validation/bulk/1")


def keep(key: uuid.UUID, pieces: Iterable[bytes]) -> int:
    """Seal the file of the job ``key`` and return its size; nothing is left of one that breaks off.

    Raises ``EmptyFile``, ``BulkTooLarge`` or ``NoRoomForBulk``.
    """
    path, size = _path(key), 0
    for folder in (path.parent.parent, path.parent):
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as target:
            for number, piece in enumerate(_even(pieces)):
                size += len(piece)
                _check(size)
                target.write(_vault.seal(piece, of=f"{key}/{number}"))
            target.flush()
            os.fsync(target.fileno())
        _check(size, whole=True)
        sync_folder(path.parent)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return size


def _check(size: int, *, whole: bool = False) -> None:
    if whole and not size:
        raise EmptyFile
    if size > MAX_BULK:
        raise BulkTooLarge(limit=MAX_BULK >> 20)
    if free_bytes() < settings.NODE.blobs.min_free_bytes:
        raise NoRoomForBulk


def read(key: uuid.UUID, offset: int, count: int) -> bytes:
    """Return up to ``count`` bytes of a job's file from ``offset``; raises ``OSError`` or ``Unsealable``."""
    first, last = offset // _PIECE, (offset + count - 1) // _PIECE
    found = []
    with _path(key).open("rb") as source:
        source.seek(first * (_PIECE + _ADDED))
        for number in range(first, last + 1):
            if not (sealed := source.read(_PIECE + _ADDED)):
                break
            found.append(_vault.unseal(sealed, of=f"{key}/{number}"))
    begin = offset - first * _PIECE
    return b"".join(found)[begin : begin + count]


def remove(key: uuid.UUID) -> None:
    """Remove the file of a job; harmless when it is gone already."""
    _path(key).unlink(missing_ok=True)


def sweep(open_jobs: set[uuid.UUID]) -> None:
    """Remove what no open job will read: left by a process that was killed."""
    folder = _folder()
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        try:
            abandoned = time.time() - path.stat().st_mtime > _ABANDONED
            if abandoned and uuid.UUID(hex=path.name) not in open_jobs:
                path.unlink()
        except (OSError, ValueError):
            continue


def _even(pieces: Iterable[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= _PIECE:
            yield bytes(held[:_PIECE])
            del held[:_PIECE]
    if held:
        yield bytes(held)


def _folder() -> Path:
    folder: Path = settings.NODE.blobs_folder / "bulk"
    return folder


def _path(key: uuid.UUID) -> Path:
    return _folder() / key.hex
