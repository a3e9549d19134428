"""Files that prove by themselves who issued them: apps that can read a kind of them say so, others ask here.

"Validate a document" asks here before it looks for a document's reference: whoever holds a file need not know
what kind it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Final

from django.http import HttpRequest, HttpResponseBase

if TYPE_CHECKING:
    from collections.abc import Mapping

Reader = Callable[[HttpRequest, bytes], HttpResponseBase | None]
"""Returns the page that says what a file is; ``None`` for a file that is none of its kind."""
MOST: Final = 64 * 1024
"""Bytes of a file that proves itself; larger ones are none."""
_readers: dict[str, Reader] = {}


def read_by(kind: str, reader: Reader) -> None:
    """Name what reads a kind of file (an app does so once it is ready)."""
    _readers[kind] = reader


def readers() -> Mapping[str, Reader]:
    """Return what reads which kind."""
    return dict(_readers)


def answer(request: HttpRequest, file: IO[bytes]) -> HttpResponseBase | None:
    """Return the page about a file that proves itself, if it is one; the file is left at its beginning."""
    data = file.read(MOST + 1)
    file.seek(0)
    if len(data) > MOST:
        return None
    found = (reader(request, data) for reader in _readers.values())
    return next((page for page in found if page is not None), None)
