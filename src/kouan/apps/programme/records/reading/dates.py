"""Dates as records write them, as precisely as they say and no more."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH: Final = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|"
    r"Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_DAY: Final = r"(?:0?[1-9]|[12]\d|3\d)"
_YEAR: Final = r"(?:19|20)\d\d"
_HAN_NUMBER: Final = "[〇零一二三四五六七八九十廿卅]"
_WEEKDAY: Final = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_ZH_WEEKDAY: Final = "(?:星期|周|礼拜)[一二三四五六日天]"
_TODAY: Final = r"[Tt]oday|[Tt]his (?:morning|afternoon)"
_YESTERDAY: Final = r"[Yy]esterday"

_SPELT: Final = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth",
    "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth", "twentieth",
    *(f"twenty-{unit}" for unit in ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")),
    "thirtieth", "thirty-first",
)  # fmt: skip
_SPELT_DAY: Final = "|".join(name.replace("-", "[- ]") for name in sorted(_SPELT, key=len, reverse=True))

_PATTERNS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        # 9 October 2024, 9-10 October 2024; with or without the year
        (
            rf"(?:(?:{_WEEKDAY}),? )?(?<![\d.])(?P<d>{_DAY})(?:st|nd|rd|th)?(?:\s?(?:-|to|and|&)\s?(?P<d2>{_DAY})(?:st|nd|rd|th)?)?"
            rf"(?: of)? (?P<m>{_MONTH})(?:,? (?P<y>{_YEAR})(?!-\d\d\b))?"
        ),
        # October 9, 2024
        (
            rf"(?:(?:{_WEEKDAY}),? )?\b(?P<m>{_MONTH}) (?P<d>{_DAY})(?:st|nd|rd|th)?(?:\s?(?:-|to|and|&)\s?(?P<d2>{_DAY})(?:st|nd|rd|th)?)?"
            rf"\b(?!\d)(?:,? (?P<y>{_YEAR})\b(?!-\d\d\b))?"
        ),
        # the ninth of October, October the ninth; with or without the year
        (
            rf"(?:(?:{_WEEKDAY}),? )?\b(?:[Tt]he )?(?P<w>{_SPELT_DAY})(?: day)? of (?P<m>{_MONTH})"
            rf"(?:,? (?P<y>{_YEAR})(?!-\d\d\b))?"
        ),
        rf"\b(?P<m>{_MONTH}) the (?P<w>{_SPELT_DAY})\b(?:,? (?P<y>{_YEAR})(?!-\d\d\b))?",
        # October 2024
        rf"\b(?P<m>{_MONTH}),? (?P<y>{_YEAR})\b(?!-\d\d\b)",
        rf"\b(?P<m>{_MONTH}) (?:of )?(?:that|the same) year\b",
        rf"(?:(?<=同年)|(?<=当年))(?P<n>\d{{1,2}}|{_HAN_NUMBER}{{1,3}})月(?!\s?\d)",
        # 2024-10-09, 2024/10/9, 2024.10.09
        rf"(?<![\d-])(?P<y>{_YEAR})\s?[-/.]\s?(?P<n>\d{{1,2}})\s?[-/.]\s?(?P<d>\d{{1,2}})(?![\d-])",
        # 09/10/2024: which is the day cannot always be told
        rf"(?<![\d/])(?P<a>\d{{1,2}})[/.](?P<b>\d{{1,2}})[/.](?P<y>{_YEAR})(?!\d)",
        # 2024年10月9日, 二〇二四年十月九日; 10月9日; 2024年10月
        (
            rf"(?P<y>{_YEAR}|[一二][〇零九][〇零一二三四五六七八九]{{2}})\s?年\s?(?P<n>\d{{1,2}}|{_HAN_NUMBER}{{1,3}})\s?月(?:份)?"
            rf"(?:\s?(?P<d>\d{{1,2}}|{_HAN_NUMBER}{{1,3}})\s?(?:日|号)?(?<=[日号〇零一二三四五六七八九十廿卅]))?"
            rf"(?:\s?(?:至|-|到|及|和|、)\s?(?P<d2>\d{{1,2}}|{_HAN_NUMBER}{{1,3}})\s?(?:日|号))?"
        ),
        (
            rf"(?<![\d年])(?P<n>\d{{1,2}}|{_HAN_NUMBER}{{1,3}})\s?月\s?(?P<d>\d{{1,2}}|{_HAN_NUMBER}{{1,3}})\s?"
            rf"(?:(?:至|-|到|及|和|、)\s?(?P<d2>\d{{1,2}}|{_HAN_NUMBER}{{1,3}})\s?)?(?:日|号)"
        ),
        rf"(?P<y>{_YEAR}|[一二][〇零九][〇零一二三四五六七八九]{{2}})\s?年(?![度来至-]|\s?\d)(?!\d)",
        # a chronicle's line: 五月 …
        rf"(?<![^\n])(?P<n>\d{{1,2}}|{_HAN_NUMBER}{{1,2}})月(?=\s)",
        # in 2006
        rf"(?:(?<=\bin )|(?<=\bIn )|(?<=\bof ))(?P<y>{_YEAR})\b(?![-/]\d)(?! (?:[A-Z]|to\b))",
        # Monday (20th); 20日 by itself
        rf"{_WEEKDAY} \((?:the )?(?P<d>{_DAY})(?:st|nd|rd|th)\)",
        rf"\b(?:on )?the (?P<d>{_DAY})(?:st|nd|rd|th)(?= (?:of this month|inst))",
        rf"(?:{_ZH_WEEKDAY}\s?\(|本月|(?<![^\n])|(?<=[,。;\s(])|今日\s?\(?|今天\s?\(?|昨日\s?\(?|昨天\s?\(?)(?P<d>\d{{1,2}})\s?(?:日|号)(?![上下报前])",
    )
)
_RELATIVE: Final = re.compile(
    rf"(?P<today>{_TODAY}|今日|今天|今早|今午|今\((?=\d))|(?P<yesterday>{_YESTERDAY}|昨日|昨天|昨午)"
    r"|(?P<vague>\b(?:[Ll]ast|[Ee]arlier this|[Ll]ater this|this) (?:year|month|week)\b|\b[Rr]ecently\b|近日|日前|近期|去年|今年|上月|上周|本月)"
)


@dataclass(frozen=True, slots=True)
class When:
    """A date in a record: what it says, its place in the text, and what of it is certain."""

    start: int
    end: int
    text: str
    year: int | None = None
    month: int | None = None
    day: int | None = None
    today: bool = False
    yesterday: bool = False
    impossible: bool = False
    """A date that no calendar has."""
    last: int | None = None
    """The last day, of several in one month."""

    @property
    def iso(self) -> str:
        """What is certain of it: ``2024-10-09``, ``2024-10``, ``2024`` or nothing."""
        if self.year is None or self.impossible:
            return ""
        if self.month is None:
            return f"{self.year:04}"
        return f"{self.year:04}-{self.month:02}" + (f"-{self.day:02}" if self.day else "")


def han_number(text: str) -> int | None:
    """Return a number below a hundred, or a year digit by digit, as Chinese writes it.

    >>> han_number("二十"), han_number("十九"), han_number("廿一"), han_number("二〇二四"), han_number("12")
    (20, 19, 21, 2024, 12)
    """
    if text.isdecimal():
        return int(text)
    digits = {char: value for value, char in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2}
    text = text.replace("廿", "二十").replace("卅", "三十")
    if "百" in text:
        head, _, tail = text.partition("百")
        hundreds = digits.get(head, 1) if head else 1
        rest = han_number(tail.lstrip("零〇")) if tail.lstrip("零〇") else 0
        return None if rest is None else hundreds * 100 + rest
    if "十" in text:
        head, _, tail = text.partition("十")
        if (head and head not in digits) or (tail and tail not in digits):
            return None
        return (digits[head] if head else 1) * 10 + (digits[tail] if tail else 0)
    if not text or any(char not in digits for char in text):
        return None
    return int("".join(str(digits[char]) for char in text))


def find(folded: str, low: int, high: int) -> list[When]:
    """Return the dates between two places of a folded text, in order; the longer one where two overlap."""
    found: list[When] = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(folded, low, high):
            if not any(match.start() < each.end and each.start < match.end() for each in found):
                when = _when(match)
                if when is not None:
                    found.append(_closed(when, folded))
    relative = []
    for match in _RELATIVE.finditer(folded, low, high):
        near = next(
            (
                each
                for each in found
                if 0 <= each.start - match.end() <= 2 or each.start <= match.start() < each.end
            ),
            None,
        )
        today, yesterday = bool(match["today"]), bool(match["yesterday"])
        if near is None:
            relative.append(When(match.start(), match.end(), match[0], today=today, yesterday=yesterday))
        elif not near.year or today or yesterday:
            found.remove(near)
            end = near.end + (
                folded[near.end : near.end + 1] == ")" and "(" in folded[match.start() : near.start + 1]
            )
            start = min(match.start(), near.start)
            found.append(
                When(
                    start,
                    end,
                    folded[start:end],
                    near.year,
                    near.month,
                    near.day,
                    today,
                    yesterday,
                    near.impossible,
                )
            )
    return sorted([*found, *relative], key=lambda each: each.start)


def _closed(when: When, folded: str) -> When:
    """Return a date with the bracket that closes one in it: "周一(20日)"."""
    if "(" not in when.text or ")" in when.text or folded[when.end : when.end + 1] != ")":
        return when
    return replace(when, end=when.end + 1, text=when.text + ")")


def _when(match: re.Match[str]) -> When | None:
    said = match.groupdict()
    start, end, text = match.start(), match.end(), match[0]
    year = han_number(said["y"]) if said.get("y") else None
    if said.get("a"):
        first, second = int(said["a"]), int(said["b"])
        if second > 12 and first <= 12:
            first, second = second, first
        elif first <= 12 and first != second:
            return When(start, end, text, year)
        return _checked(start, end, text, year, second, first)
    month = None
    if said.get("m"):
        month = 1 + next(
            at for at, name in enumerate(_MONTHS) if name.startswith(said["m"].lower().rstrip(".")[:3])
        )
    elif said.get("n"):
        month = han_number(said["n"])
        if month is None:
            return None
    day = han_number(said["d"]) if said.get("d") else None
    if said.get("w"):
        day = 1 + _SPELT.index(said["w"].lower().replace(" ", "-"))
    if said.get("d") and day is None:
        return None
    last = han_number(said["d2"]) if said.get("d2") else None
    return replace(_checked(start, end, text, year, month, day), last=last)


def _checked(start: int, end: int, text: str, year: int | None, month: int | None, day: int | None) -> When:
    wrong = (month is not None and not 1 <= month <= 12) or (day is not None and not 1 <= day <= 31)
    if not wrong and month and day:
        wrong = day > (
            calendar.monthrange(year, month)[1]
            if year
            else 29
            if month == 2
            else calendar.monthrange(2023, month)[1]
        )
    return When(start, end, text, year, month, day, impossible=wrong)


_ISSUED: Final = re.compile(
    r"^\W*(?:(?:Ends?|Issued|Published|Released|Posted|Updated|Date(?: of (?:issue|publication|release))?|Press [Rr]elease|Release [Dd]ate"
    r"|完|发布(?:日期|时间)|发表(?:日期|时间)|刊登日期|日期|时间|更新(?:日期|时间)|来源|新闻公报|香港|广州|Hong Kong|Guangzhou|GUANGZHOU|HONG KONG)"
    r"[\s/:,.()·|-]*(?:on |at |by )?)*"
)
_AROUND: Final = re.compile(
    rf"{_WEEKDAY}|{_ZH_WEEKDAY}|HKT|(?:at )?\d{{1,2}}[:.]\d\d(?::\d\d)?(?: ?[ap]\.?m\.?)?|\d{{1,2}}时\d{{1,2}}分|香港时间|(?:信息|稿件|文章|资料)?来源[:： ]?\S{{0,24}}|"
    r"(?:Source|Author|Views|来源|作者|浏览|字体|编辑|责任编辑|点击|阅读|打印|分享)[^。]*|Issued at|\[?字号.*|[\W_]|本网|省\S{2,14}[局厅]|香港|广州|深圳|珠海|北京|Hong Kong|Guangzhou|Shenzhen"
)


def issued_on(folded: str, lines: list[tuple[int, int]]) -> When | None:
    """Return the date on which a record was issued: one that stands whole in a line of its own."""
    for low, high in [*lines[:8], *lines[:-9:-1]]:
        if high - low > 160:
            continue
        for when in find(folded, low, high):
            if when.day is None or when.year is None or when.impossible:
                continue
            before = _ISSUED.sub("", _AROUND.sub(" ", _ISSUED.sub("", folded[low : when.start])).strip())
            if not _AROUND.sub("", before) and not _AROUND.sub("", folded[when.end : high]):
                return when
    opening = re.search(
        r"^\W*[A-Z][A-Za-z /]{2,30}(?:, | ?\()(?=\S[^\n]{6,24}\)?(?: -+ [A-Z\"]|\. [A-Z]))",
        folded,
        re.MULTILINE,
    )
    first = (
        next(iter(find(folded, opening.end(), min(opening.end() + 30, len(folded)))), None)
        if opening
        else None
    )
    if (
        first is not None
        and first.start == (opening.end() if opening else -1)
        and first.day
        and first.year
        and not first.impossible
    ):
        return first
    agency = re.search(r"^\W*(?:中新|新华)[社网]\S{0,10}\d{1,2}月\d{1,2}日电", folded, re.MULTILINE)
    if agency:
        return next(iter(find(folded, agency.start(), agency.end())), None)
    return None


_OF_A_YEAR: Final = (
    r"(?:(?:annual|yearly|year-end) (?:review|report|round-?up|summary)|(?:the )?year in review|review of the year|round-?up"
    r"|chronicle|diary|calendar(?: of events)?|events|milestones|meetings|plenar(?:y|ies)(?: meetings?)?)"
)
_ZH_OF_A_YEAR: Final = (
    "(?:大事记|大事纪要|纪事|回顾|工作回顾|年度回顾|会议回顾|历次会议|会议一览|会议情况|要闻|年报|年鉴)"
)
_YEAR_ALONE: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\W*(?P<y>{_YEAR}|[一二][〇零九][〇零一二三四五六七八九]{{2}})\s?年?\W*",
        rf"[^\d:]{{0,60}}\b{_OF_A_YEAR}\W+(?:(?:of|in|for) )?(?P<y>{_YEAR})(?![\d-])(?:\W.{{0,80}})?",
        rf"\W*(?P<y>{_YEAR})\W+(?:[\w-]+ ){{0,3}}{_OF_A_YEAR}(?:\W.{{0,80}})?",
        rf"[^\d:]{{0,20}}(?P<y>{_YEAR}|[一二][〇零九][〇零一二三四五六七八九]{{2}})\s?年(?:度)?[^\d,。;:]{{0,16}}{_ZH_OF_A_YEAR}.{{0,16}}",
    )
)


def year_alone(line: str) -> int | None:
    """Return the year of which a heading says that what follows is of it, as in a chronicle; else nothing.

    >>> year_alone("二〇〇八年"), year_alone("2009"), year_alone("2009 and after"), year_alone("Annual review 2024: the office")
    (2008, 2009, None, 2024)
    >>> year_alone("Meetings in 2012-2014"), year_alone("Work plan for 2025 endorsed"), year_alone("2024年粤港信息化合作大事记")
    (None, None, 2024)
    """
    match = next((match for pattern in _YEAR_ALONE if (match := pattern.fullmatch(line))), None)
    return han_number(match["y"]) if match else None


_SEASONS: Final = {"spring": (2, 5), "summer": (5, 8), "autumn": (8, 11)}
_SEASON: Final = re.compile(
    rf"\b(?P<season>{'|'.join(_SEASONS)})(?: issue| edition)?,? (?P<y>{_YEAR})\W*$", re.IGNORECASE
)
"""How an issue of a newsletter is named. A winter belongs to two years."""


def period_of(folded: str, low: int, high: int) -> tuple[date, date] | None:
    """Return the first and the last day that a heading says that all below is of.

    "News of 14-20 November 2022", or "Newsletter, summer 2018".
    """
    found = [each for each in find(folded, low, high) if each.day and each.last and each.year and each.month]
    if len(found) == 1 and not found[0].impossible:
        year, month, days = found[0].year or 0, found[0].month or 0, (found[0].day or 0, found[0].last or 0)
        if days[0] <= days[1] <= calendar.monthrange(year, month)[1]:
            return date(year, month, days[0]), date(year, month, days[1])
    season = _SEASON.search(folded, low, high)
    if season:
        year, months = int(season["y"]), _SEASONS[season["season"].lower()]
        return date(year, months[0], 1), date(year, months[1], calendar.monthrange(year, months[1])[1])
    return None


def in_period(when: When, period: tuple[date, date] | None) -> When:
    """Return a date with the year that the days of its heading make certain; else as it is."""
    if period is None or when.year is not None or when.month is None or when.day is None or when.impossible:
        return when
    year = period[0].year
    if (
        when.day > calendar.monthrange(year, when.month)[1]
        or not period[0] <= date(year, when.month, when.day) <= period[1]
    ):
        return when
    return replace(when, year=year)


def in_year(when: When, year: int) -> When:
    """Return a date with a year that it does not say itself; the 29th of February only where there is one."""
    return _checked(when.start, when.end, when.text, year, when.month, when.day)


def settled(when: When, issued: When | None) -> When:
    """Return a date with what the day of issue makes certain: the year or month that it leaves out."""
    if issued is None or issued.year is None or issued.month is None or issued.day is None or when.impossible:
        return when
    base = date(issued.year, issued.month, issued.day)
    if when.year is not None:
        return when
    if when.today or when.yesterday:
        day = base - timedelta(days=1) if when.yesterday else base
        if when.day in {None, day.day} and when.month in {None, day.month}:
            return _with(when, day)
        return when  # what it says of itself does not fit the day of issue: nothing is certain
    if when.day is None:
        return when
    if when.month is not None:
        for year in (base.year, base.year - 1):
            if when.day <= calendar.monthrange(year, when.month)[1]:
                day = date(year, when.month, when.day)
                if timedelta(0) <= base - day <= timedelta(days=45):
                    return _with(when, day)
        return when
    if when.day <= base.day and base.day - when.day <= 7:
        return _with(when, date(base.year, base.month, when.day))
    return when


def _with(when: When, day: date) -> When:
    return When(when.start, when.end, when.text, day.year, day.month, day.day, when.today, when.yesterday)
