"""What is wrong with a form itself, place by place, before anybody is asked anything."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import SchemaError

from kouan.apps.services.definition import costs, shapes
from kouan.apps.services.definition.conditions import condition_faults, escaped, is_number, unknown
from kouan.apps.services.definition.shapes import BadForm, Fault, Form, Kind
from kouan.core.policy.elements import UnknownElement, elements_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MEDIA: Final = ("application/pdf", "image/png", "image/jpeg")
"""What a file may be; others cannot be checked to be what they say."""
_LANGUAGES: Final = ("en", "zh_hant", "zh_hans")
_MAX_TEXT: Final = 500
_MAX_VALUE: Final = 100
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,40}")
_PREFILL: Final = re.compile(r"person(\.[a-z][a-z_]{0,40}){1,3}|evidence(\.[a-z][a-z0-9_-]{1,63}){2}")
_NOTES: Final = frozenset({"$comment", "title", "description"})
_WORDS: Final = frozenset({"x-title", "x-hint"})
_RULES: Final = frozenset({"if", "then", "else", "allOf"})
_ASKS: Final = _WORDS | {"x-element", "x-prefill", "type"}
_TEXT: Final = _ASKS | {"maxLength", "minLength", "pattern", "x-error", "format"}
_KEYWORDS: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.SECTION: _WORDS | _RULES | {"type", "properties", "required"},
    Kind.LIST: _ASKS | {"items", "minItems", "maxItems"},
    Kind.TEXT: _TEXT,
    Kind.TEXTAREA: _TEXT,
    Kind.TEL: _TEXT,
    Kind.EMAIL: _TEXT,
    Kind.URI: _TEXT,
    Kind.DATE: _ASKS | {"format"},
    Kind.ATTACHMENT: _ASKS | {"format", "x-media"},
    Kind.INTEGER: _ASKS | {"minimum", "maximum"},
    Kind.NUMBER: _ASKS | {"minimum", "maximum"},
    Kind.BOOLEAN: _ASKS,
    Kind.CHOICE: _ASKS | {"oneOf"},
    Kind.CHOICES: _ASKS | {"items", "uniqueItems", "minItems", "maxItems"},
}
_ROOT: Final = frozenset({"$schema", "$id", "$defs"})
_MAX_FORM: Final = 200 * 1024


def faults(form: Form) -> list[Fault]:
    """Return what is wrong with a form; nothing for one that can be published."""
    try:
        if len(json.dumps(form, allow_nan=False)) > _MAX_FORM:
            return [Fault("", f"the form is larger than {_MAX_FORM >> 10} KB")]
        whole = shapes.expanded(form)
    except BadForm as error:
        return [Fault("", str(error))]
    except (TypeError, ValueError, RecursionError):
        return [Fault("", "the form is not JSON")]
    return list(dict.fromkeys(_Reader(form).read())) or list(costs.rule_faults(whole))


class _Reader:
    """Goes through a form as its reader would, and remembers how much of it there is."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._questions = 0

    def read(self) -> Iterator[Fault]:
        """Yield each fault."""
        form = self._form
        if form.get("type") != "object":
            yield Fault("/type", "a form is of type object")
            return
        known = _KEYWORDS[Kind.SECTION] | _ROOT | _NOTES
        yield from unknown(form, known, "")
        yield from self._inside(form, "", 0)
        pages = form.get("properties")
        if not pages:
            yield Fault("/properties", "a form asks at least one question")
        elif isinstance(pages, dict) and len(pages) > shapes.MAX_PAGES:
            yield Fault("/properties", f"more than {shapes.MAX_PAGES} pages")
        if self._questions > shapes.MAX_QUESTIONS:
            yield Fault("", f"more than {shapes.MAX_QUESTIONS} questions")

    def _resolved(self, value: Any, where: str) -> tuple[Form, str]:
        """Return what is asked at a place, and where it is written.

        ``expanded`` has seen that there is no circle.
        """
        while isinstance(value, dict) and "$ref" in value:
            name = shapes.target(value["$ref"])
            there = self._form["$defs"][name]
            beside = {key: each for key, each in value.items() if key != "$ref"}
            value, where = ({**there, **beside}, where if beside else f"/$defs/{name}")
        return value, where

    def _inside(self, schema: Form, where: str, depth: int) -> Iterator[Fault]:
        """Yield the faults of a section's questions, and of the conditions that add to them."""
        if depth > shapes.MAX_DEPTH:
            yield Fault(where, f"sections are more than {shapes.MAX_DEPTH} deep")
            return
        yield from self._questions_of(schema, where, depth)
        rules = schema.get("allOf", [])
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            yield Fault(f"{where}/allOf", "a list of conditions")
            return
        places = [(schema, where)] if "if" in schema else []
        places += [(rule, f"{where}/allOf/{at}") for at, rule in enumerate(rules)]
        if "if" not in schema and ("then" in schema or "else" in schema):
            yield Fault(where, "then and else need an if")
        for rule, place in places:
            if rule is not schema:
                yield from unknown(rule, _RULES - {"allOf"} | _NOTES, place)
            yield from self._rule(schema, rule, place, depth)

    def _questions_of(self, schema: Form, where: str, depth: int) -> Iterator[Fault]:
        properties = schema.get("properties", {})
        if not isinstance(properties, dict):
            yield Fault(f"{where}/properties", "questions by name")
            return
        for name, question in properties.items():
            place = f"{where}/properties/{escaped(name)}"
            if not _NAME.fullmatch(name):
                yield Fault(place, "a name is a letter and up to 40 letters, digits, - and _")
            yield from self._question(question, place, depth + 1, titled=True)
        required = schema.get("required", [])
        if not isinstance(required, list) or not all(isinstance(each, str) for each in required):
            yield Fault(f"{where}/required", "a list of names")
            return
        known = set(_all_names(schema))
        for each in required:
            if each not in known:
                yield Fault(f"{where}/required", f"{each[:60]} is no question here")

    def _rule(self, schema: Form, rule: Form, where: str, depth: int) -> Iterator[Fault]:
        names = set(_all_names(schema))
        condition = rule.get("if")
        if not isinstance(condition, dict):
            yield Fault(f"{where}/if", "a condition")
            return
        faulty = list(condition_faults(condition, names, f"{where}/if"))
        yield from faulty
        if faulty:
            return
        if "then" not in rule and "else" not in rule:
            yield Fault(where, "a condition without then and else asks nothing")
        for name in ("then", "else"):
            branch = rule.get(name, {})
            place = f"{where}/{name}"
            if not isinstance(branch, dict):
                yield Fault(place, "questions, or which of them are required")
                continue
            yield from unknown(branch, _RULES | _NOTES | {"properties", "required"}, place)
            for again in sorted(set(branch.get("properties", {})) & set(schema.get("properties", {}))):
                yield Fault(f"{place}/properties/{escaped(again)}", "is asked already; only require it here")
            together = {
                **branch,
                "properties": {**schema.get("properties", {}), **branch.get("properties", {})},
            }
            wanted = branch.get("required", [])
            yield from self._inside({**branch, "required": []}, place, depth)
            for each in wanted if isinstance(wanted, list) else ():
                if each not in set(_all_names(together)):
                    yield Fault(f"{place}/required", f"{str(each)[:60]} is no question here")

    def _question(self, given: Any, where: str, depth: int, *, titled: bool) -> Iterator[Fault]:
        if not isinstance(given, dict):
            yield Fault(where, "a question is an object")
            return
        question, where = self._resolved(given, where)
        if "enum" in question:
            yield Fault(f"{where}/enum", "an enum has no words: write oneOf of {const, x-title}")
            return
        try:
            kind = shapes.kind_of(question)
        except (BadForm, AttributeError, TypeError):
            yield Fault(where, "no kind of question: look at type, format and oneOf")
            return
        self._questions += 1
        yield from unknown(question, _KEYWORDS[kind] | _NOTES, where)
        yield from _words(question, where, titled=titled)
        if kind is Kind.SECTION:
            yield from self._inside(question, where, depth)
        elif kind is Kind.LIST:
            yield from self._list(question, where, depth)
        else:
            if titled or "x-element" in question:
                yield from _element(question, where)
            yield from _limits(question, kind, where)

    def _list(self, question: Form, where: str, depth: int) -> Iterator[Fault]:
        yield from _bounds(question, where, "minItems", "maxItems", shapes.MOST_ITEMS)
        item = question.get("items")
        if not isinstance(item, dict):
            yield Fault(f"{where}/items", "a list says what its items are")
            return
        if depth >= shapes.MAX_DEPTH:
            yield Fault(where, f"sections are more than {shapes.MAX_DEPTH} deep")
            return
        found, place = self._resolved(item, f"{where}/items")
        if found.get("type") == "array":
            yield Fault(place, "a list of lists cannot be asked")
            return
        if found.get("type") != "object" and "x-element" not in found:
            yield from _element(question, where)
        yield from self._question(item, f"{where}/items", depth + 1, titled=False)


def _all_names(schema: Form) -> Iterator[str]:
    """Yield the names of a section's questions, with those that answers raise."""
    properties = schema.get("properties", {})
    yield from properties if isinstance(properties, dict) else ()
    rules = schema.get("allOf", [])
    for rule in (schema, *(rules if isinstance(rules, list) else ())):
        for name in ("then", "else"):
            if isinstance(rule, dict) and isinstance(rule.get(name), dict):
                yield from _all_names(rule[name])


# One question


def _words(question: Form, where: str, *, titled: bool) -> Iterator[Fault]:
    if titled and "x-title" not in question:
        yield Fault(where, "the question has no x-title")
    for keyword in ("x-title", "x-hint", "x-error"):
        if keyword in question:
            yield from _script_faults(question[keyword], f"{where}/{keyword}")


def _script_faults(text: Any, where: str) -> Iterator[Fault]:
    if not isinstance(text, dict):
        yield Fault(where, "a text in en, zh_hant and zh_hans")
        return
    for language in _LANGUAGES:
        value = text.get(language)
        if not isinstance(value, str) or not value.strip():
            yield Fault(where, f"there is no text in {language}")
        elif len(value) > _MAX_TEXT:
            yield Fault(f"{where}/{language}", f"more than {_MAX_TEXT} characters")
    for language in text:
        if language not in _LANGUAGES:
            yield Fault(f"{where}/{escaped(str(language))}", "is none of en, zh_hant and zh_hans")


def _element(question: Form, where: str) -> Iterator[Fault]:
    value = question.get("x-element")
    if not isinstance(value, str) or not value.split():
        yield Fault(where, "the question has no x-element, the kind of data that it asks for")
        return
    try:
        elements_of(value.split())
    except UnknownElement as error:
        yield Fault(f"{where}/x-element", str(error))


def _limits(question: Form, kind: Kind, where: str) -> Iterator[Fault]:
    prefill = question.get("x-prefill")
    if prefill is not None and not (isinstance(prefill, str) and _PREFILL.fullmatch(prefill)):
        yield Fault(f"{where}/x-prefill", "is neither person.NAME nor evidence.REQUIREMENT.CLAIM")
    if kind in {Kind.CHOICE, Kind.CHOICES}:
        yield from _options(question if kind is Kind.CHOICE else question["items"], where)
        if kind is Kind.CHOICES:
            yield from _bounds(question, where, "minItems", "maxItems", shapes.MAX_OPTIONS)
            yield from unknown(question["items"], _NOTES | {"type", "oneOf"}, f"{where}/items")
        elif question.get("type", "string") != "string":
            yield Fault(f"{where}/type", "what is chosen from is of type string")
    elif kind in {Kind.INTEGER, Kind.NUMBER}:
        for keyword in ("minimum", "maximum"):
            if keyword in question and not is_number(question[keyword]):
                yield Fault(f"{where}/{keyword}", "a number")
    elif kind is Kind.ATTACHMENT:
        media = question.get("x-media", list(MEDIA))
        if not isinstance(media, list) or not media or not all(each in MEDIA for each in media):
            yield Fault(f"{where}/x-media", f"a list of {', '.join(MEDIA)}")
    else:
        yield from _bounds(question, where, "minLength", "maxLength", shapes.MAX_PASSAGE)
        yield from _pattern(question, where)


def _options(holder: Form, where: str) -> Iterator[Fault]:
    options = holder.get("oneOf")
    if not isinstance(options, list) or not options or len(options) > shapes.MAX_OPTIONS:
        yield Fault(f"{where}/oneOf", f"one to {shapes.MAX_OPTIONS} options")
        return
    seen = set()
    for at, option in enumerate(options):
        place = f"{where}/oneOf/{at}"
        if not isinstance(option, dict):
            yield Fault(place, "an option is {const, x-title}")
            continue
        yield from unknown(option, frozenset({"const"}) | _WORDS | _NOTES, place)
        yield from _words(option, place, titled=True)
        value = option.get("const")
        if not isinstance(value, str) or not value.strip() or len(value) > _MAX_VALUE:
            yield Fault(f"{place}/const", f"a text of 1 to {_MAX_VALUE} characters")
        elif value in seen:
            yield Fault(f"{place}/const", "is there twice")
        else:
            seen.add(value)


def _bounds(question: Form, where: str, least: str, most: str, limit: int) -> Iterator[Fault]:
    for keyword in (least, most):
        value = question.get(keyword, 0)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= limit:
            yield Fault(f"{where}/{keyword}", f"a whole number up to {limit}")
            return
    if most in question and question.get(least, 0) > question[most]:
        yield Fault(f"{where}/{least}", f"is more than {most}")


def _pattern(question: Form, where: str) -> Iterator[Fault]:
    pattern = question.get("pattern")
    if pattern is None:
        if "x-error" in question:
            yield Fault(f"{where}/x-error", "says what to do about a pattern, and there is none")
        return
    if not isinstance(pattern, str) or len(pattern) > shapes.MAX_PATTERN:
        yield Fault(f"{where}/pattern", f"a pattern of up to {shapes.MAX_PATTERN} characters")
        return
    costly = costs.pattern_fault(pattern)
    if costly:
        yield Fault(f"{where}/pattern", costly)
        return
    try:
        shapes.matcher(pattern)
    except SchemaError:
        yield Fault(f"{where}/pattern", "cannot be run in bounded time, or is none (no look-around, no \\1)")
