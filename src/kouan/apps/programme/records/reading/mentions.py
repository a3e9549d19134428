"""Meetings as sentences name them: which group, which number, and whether the sentence says that it was held."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from kouan.apps.programme.records.reading.dates import han_number
from kouan.apps.programme.records.reading.text import HAN

if TYPE_CHECKING:
    from kouan.apps.programme.records.reading.dictionary import Dictionary
    from kouan.apps.programme.records.reading.text import Sentence

GROUP: Final = "\ue000"
_PAD: Final = "\ue001"
_G: Final = f"{GROUP}{_PAD}*"


def _loaded() -> dict[str, dict[str, Any]]:
    file = resources.files(__package__) / "mentions.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


_WORDS: Final = _loaded()


def _of(group: str, *names: str) -> str:
    """Return the words under names of a group of ``mentions.toml``, as the alternatives of one expression."""
    return "|".join(word for name in names for word in _WORDS[group][name])


_UNITS: Final[list[str]] = _WORDS["numbers"]["ordinals"]
_CARDINALS: Final[list[str]] = _WORDS["numbers"]["cardinals"]
_TENS: Final[dict[str, int]] = _WORDS["numbers"]["tens"]
_INAUGURAL: Final[str] = _WORDS["numbers"]["inaugural"]
_BELOW_TEN: Final = "|".join((*_UNITS[:9], *_CARDINALS[:9]))
ORDINAL: Final = (
    rf"(?P<ord>\d{{1,3}}\s?(?:st|nd|rd|th)\b|(?:{'|'.join(_TENS)})(?:ieth|y[ -](?:{_BELOW_TEN}))\b"
    rf"|\b(?:{'|'.join((*_UNITS, *_CARDINALS[9:]))})\b|\b{_INAUGURAL}\b)"
)
_KINDS: Final = rf"(?:(?:{_of('meetings', 'kinds')}) )*"
_MEETING: Final = rf"{_KINDS}(?:{_of('meetings', 'nouns')})(?! (?:{_of('meetings', 'others')}))\b"
_HELD: Final = rf"(?:{_of('meetings', 'held')})"
ZH_NUMBER: Final = (
    rf"(?P<ord>第\s?(?:[{_WORDS['numbers']['zh_digits']}]{{1,5}}|\d{{1,3}})\s?(?:{_of('numbers', 'zh_counted')})"
    rf"|{_of('numbers', 'zh_firsts')})"
)
_ZH_MEETING: Final = rf"(?:(?:{_of('meetings', 'zh_kinds')})?会议|{_of('meetings', 'zh_nouns')})"
_ZH_HELD: Final = rf"(?:{_of('meetings', 'zh_held')})"

_NUMBERED: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{ORDINAL} {_MEETING} of (?:(?:the|their|its|this) )?{_G}",
        rf"{ORDINAL} {_MEETING}(?: \([^)]{{1,40}}\))? (?:under|by) (?:the )?{_G}",
        rf"{_G}(?:'s?)?(?: \([^)]{{1,140}}\))?,?(?: [^.;\ue000]{{0,80}}?)? {_HELD} (?:today |yesterday )?(?:its|their|the|his|a) {ORDINAL} {_MEETING}",
        rf"{ORDINAL} {_G} {_MEETING}",
        rf"{_G}(?:'s?)?(?: \([^)]{{1,40}}\))?,? (?:the )?{ORDINAL} {_MEETING}",
        rf"{ORDINAL} (?:{_KINDS}(?:meeting|plenary) of )?(?:the )?(?P<conference>{_G})",
        rf"{_G}(?: \([^)]{{1,40}}\))? met for the {ORDINAL} time",
        rf"{_G}(?: \([^)]{{1,40}}\))? (?:met|gathered|convened|assembled)\b[^.;\ue000]{{0,80}}? for (?:its|their|the) {ORDINAL} {_MEETING}",
        rf"(?:{_KINDS}(?:meeting|session)|plenary(?: meeting| session)?) of (?:the )?{_G},? (?:its|the|their) {ORDINAL}(?! \w)",
        rf"{_G}(?:的|\([^)]{{1,30}}\))?{ZH_NUMBER}{_ZH_MEETING}",
        rf"{_G}[^。;!?\n\ue000]{{0,50}}?{_ZH_HELD}了?(?:的)?{ZH_NUMBER}{_ZH_MEETING}",
        rf"{ZH_NUMBER}{_G}(?:{_ZH_MEETING})?",
    )
)
_UNNUMBERED: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:{_KINDS}meeting|plenary(?: meeting| session)?) of (?:the )?{_G}",
        rf"{_G}(?: \([^)]{{1,60}}\))? {_HELD} (?:today |yesterday )?(?:its|a|the)(?: (?:20\d\d|latest|new|this year's))? {_MEETING}",
        rf"{_G}(?: \([^)]{{1,40}}\))? {_MEETING}",
        rf"{_G}(?:今日|今天|昨日)?[^。;!?,\n\ue000]{{0,30}}?{_ZH_HELD}了?(?:20\d\d年)?(?:年度|本年度|全体|年度全体)?会议",
        rf"{_G}(?:20\d\d年)?(?:年度|全体)?会议",
        rf"(?:20\d\d年)?(?P<conference>{_G})(?=[^。;!?\n]{{0,40}}{_ZH_HELD})",
    )
)
_BARE: Final = re.compile(
    rf"(?:(?<![^\n])|\b[Tt]he |\bThis |\bIts |\bTheir ){ORDINAL} {_MEETING}(?! of\b)", re.IGNORECASE
)
_BARE_BEHIND: Final = re.compile(
    rf"\bthe (?:previous|last|preceding|earlier|latest|most recent) {_MEETING}, (?:the|its|their) {ORDINAL}(?=,)",
    re.IGNORECASE,
)
_IN_BRACKETS: Final = re.compile(
    rf"\((?:(?:in|at|by|via|through|over) [^()]{{2,40}}, )?(?:the |its |their )?{ORDINAL} {_MEETING}(?:, (?:in|at|by|via|through|over) [^()]{{2,40}})?\)"
    rf"|\([^()]{{0,20}}{ZH_NUMBER.replace('?P<ord>', '?P<zh>')}{_ZH_MEETING}[^()]{{0,20}}\)",
    re.IGNORECASE,
)
"""Behind a day: "it met on 17 November 2022 (by video conference, 17th meeting)"."""
_BARE_ZH: Final = re.compile(
    rf"(?:(?<![^\n])|[,。;\s]|本次|是次|小组|专班|(?:召开|举行|举办)的){ZH_NUMBER}{_ZH_MEETING}"
)
_THE_GROUP: Final = re.compile(
    rf"\b[Tt]he (?:{_of('groups', 'stand_ins')})\b|{_of('groups', 'zh_stand_ins')}"
)

_PLANNED: Final = re.compile(_of("to_come", "said"))
_TAKES_PART: Final = re.compile(
    rf"(?<!to )(?<!will )\b(?:{_of('told', 'took_part')})\b[^.;]{{0,90}}?(?:\bfor |\bin |\bat |\bof )?"
    rf"(?:the |its |their )?$|(?<!将)(?<!会)(?:{_of('told', 'zh_took_part')})了?$"
)
"""Before a meeting: somebody was there."""
_BEFORE_PLAN: Final = re.compile(
    rf"(?:\b(?:{_of('to_come', 'before')}) (?:the |its |their |a )?|{_of('to_come', 'zh_before')})$",
    re.IGNORECASE,
)
_BEFORE_PAST: Final = re.compile(
    rf"(?:\b(?:{_of('named', 'before')}) (?:the |its |their |this |that )?|{_of('named', 'zh_before')})$",
    re.IGNORECASE,
)
_BEHIND_PAST: Final = re.compile(rf"^\s*(?:{_of('named', 'zh_behind')})")
_IS_HELD: Final = re.compile(
    rf"\b(?:was|were|is|has been|had been)(?: \w+)? (?:{_of('told', 'was_held')})\b|\btook place\b|\bmet for\b"
    rf"|\b(?:{_of('told', 'holds')})\b|{_ZH_HELD}"
)

_WENT_TO_ATTEND: Final = re.compile(
    rf"\b(?:{_of('told', 'went')})\b(?<!to lead)[^.;]{{0,90}}? to (?:{_of('told', 'to_attend')}) "
    r"(?:the |its |their )?$"
)
"""Before a meeting: somebody went there for it."""
_AT_ITS: Final = re.compile(r"[\s\"]*(?:(?:At|During|In|After|Following|Since)\s)?")
_SIDES_DID: Final = re.compile(
    rf"[^.;]{{0,90}}?, (?:{_of('told', 'sides')}) (?:\w+ )?(?:{_of('told', 'did')})\b"
)
"""Behind "At its 19th meeting": what the group did there, so it was held."""
_NOTICE: Final = re.compile(
    rf"^\W*(?:(?:Provisional |Draft )?(?:{_of('to_come', 'notices')})\b"
    rf"|(?:关于)?[^\n。]{{0,80}}的?(?:{_of('to_come', 'zh_notices')})\W*$)"
    rf"|\b(?:{_of('to_come', 'called_off')})\W*$|(?:{_of('to_come', 'zh_called_off')})\W*$",
    re.IGNORECASE,
)
"""A heading that announces a meeting or calls it off, and tells of none."""
_SUBJECT: Final = re.compile(
    rf"\W*(?:\d{{1,2}}[.、]\s?)?(?:(?:{_of('told', 'zh_days')})?(?:{_of('told', 'zh_hours')})?,?(?:{_ZH_HELD}的)?"
    r"|(?:In|During) the (?:morning|afternoon),? (?:the )?|(?:The|Its|Their) )?"
)
_PRESIDED: Final = re.compile(
    r"\s*,?\s*(?:会议)?由[^。;]{2,160}主持|\s*,? (?:was |which was )?(?:jointly |co-?)?chaired\b|,? held\b"
    rf"|\s*(?:上)?,?(?:双方)?(?:一致)?(?:{_of('told', 'zh_decided')})|\s(?:{_of('told', 'decided')})\b"
)
"""Behind a meeting that a paragraph begins with: who chaired it, or what it decided. So it was held."""
AS_ASIDE: Final = re.compile(rf", (?:which|that) (?:{_of('told', 'aside')})\b")

_ANY_GROUP: Final = re.compile(
    r"(?:\b(?:[A-Z][\w&'-]*(?:/[A-Z][\w&'-]*)*|[A-Z]\w+-[A-Z]\w+(?:-[A-Z]\w+)*) (?:(?:and|of|for|&) (?=[A-Z]))?){1,9}"
    rf"(?<!The )(?:{_of('groups', 'ends')})"
    rf"(?: (?:on|for|in) (?:the )?[A-Z][\w&'/-]*(?:(?: (?:{_of('groups', 'joining')})){{0,3}},? (?!(?:{_of('groups', 'behind')}))[A-Z][\w&'/-]*)*)?"
    rf"|\b(?:{_of('groups', 'begins')}) (?:on|for) (?:the )?[A-Z][\w&'/-]*(?:(?: (?:{_of('groups', 'joining')})){{0,3}} [A-Z][\w&'/-]*)*"
    rf"|(?<![{HAN}])(?:{_of('groups', 'zh_places', 'zh_places_alone')})[{HAN}]{{2,24}}?(?:{_of('groups', 'zh_ends')})"
    rf"|(?<=[在于,。;、])(?:{_of('groups', 'zh_places')})[{HAN}]{{2,24}}?(?:{_of('groups', 'zh_ends')})"
)
_UNDER: Final = re.compile(rf",? (?:(?:{_of('groups', 'set_up')}) )?(?:{_of('groups', 'part_of')}) (?:the )?")
_ZH_UNDER: Final = re.compile(rf"(?:{_of('groups', 'zh_part_of')})?(?:的)?")
"""Between a group and another that is a part of it, or of which it is one."""
_CONFERENCE: Final = re.compile(rf"(?:{_of('meetings', 'conferences')})$")
_SHORTLY: Final = re.compile(rf"(?:{_of('to_come', 'shortly_before')})[^,.;。]{{0,24}}$")
_BEHIND_IN_HEADING: Final = re.compile(_of("named", "zh_behind_in_headings"))
_BEFORE_BRACKET: Final = re.compile(
    rf"\b(?:{_of('told', 'before_brackets')})\b|{_ZH_HELD}|{_of('told', 'zh_before_brackets')}"
)


@dataclass(frozen=True, slots=True)
class Named:
    """A group at a place of the text."""

    start: int
    end: int
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Mention:
    """A meeting at a place of the text."""

    start: int
    end: int
    group: str
    group_name: str
    number: int | None
    told: bool
    """Whether the sentence tells of it, or only names it (``after the tenth plenary``)."""
    exact: bool
    """Whether the group stands in the sentence, or follows from what went before."""
    planned: bool
    """Whether it is a meeting to come, of which nothing is kept."""


def code_of(name: str) -> str:
    """Return the code of a group that the dictionary does not have: made from its name."""
    plain = re.sub(r"[\W_]+", " ", name).strip().casefold()
    return "x-" + hashlib.sha256(plain.encode()).hexdigest()[:16]


def groups_in(folded: str, words: Dictionary, text: str) -> list[Named]:
    """Return every group that a text names, in order, the longer where two overlap."""
    found: list[Named] = []
    for match in _ANY_GROUP.finditer(folded):
        name = text[match.start() : match.end()]
        found.append(Named(match.start(), match.end(), code_of(name), re.sub(r"^[Tt]he ", "", name)))
    for group in words.groups.values():
        for match in group.pattern.finditer(folded):
            over = [each for each in found if each.start < match.end() and match.start() < each.end]
            # A longer name that only ends like a known group's is another group: "Working Group on … under …".
            if any(
                each.end - each.start > match.end() - match.start() + 12
                and folded[each.start : match.start()].strip() != "the"
                and match.end() < each.end - 3
                for each in over
            ):
                continue
            found = [each for each in found if each not in over]
            found.append(Named(match.start(), match.end(), group.code, text[match.start() : match.end()]))
    return _parts_of_others(folded, sorted(found, key=lambda each: each.start))


def _parts_of_others(folded: str, found: list[Named]) -> list[Named]:
    """Take "the Working Group on … under the Expert Group" for the one group that it is."""
    kept: list[Named] = []
    for each in found:
        between = folded[kept[-1].end : each.start] if kept else "."
        if _UNDER.fullmatch(between):
            kept[-1] = Named(kept[-1].start, each.end, kept[-1].code, kept[-1].name)
        elif _ZH_UNDER.fullmatch(between) and kept and re.match(f"[{HAN}]", folded[each.start]):
            kept[-1] = Named(kept[-1].start, each.end, each.code, each.name)
        else:
            kept.append(each)
    return kept


def masked(folded: str, groups: list[Named]) -> str:
    """Return the text with each group's name replaced by as many placeholders."""
    chars = list(folded)
    for each in groups:
        chars[each.start : each.end] = GROUP + _PAD * (each.end - each.start - 1)
    return "".join(chars)


def number_of(words: str) -> int | None:
    """Return the number that an ordinal stands for, also where a record writes the cardinal by mistake.

    >>> number_of("twenty-first"), number_of("19th"), number_of("nineteen"), number_of("inaugural"), number_of("第二十次")
    (21, 19, 19, 1, 20)
    """
    plain = words.casefold().strip()
    if plain == _INAUGURAL or plain.startswith("首"):
        return 1
    if plain.startswith("第"):
        return han_number(plain[1:-1].strip())
    digits = re.match(r"\d+", plain)
    if digits:
        return int(digits[0])
    for names in (_UNITS, _CARDINALS):
        if plain in names:
            return names.index(plain) + 1
    for stem, tens in _TENS.items():
        if plain == stem + "ieth":
            return tens
        match = re.fullmatch(rf"{stem}y[ -](\w+)", plain)
        if match:
            unit = number_of(match[1])
            return None if unit is None else tens + unit
    return None


def mentions_in(
    mask: str, sentence: Sentence, groups: list[Named], known: Named | None, *, conference: frozenset[str]
) -> list[Mention]:
    """Return the meetings that a sentence names, which names ``groups``; the text was about ``known`` last."""
    found: list[Mention] = []
    taken: list[tuple[int, int]] = []

    def add(match: re.Match[str], group: Named, number: int | None, *, exact: bool) -> None:
        if any(match.start() < high and low < match.end() for low, high in taken):
            return
        taken.append(match.span())
        told = _told(mask, sentence, match.start(), match.end())
        found.append(
            Mention(
                match.start(), match.end(), group.code, group.name, number, bool(told), exact, told is None
            )
        )

    for number, patterns in ((True, _NUMBERED), (False, _UNNUMBERED)):
        for pattern in patterns:
            for match in pattern.finditer(mask, sentence.start, sentence.end):
                at = mask.index(GROUP, match.start())
                group = next(each for each in groups if each.start == at)
                if (
                    "conference" in pattern.groupindex
                    and match["conference"]
                    and not _meets_itself(group, conference)
                ):
                    continue
                add(match, group, number_of(match["ord"]) if number else None, exact=True)
    subject = groups[-1] if found and groups else None if groups else known
    if subject is not None:
        for pattern in (_IN_BRACKETS, _BARE, _BARE_BEHIND, _BARE_ZH):
            for bare in pattern.finditer(mask, sentence.start, sentence.end):
                if not _of_another(mask, sentence, bare):
                    add(
                        bare,
                        subject,
                        number_of(bare["ord"] or bare["zh"] if pattern is _IN_BRACKETS else bare["ord"]),
                        exact=False,
                    )
    if known is not None and not found:
        for the_group in _THE_GROUP.finditer(mask, sentence.start, sentence.end):
            stand_in = (
                mask[: the_group.start()] + GROUP + _PAD * (len(the_group[0]) - 1) + mask[the_group.end() :]
            )
            for pattern in _NUMBERED:
                said = pattern.search(stand_in, sentence.start, sentence.end)
                if (
                    said
                    and "conference" not in pattern.groupindex
                    and said.start() <= the_group.start() < said.end()
                ):
                    add(said, known, number_of(said["ord"]), exact=False)
                    break
            if found:
                break
    return sorted(found, key=lambda each: each.start)


def _of_another(mask: str, sentence: Sentence, bare: re.Match[str]) -> bool:
    """Say whether "its third meeting" is that of somebody else, whom the sentence names before."""
    before = mask[sentence.start : bare.start()]
    return (
        bool(re.match(r"(?:its|their)\b", bare[0], re.IGNORECASE))
        and not _AT_ITS.fullmatch(before)
        and GROUP not in before
    )


def _meets_itself(group: Named, conference: frozenset[str]) -> bool:
    return group.code in conference or bool(_CONFERENCE.search(group.name))


def _told(mask: str, sentence: Sentence, start: int, end: int) -> bool | None:
    """Say whether a sentence tells of a meeting (true), names it (false), or speaks of one to come (none)."""
    before = mask[sentence.start : start]
    behind = mask[end : sentence.end]
    clause = re.split(rf"[;。]|, (?:and|while|which)\b|(?<=[{HAN}]),|^,(?=[{HAN}])", behind)[0]
    if sentence.heading and _NOTICE.search(mask, sentence.start, sentence.end):
        return None
    if _TAKES_PART.search(before):
        return True
    if _WENT_TO_ATTEND.search(before):
        return True
    if _BEFORE_PLAN.search(before):
        return None
    if _PLANNED.search(mask[start:end]) or _PLANNED.search(clause[:60]) or _SHORTLY.search(before):
        return None
    if sentence.heading:
        return not _BEHIND_IN_HEADING.match(behind)
    if sentence.first and _SUBJECT.fullmatch(before) and _PRESIDED.match(behind):
        return True
    if mask[start] == "(":
        return bool(_BEFORE_BRACKET.search(before))
    if re.fullmatch(r"(?:At|During) (?:the |its |their )?", before) and _SIDES_DID.match(behind):
        return True
    opening = sentence.first and re.fullmatch(r"(?:At|During|In) (?:the )?|在", before)
    if not opening and (_BEFORE_PAST.search(before) or _BEHIND_PAST.search(behind)):
        return False
    if AS_ASIDE.match(behind):
        return True
    if re.search(f"{_ZH_HELD}的", mask[start:end]):
        return False
    return bool(_IS_HELD.search(mask[start:end]) or _IS_HELD.search(clause[:120]))
