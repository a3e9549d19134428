"""Types of evidence and requirements, as data: those that are shipped, and those of the node's own folder.

``data/types/SIDE.toml`` names departments and types; a file of the same form in ``evidence/`` beside the
node's ``node.toml`` adds to it, or replaces a type of the same code. Requirements are in
``data/requirements.toml``; an own file may add some.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from kouan.apps.evidence.domain import (
    CLAIM_NAME,
    CODE,
    LEVELS,
    TYPE_CODE,
    Claim,
    EvidenceType,
    Requirement,
)
from kouan.apps.evidence.errors import UnknownType
from kouan.config import ConfigError
from kouan.core.policy.elements import UnknownElement, elements_of
from kouan.core.text import Localised

if TYPE_CHECKING:
    from collections.abc import Mapping

DATA: Final = Path(__file__).parent / "data"
OWN_FOLDER: Final = "evidence"
MOST_TYPES: Final = 200
MOST_CLAIMS: Final = 24
MOST_DAYS: Final = 366
_CANNOT: Final = _("The types of evidence cannot be used: %s")


class TypesFileError(ConfigError):
    """A file of types that cannot be used; the text names the file and what is wrong."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that a side knows of evidence."""

    requirements: Mapping[str, Requirement]
    types: Mapping[str, EvidenceType]
    departments: Mapping[str, Localised]

    def meeting(self, requirement: str) -> list[EvidenceType]:
        """Return the types that meet a requirement, in the order of the files."""
        return [each for each in self.types.values() if requirement in each.requirements]


def catalogue() -> Catalogue:
    """Return what this node knows; raises ``TypesFileError``."""
    return _catalogue(settings.NODE.side, settings.NODE.home / OWN_FOLDER)


def get_type(code: str) -> EvidenceType:
    """Return a type of this side; raises ``UnknownType``."""
    found = catalogue().types.get(code)
    if found is None:
        raise UnknownType(type=code[:64])
    return found


def requirements() -> list[Requirement]:
    """Return all requirements, in order."""
    return list(catalogue().requirements.values())


@lru_cache(16)
def _catalogue(side: str, own: Path) -> Catalogue:
    requirements: dict[str, Requirement] = {}
    types: dict[str, EvidenceType] = {}
    departments: dict[str, Localised] = {}
    shipped = [DATA / "requirements.toml", DATA / "types" / f"{side}.toml"]
    files = [*(each for each in shipped if each.is_file()), *sorted(own.glob("*.toml"))]
    for file in files:
        try:
            raw = tomllib.loads(file.read_text(encoding="utf-8"))
            _known(raw, {"requirements", "departments", "types"})
            for each in raw.get("requirements", ()):
                found = _requirement(each)
                requirements[found.code] = found
            for code, name in raw.get("departments", {}).items():
                _fits(CODE.fullmatch(code), f"department {code!r}")
                departments[code] = Localised.from_mapping(name, where=f"department {code}")
            for each in raw.get("types", ()):
                type_ = _type(each, side, departments, requirements)
                types[type_.code] = type_
        except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise TypesFileError(_CANNOT % f"{file.name}: {_said(error)}") from None
    if len(types) > MOST_TYPES:
        raise TypesFileError(_CANNOT % f"there are more than {MOST_TYPES} types of evidence")
    return Catalogue(requirements, types, departments)


def _said(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _requirement(raw: dict[str, Any]) -> Requirement:
    code = raw["code"]
    _fits(CODE.fullmatch(code), f"requirement {code!r}")
    _known(raw, {"code", "title", "text"})
    return Requirement(
        code,
        Localised.from_mapping(raw["title"], where=f"{code} title"),
        Localised.from_mapping(raw["text"], where=f"{code} text"),
    )


def _type(
    raw: dict[str, Any],
    side: str,
    departments: Mapping[str, Localised],
    requirements: Mapping[str, Requirement],
) -> EvidenceType:
    code = raw["code"]
    _known(
        raw,
        {"code", "title", "department", "requirements", "claims", "level", "counts_days", "receivers"},
    )
    _fits(TYPE_CODE.fullmatch(code) and code.startswith(f"{side}."), f"type {code!r} is no “{side}.name”")
    _fits(raw["department"] in departments, f"{code}: department {raw['department']!r} is not named")
    loose = set(raw["requirements"]) - set(requirements)
    _fits(not loose, f"{code}: unknown requirements {sorted(loose)}")
    _fits(raw["level"] in LEVELS, f"{code}: the level is 1 to 4")
    _fits(1 <= raw["counts_days"] <= MOST_DAYS, f"{code}: counts_days is 1 to {MOST_DAYS}")
    claims = tuple(_claim(each, code) for each in raw["claims"])
    _fits(0 < len(claims) <= MOST_CLAIMS, f"{code}: 1 to {MOST_CLAIMS} claims")
    _fits(len({each.name for each in claims}) == len(claims), f"{code}: a claim is named twice")
    receivers = raw.get("receivers")
    return EvidenceType(
        code=code,
        title=Localised.from_mapping(raw["title"], where=f"{code} title"),
        department=raw["department"],
        department_name=departments[raw["department"]],
        requirements=frozenset(raw["requirements"]),
        claims=claims,
        level=raw["level"],
        counts_days=raw["counts_days"],
        receivers=None if receivers is None else frozenset(receivers),
    )


def _claim(raw: dict[str, Any], code: str) -> Claim:
    name = raw["name"]
    _known(raw, {"name", "title", "element", "optional", "form"})
    _fits(CLAIM_NAME.fullmatch(name), f"{code}: claim {name!r} cannot be called so")
    try:
        elements_of([raw["element"]])
    except UnknownElement as error:
        raise ValueError(f"{code}, {name}: {error}") from None
    form = raw.get("form", "text")
    _fits(form in {"text", "date"}, f"{code}, {name}: the form is text or date")
    title = Localised.from_mapping(raw["title"], where=f"{code} {name}")
    return Claim(name, title, raw["element"], bool(raw.get("optional", False)), form)


def _known(raw: Mapping[str, Any], names: set[str]) -> None:
    _fits(not set(raw) - names, f"unknown keys {sorted(set(raw) - names)}")


def _fits(right: object, otherwise: str) -> None:
    if not right:
        raise ValueError(otherwise)
