"""The rules of each side for contracts, as data: one file for each day on which the law changed.

``data/rules/SIDE/YYYY-MM-DD.toml`` counts from its day until the next file's. A change of law is a new file;
the old ones stay, so that a past decision can be judged again by the rules of its day.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kouan.core.text import Localised

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = Path(__file__).parent / "data" / "rules"


@dataclass(frozen=True, slots=True)
class Document:
    """A paper that an authority wants to see with a filing."""

    id: str
    title: Localised


@dataclass(frozen=True, slots=True)
class NeededGround:
    """What must be shown to rest a contract on a basis: a law, an authority's decision, a certificate."""

    title: Localised
    longest_days: int | None
    """How long it counts from the day on which it was issued; None: until it says."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason for which a side's law lets an importer keep what a person asks to have erased."""

    id: str
    title: Localised
    source: str


@dataclass(frozen=True, slots=True)
class ErasureRules:
    """What one side's law says of a person's request to have their data erased."""

    source: str
    working_days: int
    """In how many working days of that side an officer answers."""
    refusals: Mapping[str, Refusal]
    """For what an officer may refuse, by id; for nothing else."""


@dataclass(frozen=True, slots=True)
class Basis:
    """One kind of contract, as one side's law has it."""

    id: str
    title: Localised
    source: str
    """Which rule of law says so."""
    places: frozenset[str]
    """Where parties, and whoever gets the data from them, may be: a side, or a side and a city."""
    filing_working_days: int | None
    """In how many working days after its effect it must be filed with this side's authority; None: never."""
    authority: Localised | None
    documents: tuple[Document, ...]
    """The papers of a filing."""
    consent: bool
    """Whether this side's law asks for the person's consent all the same."""
    separate_for_sensitive: bool
    """Whether sensitive kinds need a consent of their own each."""
    level: int
    """The least level of assurance of the sign-in in which a consent is given."""
    sensitive_level: int
    """The same where sensitive kinds are among it."""
    longest_days: int
    """The longest term of a contract, in days."""
    assessment_days: int | None
    """How old the impact assessment may be on the day of effect, in days; None: none is needed."""
    term: str = "dpv:Contract"
    """The nearest legal basis of the W3C Data Privacy Vocabulary."""
    ground: NeededGround | None = None
    """What the terms must name besides; None: nothing."""
    sensitive: bool = True
    """Whether sensitive kinds may cross under it at all."""
    persons_most: int | None = None
    """About how many persons at most; None: as many as the terms say."""
    papers: tuple[Document, ...] = ()
    """What each party keeps and shows when its authority asks, where nothing is filed."""

    def has_place(self, place: str) -> bool:
        """Whether a place lies in its area: ``gd:*`` is any city of ``gd``."""
        side, _colon, city = place.partition(":")
        return place in self.places or (bool(city) and f"{side}:*" in self.places)


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts on one side from a day on."""

    side: str
    since: date
    digest: bytes
    """SHA-256 of the file."""
    bases: Mapping[str, Basis]
    erasure: ErasureRules | None = None
    """None: that side's law of the day knows no such request."""

    @property
    def name(self) -> str:
        """What a decision calls them by, such as ``gd/2023-12-10``."""
        return f"{self.side}/{self.since.isoformat()}"


class NoRules(LookupError):
    """A side has no rules for a day: then nothing may cross under a contract."""


def rules_of(side: str, day: date, *, folder: Path = FOLDER) -> Rules:
    """Return the rules that count on a side on a day; raises ``NoRules``."""
    for rules in reversed(_all(folder, side)):
        if rules.since <= day:
            return rules
    raise NoRules(f"{side} has no rules for contracts on {day.isoformat()}")


@cache
def _all(folder: Path, side: str) -> tuple[Rules, ...]:
    if not side.isalpha():
        return ()
    return tuple(_read(path) for path in sorted((folder / side).glob("*.toml")))


def _read(path: Path) -> Rules:
    data = path.read_bytes()
    raw = tomllib.loads(data.decode())
    side, since = path.parent.name, date.fromisoformat(path.stem)
    bases = [_basis(each) for each in raw["bases"]]
    return Rules(
        side,
        since,
        hashlib.sha256(data).digest(),
        {each.id: each for each in bases},
        _erasure(raw["erasure"]) if "erasure" in raw else None,
    )


def _erasure(raw: dict[str, Any]) -> ErasureRules:
    refusals = [
        Refusal(each["id"], Localised.from_mapping(each["title"], where=each["id"]), each["source"])
        for each in raw["refusals"]
    ]
    return ErasureRules(raw["source"], raw["working_days"], {each.id: each for each in refusals})


def _documents(raw: list[dict[str, Any]]) -> tuple[Document, ...]:
    return tuple(
        Document(each["id"], Localised.from_mapping(each["title"], where=each["id"])) for each in raw
    )


def _basis(raw: dict[str, Any]) -> Basis:
    filing, ground = raw.get("filing"), raw.get("ground")
    return Basis(
        id=raw["id"],
        title=Localised.from_mapping(raw["title"], where=raw["id"]),
        source=raw["source"],
        places=frozenset(raw["places"]),
        filing_working_days=filing["working_days"] if filing else None,
        authority=Localised.from_mapping(filing["authority"], where=raw["id"]) if filing else None,
        documents=_documents(filing["documents"] if filing else []),
        consent=raw["consent"],
        separate_for_sensitive=raw["separate_for_sensitive"],
        level=raw["level"],
        sensitive_level=raw["sensitive_level"],
        longest_days=raw["longest_days"],
        assessment_days=raw.get("assessment_days"),
        term=raw.get("term", "dpv:Contract"),
        ground=ground
        and NeededGround(
            Localised.from_mapping(ground["title"], where=raw["id"]), ground.get("longest_days")
        ),
        sensitive=raw.get("sensitive", True),
        persons_most=raw.get("persons_most"),
        papers=_documents(raw.get("papers", [])),
    )
