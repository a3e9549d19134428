"""Files of records: CSV in UTF-8, all of it kept or nothing.

The first line names the columns: ``type``, ``reference``, ``document_number``, ``valid_from``,
``valid_until`` and ``document`` (may be left out; the kind of the person's document), and a column for each
claim; a claim that a row's type has not stays empty.
"""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils.translation import gettext

from kouan.apps.evidence import errors, records
from kouan.core.errors import KouanError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

MOST_BYTES: Final = 5 << 20
MOST_ROWS: Final = 5000
COLUMNS: Final = ("type", "reference", "document_number", "valid_from")
LAST_DAY: Final = "valid_until"
KIND: Final = "document"


def take(data: bytes, *, by: str, departments: Collection[str] | None) -> int:
    """Keep every record of a file and return how many there are.

    Raises ``BadFile`` with the line and what is wrong with it, or ``FileTooLarge``; then nothing is kept.
    """
    if len(data) > MOST_BYTES:
        raise _too_large()
    count = 0
    with transaction.atomic():
        for line, entry in _entries(data):
            count += 1
            if count > MOST_ROWS:
                raise _too_large()
            try:
                records.put(entry=entry, by=by, departments=departments)
            except KouanError as error:
                raise errors.BadFile(line=line, detail=str(error)) from None
    if not count:
        raise errors.BadFile(line=1, detail=gettext("there is no record in it."))
    return count


def _entries(data: bytes) -> Iterator[tuple[int, records.Entry]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise errors.BadFile(line=1, detail=gettext("it is not in UTF-8.")) from None
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        names = [name.strip().lower() for name in reader.fieldnames or ()]
        missing = [name for name in COLUMNS if name not in names]
        if missing or len(set(names)) < len(names):
            wanted = ", ".join(missing or sorted({name for name in names if names.count(name) > 1}))
            raise errors.BadFile(
                line=1,
                detail=gettext("these columns are missing or named twice: %(names)s.")
                % {"names": wanted[:200]},
            )
        reader.fieldnames = names
        for row in reader:
            yield reader.line_num, _entry(row, reader.line_num)
    except csv.Error:
        raise errors.BadFile(
            line=reader.reader.line_num, detail=gettext("it is no CSV that can be read.")
        ) from None


def _entry(row: dict[str, str], line: int) -> records.Entry:
    if None in row or None in row.values():
        raise errors.BadFile(line=line, detail=gettext("it has more or fewer values than the first line."))
    ends = row.get(LAST_DAY, "").strip()
    return records.Entry(
        type=row["type"].strip(),
        reference=row["reference"].strip(),
        document_number=row["document_number"],
        claims={
            name: value.strip()
            for name, value in row.items()
            if name not in {*COLUMNS, LAST_DAY, KIND} and value.strip()
        },
        valid_from=_day(row["valid_from"].strip(), line),
        valid_until=_day(ends, line) if ends else None,
        document=row.get(KIND, "").strip(),
    )


def _day(text: str, line: int) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise errors.BadFile(line=line, detail=gettext("a day is written like 2026-03-31.")) from None


def _too_large() -> KouanError:
    return errors.FileTooLarge(megabytes=MOST_BYTES >> 20, rows=MOST_ROWS)
