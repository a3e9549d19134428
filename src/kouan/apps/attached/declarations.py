"""Message types that a side declares without code: one TOML file each, which both sides hold.

What is wrong in a file stops start-up with a sentence that names the file and the key, as a mistake in a
declaration written in Python does.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from kouan.apps.attached.domain import is_name
from kouan.apps.attached.payloads import reserved
from kouan.apps.attached.schema import BadSchema, PayloadSchema
from kouan.config import ConfigError
from kouan.core import cbor
from kouan.core.exchange import Consent
from kouan.core.exchange.crossing import MAX_PAYLOAD, MAX_TYPE
from kouan.core.policy.elements import UnknownElement, elements_of
from kouan.core.text import Localised

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_FILE: Final = 256 * 1024
_TYPE: Final = re.compile(r"[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+")
_SIDE: Final = re.compile(r"[a-z][a-z0-9-]{1,15}")
_FIELD: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_KEYS: Final = {
    "type", "version", "title", "purpose", "purpose_code", "legal_basis", "consent", "consent_reason",
    "senders", "receivers", "max_bytes", "expires_after_s", "handled", "handled_by", "fields",
    "elements", "schema",
}  # fmt: skip
_OPTIONAL: Final = {"handled", "handled_by"}
_LONGEST_EXPIRY: Final = 30 * 86400

Handled = Literal["stored", "acknowledged"]


class DeclarationError(ConfigError):
    """A declaration's file that cannot be used; the text names the file and the key."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """One message type, as its file says it."""

    type: str
    version: int
    title: Localised
    purpose: Localised
    purpose_code: str
    legal_basis: str
    consent: Consent
    consent_reason: Localised
    senders: frozenset[str] | Literal["any"]
    receivers: frozenset[str] | Literal["any"]
    max_bytes: int
    expires_after: timedelta
    handled: Handled
    """When the sender is told that the message was handled: once it is stored for the system, or once the
    system has acknowledged it."""
    handled_by: Mapping[str, str]
    """Side to the attached system that handles the message there."""
    fields: Mapping[str, Localised]
    elements: Mapping[str, str]
    """Field to the kinds of data that it holds, with spaces between (``policy.elements``)."""
    schema: PayloadSchema
    digest: bytes
    """SHA-256 over the deterministic CBOR of the file's content: compare this, not the files."""

    def __str__(self) -> str:
        return f"{self.type}/{self.version}"


def load_declarations(folder: Path) -> tuple[tuple[Path, Declaration], ...]:
    """Read every ``*.toml`` of ``folder``; none is no error, a bad one is ``DeclarationError``."""
    if not folder.is_dir():
        return ()
    return tuple((path, load_declaration(path)) for path in sorted(folder.glob("*.toml")))


def load_declaration(path: Path) -> Declaration:
    """Read one file; raises ``DeclarationError``."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise DeclarationError(f"{path} has more than {MAX_FILE} bytes.")
        return _declaration(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DeclarationError(f"{path} cannot be read: {error}") from None
    except (ValueError, RecursionError) as error:
        raise DeclarationError(f"{path}: {error}") from None


def _declaration(raw: dict[str, Any]) -> Declaration:
    for key in sorted(set(raw) - _KEYS):
        raise ValueError(f"the key `{key}` is unknown; check its spelling or remove it")
    for key in sorted(_KEYS - _OPTIONAL - set(raw)):
        raise ValueError(f"the key `{key}` is missing")
    schema = _schema(raw["schema"])
    consent = _one_of(raw["consent"], "consent", [item.value for item in Consent])
    receivers = _sides(raw["receivers"], "receivers")
    handled_by = _systems(raw.get("handled_by", {}), receivers)
    return Declaration(
        type=_type(raw["type"]),
        version=_number(raw["version"], "version", 0, (1 << 16) - 1),
        title=_words(raw["title"], "title"),
        purpose=_words(raw["purpose"], "purpose"),
        purpose_code=_name(raw["purpose_code"], "purpose_code"),
        legal_basis=_name(raw["legal_basis"], "legal_basis"),
        consent=Consent(consent),
        consent_reason=_words(raw["consent_reason"], "consent_reason"),
        senders=_sides(raw["senders"], "senders"),
        receivers=receivers,
        max_bytes=_number(raw["max_bytes"], "max_bytes", 1, MAX_PAYLOAD),
        expires_after=timedelta(
            seconds=_number(raw["expires_after_s"], "expires_after_s", 1, _LONGEST_EXPIRY)
        ),
        handled="acknowledged"
        if _one_of(raw.get("handled", "stored"), "handled", ["stored", "acknowledged"]) == "acknowledged"
        else "stored",
        handled_by=handled_by,
        fields=_fields(raw["fields"], schema),
        elements=_elements(raw["elements"], schema),
        schema=schema,
        digest=hashlib.sha256(cbor.encode(_plain(raw))).digest(),
    )


def _schema(raw: object) -> PayloadSchema:
    if not isinstance(raw, dict):
        raise ValueError("`schema` must be a table, [schema]")  # noqa: TRY004 - one kind of error for a file
    try:
        schema = PayloadSchema(raw)
    except BadSchema as error:
        place, _, what = str(error).partition(": ")
        raise ValueError(f"`{place}`: {what}") from None
    for name in schema.properties:
        if not _FIELD.fullmatch(name) or reserved(name):
            raise ValueError(
                f"`schema.properties.{name}`: a field's name has up to 40 of a-z, 0-9 and _, begins with a "
                "letter, and is none that every payload has already"
            )
    for name in schema.required - set(schema.properties):
        raise ValueError(f"`schema.required`: {name!r} is not among the properties")
    return schema


def _fields(raw: object, schema: PayloadSchema) -> Mapping[str, Localised]:
    if not isinstance(raw, dict):
        raise ValueError("`fields` must be a table, [fields.NAME] for each field")  # noqa: TRY004 - as above
    for name in sorted(set(schema.properties) ^ set(raw)):
        missing = name in schema.properties
        raise ValueError(f"`fields.{name}` {'is missing' if missing else 'explains no field of the schema'}")
    # In the schema's order: the one in which the file tells them.
    return {name: _words(raw[name], f"fields.{name}") for name in schema.properties}


def _elements(raw: object, schema: PayloadSchema) -> Mapping[str, str]:
    if not isinstance(raw, dict):
        raise ValueError("`elements` must be a table, [elements]: field = [kinds]")  # noqa: TRY004 - as above
    for name in sorted(set(schema.properties) ^ set(raw)):
        missing = name in schema.properties
        raise ValueError(f"`elements.{name}` {'is missing' if missing else 'ties no field of the schema'}")
    for name, ids in raw.items():
        if not isinstance(ids, list) or not ids or not all(isinstance(id_, str) for id_ in ids):
            raise ValueError(f'`elements.{name}` must list kinds of data, such as ["person.name"]')
        try:
            elements_of(ids)
        except UnknownElement as error:
            raise ValueError(f"`elements.{name}`: {error}") from None
    return {name: " ".join(ids) for name, ids in raw.items()}


def _systems(raw: object, receivers: frozenset[str] | Literal["any"]) -> Mapping[str, str]:
    if not isinstance(raw, dict):
        raise ValueError("`handled_by` must be a table, [handled_by]: side = system")  # noqa: TRY004 - as above
    for side, system in raw.items():
        if not _SIDE.fullmatch(side) or (receivers != "any" and side not in receivers):
            raise ValueError(f"`handled_by.{side}` is not one of the receivers")
        if not isinstance(system, str) or not is_name(system):
            raise ValueError(f"`handled_by.{side}` must name an attached system")
    for side in sorted(set() if receivers == "any" else receivers - set(raw)):
        raise ValueError(f"`handled_by.{side}` is missing: nobody would handle the message there")
    return dict(raw)


def _type(value: object) -> str:
    if not isinstance(value, str) or not _TYPE.fullmatch(value) or len(value) > MAX_TYPE:
        raise ValueError(f"`type` must be dotted lower-case names, at most {MAX_TYPE} characters")
    return value


def _sides(value: object, key: str) -> frozenset[str] | Literal["any"]:
    if value == "any":
        return "any"
    if not isinstance(value, list) or not value:
        raise ValueError(f'`{key}` must be "any" or a list of sides')
    if not all(isinstance(item, str) and _SIDE.fullmatch(item) for item in value):
        raise ValueError(f"`{key}`: a side's code has 2 to 16 of a-z, 0-9 and -")
    return frozenset(value)


def _number(value: object, key: str, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"`{key}` must be a whole number from {least} to {most}")
    return value


def _name(value: object, key: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 80 or not value.isascii():  # noqa: PLR2004 - the header's bound
        raise ValueError(f"`{key}` must be a text of 1 to 80 ASCII characters")
    return value


def _one_of(value: object, key: str, allowed: list[str]) -> str:
    if value not in allowed:
        raise ValueError(f"`{key}` must be one of {', '.join(allowed)}")
    return str(value)


def _words(value: object, key: str) -> Localised:
    if not isinstance(value, dict):
        raise ValueError(f"`{key}`: a text in each of en, zh-hant and zh-hans is expected")  # noqa: TRY004 - as above
    return Localised.from_mapping(value, where=f"`{key}`")


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case date():
            return value.isoformat()
        case _:
            return value
