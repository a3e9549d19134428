"""Taking an assessment's digest: the file is read past, piece by piece, and kept nowhere."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kouan.apps.dataflow.errors import AssessmentNotRead
from kouan.web.uploads import FirstFile, handler_of, taking_file

if TYPE_CHECKING:
    from django.http import HttpRequest

MOST: Final = 50 << 20
"""Bytes of an assessment."""
_PDF: Final = b"%PDF-"
_END: Final = b"%%EOF"
_TAIL: Final = 1024


@dataclass(slots=True)
class Seen:
    """What went by of one file."""

    size: int = 0
    digest: str = ""
    pdf: bool = False
    """Whether it begins and ends as a PDF file does."""


class DigestHandler(FirstFile):
    """Computes the SHA-256 of the form's one file and keeps nothing of it."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.seen = Seen()
        self._hash = hashlib.sha256()
        self._head = self._tail = b""

    def take(self, piece: bytes) -> None:
        """Take a piece into the digest."""
        self.seen.size += len(piece)
        self._head = (self._head + piece)[: len(_PDF)]
        self._tail = (self._tail + piece[-_TAIL:])[-_TAIL:]
        self._hash.update(piece)

    def done(self) -> None:
        """Note what it was; return no file."""
        if self.seen.size:
            self.seen.digest = self._hash.hexdigest()
            self.seen.pdf = self._head == _PDF and _END in self._tail


taking_digest: Final = taking_file(MOST, lambda: AssessmentNotRead(megabytes=MOST >> 20), DigestHandler)
"""Prepares a view whose form may bring a file: ``seen_in`` then knows it."""


def seen_in(request: HttpRequest) -> Seen:
    """Return what went by of the form's file; nothing of it where none came."""
    handler = handler_of(request, DigestHandler)
    return handler.seen if handler is not None else Seen()
