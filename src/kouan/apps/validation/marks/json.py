"""JSON documents: a strict reader, the place of the mark, and the canonical form (RFC 8785).

A document is taken only if every program reads the same from it (I-JSON, RFC 7493): otherwise two
people could see two contents under one fingerprint.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias

import rfc8785

from kouan.apps.validation.errors import (
    AlreadyMarked,
    DuplicateMember,
    ForbiddenCharacter,
    JSONTooDeep,
    JSONTooLarge,
    JSONTooManyParts,
    NotJSON,
    NotNormalised,
    NotUTF8JSON,
    NumberOutOfRange,
    ReservedMember,
)
from kouan.apps.validation.marks.mark import Mark

MAX_JSON: Final = 8 << 20
"""The largest JSON document, in bytes (8 MB)."""
MAX_CARRIED: Final = MAX_JSON + 1024
"""The largest JSON document with its mark."""
MAX_PARTS: Final = 500_000
"""The most members and items, so that a small file cannot fill the memory."""
MAX_DEPTH: Final = 64
"""The most objects and arrays inside each other."""
MEMBER: Final = "kouan"
"""The top-level member that holds the mark."""

_MAX_PATH: Final = 120
_MAX_INTEGER: Final = 2**53 - 1
_NO_CHARACTER: Final = re.compile(
    "[\ud800-\udfff\ufdd0-\ufdef"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPENING: Final = re.compile(r"[ \t\r\n]*\{")


_Path: TypeAlias = "tuple[_Path, str | int] | None"
"""Where a value stands: the place around it, and the last step. It is put into words only for an error:
a name may have megabytes, and be the way to half a million values."""


class _Members(list[tuple[str, Any]]):
    """The members of an object as written, repeated ones included."""


@dataclass(frozen=True, slots=True)
class _BadNumber:
    """A number that is refused once its place is known."""


_BAD: Final = _BadNumber()


def parse(data: bytes, *, limit: int = MAX_JSON) -> dict[str, Any]:
    """Return the JSON object in ``data``; raises an ``UnusableJSON`` that names the place at fault."""
    if len(data) > limit:
        raise JSONTooLarge(limit=MAX_JSON >> 20)
    if sum(data.count(mark) for mark in (b",", b"[", b"{")) > MAX_PARTS:
        raise JSONTooManyParts(limit=MAX_PARTS)
    text = _decode(data)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_Members,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=lambda _: _BAD,
        )
    except json.JSONDecodeError as error:
        raise NotJSON(line=error.lineno, column=error.colno) from None
    except RecursionError:
        raise JSONTooDeep(limit=MAX_DEPTH) from None
    if not isinstance(value, _Members):
        raise NotJSON(line=1, column=1)
    checked: dict[str, Any] = _check(value, None, 1)
    return checked


def canonical(value: dict[str, Any]) -> bytes:
    """Return the canonical form of a parsed document (RFC 8785)."""
    return rfc8785.dumps(value)


def find_mark(value: dict[str, Any]) -> Mark | None:
    """Return the mark of a parsed document, ``None`` when it carries none."""
    return Mark.from_mapping(value.get(MEMBER))


def put_mark(data: bytes, mark: Mark) -> bytes:
    """Return the document with the mark as its first member, all else byte for byte as it was.

    Raises an ``UnusableJSON`` for a document that cannot be taken, ``AlreadyMarked`` for a carried
    file and ``ReservedMember`` when the mark's place is taken by something else.
    """
    value = parse(data)
    if MEMBER in value:
        present = find_mark(value)
        if present is not None:
            raise AlreadyMarked(reference=str(present.reference))
        raise ReservedMember
    text = data.decode("utf-8")
    opening = _OPENING.match(text)
    if opening is None:
        raise NotJSON(line=1, column=1)
    member = f'\n"{MEMBER}": {json.dumps(mark.as_mapping())}' + ("," if value else "\n")
    return (text[: opening.end()] + member + text[opening.end() :]).encode("utf-8")


def _decode(data: bytes) -> str:
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise NotUTF8JSON(offset=0)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotUTF8JSON(offset=error.start) from None


def _integer(literal: str) -> int | _BadNumber:
    if len(literal.lstrip("-")) > len(str(_MAX_INTEGER)):
        return _BAD
    value = int(literal)
    return value if abs(value) <= _MAX_INTEGER else _BAD


def _float(literal: str) -> float | _BadNumber:
    """Return the number if its shortest written form has the very same value.

    ``1.00000000000000000001`` is read as 1 by a program and as something else by a person; as a
    canonical form would hide the difference, such a number is refused.
    """
    value = float(literal)
    if value in (float("inf"), float("-inf")):
        return _BAD
    if value == 0:
        return value if not re.search("[1-9]", re.split("[eE]", literal)[0]) else _BAD
    return value if Decimal(literal) == Decimal(repr(value)) else _BAD


def _check(value: Any, path: _Path, depth: int) -> Any:
    """Return ``value`` with its objects as dictionaries; raises at the first place that is at fault."""
    if isinstance(value, str):
        _check_text(value, path)
        return value
    if value is _BAD:
        raise NumberOutOfRange(path=_shown(path))
    if not isinstance(value, list):
        return value
    if depth > MAX_DEPTH:
        raise JSONTooDeep(limit=MAX_DEPTH)
    if not isinstance(value, _Members):
        return [_check(item, (path, place), depth + 1) for place, item in enumerate(value)]
    result: dict[str, Any] = {}
    for name, item in value:
        inner = (path, name)
        _check_text(name, inner)
        if name in result:
            raise DuplicateMember(path=_shown(inner))
        result[name] = _check(item, inner, depth + 1)
    return result


def _check_text(text: str, path: _Path) -> None:
    if text.isascii():
        return
    if _NO_CHARACTER.search(text):
        raise ForbiddenCharacter(path=_shown(path))
    if not unicodedata.is_normalized("NFC", text):
        raise NotNormalised(path=_shown(path))


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if _PLAIN_NAME.fullmatch(step):
        return f".{step}"
    return f"[{json.dumps(step)}]"


def _shown(path: _Path) -> str:
    """Return a path short enough to show, without anything that is no character."""
    steps: list[str | int] = []
    while path is not None:
        path, step = path
        steps.append(step)
    shown = _NO_CHARACTER.sub("\ufffd", "$" + "".join(map(_step, reversed(steps))))
    return shown if len(shown) <= _MAX_PATH else f"{shown[: _MAX_PATH - 1]}…"
