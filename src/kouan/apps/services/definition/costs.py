"""What running a form costs: another side writes it, and this side's processes run it for everybody.

An engine of linear time still keeps a pattern whole in memory, and conditions are looked at again for each
item of a list and each answer that changes; so both have a measure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from kouan.apps.services.definition import shapes
from kouan.apps.services.definition.shapes import Fault, Form

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_WEIGHT: Final = 400
"""Characters that a pattern looks at, each as often as it is repeated."""
MAX_RULES: Final = 40
"""Conditions of one section, with those inside them."""
MAX_ALL_RULES: Final = 200
MAX_LOOKS: Final = 2000
"""Conditions, each as often as the lists that it stands in may have items; a large one counts as several."""
MAX_PARTS: Final = 400
"""Comparisons, names and values of one condition."""
_PARTS_OF_ONE: Final = 4
"""That a condition has which compares one answer with one value."""
_REPEAT: Final = re.compile(r"\{ *(\d{1,9}) *(?:, *(\d{0,9}) *)?\}")
_CODE_POINT: Final = re.compile(r"[xuU]\{[^}]*\}")
_GROUP: Final = re.compile(r"\?(?:i?:|i\))")


class Unbounded(ValueError):
    """A pattern that is too large; says why."""


def weigh(pattern: str) -> int:
    """Return how many characters a pattern looks at; raises ``Unbounded`` for what cannot be told."""
    groups, last, at = [0], 0, 0  # what stands before in each open group, and the part that a repeat is of
    while at < len(pattern):
        sign, end = pattern[at], at + 1
        if sign == "{" and (found := _REPEAT.match(pattern, at)):
            last, end = last * max(int(found[1]), int(found[2] or 0), 1), found.end()
        elif sign == "(":
            groups[-1] += last
            last = 0
            if pattern.startswith("?", end):
                group = _GROUP.match(pattern, end)
                if group is None:
                    raise Unbounded("cannot be run in bounded time (no look-around, no \\1, no flag but i)")
                end = group.end()
            if pattern[end - 1] != ")":
                groups.append(0)
        elif sign == ")":
            last += groups.pop() if len(groups) > 1 else 0
        elif sign not in "*+?|^$":
            groups[-1] += last
            last, end = 1, _end_of(pattern, at)
        at = end
    return sum(groups) + last


def _end_of(pattern: str, at: int) -> int:
    """Return where a character, an escape or class ends; raises ``Unbounded`` for a class of all scripts."""
    if pattern[at] == "\\":
        if pattern[at + 1 : at + 2] in {"w", "W", "p", "P"}:
            raise Unbounded("a class of every script's letters takes too much room: use [A-Za-z0-9]")
        found = _CODE_POINT.match(pattern, at + 1)
        return found.end() if found else at + 2
    if pattern[at] != "[":
        return at + 1
    end = at + 1
    end += pattern[end : end + 1] == "^"
    end += pattern[end : end + 1] == "]"  # the first one stands for itself
    while end < len(pattern) and pattern[end] != "]":
        end = _end_of(pattern, end)
    return end + 1


def pattern_fault(pattern: str) -> str:
    """Say why a pattern takes too much room; empty where it does not."""
    try:
        if weigh(pattern) > MAX_WEIGHT:
            return f"looks at more than {MAX_WEIGHT} characters: repeat less"
    except (Unbounded, RecursionError) as error:
        return str(error)
    return ""


def rule_faults(form: Form) -> Iterator[Fault]:
    """Yield what is too much of a form's conditions; the form (references followed) has no other fault."""
    total = looks = 0
    for where, section, items in _sections(form, "", 1):
        count = weight = 0
        for condition in _conditions(section):
            count += 1
            parts = _parts(condition)
            weight += -(-parts // _PARTS_OF_ONE)
            if parts > MAX_PARTS:
                yield Fault(where, f"a condition has more than {MAX_PARTS} parts")
        if count > MAX_RULES:
            yield Fault(where, f"more than {MAX_RULES} conditions in one section")
        total += count
        looks += weight * items
    if total > MAX_ALL_RULES:
        yield Fault("", f"more than {MAX_ALL_RULES} conditions")
    elif looks > MAX_LOOKS:
        yield Fault("", f"conditions in lists are looked at more than {MAX_LOOKS} times: shorten the lists")


def _sections(schema: Form, where: str, items: int) -> Iterator[tuple[str, Form, int]]:
    """Yield each section, the form first: its place, itself, and how often it may be asked."""
    yield where, schema, items
    for name, question in _questions(schema):
        place = f"{where}/properties/{name}"
        if question.get("type") == "object":
            yield from _sections(question, place, items)
        inner = question.get("items")
        if isinstance(inner, Mapping) and inner.get("type") == "object":
            yield from _sections(inner, f"{place}/items", items * max(shapes.most(question), 1))


def _questions(schema: Form) -> Iterator[tuple[str, Form]]:
    yield from schema.get("properties", {}).items()
    for _condition, _name, branch in shapes.branches(schema):
        yield from _questions(branch)


def _conditions(schema: Form) -> Iterator[Form]:
    for rule in shapes.rules(schema):
        yield rule["if"]
        for name in ("then", "else"):
            yield from _conditions(rule.get(name, {}))


def _parts(value: Any) -> int:
    """Count the objects of a condition, and what its lists hold."""
    if isinstance(value, Mapping):
        return 1 + sum(_parts(each) for each in value.values())
    return sum(max(_parts(each), 1) for each in value) if isinstance(value, list) else 0
