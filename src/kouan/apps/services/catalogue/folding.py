"""Folding words so that a reader of one script finds what is written in another.

Wide and narrow forms, capitals and the two Chinese scripts become one. Chinese is cut into pairs of
characters, since nobody puts spaces between its words; what is written in letters is found by how a word
begins.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Final

import opencc

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST: Final = 32
"""Characters of a word that count."""
_RUN: Final = re.compile(
    r"[㐀-䶿一-鿿豈-﫿\U00020000-\U000323af]+|[^\W_㐀-䶿一-鿿豈-﫿\U00020000-\U000323af]+"
)


def fold(text: str) -> str:
    """Return a text in which two that read alike are alike.

    >>> fold("羅湖 Lo Wu") == fold("罗湖 LO ＷU")
    True
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return "".join(_simplified(char) for char in plain if not unicodedata.combining(char))


def words(text: str) -> list[str]:
    """Return the words of a text, folded: letters as whole words, Chinese as each pair of characters.

    >>> words("Lo Wu 罗湖口岸")
    ['lo', 'wu', '罗湖', '湖口', '口岸', '岸']
    """
    found: list[str] = []
    for run in _RUN.findall(fold(text)):
        if _is_han(run):
            found += [run[at : at + 2] for at in range(len(run))]
        else:
            found.append(run[:LONGEST])
    return found


def asked(text: str) -> list[str]:
    """Return what each found text must have of a question: the beginnings of words, each once.

    The last character of a run stands in a pair already, and is asked for by itself only where it is alone.
    """
    found: list[str] = []
    for run in _RUN.findall(fold(text)):
        if _is_han(run):
            found += [run[at : at + 2] for at in range(max(len(run) - 1, 1))]
        else:
            found.append(run[:LONGEST])
    return list(dict.fromkeys(found))


def with_places(texts: Iterable[str]) -> list[str]:
    """Return the other names of the places that texts speak of."""
    whole = "\n".join(fold(text) for text in texts)
    found = [names for names, patterns in _places() if any(pattern.search(whole) for pattern in patterns)]
    return [name for names in found for name in names]


def _is_han(run: str) -> bool:
    return run[0] >= "㐀"


@lru_cache(maxsize=16384)
def _simplified(char: str) -> str:
    """Return a character in the simplified script; one by one, so that a part folds as the whole does."""
    return char if char < "⺀" else _converter().convert(char)


@cache
def _converter() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


@cache
def _places() -> list[tuple[list[str], list[re.Pattern[str]]]]:
    data = resources.files("kouan.apps.services") / "data" / "places.toml"
    places = tomllib.loads(data.read_text(encoding="utf-8"))["places"]
    return [(names, [_whole_word(fold(name)) for name in names]) for names in places]


def _whole_word(name: str) -> re.Pattern[str]:
    escaped = re.escape(name)
    return re.compile(escaped if _is_han(name) else rf"(?<![^\W_]){escaped}(?![^\W_])")
