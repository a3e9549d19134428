"""Files that hold secrets: written whole or not at all, and read only if nobody else can read them."""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import stat
from typing import TYPE_CHECKING, Final

from kouan.core.trust.errors import KeyStoreDamaged, UnsafeKeyFile

if TYPE_CHECKING:
    from pathlib import Path

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
_OTHERS: Final = 0o077


def write_private(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` with mode 0600, durably and in one step: a reader sees old or new."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), FILE_MODE)  # whatever the umask, exactly this mode
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise
    sync_folder(path.parent)


def read_private(path: Path, *, max_bytes: int) -> bytes:
    """Return the content of a file that is private to this process's user.

    Raises ``UnsafeKeyFile`` if others may read or write it or own it, ``KeyStoreDamaged`` if it is
    missing, too long or not a file. The checks are made on the open file, so it cannot be swapped.
    """
    try:
        # Non-blocking, so that a named pipe in the file's place cannot hold start-up for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise KeyStoreDamaged(path=str(path), detail=os.strerror(error.errno or 0)) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise KeyStoreDamaged(path=str(path), detail="not a regular file")
        _check(path, status, FILE_MODE)
        if status.st_size > max_bytes:
            raise KeyStoreDamaged(path=str(path), detail=f"longer than {max_bytes} bytes")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(max_bytes)
    finally:
        os.close(descriptor)


def check_private(path: Path) -> None:
    """Raise as ``read_private`` unless ``path`` is a file private to this user; it is not opened."""
    try:
        status = path.lstat()
    except OSError as error:
        raise KeyStoreDamaged(path=str(path), detail=os.strerror(error.errno or 0)) from None
    if not stat.S_ISREG(status.st_mode):
        raise KeyStoreDamaged(path=str(path), detail="not a regular file")
    _check(path, status, FILE_MODE)


def check_folder(path: Path) -> None:
    """Raise ``UnsafeKeyFile`` or ``KeyStoreDamaged`` unless ``path`` is a folder private to this user."""
    try:
        status = path.stat()
    except OSError as error:
        raise KeyStoreDamaged(path=str(path), detail=os.strerror(error.errno or 0)) from None
    if not stat.S_ISDIR(status.st_mode):
        raise KeyStoreDamaged(path=str(path), detail="not a folder")
    _check(path, status, FOLDER_MODE)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check(path: Path, status: os.stat_result, mode: int) -> None:
    quoted = shlex.quote(str(path))
    if status.st_uid != os.geteuid():
        raise UnsafeKeyFile(
            path=str(path), detail=f"owner {status.st_uid}", command=f"chown {os.geteuid()} {quoted}"
        )
    if status.st_mode & _OTHERS:
        raise UnsafeKeyFile(
            path=str(path),
            detail=f"mode {stat.S_IMODE(status.st_mode):04o}",
            command=f"chmod {mode:o} {quoted}",
        )
