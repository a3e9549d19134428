"""A contract's draft as an officer's answers, step by step, and the terms that they make."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from pydantic import ValidationError

from kouan.apps.dataflow import errors
from kouan.apps.dataflow.contracts import today
from kouan.apps.dataflow.domain import SCHEMA, Terms
from kouan.apps.dataflow.rules import NoRules, rules_of
from kouan.core.policy.elements import Category, all_elements
from kouan.core.sides import get_side

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.apps.dataflow.rules import Basis
    from kouan.core.policy.elements import DataElement

STEPS: Final = ("parties", "data", "term", "assessment", "onward")
MOST_ONWARD: Final = 4
"""Rows of the form; terms may name more."""
_PARTY: Final = ("code", "name_en", "name_zh_hant", "name_zh_hans", "registration", "place")


@dataclass(slots=True)
class Answers:
    """What an officer has answered so far; it is kept in their session until it is a draft."""

    contract: str
    version: int = 1
    replaces: str | None = None
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def amends(self) -> bool:
        """Whether this is a later version of a contract: its parties stay."""
        return self.version > 1

    @property
    def next_step(self) -> str:
        """The first step without an answer; nothing when all are answered."""
        return next((step for step in STEPS if step not in self.steps), "")

    def to_json(self) -> dict[str, Any]:
        """Return what the session keeps."""
        return {
            "contract": self.contract,
            "version": self.version,
            "replaces": self.replaces,
            "steps": self.steps,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Answers:
        """Return what ``to_json`` wrote."""
        return cls(value["contract"], value["version"], value["replaces"], dict(value["steps"]))


def begin() -> Answers:
    """Return the answers to nothing yet, for a new contract."""
    return Answers(str(uuid.uuid4()))


def of_terms(terms: Terms, *, amend: bool) -> Answers:
    """Return the answers that make such terms: to change a draft, or with ``amend`` for the next version.

    An amended version begins anew tomorrow, and needs an assessment of its own.
    """
    own = settings.NODE.side
    ours, theirs = (
        (terms.exporter, terms.importer) if terms.exporter.side == own else (terms.importer, terms.exporter)
    )
    steps: dict[str, dict[str, Any]] = {
        "parties": {
            "basis": terms.basis,
            "direction": "out" if terms.exporter.side == own else "in",
            **_party("ours", ours),
            **_party("theirs", theirs),
        },
        "data": {"elements": list(terms.elements), "purposes": list(terms.purposes)},
        "term": {
            "effective": terms.effective,
            "expires": terms.expires,
            "retention_days": terms.retention_days,
            "persons": terms.persons,
        },
        "onward": {"onward": [each.model_dump() for each in terms.onward]},
    }
    if not amend:
        steps["assessment"] = terms.assessment.model_dump()
        if terms.ground is not None:
            steps["assessment"]["ground"] = terms.ground.model_dump()
        return Answers(terms.contract, terms.version, terms.replaces, steps)
    steps["term"]["effective"] = max(today() + timedelta(days=1), terms.first_day).isoformat()
    return Answers(terms.contract, terms.version + 1, terms.digest().hex(), steps)


def terms_from(answers: Answers) -> Terms:
    """Return the terms that the answers make; raises ``IllFormedTerms`` naming what cannot be used."""
    parties, data, term = (answers.steps.get(step, {}) for step in ("parties", "data", "term"))
    ours, theirs = _party_of("ours", parties), _party_of("theirs", parties)
    outwards = parties.get("direction") == "out"
    assessment = dict(answers.steps.get("assessment", {}))
    ground = assessment.pop("ground", None)
    value = {
        "schema": SCHEMA,
        "contract": answers.contract,
        "version": answers.version,
        "replaces": answers.replaces,
        "basis": parties.get("basis", ""),
        "exporter": ours if outwards else theirs,
        "importer": theirs if outwards else ours,
        "purposes": sorted(data.get("purposes", [])),
        "elements": sorted(data.get("elements", [])),
        **{key: term.get(key) for key in ("persons", "retention_days", "effective", "expires")},
        "onward": answers.steps.get("onward", {}).get("onward", []),
        "assessment": assessment,
        **({} if ground is None else {"ground": ground}),
    }
    try:
        return Terms.model_validate_json(json.dumps(value))
    except ValidationError as error:
        places = {".".join(str(part) for part in each["loc"]) for each in error.errors(include_input=False)}
        raise errors.IllFormedTerms(detail=", ".join(sorted(places))) from None


def bases() -> dict[str, Basis]:
    """Return the kinds of contract that this side's rules of today know."""
    try:
        return dict(rules_of(settings.NODE.side, today()).bases)
    except NoRules:
        return {}


def places(*, own: bool) -> list[str]:
    """Return where this side's institutions may be, or those of the others."""
    found = {place for basis in bases().values() for place in basis.places}
    for every in [each for each in found if each.endswith(":*")]:
        found.remove(every)
        side = every.removesuffix(":*")
        found |= {f"{side}:{city.code}" for city in get_side(side).cities}
    return sorted(each for each in found if (each.partition(":")[0] == settings.NODE.side) is own)


def offered(category: Category) -> list[DataElement]:
    """Return the kinds of data of a category that a contract may name."""
    return [
        each
        for each in all_elements().values()
        if each.category is category and not each.important and each.id not in _NEVER_OFFERED
    ]


_NEVER_OFFERED: Final = frozenset({"person.pseudonym", "person.sign-in"})
"""The first crosses under every contract, the second with the consent."""


def _party(whose: str, party: Any) -> dict[str, Any]:
    return {
        f"{whose}_code": party.code,
        f"{whose}_name_en": party.name.en,
        f"{whose}_name_zh_hant": party.name.zh_hant,
        f"{whose}_name_zh_hans": party.name.zh_hans,
        f"{whose}_registration": party.registration,
        f"{whose}_place": party.place,
    }


def _party_of(whose: str, answers: Mapping[str, Any]) -> dict[str, Any]:
    given = {key: answers.get(f"{whose}_{key}", "") for key in _PARTY}
    return {
        "code": given["code"],
        "name": {script: given[f"name_{script}"] for script in ("en", "zh_hant", "zh_hans")},
        "registration": given["registration"],
        "place": given["place"],
    }
