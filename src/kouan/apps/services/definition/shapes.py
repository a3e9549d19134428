"""What the form engine takes and gives, and how it sees a form: questions, references, what is asked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Final

from jsonschema import Draft202012Validator
from pydantic import StringConstraints, TypeAdapter

from kouan.core.text import Localised

if TYPE_CHECKING:
    from collections.abc import Sequence

Form = Mapping[str, Any]
Answers = Mapping[str, Any]

MAX_DEPTH: Final = 5
"""Sections and lists inside each other, the form itself not counted."""
MAX_QUESTIONS: Final = 300
MAX_PAGES: Final = 40
MAX_OPTIONS: Final = 300
MAX_PATTERN: Final = 200
MAX_LINE: Final = 200
MAX_PASSAGE: Final = 4000
MAX_ITEMS: Final = 20
"""Items of a list that does not say so itself."""
MOST_ITEMS: Final = 50
MAX_NUMBER: Final = (1 << 53) - 1
"""What every program that reads JSON keeps exactly (RFC 8785 section 3.2.2.3)."""
_ROUNDS: Final = 12
_REFERENCE: Final = re.compile(r"#/\$defs/([A-Za-z][A-Za-z0-9_-]{0,63})")
_OVERRIDES: Final = ("en", "zh_hant", "zh_hans")


class BadForm(ValueError):
    """No form that ``faults`` would let pass."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a form itself: where (JSON pointer, RFC 6901), and what, in English."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with an answer."""

    path: str
    code: str
    """``missing``, ``too-long``, ``pattern``, ``not-a-date`` and the like."""
    message: str
    """In the reader's language; says what to do."""


@dataclass(frozen=True, slots=True)
class Line:
    """A question and its answer, in words."""

    path: str
    title: Localised
    value: str


@dataclass(frozen=True, slots=True)
class Passage:
    """Answers that belong together."""

    title: Localised
    lines: tuple[Line, ...]
    named: bool = True
    """Whether its form has given it the title; otherwise it is what any answers are called."""


class Kind(StrEnum):
    """How a question is asked."""

    SECTION = "section"
    LIST = "list"
    TEXT = "text"
    TEXTAREA = "textarea"
    DATE = "date"
    EMAIL = "email"
    URI = "uri"
    TEL = "tel"
    ATTACHMENT = "attachment"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    CHOICES = "choices"
    """Any number of options: checkboxes."""


_BY_TYPE: Final = {
    "object": Kind.SECTION,
    "integer": Kind.INTEGER,
    "number": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
}
FORMATS: Final = {
    "date": Kind.DATE,
    "email": Kind.EMAIL,
    "uri": Kind.URI,
    "tel": Kind.TEL,
    "textarea": Kind.TEXTAREA,
    "attachment": Kind.ATTACHMENT,
}


def kind_of(schema: Form) -> Kind:
    """Return how a question (references followed) is asked; raises ``BadForm``."""
    if "oneOf" in schema:
        return Kind.CHOICE
    type_ = schema.get("type")
    if type_ == "array":
        several = schema.get("uniqueItems") and "oneOf" in schema.get("items", {})
        return Kind.CHOICES if several else Kind.LIST
    if type_ == "string":
        format_ = schema.get("format")
        if format_ is None:
            return Kind.TEXT
        if format_ in FORMATS:
            return FORMATS[format_]
    elif isinstance(type_, str) and type_ in _BY_TYPE:
        return _BY_TYPE[type_]
    raise BadForm(f"no kind of question: {type_!r}")


def title_of(schema: Form) -> Localised:
    """Return a question's title, or an option's."""
    return localised(schema["x-title"])


def localised(value: Mapping[str, str]) -> Localised:
    """Return a text of a form."""
    return Localised(*(value[each] for each in _OVERRIDES))


def options_of(schema: Form) -> dict[str, Localised]:
    """Return what a choice (or the items of checkboxes) may be, by value."""
    holder = schema if "oneOf" in schema else schema["items"]
    return {option["const"]: title_of(option) for option in holder["oneOf"]}


def longest(schema: Form) -> int:
    """Return how many characters an answer may have."""
    usual = MAX_PASSAGE if schema.get("format") == "textarea" else MAX_LINE
    return int(schema.get("maxLength", usual))


def most(schema: Form) -> int:
    """Return how many items a list may have."""
    if "oneOf" in schema.get("items", {}):
        return int(schema.get("maxItems", len(schema["items"]["oneOf"])))
    return int(schema.get("maxItems", MAX_ITEMS))


# References


def target(reference: object) -> str:
    """Return the name that a reference within the document points to; raises ``BadForm``."""
    found = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
    if found is None:
        raise BadForm(f"a reference must be #/$defs/NAME, not {str(reference)[:80]!r}")
    return found[1]


def expanded(form: Form) -> dict[str, Any]:
    """Return a form with its references followed; raises ``BadForm`` for one that makes circles or grows."""
    left = [20 * MAX_QUESTIONS]

    def follow(value: Any, depth: int) -> Any:
        left[0] -= 1
        if left[0] < 0 or depth > 8 * MAX_DEPTH:
            raise BadForm("too large, or in circles")
        if isinstance(value, list):
            return [follow(each, depth + 1) for each in value]
        if not isinstance(value, Mapping):
            return value
        while "$ref" in value:
            left[0] -= 1
            if left[0] < 0:
                raise BadForm("too large, or in circles")
            try:
                there = form["$defs"][target(value["$ref"])]
            except (KeyError, TypeError):
                raise BadForm(f"nothing at {value['$ref']}") from None
            if not isinstance(there, Mapping):
                raise BadForm(f"no question at {value['$ref']}")
            value = {**there, **{name: each for name, each in value.items() if name != "$ref"}}
        return {name: follow(each, depth + 1) for name, each in value.items() if name != "$defs"}

    result: dict[str, Any] = follow(form, 0)
    return result


# What is asked


@dataclass(frozen=True, slots=True)
class Asked:
    """The questions of a section, given its answers: in order, and which of them must be answered."""

    questions: Mapping[str, Form]
    required: frozenset[str]


def asked(schema: Form, answers: Answers) -> Asked:
    """Return what a section (references followed) asks.

    An answer counts for conditions only while it is asked for itself: those to questions that are no
    longer asked raise none.
    """
    known: dict[str, Any] = {}
    found = _with_rules(schema, known)
    for _round in range(_ROUNDS):
        more = {name: answers[name] for name in found.questions if name in answers}
        if more == known:
            break
        known = more
        found = _with_rules(schema, known)
    return found


def rules(schema: Form) -> Sequence[Form]:
    """Return the conditions of a section: its own, and those in ``allOf``."""
    return [each for each in (schema, *schema.get("allOf", ())) if "if" in each]


def branches(schema: Form) -> Iterator[tuple[Form, str, Form]]:
    """Yield each condition of a section with the name and the content of each of its branches."""
    for rule in rules(schema):
        for name in ("then", "else"):
            if name in rule:
                yield rule["if"], name, rule[name]


def looked_at(condition: Form) -> list[str]:
    """Return the answers that a condition looks at."""
    names = list(condition.get("properties", ()))
    for keyword in ("anyOf", "allOf"):
        for each in condition.get(keyword, ()):
            names += looked_at(each)
    return names + (looked_at(condition["not"]) if "not" in condition else [])


def _with_rules(schema: Form, known: Answers) -> Asked:
    questions, required = dict(schema.get("properties", {})), set(schema.get("required", ()))
    for rule in rules(schema):
        branch = rule.get("then" if holds(rule["if"], known) else "else")
        if branch is None:
            continue
        inner = _with_rules(branch, known)
        required |= inner.required
        questions = _placed(questions, inner.questions, looked_at(rule["if"]))
    return Asked(questions, frozenset(required & set(questions)))


def _placed(before: Mapping[str, Form], more: Mapping[str, Form], after: Sequence[str]) -> dict[str, Form]:
    """Put what an answer raises right behind the last question that raises it."""
    names = [name for name in before if name in after]
    if not names:
        return {**before, **more}
    result: dict[str, Form] = {}
    for name, question in before.items():
        result[name] = question
        if name == names[-1]:
            result |= more
    return result


def holds(condition: Form, known: Answers) -> bool:
    """Whether answers meet a condition."""
    return bool(_condition(json.dumps(condition, sort_keys=True)).is_valid(dict(known)))


@lru_cache(maxsize=1024)
def _condition(text: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(text))


# Patterns


@lru_cache(maxsize=256)
def matcher(pattern: str) -> TypeAdapter[str]:
    """Return a check by an engine of linear time, which knows neither look-around nor references back.

    Raises ``pydantic_core.SchemaError`` for a pattern that it cannot run.
    """
    return TypeAdapter(Annotated[str, StringConstraints(pattern=pattern)])
