"""What came of a meeting or stood beside it: agreements signed, events, decisions, figures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kouan.apps.programme.records.reading.text import HAN

if TYPE_CHECKING:
    from kouan.apps.programme.records.reading.text import Sentence


@dataclass(frozen=True, slots=True)
class Deed:
    """Words of the text that name an agreement, an event or a figure."""

    start: int
    end: int
    kind: str = ""
    """Of an event: ``conference``, ``visit``, ``ceremony``; of a figure: its unit."""
    parties: tuple[str, ...] = ()


_PAPER: Final = (
    r"(?:Framework Agreement|Co-?operation Agreement|Agreement|Arrangement|Memorand(?:um|a)(?: of (?:Understanding|Co-?operation))?|MOUs?|MoUs?|Letter of Intent|Protocol|Accord|Declaration|Pact|Contract|Supplement|Charter"
    r"|(?:letter of intent|memorandum of (?:understanding|co-?operation))(?= (?:on|for|in|between|about|concerning) ))"
)
_SIGNED: Final = re.compile(
    r"\b(?:sign(?:ed|ing|s)?(?: of)?|signing ceremony|inked|concluded|entered into|witnessed the signing|exchanged)\b|签署|签订|签定|签约|共同签|换文"
)
_FUTURE: Final = re.compile(
    r"\b(?:will|would|to be|plan(?:s|ned)? to|hope[sd]? to|intend(?:s|ed)? to|prepar\w+ (?:to|for)|aim(?:s|ed)? to|consider(?:ed|ing)?|discuss(?:ed|ing)?|explor(?:e|ed|ing)) (?:be )?(?:the )?sign|(?:将|拟|计划|争取|研究|筹备|推动|准备)(?:会)?(?:尽快|共同|于\S{1,8})?(?:签署|签订)|有待签|not (?:yet )?(?:been )?signed|尚未签"
)
_QUOTED: Final = re.compile(rf'"(?P<title>[^"]*{_PAPER}[^"]*)"|《(?P<zh>[^》]{{4,80}}?)》')
_LIST: Final = re.compile(
    r"\b(?:The |These )?(?:two|three|four|five|six|seven|eight|\d+) (?:co-?operation )?(?:agreements|memoranda(?: of understanding)?|MOUs|arrangements|documents) (?:are|were|include[d]?|cover(?:ed)?|comprise[d]?)\s*:?\s*",
    re.IGNORECASE,
)
_PLAIN: Final = re.compile(
    rf"(?:\b(?:an?|the|another|its|their|one) )(?P<title>(?:(?!signing\b|of\b|the\b|an?\b|to\b|and\b)[\w&'/()-]+ ){{0,6}}?{_PAPER}\b(?: \([A-Z][A-Za-z]+\))?(?: Co-?operation Agreement)?(?: (?:on|in|for|about|concerning|regarding|to) (?:(?!\bbetween\b|\bwith\b|\bafter\b|\bat\b|\bunder\b|\bduring\b)[\w&'/()-]+,? ?){{1,16}})?"
    rf"(?:,? ?(?:between|with) (?:the )?(?:(?!\bat\b|\bafter\b|\bduring\b|\bunder\b|\bheld\b)[\w&'/()-]+,? ?){{1,24}})?)",
)
_PASSIVE: Final = re.compile(
    rf"\b[Tt]he (?P<title>(?:(?!The\b|the\b)[A-Z][\w&'/()-]* ){{0,6}}?{_PAPER}\b(?: (?:on|in|for|about|concerning) [\w&'/() -]{{3,120}}?)?) (?:was|were)(?: (?:also|formally|then|jointly))? signed\b"
)
_COUNTED: Final = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|\d+) (?:co-?operation )?(?:agreements|memoranda|MOUs|arrangements|documents)\b|[二两三四五六七八九十\d]+(?:份|项|个)(?:合作)?(?:协议|备忘录|文件)"
)
_PARTIES: Final = re.compile(r"\bbetween (?:the )?(?P<a>.+?) and (?:the )?(?P<b>(?:(?! and ).)+)$")


def agreements_in(folded: str, sentence: Sentence, text: str) -> list[Deed]:
    """Return the agreements that a sentence says were signed."""
    low, high = sentence.start, sentence.end
    piece = folded[low:high]
    listed = _LIST.match(piece)
    if listed:
        found = []
        at = low + listed.end()
        for part in re.split(r"(;\s*(?:and\s+)?)", folded[at:high]):
            if part.strip(" .;") and not part.startswith(";"):
                end = at + len(part.rstrip(" ."))
                found.append(Deed(at, end, parties=_parties(text[at:end])))
            at += len(part)
        return found
    signed = _SIGNED.search(piece)
    if not signed or _FUTURE.search(piece) or sentence.heading:
        return []
    found = []
    for match in _QUOTED.finditer(piece):
        name = "title" if match["title"] is not None else "zh"
        if name == "zh" and not re.search(
            "协议|备忘录|安排|意向书|合同|章程|声明|纪要|方案|宣言|约定", match["zh"]
        ):
            continue
        before = piece[: match.start()]
        if re.search(
            r"(?:\b(?:under|pursuant to|according to|based on|in accordance with|of) (?:the )?|根据|按照|依据|落实|贯彻|履行|框架下的?|围绕)$",
            before,
        ):
            continue
        if match.start() < signed.start() and not re.search(
            r"(?:was|were|been)(?: \w+)? signed|已?(?:正式)?签|签署仪式", piece[match.end() :]
        ):
            continue
        start, end = match.span(name)
        parties = _parties_around(piece, match.start(), text[low:high])
        found.append(Deed(low + start, low + start + len(piece[start:end].rstrip(" ,.")), parties=parties))
    if found:
        return found
    if re.search(f"[{HAN}]{{4}}", piece):
        plain = re.search(
            rf"(?:签署|签订|签定|签)了?(?P<title>(?:[{HAN}A-Za-z0-9]{{2,40}}?)(?:协议书|协议|备忘录|意向书|合同|安排))",
            piece,
        )
        if plain and not _COUNTED.search(plain[0]):
            return [Deed(low + plain.start("title"), low + plain.end("title"))]
        return []
    passive = [match for match in _PASSIVE.finditer(piece) if not _COUNTED.search(match["title"])]
    if passive:
        return [Deed(low + match.start("title"), low + match.end("title")) for match in passive]
    for match in _PLAIN.finditer(piece, signed.start()):
        title = match["title"].rstrip(" ,")
        if _COUNTED.search(title) or match.start() - signed.end() > 60:
            continue
        start = low + match.start("title")
        found.append(Deed(start, start + len(title), parties=_parties(text[start : start + len(title)])))
    return found[:3]


def _parties(title: str) -> tuple[str, ...]:
    match = _PARTIES.search(title)
    return (match["a"].strip(" ,"), match["b"].strip(" ,.")) if match else ()


def _parties_around(piece: str, before: int, text: str) -> tuple[str, ...]:
    match = re.search(
        r"(?:^|, )(?:the )?(?P<a>[A-Z][^,]{3,120}?) and (?:the )?(?P<b>[A-Z][^,]{3,120}?) (?:had |have |also |jointly |then )*signed",
        piece[:before],
    )
    if match:
        return text[match.start("a") : match.end("a")], text[match.start("b") : match.end("b")]
    ending = "(?:局|厅|署|处|委|会|院|办公室|公司|中心|政府)"
    match = re.search(
        rf"(?P<a>[{HAN}]{{3,30}}{ending})(?:与|和|同|及)(?P<b>[{HAN}]{{3,30}}{ending})(?:共同|正式|于\S{{1,12}})?(?:签署|签订)",
        piece[: before + 1],
    )
    return (text[match.start("a") : match.end("a")], text[match.start("b") : match.end("b")]) if match else ()


_GATHERING: Final = r"(?:Conference|Forum|Summit|Seminar|Symposium|Workshop|Exhibition|Expo|Fair|Exchange Session|Exchange Meeting|Roundtable|Festival|Competition|Salon)"
_EVENT_QUOTED: Final = re.compile(rf'"(?P<name>[^"]*{_GATHERING}[^"]*)"')
_EVENT_NAMED: Final = re.compile(
    rf"(?P<name>(?:\b(?:20\d\d|\d{{1,3}}(?:st|nd|rd|th)|First|Second|Third|Annual) )?(?:(?:[A-Z0-9][\w&'-]*(?:/[A-Z][\w-]*)*|[A-Z]\w*-[\w-]+)(?: (?:and|of|on|for|the|in|&) (?=[A-Z])| )){{1,14}}{_GATHERING}\b(?: on (?:[A-Z][\w&-]*(?: (?:and|of|for|&) (?=[A-Z])| (?=[A-Z]))?){{1,8}})?)"
)
_EVENT_PLAIN: Final = re.compile(
    r"\b(?:A|An|a|an|the) (?P<name>(?:[a-z][\w-]* |[A-Z][\w-]* ){0,4}(?:certificate presentation ceremony|signing ceremony|opening ceremony|launch(?:ing)? ceremony|award(?:s)? (?:presentation )?ceremony|unveiling ceremony|plaque[- ]unveiling ceremony|exchange session|business matching session|seminar|exhibition|forum))\b(?= (?:was|were|is|took|on the|in the|at the|for)|,|\.)"
)
_TAKES_PLACE: Final = re.compile(
    r"\b(?:held|hosted|organi[sz]ed|attend(?:ed|ing|s)?|took place|opened|launched|convened|joined|spoke at|speaking at|delivered|staged|participated|attracted|co-?organi[sz]ed)\b"
)
_VISIT: Final = re.compile(
    r"\b(?:visit(?:ed|s|ing)?(?! of)|toured?|inspect(?:ed|s))\b(?: to)? (?:the |an? )?(?P<name>(?:[A-Z][\w&'.-]*(?:'s)?(?: (?:of|and|at|the|for|in|&) (?=(?:the )?[A-Z])| (?=[A-Z]))?)+(?: (?:at|in) (?:the )?(?:DPO office|[A-Z]\w+)(?: (?:office |located )?(?:at|in) [A-Z]\w+)?)?|(?:two|three|four|several|local|a number of|some)[^,.;]{4,60}?(?=[,.;]| in (?:the )?(?:[A-Z]|afternoon|morning)| to ))"
)
_AND_VISIT: Final = re.compile(
    r",? (?:and |as well as )?the (?P<name>[A-Z][\w&'-]*(?:(?: of| and| for)? [A-Z][\w&'-]*)*)(?! (?:was|were|is|are|attended|said|will)\b)"
)
_NOT_AN_EVENT: Final = re.compile(
    r"Joint (?:Conference|Meeting)|Plenary|Expert Group|Task Force|Working Group|\bCo-?operation Agreement"
)
_ZH_GATHERING: Final = "(?:论坛|大会|研讨会|交流会|座谈会|展览会|博览会|峰会|签约仪式|签署仪式|颁奖典礼|颁奖礼|颁发仪式|揭牌仪式|启动仪式|开幕式|开幕典礼|推介会|对接会|洽谈会|年会)"
_ZH_EVENT: Final = re.compile(
    rf'(?:"(?P<quoted>[^"]{{2,40}}?{_ZH_GATHERING})"|《(?P<book>[^》]{{2,40}}?{_ZH_GATHERING})》|(?:举办|举行|召开|出席|参加|主办|举办了|举行了|承办|筹办)(?:了)?(?:首届|一场)?(?P<plain>[{HAN}A-Za-z0-9·-]{{2,40}}?{_ZH_GATHERING})|(?P<subject>(?:20\d\d年?|第[一二三四五六七八九十\d]+届)?[{HAN}A-Za-z0-9·-]{{2,36}}?{_ZH_GATHERING})(?=(?:亦|也|同日|随后|今日|今天|在|于|将)[^。]{{0,20}}(?:举行|举办|召开)))'
)
_ZH_VISIT: Final = re.compile(
    rf"(?:参观|考察|走访|到访|访问|参访|实地调研|调研)了?(?:位于[{HAN}]{{2,12}}的)?(?P<name>[{HAN}A-Za-z0-9·()\"]{{3,40}}?)(?=[,。;、]|以|并|和(?=[{HAN}]{{3,}}(?:公司|中心|实验室|企业))|了解|听取|进一步|$)"
)
_ZH_WENT: Final = re.compile(
    rf"(?:到|赴|前往)(?P<name>[{HAN}A-Za-z0-9·()\"]{{3,40}}?)(?:进行|开展)?了?(?:实地)?(?:参观|考察|调研|参访)"
)
_LISTED: Final = re.compile(
    "(?:园|港|中心|馆|公司|院|企业|实验室|基地|平台)(?:和|及|、|以及).{2,}(?:园|港|中心|馆|公司|院|企业|实验室|基地|平台)$"
)
_TO_COME: Final = re.compile(
    "(?:将|拟|定于|计划|明日|明天|下周|下月|即将|稍后)[^。,]{0,16}$|会(?=[在于到])[^。,]{0,12}$"
)
_FACILITY: Final = "(?:园区?|港|中心|馆|公司|院|企业|实验室|基地|平台|开发区|示范区|集团)"
_MORE_VISITED: Final = re.compile(rf"、(?P<name>[{HAN}A-Za-z0-9·]{{2,30}}?{_FACILITY})(?=[、,。;]|等|$)")
_ZH_NOT: Final = re.compile(
    "第.{1,4}次(?:全体)?会议|^第.{1,5}[次届](?:周年|全体|会员|年度)*(?:大会|年会)$|联席会议$|^(?:会议|全体大会|大会|论坛|本次|是次|该|此次|这次|年会|交流会|座谈会|研讨会)$|将(?:于|在|会)|拟"
)


def events_in(folded: str, sentence: Sentence) -> list[Deed]:
    """Return the conferences, ceremonies and visits that a sentence tells of."""
    low, high = sentence.start, sentence.end
    if re.search(f"[{HAN}]{{4}}", folded[low:high]):
        return _events_zh(folded, low, high)
    piece = folded[low:high]
    if sentence.heading or re.search(
        r"\bwill be held\b|\bto be held\b|\bwill (?:host|hold|organi[sz]e|attend|visit)\b", piece
    ):
        return []
    found: list[Deed] = []

    def add(start: int, end: int, kind: str) -> None:
        if not any(start < each.end - low and each.start - low < end for each in found):
            found.append(Deed(low + start, low + end, kind))

    takes_place = _TAKES_PLACE.search(piece)
    for match in _EVENT_QUOTED.finditer(piece):
        if takes_place and not _NOT_AN_EVENT.search(match["name"]):
            add(*match.span("name"), "conference")
    for match in _EVENT_NAMED.finditer(piece):
        name = match["name"]
        start = match.start("name")
        lead = re.match(r"(?:The|In|At|On|After|During|This|That|Both|And|Being|With)\s+(?:the )?", name)
        start += lead.end() if lead else 0
        told = takes_place and (
            re.search(
                r"(?:held|hosted|organi[sz]ed|attend(?:ed|ing|s)?|joined|opened|launched|convened|participated in|attended by)[^.]{0,200}$",
                piece[: match.start()],
            )
            or re.match(
                r"[^.]{0,60}\b(?:was|were|took place|is|attracted|opened|held|kicked off)\b",
                piece[match.end() :],
            )
        )
        if told and not _NOT_AN_EVENT.search(name) and len(piece[start : match.end("name")].split()) >= 2:
            add(start, match.end("name"), "conference")
    if not found:
        for match in _EVENT_PLAIN.finditer(piece):
            if takes_place or re.search(r"\b(?:was|were) (?:also )?held\b", piece):
                add(*match.span("name"), "ceremony" if "ceremony" in match["name"] else "conference")
    for match in _VISIT.finditer(piece):
        if (
            re.search(
                r"\b(?:please|to|can|will|may|welcome to|invited? \w+ to|after the|from the|during the|of a) (?:official )?$",
                piece[: match.start()],
            )
            and "arranged" not in piece
        ):
            continue
        if (
            re.match(
                r"(?:Hong Kong|Guangzhou|Guangdong|Shenzhen|Macao|Beijing|Mr|Ms)\b(?! \w)", match["name"]
            )
            or "website" in match["name"]
        ):
            continue
        name = re.sub(r"(?: (?:at|in|of|and|the|for))+$", "", match["name"].rstrip(" .,"))
        add(match.start("name"), match.start("name") + len(name), "visit")
        at = match.start("name") + len(name)
        while more := _AND_VISIT.match(piece, at):
            at = more.end()
            add(more.start("name"), more.end("name"), "visit")
    return found


def _events_zh(folded: str, low: int, high: int) -> list[Deed]:
    found: list[Deed] = []
    for match in _ZH_EVENT.finditer(folded, low, high):
        name = next(name for name in ("quoted", "book", "plain", "subject") if match[name] is not None)
        said = match[name]
        before = folded[low : match.start()]
        if _ZH_NOT.search(said) or _TO_COME.search(before):
            continue
        lead = re.match(
            "(?:的|了|会后|随后|同日|下午|上午|双方|代表团|并|又|还|亦|在|于|港方|粤方|一场)*", said
        )
        start = match.start(name) + (lead.end() if lead else 0)
        if match.end(name) - start >= 4:
            found.append(
                Deed(start, match.end(name), "ceremony" if re.search("仪式|典礼|礼$", said) else "conference")
            )
    named: set[int] = set()
    went = list(_ZH_WENT.finditer(folded, low, high))
    for match in went or _ZH_VISIT.finditer(folded, low, high):
        if re.search(
            "(?:将|拟|欢迎|邀请|明日|明天|翌日会)[^。,]{0,10}$", folded[low : match.start()]
        ) or re.match("(?:香港|广州|广东|内地)$", match["name"]):
            continue
        at = match.start("name")
        for piece in (
            re.split("(和|及|、|以及)", match["name"]) if _LISTED.search(match["name"]) else [match["name"]]
        ):
            if len(piece) >= 3:
                found.append(Deed(at, at + len(piece), "visit"))
            at += len(piece)
        while (more := _MORE_VISITED.match(folded, at, high)) and more.start("name") not in named:
            found.append(Deed(*more.span("name"), "visit"))
            named.add(more.start("name"))
            at = more.end()
    return found


_DECIDED: Final = re.compile(
    r"\b(?:agreed (?:to|that|on)|decided (?:to|that)|endorsed|resolved to|adopted|approved|reached (?:a )?consensus|undertook to)\b|商定|议定|同意|决定|审议通过|通过了?(?:来年|年度|工作|明年|下一年|小组)|达成(?:了)?(?:一致|共识)|一致(?:同意|认为)"
)
_FIGURE: Final = re.compile(
    rf"(?P<number>(?:HK|US|RMB|MOP)?\$ ?\d+(?:[, ]\d{{3}})*(?:\.\d+)?(?: (?:million|billion|trillion))?|(?:[Aa]bout|[Aa]round|[Oo]ver|[Mm]ore than|[Nn]early|[Ss]ome|[Aa] total of|[Aa]pproximately|[Aa]t least) (?:\d{{1,3}}(?:[, ]\d{{3}})+|\d+)(?: (?:million|billion))?|\b(?:\d{{1,3}}(?:[, ]\d{{3}})+|\d+)(?= (?:participants|companies|enterprises|departments|representatives|guests|experts|officials|people|visitors|delegates|members|exhibitors|attendees|projects|services|Hong Kong companies)))"
    r"(?: (?P<unit>(?:different |local |industry |public |private |government |Mainland |Hong Kong |Guangdong |I&T |and |guest |more )*(?:participants|companies|enterprises|departments|representatives|guests|experts|officials|people|visitors|delegates|members|exhibitors|attendees|projects|services|bureaux|organisations|organizations)))?"
    rf"|(?P<zh>(?:约|逾|超过|近|共|共有|合共)?\d[\d,.]*(?:余|多)?(?:万|亿)?(?:港元|元|人民币|名|人|家|间|个|项|位)(?:[{HAN}]{{0,6}}?(?:人士|企业|公司|代表|部门|嘉宾|专家|参加者|与会者|项目|服务))?)"
)


def decision(folded: str, sentence: Sentence) -> bool:
    """Say whether a sentence tells what the meeting decided."""
    if sentence.heading or re.search(
        r"\b(?:Mr|Ms|Dr|Ir) [A-Z][\w-]+ (?:said|stated|remarked)\b", folded[sentence.start : sentence.end]
    ):
        return False
    return bool(_DECIDED.search(folded, sentence.start, sentence.end))


def figures_in(folded: str, sentence: Sentence) -> list[Deed]:
    """Return the numbers of people, bodies and money that a sentence gives."""
    if sentence.heading:
        return []
    return [
        Deed(match.start(), match.start() + len(match[0].rstrip(" ,.")), match["unit"] or "")
        for match in _FIGURE.finditer(folded, sentence.start, sentence.end)
        if match["unit"] or match["zh"] or "$" in match[0]
    ]
