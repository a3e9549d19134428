"""Where and how a meeting was held."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kouan.apps.programme.domain import Mode
from kouan.apps.programme.records.reading.text import HAN

if TYPE_CHECKING:
    from kouan.apps.programme.records.reading.dictionary import Dictionary

_VIDEO: Final = re.compile(
    r"(?:through|by|via|over|in the form of|by means of|using|as) (?:an? )?(?:video[ -]?(?:conferenc(?:e|ing)|link|call)|tele-?conferenc(?:e|ing)|online (?:meeting|conference)|web(?:inar| conference)|virtual (?:meeting|conference))"
    r"|\bvideo[ -]?conferenc(?:e|ing)\b|\bvideo link\b|\bvirtually\b|\b(?:held|convened|met|meeting) online\b|\bonline (?:mode|form|format)\b|\bin virtual (?:mode|form|format)\b"
    r"|视像会议|视像形式|视频会议|视频连线|视频形式|视频方式|视像方式|视频|视像|线上(?:形式|方式|会议|召开|举行)|网上(?:形式|会议)|远程"
    r"|(?<=[|:] )(?:online|virtual|video|remote|线上|网上)(?=\s*(?:\||\n|$))",
    re.IGNORECASE,
)
_HYBRID: Final = re.compile(
    r"\bhybrid\b|both (?:physically|in person) and (?:online|virtually|by video)|线上线下|线上与线下|线上及线下|现场(?:和|与|加|及|\+)(?:视频|视像|线上)|(?:视频|视像)(?:和|与|加|及)现场|主会场[^。;\n]{0,30}(?:视频|视像|线上|网上)[^。;\n]{0,6}分会场"
    r"|\b(?:in person|physically|on site) and (?:by|via|through|over) (?:video|web)\w*|\bsome (?:members|participants|delegates) (?:join|attend|took part|participat)\w*(?: \w+){0,3} (?:by|via|through|over) video",
    re.IGNORECASE,
)
_IN_PERSON: Final = re.compile(
    r"\bin[ -]person\b|\bface[ -]to[ -]face\b|\bphysical(?:ly)?\b|线下|现场(?:会议|形式|召开|举行)|面对面|实体(?:会议|形式)",
    re.IGNORECASE,
)
_AT: Final = re.compile(
    r"\b(?:in|at|to) (?:the )?(?:(?:city|town|municipality|district) of )?(?P<place>(?!January|February|March|April|May\b|June|July|August|September|October|November|December|Mr|Ms|Expert|HKSAR Gov|Chinese|"
    r"Mainland|Hong Kong and Guangdong|Guangdong and Hong Kong|Hong Kong/|Guangdong/|Guangdong-Hong|Informati)[A-Z][\w'-]*(?:(?: of| and| the)? (?!(?:on|today|yesterday)\b)(?:[A-Z][\w'-]*|\d{1,2}[A-Z]?(?=,))){0,6}"
    r"(?:, (?!Mr|Ms|Dr|and\b|the\b)[A-Z][\w'-]+(?: [A-Z][\w'-]+){0,2}(?=[,.; ]|$)(?! (?:said|who|and)\b)){0,3})"
)
_AT_ZH: Final = re.compile(
    rf"(?:在|于|假)(?P<place>[{HAN}]{{1,20}}?)(?:以(?:视频|视像|线上|现场)[^,。]{{0,10}})?(?:顺利|成功|正式|隆重|圆满|共同|联合|同步)?(?:召开|举行|举办|召集)了?"
)
_MAIN_VENUE: Final = re.compile(rf"主会场(?:设|设置|位)?(?:于|在)(?P<place>[{HAN}]{{2,12}})")
_MORE_VENUES: Final = re.compile(
    r"\s*[(]?(?:主会场|main venue)[)]?(?=[,;、)]|$)|[,;、]\s*(?:[^,;、]{0,12}(?:设|为)?(?:视频|视像|线上|网上)?分会场|(?:and )?(?:by |through |via )?(?:video|online|virtual))",
    re.IGNORECASE,
)
"""Behind the place, how others took part from elsewhere."""
_CELL: Final = re.compile(r"\|\s*(?P<place>[^|\n]{2,60}?)\s*(?=\||$)")
"""Of a table."""
_BEFORE_HELD: Final = re.compile(rf"(?P<place>[{HAN}]{{2,6}})(?:召开|举行|举办)")
_ONLY_TIME: Final = re.compile(
    r"(?:日|月|年|今|昨|上午|下午|早上|晚上|周|会议|视频|视像|线上|联席|期间)$|^(?:今|昨|近|日|月|年|共同|联合|首次|成功|第)"
)

BY_PLACE: Final = 65
"""How sure it is that a meeting was held in person where a record names its place and says no more."""


@dataclass(frozen=True, slots=True)
class Where:
    """A place in the text: its code where the dictionary knows it."""

    start: int
    end: int
    text: str
    code: str


def place_in(folded: str, low: int, high: int, words: Dictionary, text: str) -> Where | None:
    """Return where a stretch of text says that something was held; it begins at the verb or at its subject."""
    for pattern in (_AT, _MAIN_VENUE, _AT_ZH, _BEFORE_HELD):
        for match in pattern.finditer(folded, low, high):
            start, end = match.span("place")
            said = folded[start:end]
            if len(said) == 1 and said not in words.place_names:
                continue
            known = list(words.place_pattern.finditer(folded, start, end))
            if pattern is not _AT:
                if pattern is _BEFORE_HELD:
                    if not known or known[-1].end() != end:
                        continue
                    start = known[-1].start()
                elif _ONLY_TIME.search(said) and not known:
                    continue
                elif known and (known[0].start() != start or not re.search("[会堂厅楼店园港心馆]$", said)):
                    start, end = known[0].start(), known[-1].end()
            elif not known and not re.match(
                r"\s*(?:[.,;)]|on\b|today|yesterday|$|to\b|and\b|with\b|in\b)",
                folded[end : min(end + 12, high)],
            ):
                continue
            return Where(start, end, text[start:end], words.place_names.get(said) or _code(known, words))
    for match in _CELL.finditer(folded, low, high):
        known = list(words.place_pattern.finditer(folded, *match.span("place")))
        if known:
            return Where(
                *match.span("place"), text[match.start("place") : match.end("place")], _code(known, words)
            )
    return None


def dateline(folded: str, words: Dictionary, text: str) -> Where | None:
    """Return the place that an agency's report was sent from: "GUANGZHOU, Sept. 26"; its "here" is that place."""
    match = re.search(
        r"^\W*(?P<place>[A-Z]{4,}(?: [A-Z]{3,})?), |^\W*(?P<mixed>[A-Z][a-z]{3,}(?: [A-Z][a-z]{3,})?)(?:, | ?\()(?=[A-Z]?[\w. ]{3,18},? ?(?:19|20)?\d{1,2}\)?(?:\. [A-Z]| ?-+ ?))",
        folded,
        re.MULTILINE,
    )
    if not match:
        return None
    start, end = match.span("place" if match["place"] else "mixed")
    code = words.place_names.get(folded[start:end].title())
    return Where(start, end, text[start:end].title(), code) if code else None


def known_place(folded: str, low: int, high: int, words: Dictionary, text: str) -> Where | None:
    """Return a stretch of text as a place, as behind a label ("Venue:"), if the dictionary knows it."""
    more = _MORE_VENUES.search(folded, low, high)
    high = more.start() if more else high
    known = list(words.place_pattern.finditer(folded, low, high))
    return Where(low, high, text[low:high], _code(known, words)) if known else None


def _code(known: list[re.Match[str]], words: Dictionary) -> str:
    codes = [words.place_names[match[0]] for match in known]
    inner = next((code for code in codes if words.places[code].within), None)
    return inner or (codes[0] if codes else "")


def mode_in(folded: str, low: int, high: int, *, place: bool) -> tuple[Mode, int, int] | None:
    """Return how it was held, and the words that say so; a place named and nothing of video is in person."""
    hybrid = _HYBRID.search(folded, low, high)
    if hybrid:
        return Mode.HYBRID, hybrid.start(), hybrid.end()
    video = _VIDEO.search(folded, low, high)
    if video:
        return Mode.VIDEO, video.start(), video.end()
    present = _IN_PERSON.search(folded, low, high)
    if present:
        return Mode.IN_PERSON, present.start(), present.end()
    return (Mode.IN_PERSON, low, high) if place else None
