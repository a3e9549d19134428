"""The part of JSON Schema 2020-12 in which a payload may be described, and its check.

The part is small on purpose. What is outside it is refused when the declaration is read, by name and
place: a mistyped keyword would otherwise be passed over, and some keywords cost more than the bytes that
they look at. Patterns run on an engine that takes linear time; references stay inside the schema and make
no circles; every record says all that it may hold.
"""

from __future__ import annotations

import math
import re
import uuid
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

from jsonschema import Draft202012Validator, FormatChecker, ValidationError, validators
from jsonschema.exceptions import SchemaError
from pydantic import StringConstraints, TypeAdapter
from pydantic import ValidationError as NotOfTheForm
from pydantic_core import SchemaError as BadPattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
MAX_DEPTH: Final = 16
"""Records and lists inside each other, references followed."""
MAX_NODES: Final = 1000
"""Schemas inside the schema, references followed: what one value can cost."""
MAX_OPTIONS: Final = 16
MAX_ENUM: Final = 500
MAX_PATTERN: Final = 200
MAX_UNIQUE: Final = 200
"""Items of a list whose items must differ; comparing them costs the square of it."""

_NOTES: Final = {"title", "description", "$comment"}
_DECIDES: Final = {"type", "enum", "const", "$ref", "anyOf", "oneOf"}
_KEYWORDS: Final = _NOTES | _DECIDES | {
    "additionalProperties", "allOf", "exclusiveMaximum", "exclusiveMinimum", "format", "items", "maxItems",
    "maxLength", "maximum", "minItems", "minLength", "minimum", "multipleOf", "pattern", "prefixItems",
    "properties", "required", "uniqueItems",
}  # fmt: skip
_LOCAL: Final = re.compile(r"#/\$defs/([A-Za-z][A-Za-z0-9_-]{0,63})")


class BadSchema(ValueError):
    """A schema outside the part; the text begins with the place."""


# Formats


def _is_date(text: object) -> bool:
    return not isinstance(text, str) or date.fromisoformat(text).isoformat() == text


def _is_date_time(text: object) -> bool:
    if not isinstance(text, str):
        return True
    shape = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)"
    return re.fullmatch(shape, text, re.ASCII) is not None and datetime.fromisoformat(text) is not None


def _is_uuid(text: object) -> bool:
    return not isinstance(text, str) or str(uuid.UUID(text)) == text.lower()


def _is_email(text: object) -> bool:
    return not isinstance(text, str) or (
        len(text) <= 254 and re.fullmatch(r"[^\s@]{1,64}@[^\s@.]+(\.[^\s@.]+)+", text) is not None  # noqa: PLR2004 - RFC 5321
    )


_CHECKS: Final = {"date": _is_date, "date-time": _is_date_time, "uuid": _is_uuid, "email": _is_email}
FORMATS: Final = FormatChecker(formats=())
for _name, _check in _CHECKS.items():
    FORMATS.checks(_name, raises=ValueError)(_check)


# Patterns


def _adapter(pattern: str) -> TypeAdapter[str]:
    """Return a check by an engine of linear time, which knows neither look-around nor references back."""
    return TypeAdapter(Annotated[str, StringConstraints(pattern=pattern)])


_patterns: dict[str, TypeAdapter[str]] = {}


def _pattern(_validator: Any, pattern: str, instance: object, _schema: object) -> Iterator[ValidationError]:
    if isinstance(instance, str):
        if pattern not in _patterns:
            _patterns[pattern] = _adapter(pattern)
        try:
            _patterns[pattern].validate_python(instance, strict=True)
        except NotOfTheForm:
            yield ValidationError("not of the form")


_extend: Final[Any] = validators.extend
_Validator: Final[Any] = _extend(Draft202012Validator, {"pattern": _pattern})


class PayloadSchema:
    """A payload's schema, checked once; ``problem`` holds values against it."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Raise ``BadSchema`` for a schema that is wrong, or outside the part."""
        self.schema = dict(schema)
        _Reader(self.schema).read()
        try:
            _Validator.check_schema(self.schema)
        except SchemaError as error:
            raise BadSchema(f"{_place(error.absolute_path)}: {error.message[:200]}") from None
        self._validator = _Validator(self.schema, format_checker=FORMATS)
        self._names = _names(self.schema)

    @property
    def properties(self) -> Mapping[str, Any]:
        """The payload's fields."""
        return dict(self.schema["properties"])

    @property
    def required(self) -> frozenset[str]:
        """The fields that are always there."""
        return frozenset(self.schema.get("required", ()))

    def problem(self, value: object) -> str | None:
        """Return the place and the rule that a value breaks, never the value; ``None`` if it fits."""
        if not _finite(value):
            return "a number without end"
        try:
            error = next(self._validator.iter_errors(value), None)
        except (RecursionError, ArithmeticError, ValueError, TypeError) as fault:  # numbers beyond all bounds
            return type(fault).__name__
        if error is None:
            return None
        path = [
            str(part) if isinstance(part, int) or part in self._names else "…" for part in error.absolute_path
        ]
        return ": ".join(filter(None, [".".join(path[:12]), str(error.validator)]))


class _Reader:
    """Walks through a schema as a value would, and refuses what is outside the part."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        self._nodes = 0
        self._defs: Any = schema.get("$defs", {})

    def read(self) -> None:
        root = dict(self._schema)
        if root.pop("$schema", DIALECT) != DIALECT:
            raise BadSchema(f"schema.$schema: only {DIALECT} is read")
        root.pop("$defs", None)
        if not isinstance(self._defs, dict):
            raise BadSchema("schema.$defs: a table is expected")
        if root.get("type") != "object":
            raise BadSchema('schema.type: a payload is a record: type = "object"')
        if not isinstance(root.get("properties"), dict):
            raise BadSchema("schema.properties: a payload names its fields")
        self._node(root, "schema", 0, ())
        for name, inner in self._defs.items():
            self._node(inner, f"schema.$defs.{name}", 0, (name,))

    def _node(self, node: object, where: str, depth: int, within: tuple[str, ...]) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise BadSchema(f"{where}: more than {MAX_NODES} schemas inside each other, references followed")
        if depth > MAX_DEPTH:
            raise BadSchema(f"{where}: more than {MAX_DEPTH} levels deep")
        if not isinstance(node, dict):
            raise BadSchema(f"{where}: a table is expected")
        unknown = sorted(set(node) - _KEYWORDS)
        if unknown:
            raise BadSchema(f"{where}.{unknown[0]}: this keyword is not read")
        if not _DECIDES & set(node):
            raise BadSchema(f"{where}: say what may stand here: type, enum, const, $ref, anyOf or oneOf")
        self._limits(node, where)
        if "$ref" in node:
            self._follow(node["$ref"], f"{where}.$ref", depth, within)
        for name, inner in self._children(node):
            self._node(inner, f"{where}.{name}", depth + 1, within)

    @staticmethod
    def _children(node: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
        properties = node.get("properties", {})
        if isinstance(properties, dict):
            yield from ((f"properties.{name}", inner) for name, inner in properties.items())
        if "items" in node and node["items"] is not False:
            yield "items", node["items"]
        for name in ("prefixItems", "anyOf", "oneOf", "allOf"):
            options = node.get(name, [])
            if isinstance(options, list):
                yield from ((f"{name}.{number}", inner) for number, inner in enumerate(options))

    @staticmethod
    def _limits(node: Mapping[str, Any], where: str) -> None:
        kinds = node.get("type", [])
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if ("object" in kinds or "properties" in node) and node.get("additionalProperties") is not False:
            raise BadSchema(f"{where}.additionalProperties: must be false: what is not declared cannot cross")
        if ("array" in kinds) and "items" not in node:
            raise BadSchema(f"{where}.items: say what the list holds")
        if node.get("uniqueItems") and not 0 <= _count(node.get("maxItems")) <= MAX_UNIQUE:
            raise BadSchema(f"{where}.uniqueItems: only with maxItems of at most {MAX_UNIQUE}")
        for name in ("anyOf", "oneOf", "allOf", "prefixItems"):
            if len(_list(node.get(name, []))) > MAX_OPTIONS:
                raise BadSchema(f"{where}.{name}: at most {MAX_OPTIONS}")
        if len(_list(node.get("enum", []))) > MAX_ENUM:
            raise BadSchema(f"{where}.enum: at most {MAX_ENUM}")
        if "format" in node and node["format"] not in _CHECKS:
            raise BadSchema(f"{where}.format: only {', '.join(sorted(_CHECKS))} are checked")
        if "pattern" in node:
            _check_pattern(node["pattern"], f"{where}.pattern")
        _check_values(node, where)

    def _follow(self, reference: object, where: str, depth: int, within: tuple[str, ...]) -> None:
        found = _LOCAL.fullmatch(reference) if isinstance(reference, str) else None
        if found is None or found[1] not in self._defs:
            raise BadSchema(f"{where}: only #/$defs/NAME of this very file")
        if found[1] in within:
            raise BadSchema(f"{where}: {found[1]} holds itself")
        self._node(self._defs[found[1]], f"schema.$defs.{found[1]}", depth + 1, (*within, found[1]))


def _check_pattern(pattern: object, where: str) -> None:
    if not isinstance(pattern, str) or len(pattern) > MAX_PATTERN:
        raise BadSchema(f"{where}: a text of at most {MAX_PATTERN} characters is expected")
    try:
        _adapter(pattern)
    except BadPattern:
        raise BadSchema(
            f"{where}: cannot be checked in linear time (look-around and references back are not read)"
        ) from None


def _check_values(node: Mapping[str, Any], where: str) -> None:
    """Refuse what TOML can say and JSON cannot, such as dates and numbers without end."""
    for key, value in node.items():
        if key in {"properties", "items", "prefixItems", "anyOf", "oneOf", "allOf"}:
            continue
        for item in value if isinstance(value, list) else [value]:
            unfit = not isinstance(item, (str, int, float, bool))
            if unfit or (isinstance(item, float) and not math.isfinite(item)):
                raise BadSchema(f"{where}.{key}: {type(item).__name__} is no value of JSON; dates are text")


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _count(value: object) -> int:
    return value if isinstance(value, int) else -1


def _finite(value: object) -> bool:
    """Return whether all numbers at any depth are ones that JSON can write."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, float) and not math.isfinite(item):
            return False
    return True


def _names(schema: object) -> frozenset[str]:
    """Return the names of all fields at any depth: these, and no others, may be said in an error."""
    found: set[str] = set()
    stack = [schema]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            found.update(item.get("properties", {}) if isinstance(item.get("properties"), dict) else ())
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
    return frozenset(found)


def _place(path: Any) -> str:
    return ".".join(["schema", *(str(part)[:40] for part in list(path)[:12])])
