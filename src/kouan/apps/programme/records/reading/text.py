"""Text of a record made fit to be read: characters mended, mark-up taken out, lines joined; and its folded twin."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from typing import Final

import opencc

from kouan.apps.programme.domain import Script

HAN: Final = "㐀-䶿一-鿿豈-﫿"
_SAME: Final = str.maketrans(
    {
        **dict.fromkeys("“”„‟「」『』﹁﹂＂«»", '"'),
        **dict.fromkeys("‘’‚‛＇`´", "'"),
        **dict.fromkeys("‐‑‒–—―－﹣−", "-"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2009\u202f\u3000\t", " "),
        **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if chr(code) not in "＂＇－"},
        "○": "〇", "於": "于", "裏": "里", "台": "台", "﹔": ";", "•": "·", "・": "·", "．": ".",
        "屆": "届", "週": "周", "羣": "群", "佔": "占",
    }
)  # fmt: skip
_INVISIBLE: Final = re.compile(
    "[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufffc\u00ad\u0000-\u0008\u000e-\u001f]"
)
_HIGH: Final = re.compile(
    "[\u0080-\u00ff\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]{2,}"
)
_PICTURE: Final = re.compile(
    r"!\[[^\]\n]*\](?:\([^)\n]*\))?|\[\[?(?:图|圖|photo|image)[^\]\n]{0,40}\]\]?", re.IGNORECASE
)
_LINK: Final = re.compile(r"(?<!!)\[([^\]\n]{1,300})\]\((?:[^()\n]|\([^()\n]*\))*\)")
_ENDLESS: Final = re.compile(r"[!-~]{200,}")
"""No word: code, a key, an address of a tracker; a pattern that looks for words would try it from each letter."""
_RULE: Final = re.compile(r"^[\s|*_=~#·.\-]*$")
_HEAD_MARK: Final = re.compile(r"^\s{0,8}(?:#{1,6}\s+|>\s+|\|\s*)|\s*\|\s*$")
_EMPHASIS: Final = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_ESCAPE: Final = re.compile(r"\\([$*_#\[\]()~`>.!&+-])")
_ENDS: Final = re.compile(r"[.!?。!?;；:：][\"'”’」』)）]*-?$")
_ITEM: Final = re.compile(
    r"^\s*(?:[-*·●■◆▪○]\s+)?(?:\(?\d{1,2}[.)、](?!\d)|\([a-zA-Z]\)|[a-z]\)|\(?[ivx]{1,4}[.)]|[①-⑳]|"
    r"[(（]?[一二三四五六七八九十]{1,3}[)）、.．]|[一二三四五六七八九十][是要])\s*|^\s*[-*·●■◆▪]\s+"
)


_SCANNED: Final = tuple(
    (re.compile(pattern), right)
    for pattern, right in (
        (r"(?<![A-Za-z0-9])l(?=\d)|(?<=\d)[lI](?=\d|(?:st|nd|rd|th)\b)", "1"),
        (r"(?<=\d)O(?=\d|th\b)", "0"),
        (r"(?<![A-Za-z0-9])0(?=[a-z]{2})", "O"),
        (r"(?<![A-Za-z])l(?=n[a-z]{3})", "I"),
    )
)
"""What a scanner takes for one another: "l9th", "0ctober", "lnformatisation". No word begins with ln."""
_BEFORE_MARK: Final = re.compile(r"(?<=[A-Za-z0-9)]) +(?=[,.;:](?:\s|$))")
_TORN: Final = re.compile(r"\b([Cc]o)- (?=[a-z])|\b(Director) - (?=General\b)")
_BROKEN_WORD: Final = re.compile(r"([A-Za-z]+)-$")
_WORD: Final = 40
"""Characters of a line's end in which a broken word is looked for."""
_PREFIX: Final = re.compile(
    "co|cross|e|non|pre|post|re|self|vice|sub|inter|multi|mid|anti|ex|pan|semi|well|one|two|three|four|five|high|low|long"
    "|short|large|small|full|part|real|new|first|second|third"
)
_SECOND: Final = re.compile(
    "based|driven|wide|level|term|scale|party|quality|tech|time|centric|oriented|related|owned|funded|general|border"
    "|boundary|operation|operate|operative|ordination|chair|chaired|chairs|convened|developing|hosted"
)
"""Before and behind a hyphen that belongs to the word, whether a line ends there or not."""
_ALONE: Final = re.compile(f"(?<![{HAN}])[{HAN}](?![{HAN}])")
_APART: Final = re.compile(f"(?<=[{HAN}0-9０-９：，。、（）]) (?=[{HAN}0-9０-９：，。、（）])")


@lru_cache(maxsize=32768)
def _simplified(char: str) -> str:
    return str(_converter().convert(char))


@cache
def _converter() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


@lru_cache(maxsize=32768)
def _traditional(char: str) -> str:
    return str(_back().convert(char))


@cache
def _back() -> opencc.OpenCC:
    return opencc.OpenCC("s2t")


_SMALL: Final = re.compile("a|an|and|as|at|by|for|from|in|of|on|or|the|to|with|under")
_SHORT: Final = re.compile("EGCI|EGSCC|HKSAR|GBA|DPO|OGCIO|OFCA|OFTA|ICT|IT|AI|MOUS?|HK|GD|TB[CA]")
_SHOUTED: Final = 4


def calmed(line: str) -> str:
    """Return a line that is written in capitals as a heading is usually written, at the same length.

    >>> calmed("RECORD OF THE EIGHTEENTH EGCI MEETING ON CO-OPERATION"), calmed("The DPO and the OFCA")
    ('Record of the Eighteenth EGCI Meeting on Co-operation', 'The DPO and the OFCA')
    """
    words = re.findall(r"[A-Za-z][A-Za-z'-]*", line)
    if len(words) < _SHOUTED or any(char.islower() for char in line):
        return line

    def one(match: re.Match[str]) -> str:
        word = match[0]
        if _SHORT.fullmatch(word):
            return word
        small = _SMALL.fullmatch(word.lower()) and match.start()
        return word.lower() if small else word[0] + word[1:].lower()

    return re.sub(r"[A-Za-z][A-Za-z'-]*", one, line)


def fold(text: str) -> str:
    """Return a text of the same length in which two that read alike are alike: rules are matched on it.

    >>> fold("粵港「信息化」，２０次")
    '粤港"信息化",20次'
    """
    plain = text.translate(_SAME)
    for pattern, right in _SCANNED:
        plain = pattern.sub(right, plain)
    return "".join(_one(char) for char in plain)


def _one(char: str) -> str:
    if char < "⺀":
        return char
    other = _simplified(char)
    return other if len(other) == 1 else char


def script_of(text: str) -> Script:
    """Say which of the three scripts a text is mostly written in.

    >>> script_of("粤港合作专责小组").value, script_of("粵港合作專責小組").value, script_of("Joint 會議 of the two sides").value
    ('zh-hans', 'zh-hant', 'en')
    """
    han = re.findall(f"[{HAN}]", text)
    letters = sum(char.isascii() and char.isalpha() for char in text)
    if len(han) * 3 < letters:
        return Script.ENGLISH
    traditional = sum(_one(char) != char for char in han)
    simplified = sum(_one(char) == char and _traditional(char) != char for char in han)
    return Script.SIMPLIFIED if simplified >= traditional else Script.TRADITIONAL


def mended(text: str) -> str:
    r"""Return a text in which UTF-8 that was read as Windows-1252 is read as UTF-8.

    >>> mended("itâ€™s â€œopenâ€\x9d, café")
    'it’s “open”, café'
    """
    for _round in range(2):
        better = _HIGH.sub(_read_anew, text)
        if better == text:
            break
        text = better
    return text


def _read_anew(match: re.Match[str]) -> str:
    data = bytearray()
    for char in match[0]:
        try:
            data += char.encode("cp1252")
        except UnicodeEncodeError:
            if ord(char) > 0xFF:
                return match[0]
            data.append(ord(char))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return match[0]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A record's text as it is kept, and what was odd in it (codes of ``labels.WARNINGS``)."""

    text: str
    warnings: tuple[str, ...]


def clean(raw: str) -> Cleaned:
    """Return a raw text without what is no text: one block a line, no line twice in a row."""
    warnings = []
    text = unicodedata.normalize("NFC", raw.replace("\r\n", "\n").replace("\r", "\n"))
    better = mended(text)
    if better != text:
        warnings.append("mojibake")
    if "\ufffd" in better:
        warnings.append("lost-characters")
    text = _INVISIBLE.sub("", better.replace("\u2028", "\n").replace("\u2029", "\n").replace("\x0c", "\n"))
    bare = _LINK.sub(r"\1", _PICTURE.sub(" ", _ENDLESS.sub("…", text)))
    if bare != text:
        warnings.append("mark-up")
    rows: list[tuple[str, bool]] = []
    gap = False
    for line in bare.split("\n"):
        plain = _ESCAPE.sub(r"\1", _EMPHASIS.sub(r"\2", _HEAD_MARK.sub("", line))).strip(" \t\u3000\u00a0|")
        plain = _closed(re.sub(r"[ \t\u00a0]{2,}", " ", plain))
        if _RULE.match(plain):
            gap = True
        elif rows and rows[-1][0] == plain:
            warnings.append("repeated-line")
        else:
            rows.append((plain, gap))
            gap = False
    lines = _unwrapped(rows)
    return Cleaned("\n".join(lines), tuple(dict.fromkeys(warnings)))


def _closed(line: str) -> str:
    """Take out spaces that a scanner or a typesetter put where none belong: "粤 港 合 作", "co- chaired ."."""
    line = _TORN.sub(lambda match: f"{match[1] or match[2]}-", _BEFORE_MARK.sub("", line))
    alone = len(_ALONE.findall(line))
    if alone >= 6 and alone >= 0.6 * len(re.findall(f"[{HAN}]", line)):
        line = _APART.sub("", line)
    return line


def _goes_on(line: str, following: str) -> bool:
    """Say whether a sentence that broke off at an empty line goes on behind it."""
    if _ENDS.search(line) or _ITEM.match(following):
        return False
    return following[:1].islower() and len(line) > 40


def _joined(line: str, following: str) -> str:
    han = re.compile(f"[{HAN}，。、；：]")
    if han.match(line[-1]) and han.match(following[0]):
        return line + following
    if _BROKEN_WORD.search(line[-_WORD:]) and following[0].isalpha():
        return line + following
    return f"{line} {following}"


def _mended_word(line: str, following: str, words: frozenset[str]) -> str:
    """Return two lines of which the first ends within a word; ``words`` are those that stand whole in the text.

    "Commis-" and "sioner" lose the hyphen. "co-" and "operation", "cross-" and "boundary" keep theirs, as do two
    words that each stand by themselves elsewhere, and what goes on with a capital ("Guangdong-Hong Kong").
    """
    left = _BROKEN_WORD.search(line[-_WORD:])
    right = re.match(r"[A-Za-z]+", following)
    assert left is not None  # noqa: S101 - asked before
    halves = (left[1].casefold(), right[0].casefold() if right else "")
    whole = (
        not following[0].islower() or _PREFIX.fullmatch(halves[0]) or _SECOND.fullmatch(halves[1])
        or all(half in words for half in halves)
    )  # fmt: skip
    return line + following if whole else line[:-1] + following


def _unwrapped(raw: list[tuple[str, bool]]) -> list[str]:
    """Join the lines of a text that was broken at a width (a page of a PDF, an e-mail), and broken sentences."""
    widths = sorted(_width(line) for line, _gap in raw)
    limit = widths[int(len(widths) * 0.95)] if widths else 0
    full = sum(width >= limit * 0.75 for width in widths)
    broken = limit <= 130 and len(raw) >= 6 and full >= len(raw) * 0.35
    kept: list[str] = []
    width = 0
    words = frozenset(
        re.findall(r"(?<![-\w])[a-z]+(?![-\w])", " ".join(line for line, _gap in raw).casefold())
    )
    for line, gap in raw:
        torn = bool(
            kept and not gap and re.match("[A-Za-z]", line) and _BROKEN_WORD.search(kept[-1][-_WORD:])
        )
        wrapped = (
            broken and not gap and width >= limit * 0.7
            and bool(kept) and not _ENDS.search(kept[-1]) and not _ITEM.match(line) and not _labelled(line)
        )  # fmt: skip
        if torn and (wrapped or line[0].islower()):
            kept[-1] = _mended_word(kept[-1], line, words)
        elif kept and (wrapped or _goes_on(kept[-1], line)):
            kept[-1] = _joined(kept[-1], line)
        else:
            kept.append(line)
        width = _width(line)
    return kept


def _labelled(line: str) -> bool:
    return bool(re.match(r"[^\s:：]{1,12}(?: [^\s:：]{1,12}){0,2}\s?[:：]", line))


def _width(line: str) -> int:
    return sum(2 if char >= "⺀" else 1 for char in line)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a record by its place, in characters from the beginning of the text."""

    start: int
    end: int
    block: int
    """Which line it stands in."""
    first: bool
    """Whether it begins that line."""
    heading: bool
    """A line by itself that is no full sentence: a title or a caption."""
    item: bool
    """Of a list."""


_LONGEST: Final = 2000
"""Characters of a sentence; a longer one is no sentence, and is cut."""
_STOP: Final = re.compile(r"[.!?][\"')]*(?=\s+[\"'(]?[A-Z0-9])|[。!?][\"')]*")
_ABBREVIATED: Final = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Ir|Prof|St|No|Nos|Co|Ltd|Inc|e\.g|i\.e|vs|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|Dept|Gov|Hon)"
    r"|\b[A-Z]|^\s*\(?\d{1,2})\.$"
)


def sentences(folded: str) -> list[Sentence]:
    """Return the sentences of a folded text, line by line."""
    found = []
    at = 0
    for block, line in enumerate(folded.split("\n")):
        cuts = [0]
        quotes = 0
        counted = 0
        for stop in _STOP.finditer(line):
            quotes += line.count('"', counted, stop.end())
            counted = stop.end()
            if stop[0][0] == "." and _ABBREVIATED.search(line, max(0, stop.start() - 8), stop.start() + 1):
                continue
            if quotes % 2 and '"' in line[stop.end() :] and stop[0][-1] != '"':
                continue
            cuts.append(stop.end())
        cuts = [
            at_most for low, high in pairwise([*cuts, len(line)]) for at_most in range(low, high, _LONGEST)
        ]
        cuts.append(len(line))
        spans = [(low, high) for low, high in pairwise(cuts) if line[low:high].strip()]
        item = bool(_ITEM.match(line))
        for number, (low, high) in enumerate(spans):
            piece = line[low:high]
            lead = len(piece) - len(piece.lstrip())
            whole = len(spans) == 1
            heading = whole and not item and not _ENDS.search(piece.strip()) and len(piece) < 260
            found.append(
                Sentence(at + low + lead, at + low + len(piece.rstrip()), block, number == 0, heading, item)
            )
        at += len(line) + 1
    return found


_MARKS: Final = tuple(
    re.compile(rf"\s*{pattern}")
    for pattern in (
        r"(?P<mark>[-*·●■◆▪○])", r"\(?[ivx]{1,4}[.)]", r"\(?[a-z]\)", r"\(?[A-Z]\)", r"[(（]\d{1,2}[)）]", r"\d{1,2}[)]", r"\d{1,2}[.、．]",
        r"[①-⑳]", r"[(（][一二三四五六七八九十]{1,3}[)）]", r"[一二三四五六七八九十]{1,3}[、.．]", r"[一二三四五六七八九十][是要]",
    )
)  # fmt: skip


def kind_of_mark(line: str) -> str:
    """Return what kind of number or mark a list's item begins with: items of one list share it; empty for none."""
    for number, pattern in enumerate(_MARKS):
        match = pattern.match(line)
        if match:
            return match.groupdict().get("mark") or str(number)
    return ""


def item_mark(line: str) -> int:
    """Return how many characters at a line's beginning number it or mark it as a list's item."""
    match = _ITEM.match(line)
    return match.end() if match else 0
