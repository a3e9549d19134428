"""What changed between two versions of a joint text: place by place, and in texts word by word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Final, Literal, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kouan.apps.programme.plan.domain import Agreed

Kind = Literal["added", "removed", "changed"]
_TOKEN: Final = re.compile(r"\w+|\s+|.", re.DOTALL)
_HAN: Final = re.compile(r"([\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])")
"""Chinese is compared character by character: nothing but its meaning parts its words."""
_SCRIPTS: Final = frozenset({"en", "zh_hant", "zh_hans"})
_NOT_SAID: Final = frozenset({"version", "replaces", "author", "schema"})
"""What always differs, or says nothing of the matter itself."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text, and whether both versions have it."""

    kind: Literal["kept", "gone", "new"]
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """One place that differs."""

    kind: Kind
    path: tuple[str, ...]
    """Ids of the parts that lead there, and the field: ``areas, customs, items, e-locks, deliverable``."""
    spans: Mapping[str, tuple[Span, ...]]
    """By script (``en``, ``zh_hant``, ``zh_hans``), or under ``""`` where it is no text in three scripts."""


def changes(old: Agreed, new: Agreed) -> list[Change]:
    """Return what differs, in the order of the new version; what was removed comes where it stood."""
    before, after = (each.model_dump(by_alias=True) for each in (old, new))
    for each in (before, after):
        for key in _NOT_SAID:
            each.pop(key, None)
    return list(_differs(before, after, ()))


def compared(old: str, new: str) -> tuple[Span, ...]:
    """Return two texts as one run of pieces: kept, gone and new."""
    before, after = _tokens(old), _tokens(new)
    spans: list[Span] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes():
        if tag == "equal":
            spans.append(Span("kept", "".join(before[i1:i2])))
            continue
        if i1 < i2:
            spans.append(Span("gone", "".join(before[i1:i2])))
        if j1 < j2:
            spans.append(Span("new", "".join(after[j1:j2])))
    return tuple(spans)


def _tokens(text: str) -> list[str]:
    found = []
    for token in _TOKEN.findall(text):
        found += [each for each in _HAN.split(token) if each]
    return found


def _differs(old: Any, new: Any, path: tuple[str, ...]) -> Iterator[Change]:
    if old == new:
        return
    if _is_words(old) and _is_words(new):
        yield Change(
            "changed",
            path,
            {script: compared(old[script], new[script]) for script in new if old[script] != new[script]},
        )
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in [*new, *(key for key in old if key not in new)]:
            yield from _differs(old.get(key), new.get(key), (*path, key))
    elif _has_parts(old) and _has_parts(new):
        yield from _parts(old or [], new or [], path)
    elif old is None or old == "":
        yield Change("added", path, {"": (Span("new", _said(new)),)})
    elif new is None or new == "":
        yield Change("removed", path, {"": (Span("gone", _said(old)),)})
    else:
        yield Change("changed", path, {"": (Span("gone", _said(old)), Span("new", _said(new)))})


def _parts(old: list[Any], new: list[Any], path: tuple[str, ...]) -> Iterator[Change]:
    """Compare two lists by what their parts are called, not by their places."""
    before, after = ({name_of(each): each for each in parts} for parts in (old, new))
    for name, part in after.items():
        if name in before:
            yield from _differs(before[name], part, (*path, name))
        else:
            yield Change("added", (*path, name), _whole(part, "new"))
    for name, part in before.items():
        if name not in after:
            yield Change("removed", (*path, name), _whole(part, "gone"))
    kept_before = [name for name in before if name in after]
    kept_after = [name for name in after if name in before]
    if kept_before != kept_after:
        moved = Span("gone", ", ".join(kept_before)), Span("new", ", ".join(kept_after))
        yield Change("changed", (*path, "order"), {"": moved})


def _whole(part: Any, kind: Literal["gone", "new"]) -> dict[str, tuple[Span, ...]]:
    """Return a part that only one version has by its title, in each script."""
    title = part.get("title") or part.get("department") if isinstance(part, dict) else None
    if _is_words(title):
        return {script: (Span(kind, title[script]),) for script in title}
    return {"": (Span(kind, part.get("name", name_of(part)) if isinstance(part, dict) else _said(part)),)}


def name_of(part: Any) -> str:
    """Return what a part of a list is known by in either version: its id, or its side."""
    if not isinstance(part, dict):
        return str(part)
    return str(part.get("id") or part.get("side", "") + (f" {part['name']}" if "name" in part else ""))


def _is_words(value: Any) -> TypeGuard[dict[str, str]]:
    return isinstance(value, dict) and value.keys() == _SCRIPTS


def _has_parts(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(each, dict) for each in value))


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return str(value)
