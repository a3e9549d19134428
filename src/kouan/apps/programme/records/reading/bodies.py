"""Which bodies were at a meeting: sentences about attendance, and the lists in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

from kouan.apps.programme.records.reading.dictionary import key_of
from kouan.apps.programme.records.reading.people import people_in
from kouan.apps.programme.records.reading.text import HAN, item_mark, script_of

if TYPE_CHECKING:
    from kouan.apps.programme.records.reading.dictionary import Dictionary
    from kouan.apps.programme.records.reading.text import Sentence

_HEAD: Final = (
    r"(?:Department|Bureau|Office|Officer|Commission|Authority|Administration|Council|Institute|Association|Society|Centre|Center|"
    r"Company(?: Limited)?|Limited|Corporation|Services?|Agency|University|Chamber|Federation|Alliance|Customs|Police Force|Observatory|"
    r"Academy|Ministry|Foundation|Committee|Secretariat|Monetary Authority|Branch|Hongkong Post|Group)"
)
_HAS_HEAD: Final = re.compile(rf"\b{_HEAD}\b")
_ZH_HEAD: Final = re.compile(
    f"^[{HAN}A-Za-z0-9]{{1,24}}(?:局|处|署|厅|办公室|委员会|委|办|海关|院|会|公司|中心|[市县]政府|协会|学会|商会|大学|研究院|管理局|金管局|机构|联盟|集团|分署)$"
)
_ATTENDED: Final = re.compile(
    r"\b(?P<who>[Rr]epresentatives?|[Oo]fficials?|[Mm]embers|[Dd]elegates|[Pp]articipants|[Aa]ttendees|[Ss]taff|[Cc]olleagues|[Dd]epartments|[Bb]ureaux|[Bb]odies|[Oo]rgani[sz]ations)\b(?P<rest>[^.]*)",
)
_AT_MEETING: Final = re.compile(
    r"\b(?:attend(?:ed|ing)?|represented|represent(?:ing)?|took part in|participated in|participat(?:ed|ing)|present|in attendance|joined|were (?:also )?at|comprised|included?|including|delegation|came from|drawn from|accompanied by|with (?:me|us|him|her|them) were)\b",
    re.IGNORECASE,
)
_LIST_BEGINS: Final = re.compile(
    r"\b(?:representatives?|officials?|members|delegates|participants|colleagues|staff)(?: respectively)? (?:from|of) (?:officials from |representatives from )?"
    r"|\b(?:representatives?|officials?|members|delegates|participants|colleagues|staff|departments|bureaux|bodies|organi[sz]ations)(?: of the (?:Hong Kong|Guangdong|HKSAR|Mainland) (?:side|delegation))?[^.;:]{0,90}?(?:\b(?:included?|including|comprised|comprising|namely|such as)\b (?:(?:officials?|representatives?|members|those|colleagues)(?: \w+)? (?:from|of) )?|\b(?:came|were|are|drawn) from )"
    r"|\bincluding |\bincluded |\bcomprised |\battended by |\bsuch as |\bIn addition to |\btogether with (?:relevant departments including )?|\bnamely[,:]? ",
    re.IGNORECASE,
)
_INVERTED: Final = re.compile(
    r"\b(?:[Aa]lso )?(?:[Pp]resent|[Rr]epresented|[Aa]ttending|[Tt]aking part|[Pp]articipating|[Ii]n attendance)(?: at the (?:meeting|plenary))?"
    r"(?: (?:for|from|on behalf of) (?:the )?[A-Z]\w+(?: [A-Z]\w+)?(?: (?:side|delegation|Government))?)? were (?:the )?"
    r"|\brepresented (?:at the (?:meeting|plenary) )?by (?!Mr|Ms|Dr|its|their)(?:(?:officials|representatives|staff|colleagues) (?:from|of) )?(?:the )?"
)
"""A list of bodies behind its verb: "Present for Hong Kong were …", "was represented by …"."""
_LIST_ENDS: Final = re.compile(
    r"\b(?:also )?(?:attended|represented|took part|participated|were present|joined|was present|in attendance|attending|who)\b|[.;]|\brepresentatives from (?=research|industry)"
)
_OTHER_EVENT: Final = re.compile(
    r"\b(?:attend(?:ed|ing)?|joined|participated in|took part in|at) (?:by [^.]{0,200})?(?:the |this |a |an |its )?(?:\"[^\"]*\"|opening ceremony|ceremony|forum|conference|exhibition|seminar|workshop|symposium|visit|luncheon|dinner|summit|roundtable)\b"
    r"|\b(?:Forum|Conference|Exhibition|Seminar|Summit|Exchange Session|Expo|Ceremony|forum|seminar|exhibition|ceremony|summit|expo)\b,? (?:was |were )?(?:also )?attended by"
    r"|(?:出席|参加|参与)(?:了)?(?:本次|是次|该|此次)?(?:论坛|大会|仪式|交流会|研讨会|展览|活动|座谈会|典礼|开幕)|(?:论坛|交流会|研讨会|大会|活动|座谈会|仪式)[^。;]{0,30}(?:出席|参加|吸引)"
)
_ZH_ATTENDED: Final = re.compile(r"出席|参加|参会|与会|列席|代表团成员|到会")
_ZH_LIST: Final = re.compile(
    r"(?:(?:代表|人员|官员|部门|单位|成员|团体|机构)[^。;,]{0,10}?(?:包括|有|为|来自|分别来自|计有)(?:了)?(?:来自)?(?:有)?|来自|包括|以及|和|与|及|、|,)"
)
_ZH_SHORT: Final = re.compile(f"[{HAN}]{{1,12}}(?:局|处|署|厅|委|办)|海关")
_STRIP: Final = re.compile(
    r"^(?:(?:and|as well as|the|officials? (?:from|of)|representatives? (?:from|of)|from|of|also|other relevant departments|relevant (?:bureaux and )?departments|respectively|including|both|by|In addition to)\b[ ,:]*)+|\((?:the then|formerly|previously|now|then|known as|renamed)[^)]*\)|\([A-Z][\w&]{1,10}\)",
    re.IGNORECASE,
)
_LIKE: Final = 0.88
_ALONE: Final = re.compile(
    r"\W*(?:PRESENT|ATTENDANCE|IN ATTENDANCE|ATTENDEES|Present|In [Aa]ttendance|Attendance|Attendees|Members present|(?:出席|参加|参会|与会|列席)(?:会议)?(?:人员|单位|代表|者|名单|部门))\W*"
)
"""A heading by itself above a list of those present."""
_SIDE: Final = re.compile(
    r"\W*(?:(?:The )?(?:Hong Kong|Guangdong|HKSAR|Mainland)(?: [Ss]ide| [Dd]elegation)?|[港粤]方|香港|广东|香港特区政府|广东省)\W*"
)
"""Within such a list, whose people follow."""
_OF_A_SIDE: Final = re.compile(
    r"\W*(?:(?:The )?(?:Hong Kong|Guangdong|HKSAR|Mainland)(?: [Ss]ide| [Dd]elegation)?|[港粤]方|香港|广东)\s*:\s*(?=\S)"
)
"""A line of such a list that names all of one side."""
_ZH_PRESENT: Final = re.compile(r"^\W*(?:与会|出席|参加|到会|列席)(?:会议)?的?(?:还|亦|也)?(?:有|包括)")
_LABEL: Final = re.compile(
    r"^\s*(?:(?:(?:Hong Kong|Guangdong|HKSAR|Mainland|Members|Representatives|Bodies|Departments)[^:]{0,40})?(?:[Aa]ttendance|[Aa]ttendees|[Pp]articipants|[Rr]epresentatives|[Mm]embers present|[Pp]resent|[Ii]n attendance|[Dd]epartments(?: represented)?|[Bb]odies(?: represented)?)(?: (?:from|of|for) (?:the )?(?:Hong Kong|Guangdong|HKSAR|Mainland)(?: side| delegation| Government)?)?(?: \([^)]*\))?|(?:(?:港方|粤方|香港|广东)?(?:出席|参加|与会|参会|列席)(?:单位|部门|人员|者|机构|代表)?))\s*:\s*"
)


@dataclass(frozen=True, slots=True)
class Attending:
    """A body in the text that was represented: its code if it is known, and its name spelt right."""

    start: int
    end: int
    code: str
    name: str
    sure: bool
    """Whether the dictionary has it as it is written."""


def bodies_in(
    folded: str, sentence: Sentence, words: Dictionary, text: str, *, following: bool
) -> list[Attending]:
    """Return the bodies that a sentence says were represented; ``following``: the sentence before began the list."""
    low, high = sentence.start, sentence.end
    piece = folded[low:high]
    if following and is_person(folded, sentence, words):
        return _in_offices(folded, low, high, words, text)
    if following and sentence.item:
        return _listed(folded, low + item_mark(piece), high, words, text)
    label = _LABEL.match(piece) or (_OF_A_SIDE.match(piece) if following else None)
    if label:
        return _listed(folded, low + label.end(), high, words, text) or _in_offices(
            folded, low + label.end(), high, words, text
        )
    if sentence.heading or _OTHER_EVENT.search(piece):
        return []
    if re.search(f"[{HAN}]{{4}}", piece):
        return _chinese(folded, sentence, words, text)
    who = _ATTENDED.search(piece)
    inverted = list(_INVERTED.finditer(piece))
    if not inverted and (not who or not _AT_MEETING.search(piece)):
        return []
    if re.search(
        r"\b(?:said|visited|signed|witnessed|speaking|speech|briefed|toured|exchanged (?:views|ideas) with)\b",
        piece,
    ) and not re.search(r"\battended the meeting\b", piece):
        return []
    found: list[Attending] = []
    begins = inverted or list(_LIST_BEGINS.finditer(piece))
    if re.match(r"(?:Also |In addition to|The meeting was attended by|Those (?:present|attending))", piece):
        pass
    elif not begins:
        return []
    for at, begin in enumerate(begins):
        end = _LIST_ENDS.search(piece, begin.end())
        stop = min(
            end.start() if end else len(piece), begins[at + 1].start() if at + 1 < len(begins) else len(piece)
        )
        for each in _listed(folded, low + begin.end(), low + stop, words, text):
            if not any(each.code == one.code for one in found):
                found.append(each)
    return found


def is_person(folded: str, sentence: Sentence, words: Dictionary) -> bool:
    """Say whether a line by itself names somebody with an office, as a list of those present does."""
    line = folded[sentence.start : sentence.end]
    return sentence.heading and bool(
        re.match(rf"{words.titles} [A-Z]|[{words.surnames}][{HAN}]{{1,2}}[ ,(]", line)
        or _SIDE.fullmatch(line)
    )


def of_a_side(folded: str, sentence: Sentence) -> bool:
    """Say whether a line names those of one side, as a list of those present does: "Hong Kong side: …"."""
    return bool(_OF_A_SIDE.match(folded, sentence.start, sentence.end))


def begins_list(folded: str, sentence: Sentence) -> bool:
    """Say whether the lines behind a sentence are to name who attended: "Attendance:"."""
    piece = folded[sentence.start : sentence.end]
    return bool(_ALONE.fullmatch(piece)) or (
        piece.endswith(":")
        and bool(_LABEL.match(piece) or _ATTENDED.search(piece) or _ZH_ATTENDED.search(piece))
    )


def _in_offices(folded: str, low: int, high: int, words: Dictionary, text: str) -> list[Attending]:
    """Return the bodies that a line's people belong to, as their offices name them."""
    found = []
    for match in words.body_pattern.finditer(folded, low, high):
        called = words.body_called(match[0])
        if called is not None:
            body, name = called
            script = "en" if match[0].isascii() else script_of(text).value
            right = words.spelling_of(text[match.start() : match.end()], name, body.side, script)
            found.append(Attending(match.start(), match.end(), body.code, right, sure=True))
    return found


def _chinese(folded: str, sentence: Sentence, words: Dictionary, text: str) -> list[Attending]:
    low, high = sentence.start, sentence.end
    piece = folded[low:high]
    if not _ZH_ATTENDED.search(piece) and not re.search("代表[^。]{0,30}(?:来自|包括)", piece):
        return []
    if re.search("参观|考察|走访|签署|签订|表示|指出", piece) and not re.search(
        "(?:出席|参加)(?:了)?(?:本次|是次|此次|这次)?会议", piece
    ):
        return []
    if _ZH_PRESENT.match(piece):
        return _in_offices(folded, low, high, words, text)
    return _listed(folded, low, high, words, text, chinese=True)


def _listed(
    folded: str, low: int, high: int, words: Dictionary, text: str, *, chinese: bool = False
) -> list[Attending]:
    """Return the bodies in a list: those that are known, then what has the form of one."""
    spans: list[Attending] = []
    persons = people_in(folded, low, high, words, text)
    for match in words.body_pattern.finditer(folded, low, high):
        called = words.body_called(match[0])
        bracket = folded.rfind("(", low, match.start())
        inside = bracket >= 0 and ")" not in folded[bracket : match.start()]
        person = any(each.low <= match.start() < each.high for each in persons)
        longer = chinese and re.match("(?:局|署|厅|处|长)", folded[match.end() : match.end() + 1])
        if called is None or inside or person or longer:
            continue
        body, name = called
        written = folded[match.start() : match.end()]
        script = "en" if written.isascii() else script_of(text).value
        right = words.spelling_of(text[match.start() : match.end()], name, body.side, script)
        spans.append(Attending(match.start(), match.end(), body.code, right, sure=True))
    gaps = [(low, high)]
    for each in spans:
        gaps = [
            part
            for start, end in gaps
            for part in ((start, min(end, each.start)), (max(start, each.end), end))
            if part[0] < part[1]
        ]
    for one in persons:
        gaps = [
            part
            for start, end in gaps
            for part in ((start, min(end, one.low)), (max(start, one.high), end))
            if part[0] < part[1]
        ]
    for start, end in gaps:
        spans += _unknown(folded, start, end, words, text, chinese=chinese)
    kept: list[Attending] = []
    for each in sorted(spans, key=lambda one: one.start):
        if not any(each.code == one.code for one in kept):
            kept.append(each)
    return kept


def _unknown(
    folded: str, low: int, high: int, words: Dictionary, text: str, *, chinese: bool
) -> list[Attending]:
    found = []
    if chinese:
        for match in re.finditer(rf"[{HAN}A-Za-z0-9]+", folded[low:high]):
            for piece in re.finditer(
                r"(?:(?!以及|和(?![信科科旅改数卫])|与(?!信)|及(?![信科经工旅内])|暨).)+", match[0]
            ):
                start = low + match.start() + piece.start()
                said = re.sub("^.*?(?:包括|来自|分别为|单位有|部门有)", "", piece[0])
                start += len(piece[0]) - len(said)
                said = re.sub("(?:等|的|有关|相关).*$", "", said)
                if (whole := _of_its_side(said, words, script_of(text).value)) and folded.rfind(
                    "(", low, start
                ) <= folded.rfind(")", low, start):
                    found.append(Attending(start, start + len(said), *whole, sure=False))
                elif (
                    folded.rfind("(", low, start) <= folded.rfind(")", low, start)
                    and _ZH_HEAD.match(said)
                    and len(said) >= 4
                    and not re.search(
                        "会议|参加|出席|代表|专责|政府部门|成员单位|有关部门|双方|两地|各|省政府$|^由|共同|主持|办会|委员会会",
                        said,
                    )
                    and not said.endswith(("大会", "年会", "机会", "社会", "协会会"))
                ):
                    found.append(
                        Attending(start, start + len(said), "", text[start : start + len(said)], sure=False)
                    )
        return found
    for start, end in _pieces(folded, low, high, words):
        said = folded[start:end]
        if not (_HAS_HEAD.search(said) or _like(said, words)) or not re.match(r"[A-Z]", said):
            continue
        like = _like(said, words)
        if like:
            code, number = words.body_names[like]
            found.append(Attending(start, end, code, words.bodies[code].names[number].name.en, sure=False))
        elif (
            re.fullmatch(r"[A-Z][\w&'-]*(?:,? (?:[A-Z0-9][\w&'-]*|of|and|for|the|on|in))*", said)
            and len(said.split()) <= 14
            and not re.search(
                r"\b(?:Government|Members?)$|^(?:Hong Kong|Guangdong|Mainland)$|Expert Group|Task Force", said
            )
        ):
            found.append(Attending(start, end, "", text[start:end], sure=False))
    return found


def _of_its_side(said: str, words: Dictionary, script: str) -> tuple[str, str] | None:
    """Return the code and name of a body that a list names short, behind one with its side: "省发展改革委、科技厅"."""
    if not _ZH_SHORT.fullmatch(said):
        return None
    known = [called for side in ("省", "广东省", "香港") if (called := words.body_called(side + said))]
    codes = {body.code for body, _name in known}
    return (known[0][0].code, known[0][1].in_language(script)) if len(codes) == 1 else None


def _pieces(folded: str, low: int, high: int, words: Dictionary) -> list[tuple[int, int]]:
    """Cut a list into names: at commas, and at "and" where a whole name stands on either side."""
    cuts: list[tuple[int, int]] = []
    start = low
    for cut in re.finditer(
        r", (?:and |as well as )?(?:the )?| and (?:the )?|; (?:and )?(?:the )?| as well as (?:the )?",
        folded[low:high],
    ):
        left = _HAS_HEAD.search(folded[start : low + cut.start()])
        right = _HAS_HEAD.search(folded[low + cut.end() : high])
        of = re.search(
            r"\b(?:Department|Bureau|Office|Commission|Administration) (?:of|for) (?:the )?[A-Z]\w+$",
            folded[start : low + cut.start()],
        )
        if _one_name(folded, start, low + cut.end(), high, words):
            continue
        beyond = bool(right or _like(re.split(r"[,;]| and ", folded[low + cut.end() : high])[0], words))
        whole = (
            bool(left or _like(folded[start : low + cut.start()], words))
            and (beyond or not folded[low + cut.end() : high].strip())
            and not (of and "and" in cut[0] and "," not in cut[0])
        )
        if whole and re.match(r"[A-Z]", folded[low + cut.end() : low + cut.end() + 1] or "A"):
            cuts.append((start, low + cut.start()))
            start = low + cut.end()
    cuts.append((start, high))
    return [span for start, end in cuts if (span := _stripped(folded, start, end))[0] < span[1]]


def _one_name(folded: str, low: int, joint: int, high: int, words: Dictionary) -> bool:
    """Say whether a joint stands inside one misspelt name: "Customs and Exercise Department"."""
    end = re.search(r"[,;.]| and ", folded[joint:high])
    low, high = _stripped(folded, low, joint + end.start() if end else high)
    return low < joint < high and bool(_like(folded[low:high], words))


def _like(said: str, words: Dictionary) -> str:
    """Return the known name that a name must be meant for; empty where none is like enough."""
    key = key_of(said)
    if not 6 < len(key) < 120:
        return ""
    best, ratio = "", 0.0
    matcher = SequenceMatcher(None, b=key)
    for name in words.body_names:
        if abs(len(name) - len(key)) <= 4:
            matcher.set_seq1(name)
            if (
                matcher.real_quick_ratio() > ratio
                and matcher.quick_ratio() > ratio
                and matcher.ratio() > ratio
            ):
                best, ratio = name, matcher.ratio()
    return best if ratio >= _LIKE else ""


def _stripped(folded: str, start: int, end: int) -> tuple[int, int]:
    piece = folded[start:end]
    lead = re.match(r"[\s,;:-]*", piece)
    start += len(lead[0]) if lead else 0
    while match := _STRIP.match(folded[start:end]):
        if not match[0]:
            break
        start += match.end()
        start += len(folded[start:end]) - len(folded[start:end].lstrip(" ,;"))
    tail = re.sub(r"\s*\([^)]*\)?\s*$", "", folded[start:end].rstrip(" ,;.:"))
    return start, start + len(tail.rstrip(" ,;.:"))
