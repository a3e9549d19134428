"""A file of lines that does not grow for ever."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES: Final = 32 << 20
KEPT: Final = 4
"""Files that are kept beside the one that is written, as ``name.1`` (the newest) and so on."""


class RollingFile(io.TextIOBase):
    """Appends lines; once it is ``most`` bytes long it is set aside and a new one begun.

    Only its owner may read it.
    """

    def __init__(self, path: Path, *, most: int = MOST_BYTES, kept: int = KEPT) -> None:
        self._path, self._most, self._kept = path, most, kept
        self._descriptor = self._open()
        self._size = os.fstat(self._descriptor).st_size

    def write(self, text: str, /) -> int:
        """Append whole lines."""
        data = text.encode()
        if self._size and self._size + len(data) > self._most:
            self._roll()
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]
        self._size += len(data)
        return len(text)

    def close(self) -> None:
        """Close the file; doing it twice is harmless."""
        if not self.closed:
            os.close(self._descriptor)
        super().close()

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def _roll(self) -> None:
        os.close(self._descriptor)
        for number in range(self._kept, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            newer = self._path if number == 1 else self._path.with_name(f"{self._path.name}.{number - 1}")
            if newer.exists():
                newer.replace(older)
        self._descriptor, self._size = self._open(), 0
