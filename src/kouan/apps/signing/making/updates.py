"""Asking the worker for what is done to a PDF: this process never parses one that somebody brought.

The worker gets the file and public things alone, and returns what it would append. Keys, time-stamping
authorities and the database are on this side (decision 0063).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kouan.apps.signing.making import labels
from kouan.apps.signing.validating import pool
from kouan.apps.signing.validating.errors import ValidationBusy

if TYPE_CHECKING:
    from kouan.apps.signing.errors import SigningError
    from kouan.apps.signing.validating.trust import Trust
    from kouan.core.exchange.stamper import Stamper

_LONGEST_LINE: Final = 1 << 20
"""Bytes of what an answer says, beside what it appends."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A place in a file that waits for the hex digits of a signature or a time-stamp, brackets included."""

    start: int
    end: int

    def digest(self, content: bytes) -> bytes:
        """SHA-256 over everything else."""
        return hashlib.sha256(content[: self.start] + content[self.end :]).digest()

    def holds(self, data: bytes) -> bool:
        """Whether there is room for so many bytes."""
        return 2 * len(data) <= self.end - self.start - 2

    def filled(self, content: bytes, data: bytes) -> bytes:
        """Return the file with bytes in this place."""
        digits = data.hex().encode().ljust(self.end - self.start - 2, b"0")
        return content[: self.start + 1] + digits + content[self.end - 1 :]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a task found."""

    said: dict[str, Any]
    appended: bytes

    def after(self, content: bytes) -> bytes:
        """Return the file with what the task appends."""
        return content + self.appended

    def gap(self, within: bytes, *, after: int = 0) -> Gap:
        """Return the place that it names in a file, behind so many bytes; raises ``ValueError`` for none."""
        start, end = self.said.get("start"), self.said.get("end")
        if not (isinstance(start, int) and isinstance(end, int) and after <= start < end <= len(within)):
            raise ValueError("no place in the file")
        if within[start : start + 1] != b"<" or within[end - 1 : end] != b">":
            raise ValueError("no place for hex digits")
        return Gap(start, end)


def asked(
    task: str,
    content: bytes,
    *,
    refusal: type[SigningError],
    trust: Trust | None = None,
    given: dict[str, Any] | None = None,
) -> Answer:
    """Have the worker do a task of ``inworker``; raises ``refusal``, or ``ValidationBusy``."""
    with tempfile.TemporaryFile() as file, tempfile.TemporaryFile() as said:  # the worker gets them open
        file.write(content)
        file.flush()
        said.write(json.dumps(given or {}).encode())
        said.flush()
        try:
            whole = pool.shared().update(file, task, trust=trust, given=said)
        except pool.Ended as error:
            raise refusal(detail=labels.refused(error.code)) from None
        except pool.Busy:
            raise ValidationBusy from None
    line, _, appended = whole.partition(b"\n")
    try:
        found: Any = json.loads(line if len(line) <= _LONGEST_LINE else b"")
        code, about = found.get("refused"), str(found.get("about", ""))
    except (AttributeError, ValueError):
        raise refusal(detail=labels.refused("too-complex")) from None
    if code is not None:
        raise refusal(detail=labels.refused(str(code), about))
    return Answer(found, appended)


def filled(
    content: bytes, answer: Answer, data: bytes, *, refusal: type[SigningError], after: int = 0
) -> bytes:
    """Return a file with bytes in the place that an answer names; raises ``refusal``."""
    try:
        gap = answer.gap(content, after=after)
    except ValueError as error:
        raise refusal(detail=str(error)) from None
    if not gap.holds(data):
        raise refusal(detail=labels.refused("stamp-room"))
    return gap.filled(content, data)


def with_stamp(content: bytes, answer: Answer, stamper: Stamper, *, refusal: type[SigningError]) -> bytes:
    """Return a file with what an answer appends, and a document time-stamp over all of it in its place.

    Raises ``refusal`` or what the authority raises.
    """
    whole = answer.after(content)
    try:
        gap = answer.gap(whole, after=len(content))
    except ValueError as error:
        raise refusal(detail=str(error)) from None
    token = asyncio.run(stamper.async_timestamp(gap.digest(whole), "sha256")).dump()
    return filled(whole, answer, token, refusal=refusal, after=len(content))
