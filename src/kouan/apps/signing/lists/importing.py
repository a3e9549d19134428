"""Files of published entries: JSON, TOML or CSV, with the CAs' certificates in them or beside them.

All entries of a file are taken, or none; each fault names the entry and the field.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
import json
import tomllib
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from kouan.apps.signing.domain import POLICY_PREFIX
from kouan.apps.signing.lists.changes import MOST_ENTRIES
from kouan.apps.signing.lists.entries import CONTACT, CONTACT_OPTIONAL, BadEntry, Problem, Said, entry_of
from kouan.core.text import LANGUAGES, Localised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kouan.apps.signing.lists.domain import Entry

MOST_BYTES: Final = 2 << 20
NEEDED: Final = (
    "code", "name_en", "name_zh_hant", "name_zh_hans", "provider_en", "provider_zh_hant", "provider_zh_hans",
    "certificate_type", "root", "issuing_ca", "recognised_from", "last_day",
)  # fmt: skip
ADDRESS: Final = tuple(f"contact_{each}" for each in (*CONTACT, *CONTACT_OPTIONAL))
OPTIONAL: Final = ("policy_prefix", "type_policies", "superseded_on", "withdrawn_on", "reason", *ADDRESS)
FORMATS: Final = ("json", "toml", "csv")
_MOST_FAULTS: Final = 20


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one entry of a file, or with the file where ``place`` is 0."""

    place: int
    """The line in CSV, the entry's number from 1 in JSON and TOML."""
    field: str
    problem: str
    """``entries.Problem``, or ``format``, ``empty``, ``too-long``."""


class FaultyFile(ValueError):
    """A file of which nothing is taken."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = tuple(faults)


def sniff(data: bytes) -> str:
    """Return in which of ``FORMATS`` a file seems to be."""
    head = data.lstrip(b"\xef\xbb\xbf \r\n\t")
    if head[:1] in {b"{", b"["} and not head.startswith(b"[["):
        return "json"
    return "toml" if head.startswith((b"[[", b"#")) else "csv"


def read(
    data: bytes,
    form: str,
    *,
    beside: Callable[[str], bytes | None] | None = None,
    demonstration: bool = False,
) -> list[Entry]:
    """Return the entries in a file; raises ``FaultyFile`` with every fault, at most twenty.

    ``beside`` returns the bytes of a certificate's file by the name that the file gives; without it the
    certificates stand in the file itself.
    """
    if len(data) > MOST_BYTES:
        raise FaultyFile([Fault(0, "", "too-long")])
    faults: list[Fault] = []
    entries: list[Entry] = []
    codes: set[str] = set()
    for place, given in _records(data, form):
        try:
            entry = entry_of(_said(given, beside), demonstration=demonstration)
            if entry.code in codes:
                raise BadEntry("code", Problem.TWICE)  # noqa: TRY301 - as any other fault of the entry
        except BadEntry as error:
            faults.append(Fault(place, error.field, error.problem))
        else:
            codes.add(entry.code)
            entries.append(entry)
        if len(faults) >= _MOST_FAULTS:
            break
        if len(entries) > MOST_ENTRIES:
            raise FaultyFile([Fault(0, "", "too-long")])
    if faults:
        raise FaultyFile(faults)
    if not entries:
        raise FaultyFile([Fault(0, "", "empty")])
    return entries


def _records(data: bytes, form: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        text = data.decode("utf-8-sig")
        if form == "csv":
            # Read to its end first: half a file is no file.
            reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
            rows = [(reader.line_num, _row(row)) for row in reader]
            yield from rows
            return
        said: Any = json.loads(text) if form == "json" else tomllib.loads(text)
        items = said.get("entries") if isinstance(said, dict) else said
        if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
            raise ValueError("no list of entries")  # noqa: TRY301 - as any other error on these bytes
    except (ValueError, csv.Error, RecursionError):
        raise FaultyFile([Fault(0, "", "format")]) from None
    yield from ((place, _flat(each)) for place, each in enumerate(items, 1))


def _row(row: Mapping[str | None, Any]) -> dict[str, Any]:
    if None in row or None in row.values():
        raise ValueError("more or fewer values than columns")
    return {str(name).strip(): value for name, value in row.items()}


def _flat(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return names in three scripts, and the parts of an address, as fields of their own, as CSV has them."""
    flat: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, dict) and name in {"name", "provider", "contact"}:
            flat |= {f"{name}_{str(tag).replace('-', '_')}": text for tag, text in value.items()}
        else:
            flat[name] = value
    return flat


def _said(given: Mapping[str, Any], beside: Callable[[str], bytes | None] | None) -> Said:
    for field in given:
        if field not in {*NEEDED, *OPTIONAL}:
            raise BadEntry(field[:40], Problem.UNKNOWN)
    for field in NEEDED:
        if given.get(field) in {None, ""}:
            raise BadEntry(field, Problem.MISSING)
    return Said(
        code=_text(given, "code"),
        name=_localised(given, "name"),
        provider=_localised(given, "provider"),
        certificate_type=_text(given, "certificate_type"),
        root=_certificate(_text(given, "root", strip=False), "root", beside),
        issuing_ca=_certificate(_text(given, "issuing_ca", strip=False), "issuing_ca", beside),
        recognised_from=_day(given, "recognised_from"),
        last_day=_day(given, "last_day"),
        policy_prefix=_text(given, "policy_prefix") or POLICY_PREFIX,
        type_policies=_oids(given.get("type_policies") or ()),
        superseded_on=_day(given, "superseded_on") if given.get("superseded_on") else None,
        withdrawn_on=_day(given, "withdrawn_on") if given.get("withdrawn_on") else None,
        reason=_text(given, "reason"),
        contact={each.removeprefix("contact_"): _text(given, each) for each in ADDRESS},
    )


def _text(given: Mapping[str, Any], field: str, *, strip: bool = True) -> str:
    value = given.get(field, "")
    if not isinstance(value, str):
        raise BadEntry(field, Problem.WORDS)
    return value.strip() if strip else value


def _localised(given: Mapping[str, Any], field: str) -> Localised:
    return Localised(*(_text(given, f"{field}_{tag.replace('-', '_')}") for tag in LANGUAGES))


def _day(given: Mapping[str, Any], field: str) -> date:
    value = given[field]
    if type(value) is date:  # as TOML has it; a moment is none
        return value
    try:
        return date.fromisoformat(value.strip())
    except (ValueError, AttributeError):
        raise BadEntry(field, Problem.NO_DAY) from None


def _oids(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.split())
    if isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise BadEntry("type_policies", Problem.OID)


def _certificate(text: str, field: str, beside: Callable[[str], bytes | None] | None) -> bytes:
    if "-----BEGIN" in text:
        return text.strip().encode()
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        found = beside(text.strip()) if beside is not None else None
        if found is None:
            raise BadEntry(field, Problem.NO_FILE) from None
        return found
