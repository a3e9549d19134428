"""Files with signatures in them: an app that validates signatures says so, "validate a document" asks here.

Whoever holds a file need not know whether it is proved by a fingerprint on a register, by a signature in it,
or by both.
"""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003 - a dataclass's fields
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import uuid


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found about a file's signatures."""

    key: uuid.UUID
    address: str
    """Of the page that says it all."""
    title: str
    """What it comes to, in the reader's language."""
    sign: str
    """How it is drawn (``web/components/verdict.html``)."""


@dataclass(frozen=True, slots=True)
class Examiner:
    """How an app examines signatures."""

    examine: Callable[[IO[bytes]], Examined | None]
    """Returns nothing for a file without signatures; the file is left at its beginning."""
    find: Callable[[uuid.UUID], Examined | None]
    """Returns what was found before, while it is kept."""


_examiner: list[Examiner] = []


def examined_by(examiner: Examiner) -> None:
    """Name the app that validates signatures (it does so once it is ready)."""
    _examiner[:] = [examiner]


def examine(file: IO[bytes]) -> Examined | None:
    """Return what a file's signatures come to; nothing without any, or without an app that knows."""
    return _examiner[0].examine(file) if _examiner else None


def find(key: uuid.UUID) -> Examined | None:
    """Return what was found about a file before."""
    return _examiner[0].find(key) if _examiner else None
