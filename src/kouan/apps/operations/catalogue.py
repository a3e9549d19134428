"""The message catalogue: everything that may cross, made from the declarations themselves."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils.translation import gettext, ngettext, override, pgettext

from kouan.apps.operations.labels import side_name
from kouan.core.exchange.crossing import Consent, Crossing, registry
from kouan.core.policy import policy_of
from kouan.web.filters import file_size

if TYPE_CHECKING:
    from kouan.core.policy import Agreement, Clause

_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class FieldEntry:
    """A field of a payload: what it is for, and what may stand in it."""

    name: str
    explanation: str
    limits: str


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One kind of message, in words."""

    type: str
    version: int
    anchor: str
    title: str
    purpose: str
    purpose_code: str
    legal_basis: str
    allowed_by: tuple[tuple[Agreement, Clause], ...]
    """The clauses of this node's agreements that allow it."""
    fields: tuple[FieldEntry, ...]
    consent: str
    consent_reason: str
    senders: str
    receivers: str
    size_limit: str
    expiry: str


def catalogue(*, own_declarations_only: bool = False) -> tuple[CatalogueEntry, ...]:
    """Return every declaration in the active language, by type and version.

    With ``own_declarations_only`` those that some other package than Kouan made are left out.
    """
    return tuple(
        entry_of(crossing)
        for crossing in registry.all()
        if not own_declarations_only or crossing.payload.__module__.startswith("kouan.")
    )


def entry_of(crossing: Crossing[Any]) -> CatalogueEntry:
    """Return one declaration in words."""
    required = crossing.consent is Consent.REQUIRED
    return CatalogueEntry(
        type=crossing.type,
        version=crossing.version,
        anchor=f"{crossing.type.replace('.', '-')}-{crossing.version}",
        title=str(crossing.title),
        purpose=str(crossing.purpose),
        purpose_code=crossing.purpose_code,
        legal_basis=crossing.legal_basis,
        allowed_by=tuple(
            (agreement, clause)
            for agreement in policy_of(settings.NODE.agreements).agreements
            for clause in agreement.clauses
            if crossing.type in clause.types and crossing.legal_basis == clause.legal_basis
        ),
        fields=_fields(crossing),
        consent=pgettext("consent", "Required") if required else pgettext("consent", "Not needed"),
        consent_reason=str(crossing.consent_reason),
        senders=_sides(crossing.senders),
        receivers=_sides(crossing.receivers),
        size_limit=file_size(crossing.max_bytes),
        expiry=_duration(crossing.expires_after),
    )


def catalogue_markdown() -> str:
    """Return the catalogue as the documentation's page, in English.

    Agreements are each node's own and so stand on its page of agreements, not here.
    """
    with override("en"):
        entries = catalogue(own_declarations_only=True)
        return "\n".join([_PREFACE, *(_section(entry) for entry in entries)]).rstrip() + "\n"


_PREFACE: Final = """\
# Message catalogue

Everything that may cross between two nodes. This page is made from the declarations in each app's
`crossings.py` by `kouan catalogue`; a message that is not declared cannot be sent and is refused when
it arrives. Which agreement and clause allow it is shown by each node under `/catalogue/`.
"""


def _section(entry: CatalogueEntry) -> str:
    rows = "".join(f"| `{field.name}` | {_cell(field.explanation)} | {_cell(field.limits)} |\n" for field in entry.fields)
    return f"""\
## {entry.title} (`{entry.type}`, version {entry.version})

{entry.purpose}

- **Purpose:** `{entry.purpose_code}`
- **Legal basis:** `{entry.legal_basis}`
- **From:** {entry.senders}
- **To:** {entry.receivers}
- **Consent:** {entry.consent}. {entry.consent_reason}
- **At most:** {entry.size_limit}
- **Expires after:** {entry.expiry}

| Field | What it is | What may stand in it |
|---|---|---|
{rows}"""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _sides(sides: Collection[str] | str) -> str:
    if isinstance(sides, str):
        return gettext("any side")
    return pgettext("list", ", ").join(side_name(side) for side in sorted(sides))


def _duration(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    for unit, one, many in (
        (_DAY, "%(count)s day", "%(count)s days"),
        (_HOUR, "%(count)s hour", "%(count)s hours"),
        (60, "%(count)s minute", "%(count)s minutes"),
    ):
        if seconds and seconds % unit == 0:
            return ngettext(one, many, seconds // unit) % {"count": seconds // unit}
    return ngettext("%(count)s second", "%(count)s seconds", seconds) % {"count": seconds}


def _fields(crossing: Crossing[Any]) -> tuple[FieldEntry, ...]:
    schema = crossing.payload.model_json_schema()
    properties: Mapping[str, Any] = schema.get("properties", {})
    return tuple(
        FieldEntry(name, str(explanation), describe(properties[name], schema.get("$defs", {})))
        for name, explanation in crossing.fields.items()
    )


def describe(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Return in words what a JSON Schema, as pydantic makes it, lets stand in a field."""
    if "$ref" in schema:
        return describe(definitions[str(schema["$ref"]).rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        return _choice(schema["anyOf"], definitions)
    if "const" in schema:
        return gettext("always “%(value)s”") % {"value": schema["const"]}
    if "enum" in schema:
        values = pgettext("list", ", ").join(f"“{value}”" for value in schema["enum"])
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


def _choice(options: list[Mapping[str, Any]], definitions: Mapping[str, Any]) -> str:
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
                text = gettext("%(text)s, of the form %(pattern)s") % {"text": text, "pattern": schema["pattern"]}
            return text


def _record(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    separator = pgettext("list of parts", "; ")
    parts = separator.join(
        f"{name} ({describe(inner, definitions)})" for name, inner in schema.get("properties", {}).items()
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
            text = pgettext("list", ", ").join((text, words % {"bound": schema[key]}))
    return text


def _counted(text: str, least: int | None, most: int | None, unit: Any) -> str:
    if most is not None and least == most:
        limit = gettext("exactly %(amount)s") % {"amount": unit(most)}
    elif most is not None:
        limit = gettext("at most %(amount)s") % {"amount": unit(most)}
    elif least:
        limit = gettext("at least %(amount)s") % {"amount": unit(least)}
    else:
        return text
    return pgettext("list", ", ").join((text, limit))


def _characters(count: int) -> str:
    return ngettext("%(count)s character", "%(count)s characters", count) % {"count": count}


def _bytes(count: int) -> str:
    return ngettext("%(count)s byte", "%(count)s bytes", count) % {"count": count}


def _items(count: int) -> str:
    return ngettext("%(count)s item", "%(count)s items", count) % {"count": count}
