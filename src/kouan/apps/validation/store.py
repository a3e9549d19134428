"""Where a carried file waits for the officer's browser: encrypted, for minutes, under a key we do not keep.

The answer to a registration cannot be the file itself: if that one download failed, the only copy
would be lost. So the file waits here, to be downloaded as often as needed; but the node must not
keep documents. Therefore it is encrypted under a fresh key that goes to the registering browser alone,
in a cookie. What lies on the disk is of use to nobody else, this node included, and is
removed after ``KEPT`` or when the officer says that the file is safe.

The format is the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015): AES-256-GCM over
chunks, each nonce a counter and a flag for the last chunk, so chunks can be neither dropped nor moved.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import IO, TYPE_CHECKING, Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from kouan.apps.validation.errors import CarriedFileGone

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

KEPT: Final = timedelta(minutes=15)
KEY_BYTES: Final = 32

_CHUNK: Final = 1 << 20
_TAG: Final = 16


def put(name: str, source: IO[bytes]) -> bytes:
    """Encrypt ``source`` under ``name`` and return the key (32 bytes), which is kept nowhere here."""
    sweep()
    key = secrets.token_bytes(KEY_BYTES)
    path = _path(name)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as target:
            for piece in _encrypted(source, key):
                target.write(piece)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return key


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file that waits: its size in bytes, and its pieces, to be taken once."""

    size: int
    pieces: Iterator[bytes]


def read(name: str, key: bytes) -> Waiting:
    """Return the file; raises ``CarriedFileGone`` if it is no longer here or the key is another's."""
    path = _path(name)
    if not holds(name):
        raise _gone()
    try:
        source = path.open("rb")
    except OSError:
        raise _gone() from None
    sealed = os.fstat(source.fileno()).st_size
    pieces = _decrypted(source, key)
    try:
        first = next(pieces)
    except (InvalidTag, ValueError):
        source.close()
        raise _gone() from None
    return Waiting(sealed - _TAG * -(-sealed // (_CHUNK + _TAG)), _Pieces(first, pieces))


def holds(name: str) -> bool:
    """Say whether a file waits under ``name``."""
    path = _path(name)
    return path.exists() and not _is_old(path)


def remove(name: str) -> None:
    """Remove a file; harmless when it is gone already."""
    _path(name).unlink(missing_ok=True)


def sweep() -> None:
    """Remove what has waited longer than ``KEPT``."""
    for path in _folder().iterdir():
        if _is_old(path):
            path.unlink(missing_ok=True)


def _is_old(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return time.time() - path.stat().st_mtime > KEPT.total_seconds()
    return True


def _gone() -> CarriedFileGone:
    return CarriedFileGone(minutes=int(KEPT.total_seconds() // 60))


def _folder() -> Path:
    folder: Path = settings.NODE.run / "carried"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _path(name: str) -> Path:
    return _folder() / hashlib.sha256(name.encode()).hexdigest()


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _encrypted(source: IO[bytes], key: bytes) -> Iterator[bytes]:
    cipher = AESGCM(key)
    source.seek(0)
    chunk, number = source.read(_CHUNK), 0
    while True:
        following = source.read(_CHUNK)
        yield cipher.encrypt(_nonce(number, last=not following), chunk, None)
        if not following:
            return
        chunk, number = following, number + 1


def _decrypted(source: IO[bytes], key: bytes) -> Generator[bytes]:
    cipher = AESGCM(key)
    with source:
        chunk, number = source.read(_CHUNK + _TAG), 0
        while True:
            following = source.read(_CHUNK + _TAG)
            yield cipher.decrypt(_nonce(number, last=not following), chunk, None)
            if not following:
                return
            chunk, number = following, number + 1


class _Pieces:
    """The first piece, read already to see that the key fits, and the rest. Closing closes the file."""

    def __init__(self, first: bytes, rest: Generator[bytes]) -> None:
        self._first: bytes | None = first
        self._rest = rest

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        first, self._first = self._first, None
        return next(self._rest) if first is None else first

    def close(self) -> None:
        """Close the file, read to its end or not."""
        self._rest.close()
