"""People as records name them: with their office, before the name or behind it; and who chaired."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from kouan.apps.programme.records.reading.text import HAN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from kouan.apps.programme.records.reading.dictionary import Dictionary
    from kouan.apps.programme.records.reading.text import Sentence

_NAME: Final = r"[A-Z][a-z]+(?:[-'][A-Za-z][a-z]*)*(?: (?!of\b|and\b|for\b|the\b)(?:[A-Z][a-z]+(?:[-'][A-Za-z][a-z]*)*|[A-Z]\.)){0,3}"
_SHOUTED_NAME: Final = r"(?:[A-Z][a-z]+(?:-[A-Za-z][a-z]*)*(?: [A-Z][a-z]+(?:-[A-Za-z][a-z]*)*){0,2} [A-Z]{2,}(?![\w-])|[A-Z]{2,} [A-Z][a-z]+(?:-?[A-Za-z][a-z]+)?(?: [A-Z][a-z]+)?(?![\w-]))"
"""A name as minutes write it: "Tony WONG", "QU Xiaojie"."""
_CHAIRED: Final = re.compile(
    r"\b(?:co-?\s?chair(?:manship|ed|ing|s|persons?|men|man)?|(?:jointly )?chair(?:ed|ing|s)?(?: jointly)?|(?:jointly )?presid(?:ed|ing)(?: over)?|co-?conven(?:ed|ors?|ers?)|conven[oe]rs?"
    r"|co-?hosted|jointly hosted|co-?led|(?:heads|leaders) of (?:the )?(?:two|both) (?:delegations|sides)|(?:jointly )?led by)\b"
    r"|共同主持|联合主持|主持(?:了)?(?:本次|是次|此次|这次|该次)?(?:会议|会)?|召集人|(?:共同|联合)?担任(?:会议)?(?:联合|共同)?主席|(?:联席|联合|共同)主席|双方组长|(?:粤|港|粤方|港方)(?:组长|牵头人)|(?:双方|两地)牵头人",
    re.IGNORECASE,
)
_NOT_CHAIRING: Final = re.compile(
    r"主持人|主席[^。;,]{0,4}(?:团|国|令)|主持[^。;,]{0,8}(?:论坛|仪式|大会|座谈)|\bchair(?:ed|ing)? (?:a|an) |\bled by (?:technology|innovation|data|AI)\b|chaired the (?:forum|seminar|panel|workshop|ceremony)"
)
_ZH_LEAD: Final = re.compile(
    "(?:由|会议由|在|双方|两地|粤港|省政府|港方|粤方|召集人|组长|[粤港]方|代表|及|和|的)*"
)
_ZH_STOP: Final = re.compile(
    r"[,、。;:()\s\"]|(?<![共])(?:和|与|及|以及|暨|由|跟)(?!信息|科技|其他|改革|数据|旅游|经济|产业|工业|及)"
)


_PRESIDE_LIST: Final = re.compile(rf"(?P<list>[{HAN}、]{{2,160}}?)(?:共同|联合|分别)*主持")
_LONGEST: Final = 2500
"""Characters of a sentence in which names are looked for."""
_RUN: Final = r"(?<![\w.-])[A-Z][\w'-]*(?: [A-Z][\w'-]*)+(?![\w-])"
_WORD: Final = r"(?:[A-Z][\w&'/-]*|of|and|for|the|in|to|on|&)"
_OFFICE_BEFORE: Final = re.compile(
    rf"(?P<office>[A-Z][\w&'/-]*(?:,? \([^)]{{2,60}}\)|,? {_WORD})*)(?: \([A-Z]+\))?,? $"
)
_OFFICE_BEHIND: Final = re.compile(rf",? ?\(?(?:the )?(?P<office>(?!and\b){_WORD}(?: {_WORD})*)")
_OFFICE_SMALL: Final = re.compile(
    r", (?:the )?(?P<office>(?:[a-z-]+ ){0,3}(?:commissioner|director(?:-general)?|secretary|head|chief|officer|commissioner|convenor|chairman|inspector)\b(?: (?:of|for) [^,.;]{3,140}?)?)(?=,|\.|;| (?:said|reviewed|attended|chaired|co-chaired|led)\b|$)"
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the text; ``office`` and ``body`` as far as they are said."""

    start: int
    end: int
    name: str
    office: str
    body: str
    side: str
    low: int
    """Where the office before the name begins; as ``start`` where there is none."""
    high: int
    """Where the office behind the name ends."""


def chairing(mask: str, sentence: Sentence) -> bool:
    """Say whether a sentence says who chaired the meeting."""
    return bool(_CHAIRED.search(mask, sentence.start, sentence.end)) and not _NOT_CHAIRING.search(
        mask, sentence.start, sentence.end
    )


def chairs_in(folded: str, sentence: Sentence, words: Dictionary, text: str) -> list[Person]:
    """Return who chaired, of the people in a sentence that says so: those who belong to its verb."""
    people = people_in(folded, sentence.start, sentence.end, words, text)
    found = list(_CHAIRED.finditer(folded, sentence.start, sentence.end))
    if not people or not found:
        return []
    chain = _chains(folded, people)
    best = min(
        (
            (_distance(folded, chained, cue), -number, chained)
            for number, chained in enumerate(chain)
            for cue in found
        ),
        key=lambda each: each[:2],
    )
    return best[2] if best[0] <= 80 else []


def named_first(folded: str, low: int, high: int, words: Dictionary, text: str) -> list[Person]:
    """Return the people of a line that writes an office behind the name: "曲晓杰　广东省工业和信息化厅副厅长"."""
    pattern = re.compile(
        rf"(?<![{HAN}])(?P<name>[{words.surnames}][{HAN}]{{1,2}})\s?[ ,(]\s?(?P<office>[{HAN}]{{2,40}}?{words.office_ending})(?![{HAN}])"
    )
    found = []
    for match in pattern.finditer(folded, low, high):
        name, office = (text[match.start(part) : match.end(part)] for part in ("name", "office"))
        found.append(_person(*match.span("name"), name, office, words))
    return found


def bare_names(folded: str, low: int, high: int, words: Dictionary, text: str) -> list[Person]:
    """Return the people of a stretch that consists of names alone: "曲晓杰、黄志光", "Tony Wong and Qu Xiaojie"."""
    part = "[A-Z][a-z]+(?:-[A-Za-z][a-z]*)*"
    han = rf"[{words.surnames}][{HAN}]{{1,2}}"
    latin = rf"(?:{_SHOUTED_NAME}|{part}(?: {part}){{1,2}})"
    piece = folded[low:high]
    for name, title, joint in (
        (han, "", r"\s*[、,和与及;]\s*|\s+"),
        (latin, rf"(?:{words.titles} )?", r",? and |[,;] (?:and )?"),
    ):
        if re.fullmatch(rf"\s*{title}{name}(?:(?:{joint}){title}{name}){{0,3}}\s*[.。]?\s*", piece):
            spans = [
                (low + each.start("n"), low + each.end("n"))
                for each in re.finditer(f"{title}(?P<n>{name})", piece)
            ]
            return [_person(start, end, text[start:end], "", words) for start, end in spans]
    return []


def chairs_by_name(folded: str, sentence: Sentence, words: Dictionary, text: str) -> list[Person]:
    """Return who chaired where a Chinese sentence gives names alone: "会议由曲晓杰、黄志光共同主持"."""
    name = rf"[{words.surnames}][{HAN}]{{1,2}}?"
    match = re.search(
        rf"会议由(?P<one>{name})(?:[、和与及](?P<two>{name}))?(?:共同|联合|分别)?主持",
        folded[sentence.start : sentence.end],
    )
    if not match:
        return []
    spans = [match.span(part) for part in ("one", "two") if match[part]]
    return [
        _person(
            sentence.start + low,
            sentence.start + high,
            text[sentence.start + low : sentence.start + high],
            "",
            words,
        )
        for low, high in spans
    ]


def chairs_known(folded: str, sentence: Sentence, names: Collection[str]) -> list[tuple[int, int]]:
    """Return where a Chinese sentence names as chairing, without an office, somebody named before with one."""
    found = []
    for match in _PRESIDE_LIST.finditer(folded, sentence.start, sentence.end):
        low, high = match.span("list")
        for name in names:
            at = folded.find(name, low, high)
            if at < 0:
                continue
            alone = at == low or folded[at - 1] in "、与和及由同"
            if alone and (at + len(name) == high or folded[at + len(name)] in "、与和及同"):
                found.append((at, at + len(name)))
    return sorted(found)


def _distance(folded: str, chained: list[Person], cue: re.Match[str]) -> int:
    low, high = chained[0].low, chained[-1].high
    if low <= cue.start() < high:
        return 0
    gap = folded[cue.end() : low] if cue.end() <= low else folded[high : cue.start()]
    # "chaired by A" binds what follows; "A chaired" what goes before.
    passive = bool(
        re.search(
            r"(?:by|chairmanship of|convenors?|conveners?|chair(?:men|man|persons?)|sides)[^.;]{0,40}$|召集人|组长|牵头人",
            folded[cue.start() : cue.end() + 4],
            re.IGNORECASE,
        )
    )
    wrong = (cue.end() <= low) != passive and not re.match(f"[{HAN}]", folded[cue.start()])
    return len(gap) + (40 if wrong else 0)


def _chains(folded: str, people: list[Person]) -> list[list[Person]]:
    """Return the people in runs that a list joins: "A, and B"."""
    chains: list[list[Person]] = []
    for person in people:
        joint = folded[chains[-1][-1].high : person.low] if chains else ""
        if chains and re.fullmatch(
            r"(?:\s*(?:[,;、(]|and|&|as well as|together with|和|与|及|以及|、|分别|共同|由|the|[粤港]方(?:的)?|先生|女士)\s*)*(?:[^.;。]{0,6})?",
            joint,
        ):
            chains[-1].append(person)
        else:
            chains.append([person])
    return chains


def people_in(folded: str, low: int, high: int, words: Dictionary, text: str) -> list[Person]:
    """Return the people between two places, in order, each once."""
    found: list[Person] = []
    for person in (*_english(folded, low, high, words, text), *_chinese(folded, low, high, words, text)):
        if not any(person.start < each.end and each.start < person.end for each in found):
            found.append(person)
    return sorted(found, key=lambda each: each.start)


def _english(folded: str, low: int, high: int, words: Dictionary, text: str) -> Iterator[Person]:
    piece = folded[low:high]
    if len(piece) > _LONGEST:
        return
    titled = re.compile(rf"\b{words.titles} (?P<name>{_SHOUTED_NAME}|{_NAME})")
    names = {
        match.start("name"): (match.start(), _without_office(match["name"], words))
        for match in titled.finditer(piece)
    }
    for run in re.finditer(_RUN, piece):
        name = _name_in(run[0], words)
        if name and not any(run.start() <= at < run.end() for at in names):
            names[run.end() - len(name)] = (run.end() - len(name), name)
    behind = 0
    for at, (begin, name) in sorted(names.items()):
        if begin < behind or " " not in name:
            continue  # "Mr Wong said": who that is stands elsewhere
        office, start = _office_before(piece, behind, begin, words)
        end = at + len(name)
        if not office:
            office, end = _office_behind(piece, end, words)
        if not office and begin == at:
            continue  # neither an office nor a title: it may be anything that is written with capitals
        behind = end
        person = _person(low + at, low + at + len(name), text[low + at : low + at + len(name)], office, words)
        yield Person(
            person.start,
            person.end,
            person.name,
            person.office,
            person.body,
            person.side,
            low + start,
            low + end,
        )


def _without_office(name: str, words: Dictionary) -> str:
    """Return a name without the office that a table's next column put behind it: "Tony Wong Government Chief"."""
    parts = name.split(" ")
    for at, part in enumerate(parts[2:], 2):
        if part.casefold().split("-")[0] in words.vocabulary:
            return " ".join(parts[:at])
    return name


def _name_in(run: str, words: Dictionary) -> str:
    """Return the name that a run of words with capitals ends in: "Digital Policy Commissioner Wong Chi-kwong"."""
    kept: list[str] = []
    for word in reversed(run.split(" ")):
        if any(part in words.vocabulary for part in re.findall(r"[a-z][a-z']+", word.casefold())):
            break
        kept.insert(0, word)
    return " ".join(kept) if 2 <= len(kept) <= 4 else ""


def _office_before(piece: str, low: int, high: int, words: Dictionary) -> tuple[str, int]:
    """Return the office that ends where a name begins ("the Commissioner for Digital Policy, Mr …"), and its place."""
    match = _OFFICE_BEFORE.search(piece, max(low, high - 240), high)
    if not match:
        return "", high
    start = match.start("office")
    office = match["office"]
    heads = list(words.office_head.finditer(office))
    if not heads:
        return "", high
    cuts = [
        each.end()
        for each in re.finditer(r"(?:, (?:and )?|\band |\bsides,? |: )(?:the )?", office)
        if any(head.start() >= each.end() for head in heads)
    ]
    comma = [
        cut
        for cut in cuts
        if not re.search(
            r"(?:Industry|Technology|Commerce|Culture|Sports|Innovation|Science|Economic|Food)(?:,| and|, and) (?:the )?$",
            office[:cut],
        )
    ]
    cut = comma[-1] if comma else 0
    lead = len(office[cut:]) - len(_tidy(office[cut:]))
    tidy = _tidy(office[cut:])
    return (tidy, start + cut + lead) if words.office_head.search(tidy) else ("", high)


def _office_behind(piece: str, at: int, words: Dictionary) -> tuple[str, int]:
    match = _OFFICE_BEHIND.match(piece, at)
    small = _OFFICE_SMALL.match(piece, at)
    if small:
        said = small["office"].rstrip()
        joined = re.search(r" and (?P<name>[A-Z][\w'-]*(?: [A-Z][\w'-]*)+)$", said)
        if joined and _name_in(joined["name"], words) == joined["name"]:
            said = said[: joined.start()]
        return said, small.start("office") + len(said)
    if not match or not words.office_head.search(match["office"]):
        return "", at
    office = re.split(r"\band (?:the )?(?=(?:Mr|Ms|Mrs|Dr|Ir)\b)|\band the (?=[A-Z])", match["office"])[
        0
    ].rstrip(" ,")
    office = re.sub(r"(?: (?:and|of|for|the))+$", "", office)
    return (office, match.start("office") + len(office)) if words.office_head.search(office) else ("", at)


def _tidy(office: str) -> str:
    return re.sub(
        r"^(?:(?:and|the|of|for|by|The|In|At|Both|Chaired|Present|Co-chairs) )+", "", office.strip(" ,")
    ).strip(" ,")


def _person(start: int, end: int, name: str, office: str, words: Dictionary) -> Person:
    hit = max(words.body_pattern.finditer(office), key=lambda each: each.end() - each.start(), default=None)
    body = words.body_called(hit[0]) if hit else None
    side = (
        body[0].side
        if body
        else "gd"
        if re.search("Guangdong|Provincial|广东|省", office)
        else "hk"
        if re.search(
            "HKSAR|Hong Kong|Commissioner for Digital Policy|Digital Policy Commissioner|Government Chief Information Officer|香港|数字政策专员|政府资讯科技总监",
            office,
        )
        else ""
    )
    return Person(start, end, name, office, body[0].code if body else "", side, start, end)


def _before_role(folded: str, low: int, start: int, end: int, words: Dictionary) -> int:
    """Return where an office begins that stands before a role in the group: "副厅长、粤方召集人曲晓杰"."""
    if not re.fullmatch("[粤港]?方?(?:召集人|组长|牵头人)", folded[start:end]):
        return start
    prior = re.search(rf"[{HAN}]{{2,30}}{words.office_ending}、$", folded[low:start])
    if not prior:
        return start
    cuts = [cut.end() for cut in _ZH_STOP.finditer(prior[0][:-1])]
    return low + prior.start() + (cuts[-1] if cuts else 0)


def _chinese(folded: str, low: int, high: int, words: Dictionary, text: str) -> Iterator[Person]:
    given = rf"(?:[欧司上诸皇尉公慕令轩淳][{HAN}](?<=欧阳|司徒|上官|诸葛|皇甫|尉迟|公孙|慕容|令狐|轩辕|淳于)[{HAN}]{{1,2}}?|[{words.surnames}][{HAN}]{{1,2}}?)"
    pattern = re.compile(
        rf"(?P<office>(?:[{HAN}]{{2,30}}(?:党组成员|党组书记|党委委员|党委书记)、)?[{HAN}A-Za-z()·]{{0,40}}?{words.office_ending}(?!会)(?:[(][^)]{{1,12}}[)])?)(?:兼[{HAN}]{{2,16}}?{words.office_ending})?(?P<name>{given})(?=先生|女士|博士|教授|工程师|[,、。;:()\s\"]|[和与及暨]|以及|共同|联合|分别|主持|出席|表示|指出|致辞|说|在|率|等|担任|见证|代表|为|介绍|随|就|参加|一行|认为|回顾|总结|讨论|会见|发言|听取|先后|均|亦|也|一同|一起|陪同|率|作|做|签署|同|向|对|于|到|会|还|今|昨|\d|$)"
    )
    any_verb = re.compile(
        rf"(?P<office>[{HAN}A-Za-z()·]{{0,40}}?{words.office_ending}(?!会))(?P<name>[{words.surnames}](?![的会长员部局厅处和与及在是为将任职公务副委])[{HAN}](?![的会长员部局厅处和与及在是为将任职公务副委])[{HAN}])"
    )
    behind = re.compile(
        rf"(?<![{HAN}])(?P<name>{given})(?P<office>{words.office_ending})(?=[和与及、,主在出率分共])(?!和(?:信息|科技|改革))"
    )
    for each in behind.finditer(folded, low, high):
        name, office = (text[each.start(part) : each.end(part)] for part in ("name", "office"))
        yield replace(_person(*each.span("name"), name, office, words), high=each.end())
    at = low
    while match := pattern.search(folded, at, high) or any_verb.search(folded, at, high):
        other = any_verb.search(folded, at, high)
        match = other if other is not None and other.start("name") < match.start("name") else match
        at = match.end()
        name = folded[match.start("name") : match.end("name")]
        if re.search(
            "(?:会议|主持|表示|分别|共同|代表|先生|女士|香港|澳门|广东|广州|内地|两地|双方|有关)", name
        ):
            continue
        office = folded[match.start("office") : match.end("office")]
        lead = [
            cut.end()
            for cut in _ZH_STOP.finditer(re.sub("[(][^)]*[)]$", "", office))
            if not re.search("党组成员、|党组书记、|委员、|书记、", office[: cut.end()])
        ]
        start = match.start("office") + (lead[-1] if lead else 0)
        start = _before_role(folded, max(low, start - 40), start, match.end("office"), words)
        before = _ZH_LEAD.match(folded, start, match.end("office"))
        start = before.end() if before else start
        person = _person(
            match.start("name"),
            match.end("name"),
            text[match.start("name") : match.end("name")],
            folded[start : match.end("office")],
            words,
        )
        yield Person(
            person.start,
            person.end,
            person.name,
            text[start : match.end("office")],
            person.body,
            person.side,
            start,
            person.end,
        )
