"""Rows of a table of meetings: its heading names the group, each row gives a number and a day."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kouan.apps.programme.records.reading import dates
from kouan.apps.programme.records.reading.mentions import ORDINAL, ZH_NUMBER, Mention, Named, number_of

if TYPE_CHECKING:
    from kouan.apps.programme.records.reading.text import Sentence

_NUMBER_HEADS: Final = re.compile(
    r"(?:no\.?|number|meeting(?: (?:no\.?|number))?|session|plenary(?: (?:meeting|session))?|届次|次数|次别|会次|会议|会议届次|序号)",
    re.IGNORECASE,
)
_DATE_HEADS: Final = re.compile(
    r"(?:date(?:s| of meeting)?|held on|when|(?:会议|召开)?(?:日期|时间))", re.IGNORECASE
)
_ORDINAL_CELL: Final = re.compile(
    rf"(?:(?:the )?{ORDINAL}(?: (?:plenary|annual))*(?: (?:meeting|session|plenary))?|{ZH_NUMBER.replace('?P<ord>', '?P<zh>')}(?:全体)?(?:会议)?)",
    re.IGNORECASE,
)
_OPEN: Final = re.compile(
    r"\bT\.?B\.?[CDA]\b|\bto be (?:confirmed|decided|held|announced)\b|\bplanned\b|\bscheduled\b|\btentative(?:ly)?\b|\bpostponed\b|\bcancell?ed\b|待定|拟|计划|暂定|延期|取消|将",
    re.IGNORECASE,
)
"""A row of a meeting that was not held, or not yet."""


def number_column(row: str) -> int | None:
    """Return which column of a table gives the meetings' numbers, if a row is the heading of such a table.

    >>> number_column("No. | Date | Venue"), number_column("Year | Meeting | Date"), number_column("Name | Office")
    (0, 1, None)
    """
    cells = [cell.strip() for cell in row.split("|")]
    if not any(_DATE_HEADS.fullmatch(cell) for cell in cells):
        return None
    return next((at for at, cell in enumerate(cells) if _NUMBER_HEADS.fullmatch(cell)), None)


def mention_in_row(
    folded: str, sentence: Sentence, group: Named, column: int | None, issued: dates.When | None
) -> Mention | None:
    """Return the meeting that a row tells of: it has a number and a day, and the day has come.

    A bare number counts only in the ``column`` that the table's heading names; "16th" and "第十六次" in any.
    """
    if "|" not in folded[sentence.start : sentence.end] or _OPEN.search(folded, sentence.start, sentence.end):
        return None
    days = [each.iso for each in dates.find(folded, sentence.start, sentence.end) if each.iso]
    if not days or (issued is not None and issued.iso and min(days) > issued.iso):
        return None
    at = sentence.start
    for place, cell in enumerate(folded[sentence.start : sentence.end].split("|")):
        start = at + len(cell) - len(cell.lstrip())
        end = start + len(cell.strip())
        at += len(cell) + 1
        said = _ORDINAL_CELL.fullmatch(folded, start, end)
        if said:
            number = number_of(said["ord"] or said["zh"])
        elif place == column and re.fullmatch(r"\d{1,3}", folded[start:end]):
            number = int(folded[start:end])
        else:
            continue
        if number:
            return Mention(start, end, group.code, group.name, number, told=True, exact=False, planned=False)
    return None
