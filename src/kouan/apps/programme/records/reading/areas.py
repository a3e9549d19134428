"""Areas of co-operation: sentences that announce them, and the lists that follow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kouan.apps.programme.records.reading.text import HAN, item_mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kouan.apps.programme.records.reading.text import Sentence

_COUNTS: Final = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip
_ZH_COUNTS: Final = {char: number for number, char in enumerate("一二三四五六七八九十", 1)} | {"两": 2}
_COUNT: Final = rf"(?:\d{{1,2}}|{'|'.join(_COUNTS)})"
_KIND: Final = r"(?:(?:major|main|key|priority|focus|core|specific|broad|important|principal|work|co-?operation|collaboration|following|below|designated) )*"
_NOUN: Final = r"(?:(?:areas?(?! of the)|fields|aspects|directions|domains|fronts|priorities|themes|streams|work (?:details|items|areas)|focus areas)(?! manager))"
_TRIGGER: Final = re.compile(
    rf"(?:\b(?:in|on|into|the|these|of|following|across|covering|cover|covers|identified|set|laid down|agreed(?: on)?|namely|under|through|around|reviewed) )+(?:the )?(?:following )?(?:{_COUNT} )?{_KIND}{_NOUN}"
    rf"|(?<![^\n])(?:[A-Z]\w+ )?areas (?:of|for) co-?operation\b|\bwork plan\b[^.:;]{{0,40}}? (?:covers|covered|comprises|comprised|includes|included)(?=:)|\bwork plan\b[^.:;]{{0,30}}?, (?:which )?(?:covering|focusing on)"
    rf"|\b{_COUNT} {_KIND}{_NOUN}|\b(?:focus(?:ing)?|concentrat(?:e|ing)|co-?operat(?:e|ing)|work together|working together|collaborat(?:e|ing)) (?:on|in)(?: the following)?(?=\s*:-?\s*(?:\n|$))|\bsuch {_NOUN} as\b|\b{_NOUN} such as\b|\b{_KIND}{_NOUN} (?:including|namely)\b",
    re.IGNORECASE,
)
_OPENS: Final = re.compile(
    r"(?P<open>,? (?:including|namely|which include|which are|comprising|covering|such as|as follows)\b,?:?|,? i\.e\.,?|,? viz\b\.?:?|:|\bsuch as\b| as\b| (?:was|were) on the (?:table|agenda):| of(?= \")|,? that is,?)\s*",
    re.IGNORECASE,
)
_ZH_TRIGGER: Final = re.compile(
    r"(?:(?:以下|下列|如下|这|在|围绕|聚焦|就)?(?P<count>[一二三四五六七八九十两]|\d{1,2})?(?:个|大|项)?(?:主要|重点|重要|合作|优先|工作|关键)*(?:范畴|领域|方面|方向)(?:合作|工作|的合作|的工作)?|(?<=[^\d一二三四五六七八九十])(?P<tasks>[一二三四五六七八九十两]|\d{1,2})(?:项|大|方面|个)(?:重点|主要|合作)*(?:工作|任务|议题)|(?:合作|工作)重点(?=[^。;:,]{0,12}:)|(?P<main>重点(?:工作|合作|内容|任务|项目)?(?:包括|涵盖|为|是)|主要(?:工作|合作|内容)(?:包括|涵盖))|(?:工作|合作)重点,(?:将|要)?(?:着力|重点|继续|积极|大力)*(?P<verb>推进|推动|加强|深化|开展|聚焦)|多个(?:合作)?(?:范畴|领域|方面)|(?:以下|下列|如下)[一二三四五六七八九十两\d]{1,2}(?:项|个)[^,。;:]{0,24}?(?:工作内容|工作项目|工作|内容|项目)|(?:推进|开展|做好|落实|抓好)(?:以下|下列|如下)(?:几项|各项|重点|主要)?(?:工作|任务))"
)
_ZH_OPENS: Final = re.compile(
    r"^[^:。;,、]{0,24}?(?:,|\()?[^:。;,、]{0,16}?(?:包括|分别是|分别为|即|计有|有|为|涵盖|涉及)?(?:了)?\s*[::]\s*|^[^:。;,、]{0,18}(?:,|\()?(?:包括|即|分别是|分别为|计有|涵盖)(?:了)?[:,]?"
)
_ABOUT: Final = re.compile(
    r"co-?operat|collaborat|work plan|both sides|two sides|two places|Hong Kong and Guangdong|Guangdong and Hong Kong|\bthe meeting\b|\bpriorities\b|expert group|task force|\bagreed\b|\b[Mm]embers (?:noted|reviewed|discussed)\b|\bon the (?:table|agenda)\b|working group|joint conference"
    r"|合作|双方|两地|粤港|会议|专责小组|工作计划",
    re.IGNORECASE,
)
_SPEECH: Final = re.compile(
    r"\b(?:Mr|Ms|Mrs|Dr|Ir|Miss) [A-Z][\w-]+(?: [A-Z][\w-]+)* (?:also )?(?:said|stated|remarked|noted|added|pointed out|mentioned|highlighted|stressed)\b|\b(?:Policy Address|Blueprint|Strategy|Roadmap) (?:sets? out|identif|focus|covers?)"
    rf"|[{HAN}]{{2,4}}(?:在会上|在会议上)?(?<!双方)(?<!两地)(?<!会议)(?<!各方)(?:表示|指出|说|称|强调|认为)[,:]?"
)
_FOCUS: Final = re.compile(
    r"\bset (?:the )?(?:co-?operation (?:on|in) )?(?:the )?(?P<what>[\w /&-]{4,100}?) as the (?:focus|priority|key area|major area)"
    rf"|(?:将)?以(?P<zh>[{HAN}A-Za-z0-9]{{4,30}}?)为(?:合作|工作)?(?:重点|主题|核心)"
)


@dataclass(frozen=True, slots=True)
class Area:
    """An area in the text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Announced:
    """Areas that a sentence announces: those in it, or how many are to follow in a list."""

    areas: tuple[Area, ...]
    count: int | None
    follows: bool
    """Whether the list stands in the lines behind."""


def announced(folded: str, sentence: Sentence, *, lone: bool = True) -> Announced | None:
    """Return what a sentence says of the areas of co-operation; ``None`` where it says nothing of them."""
    low, high = sentence.start, sentence.end
    piece = folded[low:high]
    if not _ABOUT.search(piece) or sentence.heading:
        return None
    found = (
        _announced_zh(folded, low, high)
        if re.search(f"[{HAN}]{{3}}", piece)
        else _announced_en(folded, low, high)
    )
    if found is None and lone:
        focus = _FOCUS.search(piece)
        if focus:
            name = "what" if focus["what"] else "zh"
            return Announced((Area(low + focus.start(name), low + focus.end(name)),), None, follows=False)
    return found


def _announced_en(folded: str, low: int, high: int) -> Announced | None:
    for trigger in _TRIGGER.finditer(folded, low, high):
        if folded[max(low, trigger.start() - 4) : trigger.start()].endswith("Bay "):
            continue
        if _SPEECH.search(folded, low, trigger.start()):
            continue
        number = re.search(rf"\b{_COUNT}\b", trigger[0], re.IGNORECASE)
        count = None
        if number:
            word = number[0].lower()
            count = int(word) if word.isdecimal() else _COUNTS[word]
        if (
            trigger[0]
            .lower()
            .rstrip()
            .endswith(("such as", "including", "namely", " as", "covering", "focusing on"))
        ):
            at = trigger.end()
            at += len(folded[at:high]) - len(folded[at:high].lstrip(" ,:"))
        else:
            tail = folded[trigger.end() : min(trigger.end() + 160, high)]
            opens = _OPENS.search(tail)
            plain = (
                re.match(r" of (?!co-?operation|work\b|mutual|the )", tail)
                if count and opens is None
                else None
            )
            if plain:
                items = _items(folded, trigger.end() + plain.end(), _tail(folded, trigger.end(), high), count)
                if len(items) == count:
                    return Announced(tuple(items), count, follows=False)
            if opens is None or re.search(r"\b(?:said|which was|who)\b|[.;]", tail[: opens.start()]):
                continue
            at = trigger.end() + opens.end()
            more = _OPENS.match(folded[at:high])
            if more and more.end() < 14:
                at += more.end()
            namely = re.search(r"\bnamely:?\s*$", folded[at:high])
            if namely:
                at = high
        if not folded[at:high].strip(" :-"):
            return Announced((), count, follows=True)
        items = _items(folded, at, _tail(folded, at, high), count)
        if len(items) >= 2 or (count == 1 and items):
            return Announced(tuple(items), count, follows=False)
    return None


def _tail(folded: str, low: int, high: int) -> int:
    """Return where a list ends in its sentence: before ", etc." and before what is said with it."""
    piece = folded[low:high]
    end = re.search(
        r", (?:(?:Mr|Ms|Mrs|Dr|Ir|Miss|the) [A-Z][^,]{1,40}|he|she) (?:said|added|noted|remarked)\b|,? etc\b|,? and so on\b|,? among others\b| (?:of|under|in) the \"|,? by (?:focusing|making|leveraging|way)\b|,? (?:with a view to|so as to|in order to|aiming to|at the meeting)\b",
        piece,
    )
    quoted = [match.span() for match in re.finditer(r'"[^"]*"', piece)]
    if end and not any(start < end.start() < stop for start, stop in quoted):
        return low + end.start()
    return high


def _items(folded: str, low: int, high: int, count: int | None) -> list[Area]:
    piece = folded[low:high].rstrip(" .。")
    high = low + len(piece)
    quoted = [
        Area(low + match.start(1), low + match.end(1))
        for match in re.finditer(r'"\s*([^"]{3,200}?)\s*"', piece)
    ]
    rest = re.sub(r'"[^"]*"', "", piece)
    if len(quoted) >= 2 and len(re.sub(r"\b(?:and|as well as)\b|[\W_]", "", rest)) < len(rest) * 0.5:
        return quoted
    if piece.count(";"):
        cuts = [match.span() for match in re.finditer(r";\s*(?:and |as well as )?", piece)]
        return _between(folded, low, high, cuts)
    last = None
    for match in re.finditer(r",? as well as (?:the )?|, and (?:the )?", piece):
        last = match
    cuts = [match.span() for match in re.finditer(r",\s+(?:and )?(?:as well as )?", piece)]
    if last is not None and not any(start <= last.start() < end for start, end in cuts):
        cuts.append(last.span())
    cuts.sort()
    if last is None or (last[0].startswith(",") and "as well" not in last[0] and not cuts):
        joints = [match.span() for match in re.finditer(r" and ", piece[cuts[-1][1] if cuts else 0 :])]
        base = cuts[-1][1] if cuts else 0
        choices = [
            (start + base, end + base) for start, end in joints
            if count or not cuts or " " in piece[base : base + start].strip()
        ]  # fmt: skip
        if choices:
            verbs = [
                each
                for each in choices
                if re.match(r"(?:the )?(?:[a-z]+ing|[a-z]+ion of|[a-z]+ment of)\b", piece[each[1] :])
            ]
            wanted = count is None or len(cuts) + 2 <= count
            if wanted:
                cuts.append((verbs or choices)[-1] if (verbs or len(choices) == 1 or count) else choices[-1])
    cuts.sort()
    while count and len(cuts) + 1 > count:
        inner = _inner(piece, cuts)
        if inner is None:
            break
        cuts.remove(inner)
    return _between(folded, low, high, cuts)


def _inner(piece: str, cuts: list[tuple[int, int]]) -> tuple[int, int] | None:
    """Return a comma that belongs to one item ("industry, academia and research"), not to the list."""
    plain = []
    for at, (start, end) in enumerate(cuts[:-1]):
        following = piece[end : cuts[at + 1][0]]
        if re.search(r"\band\b", following) and not re.match(r"[a-z]+ing\b", following):
            plain.append((following[0].isupper(), len(following), (start, end)))
    if plain:
        return min(plain)[2]
    return next(
        ((start, end) for start, end in cuts if not re.match(r"(?:[A-Z]|[a-z]+ing\b)", piece[end:])), None
    )


def _between(folded: str, low: int, high: int, cuts: Sequence[tuple[int, int]]) -> list[Area]:
    areas = []
    at = low
    for start, end in [*((low + start, low + end) for start, end in cuts), (high, high)]:
        area = trimmed(folded, at, start)
        if area is not None:
            areas.append(area)
        at = end
    return areas


def trimmed(folded: str, low: int, high: int) -> Area | None:
    """Return a stretch of text as an area: without its number, articles, joints and full stop."""
    piece = folded[low:high]
    lead = re.match(
        r"(?:[\s,;:]|\(?[0-9ivx]{1,3}[.)]\s|\([a-l]\)\s|[(]?[一二三四五六七八九十]{1,2}[)、.]|(?:and|as well as|the)\s|[一二三四五六七八九十][是要])*",
        piece,
    )
    start = low + (len(lead[0]) if lead else 0)
    piece = re.sub(
        r"(?:[\s,;:.。]|\band$|等(?:领域|方面|范畴)?$|以及$|[一二三四五六七八九十两\d]{1,2}(?:个|大|项)?(?:主要|重点|合作)*(?:范畴|领域|方面)$)+$",
        "",
        folded[start:high],
    )
    if piece.count('"') % 2 or (piece[:1] == piece[-1:] == '"' and piece.count('"') == 2):
        start += piece.startswith('"')
        piece = piece.strip('"')
    return Area(start, start + len(piece)) if len(piece) >= 2 else None


def _announced_zh(folded: str, low: int, high: int) -> Announced | None:
    for trigger in _ZH_TRIGGER.finditer(folded, low, high):
        if not trigger[0].strip() or _SPEECH.search(folded, low, trigger.start()):
            continue
        count = None
        said = trigger["count"] or trigger["tasks"]
        if said:
            count = int(said) if said.isdecimal() else _ZH_COUNTS[said]
        if trigger["main"] and not folded[trigger.end() : high].strip(" :,"):
            return Announced((), count, follows=True)
        if trigger["verb"] or trigger["main"]:
            items = _items_zh(folded, trigger.end(), high, count)
            if len(items) >= 2:
                return Announced(tuple(items), count, follows=False)
            continue
        opens = _ZH_OPENS.match(folded[trigger.end() : high])
        if opens and opens[0].strip():
            at = trigger.end() + opens.end()
            if not folded[at:high].strip(" :-"):
                return Announced((), count, follows=True)
            items = _items_zh(folded, at, high, count)
            if len(items) >= 2:
                return Announced(tuple(items), count, follows=False)
        before = re.search(
            r"(?:在|就|围绕|加强|深化|推进|推动|聚焦|包括|抓好|做好|落实|开展)(?P<list>(?:[^。;:,]|,(?=以?及)){6,}?)(?:等)?$",
            folded[low : trigger.start()],
        )
        if before and re.search("[、]", before["list"]) and count:
            items = _items_zh(folded, low + before.start("list"), low + before.end("list"), count)
            if len(items) == count:
                return Announced(tuple(items), count, follows=False)
    return None


def _items_zh(folded: str, low: int, high: int, count: int | None) -> list[Area]:
    piece = folded[low:high]
    end = re.search(
        r"等(?:方面|领域|范畴|多个|工作|合作|[一二三四五六七八九十\d]{1,2}(?:个|大|项))?(?:的)?(?:加强|开展|深化|推进|进行|合作|工作)?|。|(?<=[^、;]),(?:共同|为|以(?!及)|推动两地|促进两地|进一步推动)",
        piece,
    )
    piece = piece[: end.start()] if end else piece
    high = low + len(piece)
    marks = [
        match.span()
        for match in re.finditer(
            r"[(](?:[一二三四五六七八九十]|\d{1,2})[)]|(?:^|[;,。])\s*[一二三四五六七八九十][是要]|(?:^|;|,|\s)\d{1,2}[.、](?!\d)",
            piece,
        )
    ]
    if len(marks) >= 2:
        return _between(folded, low, high, marks)
    quoted = [
        Area(low + match.start(1), low + match.end(1))
        for match in re.finditer(r'"\s*([^"]{3,80}?)\s*"', piece)
    ]
    if len(quoted) >= 2 and len(re.sub(r'"[^"]*"', "", piece)) < len(piece) * 0.3:
        return quoted
    mark = ";" if ";" in piece else "、" if "、" in piece else ","
    cuts = [match.span() for match in re.finditer(rf"{mark}\s*(?:以及|及|和|与)?|,?以及", piece)]
    items = _between(folded, low, high, cuts)
    if count and len(items) == count - 1 and items:
        joints = list(re.finditer("(?:和|及|与|并)", folded[items[-1].start : items[-1].end]))
        for joint in reversed(joints):
            right = folded[items[-1].start + joint.end() : items[-1].end]
            least = 2 if len(joints) == 1 else 4
            if len(right) >= least and joint.start() >= least:
                cut = items[-1]
                return [
                    *items[:-1],
                    Area(cut.start, cut.start + joint.start()),
                    Area(cut.start + joint.end(), cut.end),
                ]
    return items


def in_line(folded: str, sentence: Sentence) -> Area | None:
    """Return a list's line as an area."""
    line = folded[sentence.start : sentence.end]
    return trimmed(folded, sentence.start + item_mark(line), sentence.end)
