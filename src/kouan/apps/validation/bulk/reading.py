"""CSV (RFC 4180) in pieces: the rows of a window of bytes, each with its line and where it ends.

Pure. A row in quotation marks may go over several lines; none is longer than ``MAX_ROW``.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kouan.apps.validation.bulk.errors import (
    BadQuotes,
    NoRows,
    NotUTF8Row,
    RepeatedColumn,
    RowTooLong,
    UnclosedQuotes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kouan.core.errors import KouanError

MAX_ROW: Final = 128 << 10
"""The most bytes of one row, which is also what Python's reader takes for one field."""
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_QUOTE: Final = b'"'


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what stands in it, or why it cannot be read."""

    line: int
    """The number of its first line; the line of names is 1."""
    end: int
    """Bytes from the beginning of the window to the end of the row."""
    next_line: int
    fields: list[str]
    error: KouanError | None = None
    last: bool = False
    """Whether nothing after it can be read: a row has no end."""
    blank: bool = False
    """Whether it is an empty line, which says nothing."""


def names(data: bytes) -> tuple[list[str], int]:
    """Return the names in a file's first line, in lower case, and where the first row begins.

    Raises a ``BulkError`` that says what is wrong with the line.
    """
    mark = len(_BYTE_ORDER_MARK) if data.startswith(_BYTE_ORDER_MARK) else 0
    row = next((row for row in rows(data[mark:], line=1, final=True) if not row.blank), None)
    if row is None:
        raise NoRows
    if row.error is not None:
        raise row.error
    found = [name.strip().lower() for name in row.fields]
    for name in found:
        if found.count(name) > 1:
            raise RepeatedColumn(column=name[:40])
    return found, mark + row.end


def rows(data: bytes, *, line: int, final: bool) -> Iterator[Row]:
    """Yield the whole rows of a window that begins at a row, the first of them at ``line``.

    ``final`` says that the file ends with the window. A window of more than
    ``MAX_ROW`` bytes always yields something.
    """
    start = 0
    while start < len(data):
        end, lines, closed = _end(data, start)
        whole = closed and data[end - 1 : end] == b"\n"
        too_long = end - start > MAX_ROW
        if not whole and not final and not too_long:
            return
        if too_long or not closed:
            error = RowTooLong(limit=MAX_ROW >> 10) if closed else UnclosedQuotes()
            yield Row(line, len(data), line + lines, [], error, last=True)
            return
        raw = data[start:end]
        if raw.strip():
            yield _read(raw, line, end, line + lines)
        else:
            yield Row(line, end, line + lines, [], blank=True)
        line += lines
        start = end


def _end(data: bytes, start: int) -> tuple[int, int, bool]:
    """Return where a row ends, over how many lines it goes, and whether its quotation marks are closed.

    Looks no further than a little above ``MAX_ROW``.
    """
    most = min(len(data), start + MAX_ROW + 1)
    lines, end, quotes = 0, start, 0
    while end < most:
        begin = end
        found = data.find(b"\n", end, most)
        end = most if found < 0 else found + 1
        lines += 1
        quotes += data.count(_QUOTE, begin, end)
        if quotes % 2 == 0:
            return end, lines, True
    return end, lines, False


def _read(raw: bytes, line: int, end: int, next_line: int) -> Row:
    try:
        text = raw.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        return Row(line, end, next_line, [], NotUTF8Row())
    if '"' not in text:
        return Row(line, end, next_line, text.split(","))
    try:
        (fields,) = csv.reader([text], strict=True)
    except (csv.Error, ValueError):
        return Row(line, end, next_line, [], BadQuotes())
    return Row(line, end, next_line, fields)
