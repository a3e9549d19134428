"""Where sealed files lie: ``blobs/out`` for those that we send, ``blobs/in`` for those that we fetch.

A file's name is 32 hexadecimal digits that this node made itself. Nothing that a peer says becomes part
of a path.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from django.conf import settings

from kouan.core.trust.files import FILE_MODE, FOLDER_MODE, sync_folder

if TYPE_CHECKING:
    import uuid
    from pathlib import Path


def outgoing(blob_id: uuid.UUID) -> Path:
    """Return where a file of ours lies."""
    return _place("out", blob_id)


def incoming(file: uuid.UUID) -> Path:
    """Return where a peer's file lies."""
    return _place("in", file)


def both() -> tuple[Path, Path]:
    """Return the two folders."""
    root: Path = settings.NODE.blobs_folder
    return root / "out", root / "in"


def create(path: Path) -> BinaryIO:
    """Make a new private file for writing; its folder too, if need be."""
    return _open(path, os.O_WRONLY | os.O_EXCL)


def open_for_appending(path: Path) -> BinaryIO:
    """Open a private file to read what is there and to go on, unbuffered; it is made if need be."""
    return _open(path, os.O_RDWR)


def _open(path: Path, flags: int) -> BinaryIO:
    for folder in (path.parent.parent, path.parent):
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    new = not path.exists()
    descriptor = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    if new:
        sync_folder(path.parent)
    return os.fdopen(descriptor, "r+b" if flags & os.O_RDWR else "wb", buffering=0)


def write_all(file: BinaryIO, data: bytes) -> None:
    """Write all of ``data``: a raw file may take less than it is given, on a full disk above all."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def remove(path: Path) -> None:
    """Remove a file, if it is there."""
    path.unlink(missing_ok=True)


def free_bytes() -> int:
    """Return how many bytes the disk under the folder has left for this node."""
    place: Path = settings.NODE.blobs_folder
    while not place.exists():
        place = place.parent
    state = os.statvfs(place)
    return state.f_bavail * state.f_frsize


def _place(kind: str, name: uuid.UUID) -> Path:
    root: Path = settings.NODE.blobs_folder
    return root / kind / name.hex
