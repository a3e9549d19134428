"""Files with signatures in them: an app that validates signatures says so, "validate a document" asks here.

Whoever holds a file need not know whether it is proved by a fingerprint on a register, by a signature in it,
or by both.
"""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003 - a dataclass's fields
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

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

    examine: Callable[[IO[bytes], IO[bytes] | None], Examined | None]
    """Returns nothing for a file without signatures; the file is left at its beginning. The second is the
    document that a signature apart from it is about."""
    report: Callable[[IO[bytes], IO[bytes] | None], dict[str, Any] | None]
    """The same as a report for programs, of which nothing is kept."""
    find: Callable[[uuid.UUID], Examined | None]
    """Returns what was found before, while it is kept."""


_examiner: list[Examiner] = []


def examined_by(examiner: Examiner) -> None:
    """Name the app that validates signatures (it does so once it is ready)."""
    _examiner[:] = [examiner]


def examine(file: IO[bytes], document: IO[bytes] | None = None) -> Examined | None:
    """Return what a file's signatures come to; nothing without any, or without an app that knows.

    ``document`` is what the signatures in the file are about, where they stand apart from it.
    """
    return _examiner[0].examine(file, document) if _examiner else None


def report(file: IO[bytes], document: IO[bytes] | None = None) -> dict[str, Any] | None:
    """Return the report on a file's signatures as JSON has it, as ``examine`` would judge them."""
    return _examiner[0].report(file, document) if _examiner else None


def find(key: uuid.UUID) -> Examined | None:
    """Return what was found about a file before."""
    return _examiner[0].find(key) if _examiner else None
