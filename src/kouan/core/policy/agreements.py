"""Agreements between sides: the clauses on which anything crosses, as data that both sides hold.

An agreement is a TOML file. Its digest, over the deterministic CBOR of what it says, travels in
every message's header: a side that holds another text refuses the message, so both sides always
speak of the same words.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, Literal

from kouan.core import cbor
from kouan.core.policy.elements import elements_of
from kouan.core.text import LANGUAGES, Localised

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


MAX_ID: Final = 80
MAX_CLAUSE_ID: Final = 40


class AgreementFileError(Exception):
    """An agreement's file that cannot be used; the text names the file and the key."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause: which messages it allows, between whom, and its words."""

    id: str
    legal_basis: str
    types: frozenset[str]
    senders: frozenset[str]
    receivers: frozenset[str]
    text: Localised
    elements: frozenset[str] = frozenset()
    """The kinds of data about persons that may cross under it; others are not its concern."""

    def covers(self, *, type_: str, legal_basis: str, sender: str, receiver: str) -> bool:
        """Whether this clause allows such a message."""
        return (
            type_ in self.types
            and legal_basis == self.legal_basis
            and sender in self.senders
            and receiver in self.receivers
        )


@dataclass(frozen=True, slots=True)
class Agreement:
    """What two or more sides agreed, from its first to its last day (both included)."""

    id: str
    title: Localised
    parties: frozenset[str]
    effective: date
    expires: date
    clauses: tuple[Clause, ...]
    source: bytes
    """The deterministic CBOR of the whole text, from which anybody can compute the digest."""
    digest: bytes

    def in_force(self, day: date) -> bool:
        """Whether ``day`` lies in the agreement's term."""
        return self.effective <= day <= self.expires


def load_agreements(folder: Path) -> tuple[Agreement, ...]:
    """Read every ``*.toml`` of ``folder``; none is no error, a bad one is ``AgreementFileError``."""
    if not folder.is_dir():
        return ()
    agreements = tuple(_load(path) for path in sorted(folder.glob("*.toml")))
    seen: set[str] = set()
    for agreement in agreements:
        if agreement.id in seen:
            raise AgreementFileError(f"{folder}: two agreements have the id {agreement.id!r}.")
        seen.add(agreement.id)
    return agreements


def _load(path: Path) -> Agreement:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        return _agreement(raw)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AgreementFileError(f"{path} cannot be read: {error}") from None
    except KeyError as error:
        raise AgreementFileError(f"{path}: the key {error} is missing.") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise AgreementFileError(f"{path}: {error}") from None


def of_contract(data: bytes) -> dict[str, Any] | None:
    """Return the terms of a contract of institutions (canonical JSON) as an agreement; None for other bytes.

    Its one clause is its scope. No agreement's CBOR begins as JSON does: a map's first byte is above 0x9f.
    """
    try:
        terms = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(terms, dict) or terms.get("schema") != "kouan-contract/1":
        return None
    parties = [terms.get("exporter"), terms.get("importer")]
    names = [party.get("name") for party in parties if isinstance(party, dict)]
    title = {
        script: " – ".join(
            str(name.get(script.replace("-", "_"), "")) for name in names if isinstance(name, dict)
        )
        for script in LANGUAGES
    }
    exporter, importer = (_side(party) for party in parties)
    scope = {
        "id": "scope",
        "types": ["dataflow.record"],
        "legal_basis": "data-contract",
        "senders": [exporter],
        "receivers": [importer],
        "text": title,
    }
    return {"id": terms.get("contract"), "title": title, "clauses": [scope]}


def _side(party: object) -> str:
    place = party.get("place") if isinstance(party, dict) else None
    return place.partition(":")[0] if isinstance(place, str) else ""


def lets_through(
    agreement: Mapping[str, Any], *, clause: str, type_: str, sender: str, receiver: str
) -> Literal["yes", "other-type", "other-sides"]:
    """Say whether an agreement's source, as evidence has it, lets such a message cross by a clause."""
    clauses = agreement.get("clauses")
    for each in clauses if isinstance(clauses, list) else []:
        if isinstance(each, dict) and each.get("id") == clause and _lists(each, "types", type_):
            goes = _lists(each, "senders", sender) and _lists(each, "receivers", receiver)
            return "yes" if goes else "other-sides"
    return "other-type"


def _lists(clause: Mapping[str, Any], key: str, value: str) -> bool:
    found = clause.get(key)
    return isinstance(found, list) and value in found


def _agreement(raw: dict[str, Any]) -> Agreement:
    _only(raw, {"id", "title", "parties", "effective", "expires", "clauses"}, "agreement")
    parties = _codes(raw["parties"], "`parties`")
    if len(parties) < 2:  # noqa: PLR2004 - an agreement needs two
        raise ValueError("`parties` must name at least two sides")
    effective, expires = _day(raw["effective"], "effective"), _day(raw["expires"], "expires")
    if expires < effective:
        raise ValueError("`expires` lies before `effective`")
    if not isinstance(raw["clauses"], list) or not raw["clauses"]:
        raise ValueError("`clauses` must be tables, [[clauses]]: an agreement without them allows nothing")
    clauses = tuple(_clause(item, parties) for item in raw["clauses"])
    if len({clause.id for clause in clauses}) != len(clauses):
        raise ValueError("two clauses have the same id")
    source = cbor.encode(_plain(raw))
    return Agreement(
        id=_name(raw["id"], "id", MAX_ID),
        title=_words(raw["title"], "title"),
        parties=parties,
        effective=effective,
        expires=expires,
        clauses=clauses,
        source=source,
        digest=hashlib.sha256(source).digest(),
    )


def _clause(raw: object, parties: frozenset[str]) -> Clause:
    if not isinstance(raw, dict):
        raise TypeError("`clauses` must be tables, [[clauses]]")
    where = f"clause {_name(raw['id'], 'clauses.id', MAX_CLAUSE_ID)}"
    _only(raw, {"id", "legal_basis", "types", "senders", "receivers", "elements", "text"}, where)
    missing = sorted({"legal_basis", "types", "senders", "receivers", "text"} - set(raw))
    if missing:
        raise ValueError(f"{where}: the key `{missing[0]}` is missing")
    senders = _codes(raw["senders"], f"{where}: `senders`")
    receivers = _codes(raw["receivers"], f"{where}: `receivers`")
    if not senders | receivers <= parties:
        raise ValueError(f"{where} names a side that is not a party")
    return Clause(
        id=raw["id"],
        legal_basis=_name(raw["legal_basis"], f"{where}: `legal_basis`", MAX_ID),
        types=_codes(raw["types"], f"{where}: `types`"),
        senders=senders,
        receivers=receivers,
        text=_words(raw["text"], f"{where}: `text`"),
        elements=_elements(raw.get("elements"), f"{where}: `elements`"),
    )


def _elements(raw: object, where: str) -> frozenset[str]:
    return frozenset(each.id for each in elements_of(_codes(raw, where))) if raw is not None else frozenset()


def _only(raw: dict[str, Any], allowed: set[str], where: str) -> None:
    unknown = sorted(set(raw) - allowed)
    if unknown:
        raise ValueError(f"{where}: unknown key `{unknown[0]}`")


def _codes(value: object, where: str) -> frozenset[str]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        raise ValueError(f"{where}: a list of texts is expected")
    return frozenset(value)


def _name(value: object, where: str, longest: int) -> str:
    # Names travel in every message's header, whose length is bounded.
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isascii():
        raise ValueError(f"{where}: a text of 1 to {longest} ASCII characters is expected")
    return value


def _words(value: object, where: str) -> Localised:
    if not isinstance(value, dict):
        raise TypeError(f"{where}: a text in each language is expected")
    return Localised.from_mapping(value, where=where)


def _day(value: object, key: str) -> date:
    if type(value) is not date:
        raise ValueError(f"`{key}` must be a date, such as 2026-01-31")
    return value


def _plain(value: Any) -> Any:
    """Return the TOML value with dates as text, ready for CBOR."""
    match value:
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case date():
            return value.isoformat()
        case _:
            return value
