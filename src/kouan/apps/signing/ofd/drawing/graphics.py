"""Colours, transformations, outlines and the places of characters, from OFD's words into SVG's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kouan.apps.signing.ofd.drawing import limits
from kouan.apps.signing.ofd.tree import numbers_of

if TYPE_CHECKING:
    from kouan.apps.signing.ofd.markup import Element

_ARGUMENTS: Final = {"S": 2, "M": 2, "L": 2, "Q": 4, "B": 6, "A": 7, "C": 0}
_SVG: Final = {"S": "M", "M": "M", "L": "L", "Q": "Q", "B": "C", "A": "A", "C": "Z"}
"""OFD's letters of outlines (GB/T 33190 table 35) and SVG's."""
_WORD: Final = re.compile(r"[A-Za-z]|[-+.0-9][-+.0-9eE]*")
_UNSHOWN: Final = re.compile("[^\\t\\n\\r\\u0020-\\uD7FF\\uE000-\\uFFFD\\U00010000-\\U0010FFFF]")
_BYTE: Final = 255


class Malformed(ValueError):
    """An object that is not built as it must be."""


def number(value: float) -> str:
    """Return a number for SVG, to a thousandth."""
    return f"{value:.3f}".rstrip("0").rstrip(".") or "0"


def matrix(text: str) -> str:
    """Return a transformation (CTM) as SVG's; empty where there is none. Raises ``Malformed``."""
    if not text:
        return ""
    numbers = numbers_of(text)
    if len(numbers) != 6:  # noqa: PLR2004 - a b c d e f
        raise Malformed("no transformation")
    return f"matrix({' '.join(f'{value:.6g}' for value in numbers)})"


def outline(text: str) -> tuple[str, int]:
    """Return an outline's ``d`` and how many numbers it has; raises ``Malformed``."""
    if len(text) > limits.MAX_PATH * 16:
        raise Malformed("too long")
    words = _WORD.findall(text)
    drawn: list[str] = []
    at = 0
    while at < len(words):
        letter = words[at]
        count = _ARGUMENTS.get(letter)
        if count is None:
            raise Malformed("an unknown letter")
        values = numbers_of(" ".join(words[at + 1 : at + 1 + count]))
        if len(values) != count:
            raise Malformed("too few numbers")
        if letter == "A":
            values[3:5] = [1.0 if flag else 0.0 for flag in values[3:5]]
        drawn.append(_SVG[letter] + " ".join(number(value) for value in values))
        at += 1 + count
    if drawn and not drawn[0].startswith("M"):
        raise Malformed("no beginning")
    return "".join(drawn), len(words)


def steps(text: str, count: int) -> list[float]:
    """Return the distances between ``count`` characters (DeltaX, DeltaY), with ``g n v`` written out."""
    found: list[float] = []
    words = text.split()
    at = 0
    while at < len(words) and len(found) < count:
        if words[at].lower() == "g":
            pair = numbers_of(" ".join(words[at + 1 : at + 3]))
            if len(pair) != 2 or pair[0] < 0:  # noqa: PLR2004 - how many, and how far
                raise Malformed("no repetition")
            found += [pair[1]] * int(min(pair[0], count - len(found)))
            at += 3
            continue
        value = numbers_of(words[at])
        if not value:
            raise Malformed("no number")
        found.append(value[0])
        at += 1
    return found


def shown_text(text: str) -> str:
    """Return text with only the characters that XML can carry (XML 1.0 section 2.2)."""
    return _UNSHOWN.sub("\ufffd", text)


def colour(element: Element) -> tuple[str, float] | None:
    """Return a colour for SVG and how opaque it is, ``None`` for a shading; raises ``Malformed``.

    How many components it has says which space it is in: grey, RGB or CMYK (GB/T 33190 section 8.3).
    """
    if not element.get("Value"):
        return None if element.children else ("#000000", _opacity(element))
    values = []
    for word in element.get("Value").split():
        try:
            value = int(word[1:], 16) if word.startswith("#") else float(word)
        except ValueError:
            raise Malformed("no colour") from None
        if not 0 <= value <= _BYTE:
            raise Malformed("no colour")
        values.append(value)
    if len(values) == 1:
        values *= 3
    elif len(values) == 4:  # noqa: PLR2004 - cyan, magenta, yellow, black
        *inks, black = values
        values = [_BYTE * (1 - ink / _BYTE) * (1 - black / _BYTE) for ink in inks]
    elif len(values) != 3:  # noqa: PLR2004 - red, green, blue
        raise Malformed("no colour")
    return "#" + "".join(f"{round(value):02x}" for value in values), _opacity(element)


def _opacity(element: Element) -> float:
    alpha = numbers_of(element.get("Alpha", "255"))
    return min(1.0, max(0.0, alpha[0] / _BYTE)) if alpha else 1.0


def positive(text: str, otherwise: float) -> float:
    """Return a number above 0 and up to 10,000; ``otherwise`` for anything else."""
    found = numbers_of(text)
    return found[0] if found and 0 < found[0] <= 10_000 else otherwise  # noqa: PLR2004 - millimetres
