"""The questions of a form, one by one, for whoever looks through them: checks, the catalogue, comparisons.

What a form does, given answers, is ``form``'s; this only goes through it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kouan.core.text import Localised

Where = tuple[object, ...]
"""Where a question stands in the form, as keys and numbers."""

_MOST: Final = 600
"""Questions that are looked at: a form has fewer, and references cannot make it grow without end."""
_DEEPEST: Final = 12
_BRANCHES: Final = ("then", "else")


@dataclass(frozen=True, slots=True)
class Question:
    """One question, as it is written."""

    path: str
    """The answer's: ``company.directors.*.name``."""
    where: Where
    schema: Mapping[str, Any]
    required: bool
    depends: bool
    """Whether it is asked only after a certain answer."""
    depth: int

    @property
    def title(self) -> Localised | None:
        """What it asks, if it is written in the three scripts."""
        return text_of(self.schema.get("x-title"))

    @property
    def asks(self) -> bool:
        """Whether it is a question itself; sections and lists only hold some."""
        return self.schema.get("type") not in {"object", "array"} or "oneOf" in _items(self.schema)


def text_of(value: object) -> Localised | None:
    """Return a text in three scripts; ``None`` for what is none."""
    if not isinstance(value, Mapping):
        return None
    texts = [value.get(script) for script in ("en", "zh_hant", "zh_hans")]
    if not all(isinstance(text, str) and text for text in texts):
        return None
    en, zh_hant, zh_hans = (str(text) for text in texts)
    return Localised(en, zh_hant, zh_hans)


def questions(form: Mapping[str, Any]) -> list[Question]:
    """Return all that a form may ask, in its order: sections, lists and questions."""
    found: list[Question] = []
    for each in _inside(form, form, "", (), 0, depends=False):
        found.append(each)
        if len(found) >= _MOST:
            break
    return found


def paths(form: Mapping[str, Any]) -> frozenset[str]:
    """Return the paths of all answers that a form may bring; ``*`` stands for an item's number."""
    return frozenset(each.path for each in questions(form))


def prefills(form: Mapping[str, Any]) -> Iterator[tuple[Where, str, str]]:
    """Yield where a question takes its first value from evidence: place, requirement, claim."""
    for each in questions(form):
        source = each.schema.get("x-prefill")
        match source.split(".") if isinstance(source, str) else ():
            case ["evidence", requirement, claim]:
                yield each.where, requirement, claim


def _inside(  # noqa: PLR0913 - a place in the form, and the way to it
    form: Mapping[str, Any], schema: Mapping[str, Any], path: str, where: Where, depth: int, *, depends: bool
) -> Iterator[Question]:
    if depth > _DEEPEST:
        return
    required = schema.get("required")
    needed = set(map(str, required)) if isinstance(required, list) else set()
    properties = schema.get("properties")
    for name, given in properties.items() if isinstance(properties, Mapping) else ():
        question = _followed(form, given)
        here = f"{path}.{name}" if path else str(name)
        place = (*where, "properties", name)
        yield Question(here, place, question, required=name in needed, depends=depends, depth=depth)
        if question.get("type") == "object":
            yield from _inside(form, question, here, place, depth + 1, depends=depends)
        items = _followed(form, question.get("items"))
        if items and "oneOf" not in items:
            item_place = (*place, "items")
            yield Question(f"{here}.*", item_place, items, required=True, depends=depends, depth=depth + 1)
            yield from _inside(form, items, f"{here}.*", item_place, depth + 2, depends=depends)
    rules = schema.get("allOf")
    places = [(schema, where)]
    if isinstance(rules, list):
        places += [
            (rule, (*where, "allOf", at)) for at, rule in enumerate(rules) if isinstance(rule, Mapping)
        ]
    for rule, place in places:
        for branch in _BRANCHES:
            if isinstance(rule.get(branch), Mapping):
                yield from _inside(form, rule[branch], path, (*place, branch), depth + 1, depends=True)


def _items(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    items = schema.get("items")
    return items if isinstance(items, Mapping) else {}


def _followed(form: Mapping[str, Any], given: object) -> Mapping[str, Any]:
    """Return what is asked at a place; a reference is followed once or twice, and never in circles."""
    question = given if isinstance(given, Mapping) else {}
    for _step in range(3):
        reference = question.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/$defs/"):
            break
        there = form.get("$defs", {}).get(reference.removeprefix("#/$defs/"))
        beside = {key: each for key, each in question.items() if key != "$ref"}
        question = {**there, **beside} if isinstance(there, Mapping) else beside
    return question
