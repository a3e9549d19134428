"""On which line of a file something stands, so that a fault can be shown where it is."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import Counter
from itertools import islice
from json.decoder import scanstring  # type: ignore[attr-defined]  # documented by its use in the decoder
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Path = tuple[str, ...]

_DEEPEST: Final = 40
"""Of tables in one another: what is deeper has the line of what it is in."""
_KEY: Final = re.compile(
    r"\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"))*)\s*="
)
_PART: Final = re.compile(r"\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9_-]+)")
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_PLAIN: Final = re.compile(r"[^\s,\]}]+")


def of_toml(text: str) -> Mapping[Path, int]:
    """Return the line (from 1) of each key and table of a TOML text; a table of an array by its number."""
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    inside = ""
    depth = 0
    for number, line in enumerate(text.splitlines(), 1):
        if inside:
            inside = _still(inside, line)
            continue
        if not depth:
            header = _header(line)
            if header is not None:
                table = _table(_parts(header), counts, again=line.lstrip().startswith("[["))
                found.setdefault(table, number)
                continue
            key = _KEY.match(line)
            if key is not None:
                found.setdefault((*table, *_parts(key[1])), number)
        inside, depth = _left_open(line, depth)
    return found


def _header(line: str) -> str | None:
    """Return the name in a table's header, ``[name]`` or ``[[name]]``; nothing for any other line."""
    text = line.strip()
    if not text.startswith("["):
        return None
    name, closed, rest = text.removeprefix("[").removeprefix("[").partition("]")
    rest = rest.removeprefix("]").lstrip()
    return name.strip() or None if closed and (not rest or rest.startswith("#")) else None


def _parts(name: str) -> Path:
    found = (next(filter(None, match.groups()), "") for match in _PART.finditer(name))
    return tuple(islice(found, _DEEPEST))


def _table(name: Path, counts: dict[Path, int], *, again: bool) -> Path:
    """Return a table's path with the numbers of the arrays that it is in."""
    path: Path = ()
    for place, part in enumerate(name):
        path = (*path, part)
        if again and place == len(name) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, str(counts[path]))
    return path


def _still(mark: str, line: str) -> str:
    return "" if mark in line else mark


def _left_open(line: str, depth: int) -> tuple[str, int]:
    """Return which multi-line string a line leaves open, if any, and how many brackets."""
    at = 0
    while at < len(line):
        char = line[at]
        if char == "#":
            break
        mark = line[at : at + 3]
        if mark in {'"""', "'''"}:
            end = line.find(mark, at + 3)
            if end < 0:
                return mark, depth
            at = end + 3
            continue
        if char in "\"'":
            at = _string_end(line, at)
            continue
        depth += (char in "[{") - (char in "]}")
        at += 1
    return "", max(depth, 0)


def _string_end(line: str, at: int) -> int:
    quote, at = line[at], at + 1
    while at < len(line) and line[at] != quote:
        at += 2 if line[at] == "\\" and quote == '"' else 1
    return at + 1


def of_json(text: str) -> Mapping[Path, int]:
    """Return the line (from 1) of each member and item of a JSON text that is well formed."""
    found: dict[Path, int] = {}
    breaks = [place for place, char in enumerate(text) if char == "\n"]
    _value(text, _SPACE.match(text, 0).end(), (), found, breaks)  # type: ignore[union-attr]  # matches anything
    return found


def _value(text: str, at: int, path: Path, found: dict[Path, int], breaks: Sequence[int]) -> int:
    found.setdefault(path, bisect_left(breaks, at) + 1)
    match text[at]:
        case "{":
            return _members(text, at + 1, path, found, breaks)
        case "[":
            return _items(text, at + 1, path, found, breaks)
        case '"':
            return int(scanstring(text, at + 1)[1])
        case _:
            plain = _PLAIN.match(text, at)
            return plain.end() if plain else at + 1


def _members(text: str, at: int, path: Path, found: dict[Path, int], breaks: Sequence[int]) -> int:
    at = _skip(text, at)
    while text[at] != "}":
        line = bisect_left(breaks, at) + 1
        name, at = scanstring(text, at + 1)
        found.setdefault((*path, name), line)
        at = _skip(text, _skip(text, at) + 1)  # over the colon
        at = _skip(text, _value(text, at, (*path, name), found, breaks))
        if text[at] == ",":
            at = _skip(text, at + 1)
    return at + 1


def _items(text: str, at: int, path: Path, found: dict[Path, int], breaks: Sequence[int]) -> int:
    at, number = _skip(text, at), 0
    while text[at] != "]":
        at = _skip(text, _value(text, at, (*path, str(number)), found, breaks))
        number += 1
        if text[at] == ",":
            at = _skip(text, at + 1)
    return at + 1


def _skip(text: str, at: int) -> int:
    return _SPACE.match(text, at).end()  # type: ignore[union-attr]  # matches anything


def nearest(lines: Mapping[Path, int], path: Sequence[object]) -> int:
    """Return the line of a path, or of the nearest thing above it that is written; 1 where nothing is."""
    whole = tuple(str(part) for part in path)
    return next((lines[whole[:end]] for end in range(len(whole), 0, -1) if whole[:end] in lines), 1)


def repeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Build a JSON object whose names are each there once; raises ``ValueError`` (``object_pairs_hook``)."""
    made = dict(pairs)
    if len(made) != len(pairs):
        ((twice, _times),) = Counter(name for name, _value in pairs).most_common(1)
        raise ValueError(f"the name {json.dumps(twice)} is there twice in one object")
    return made
