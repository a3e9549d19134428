"""Conditions in a form: ``if``, and what is wrong with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kouan.apps.services.definition import shapes
from kouan.apps.services.definition.shapes import Fault, Form

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONDITION: Final = frozenset({"properties", "required", "anyOf", "allOf", "not"})
_COMPARISON: Final = frozenset(
    {"const", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "type", "contains", "not"}
)


def condition_faults(condition: Any, names: set[str], where: str) -> Iterator[Fault]:
    """Yield what is wrong with a condition on the questions of these names."""
    if not isinstance(condition, dict):
        yield Fault(where, "a condition")
        return
    yield from unknown(condition, _CONDITION, where)
    yield from _looks_faults(condition, names, where)
    if "not" in condition:
        yield from condition_faults(condition["not"], names, f"{where}/not")
    for keyword in ("anyOf", "allOf"):
        several = condition.get(keyword, [])
        if not isinstance(several, list) or (keyword in condition and not several):
            yield Fault(f"{where}/{keyword}", "a list of conditions")
            continue
        for at, each in enumerate(several):
            yield from condition_faults(each, names, f"{where}/{keyword}/{at}")
    if not condition:
        yield Fault(where, "an empty condition always holds")


def _looks_faults(condition: Form, names: set[str], where: str) -> Iterator[Fault]:
    properties, required = condition.get("properties", {}), condition.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        yield Fault(where, "a condition is {properties, required}")
        return
    for name, compared in properties.items():
        place = f"{where}/properties/{escaped(name)}"
        if name not in names:
            yield Fault(place, "is no question here")
        if name not in required:
            yield Fault(place, "must stand in required too, or the condition holds while it is unanswered")
        yield from _comparison_faults(compared, place)
    for each in required:
        if each not in names:
            yield Fault(f"{where}/required", f"{str(each)[:60]} is no question here")


def _comparison_faults(compared: Any, where: str) -> Iterator[Fault]:
    if not isinstance(compared, dict) or not compared:
        yield Fault(where, "what the answer is compared with")
        return
    yield from unknown(compared, _COMPARISON, where)
    for keyword in ("not", "contains"):
        if keyword in compared:
            yield from _comparison_faults(compared[keyword], f"{where}/{keyword}")
    if "enum" in compared and not isinstance(compared["enum"], list):
        yield Fault(f"{where}/enum", "a list of values")
    for keyword in _COMPARISON & {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}:
        if keyword in compared and not is_number(compared[keyword]):
            yield Fault(f"{where}/{keyword}", "a number")
    if "type" in compared and compared["type"] not in {
        "string",
        "integer",
        "number",
        "boolean",
        "array",
        "object",
    }:
        yield Fault(f"{where}/type", "a type")


def unknown(schema: Form, known: frozenset[str], where: str) -> Iterator[Fault]:
    """Yield each keyword that is none here: a mistyped one would otherwise be passed over."""
    for name in schema:
        if name not in known:
            yield Fault(f"{where}/{escaped(str(name))}", "is no keyword that counts here")


def is_number(value: Any) -> bool:
    """Whether this is a number that every program keeps exactly."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= shapes.MAX_NUMBER


def escaped(name: str) -> str:
    """Return a name as a part of a JSON pointer (RFC 6901 section 3)."""
    return name[:80].replace("~", "~0").replace("/", "~1")
