"""What may stand in a field, in words, from the JSON Schema that pydantic makes of a payload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext, ngettext, pgettext

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def describe(  # noqa: C901, PLR0911 - one sentence a kind of schema
    schema: Mapping[str, Any], definitions: Mapping[str, Any]
) -> str:
    """Return in words what a JSON Schema, as pydantic makes it, lets stand in a field."""
    if "$ref" in schema:
        return describe(definitions[str(schema["$ref"]).rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        return _choice(schema["anyOf"], definitions)
    if "const" in schema:
        return gettext("always “%(value)s”") % {"value": schema["const"]}
    if "enum" in schema:
        values = pgettext("list", ", ").join(
            gettext("“%(value)s”") % {"value": value} for value in schema["enum"]
        )
        return gettext("one of %(values)s") % {"values": values}
    match schema.get("type"):
        case "string":
            return _text(schema)
        case "integer":
            return _bounds(gettext("whole number"), schema)
        case "number":
            return _bounds(gettext("number"), schema)
        case "boolean":
            return gettext("yes or no")
        case "array":
            inner = describe(schema.get("items", {}), definitions)
            text = gettext("list, each: %(inner)s") % {"inner": inner}
            return _counted(text, schema.get("minItems"), schema.get("maxItems"), _items)
        case "object":
            return _record(schema, definitions)
        case _:
            return gettext("any value")


def _choice(options: Sequence[Mapping[str, Any]], definitions: Mapping[str, Any]) -> str:
    words = [describe(option, definitions) for option in options if option.get("type") != "null"]
    text = gettext(" or ").join(words)
    if len(words) < len(options):
        return gettext("%(value)s, or nothing") % {"value": text}
    return text


def _text(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minLength"), schema.get("maxLength")
    match schema.get("format"):
        case "binary":
            return _counted(gettext("bytes"), least, most, _bytes)
        case "date":
            return gettext("date")
        case "date-time":
            return gettext("date and time")
        case "uuid":
            return gettext("identifier (UUID)")
        case _:
            text = _counted(gettext("text"), least, most, _characters)
            if "pattern" in schema:
                text = gettext("%(text)s, of the form %(pattern)s") % {
                    "text": text,
                    "pattern": schema["pattern"],
                }
            return text


def _record(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    separator = pgettext("list of parts", "; ")
    parts = separator.join(
        gettext("%(name)s (%(limits)s)") % {"name": name, "limits": describe(inner, definitions)}
        for name, inner in schema.get("properties", {}).items()
    )
    return gettext("record of %(parts)s") % {"parts": parts} if parts else gettext("record")


def _bounds(text: str, schema: Mapping[str, Any]) -> str:
    for key, words in (
        ("minimum", gettext("from %(bound)s")),
        ("exclusiveMinimum", gettext("above %(bound)s")),
        ("maximum", gettext("up to %(bound)s")),
        ("exclusiveMaximum", gettext("below %(bound)s")),
    ):
        if key in schema:
            text = pgettext("limits", ", ").join((text, words % {"bound": schema[key]}))
    return text


def _counted(text: str, least: int | None, most: int | None, unit: Callable[[int], str]) -> str:
    if most is not None and least == most:
        limit = gettext("exactly %(amount)s") % {"amount": unit(most)}
    elif most is not None:
        limit = gettext("at most %(amount)s") % {"amount": unit(most)}
    elif least:
        limit = gettext("at least %(amount)s") % {"amount": unit(least)}
    else:
        return text
    return pgettext("limits", ", ").join((text, limit))


def _characters(count: int) -> str:
    return ngettext("%(count)s character", "%(count)s characters", count) % {"count": count}


def _bytes(count: int) -> str:
    return ngettext("%(count)s byte", "%(count)s bytes", count) % {"count": count}


def _items(count: int) -> str:
    return ngettext("%(count)s item", "%(count)s items", count) % {"count": count}
