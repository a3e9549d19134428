"""Kinds of data: what a message may hold, in words that agreements, contracts and consents share.

Every field of every declared crossing is tied to one or more of them (``exchange.crossing``), so that a
decision knows what would cross without looking at it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kouan.core.text import Localised

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_SETS: Final = 4096
"""So many sets of kinds are remembered: messages name them, and there are more than a process could hold."""
_FILE: Final = Path(__file__).parent / "data" / "elements.toml"


class Category(StrEnum):
    """How carefully a kind of data is kept."""

    TECHNICAL = "technical"
    """About the matter or the channel itself, and nobody."""
    ORGANISATION = "organisation"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"
    """Personal, and of the kinds that need a consent of their own (Mainland PIPL, articles 28 and 29)."""

    @property
    def about_a_person(self) -> bool:
        """Whether it is about somebody."""
        return self in {Category.PERSONAL, Category.SENSITIVE}


@dataclass(frozen=True, slots=True)
class DataElement:
    """One kind of data."""

    id: str
    category: Category
    important: bool
    """What the Mainland's law calls important data: it crosses under no agreement here."""
    term: str
    """The nearest term of the W3C Data Privacy Vocabulary."""
    title: Localised


class UnknownElement(ValueError):
    """A kind of data that the vocabulary does not have."""


@cache
def all_elements() -> Mapping[str, DataElement]:
    """Return the vocabulary, by id."""
    raw = tomllib.loads(_FILE.read_text(encoding="utf-8"))["elements"]
    found = {each["id"]: _element(each) for each in raw}
    if len(found) != len(raw):
        raise ValueError(f"{_FILE.name}: two kinds of data have one id")
    return found


def elements_of(ids: Collection[str]) -> list[DataElement]:
    """Return kinds of data by their ids, in the vocabulary's order; raises ``UnknownElement``."""
    known = all_elements()
    for each in ids:
        if each not in known:
            raise UnknownElement(f"{each[:80]!r} is no kind of data of the vocabulary")
    return [element for id_, element in known.items() if id_ in ids]


def element_name(id_: str) -> str:
    """Return what a kind of data is called; an id that the vocabulary does not have stays as it is."""
    element = all_elements().get(id_)
    return str(element.title) if element else id_


@lru_cache(_SETS)
def personal_among(ids: frozenset[str]) -> frozenset[str]:
    """Return those that are about a person."""
    return frozenset(each.id for each in elements_of(ids) if each.category.about_a_person)


@lru_cache(_SETS)
def important_among(ids: frozenset[str]) -> frozenset[str]:
    """Return those that are important data."""
    return frozenset(each.id for each in elements_of(ids) if each.important)


def _element(raw: Mapping[str, object]) -> DataElement:
    title = raw["title"]
    if not isinstance(title, dict):
        raise TypeError(f"{raw['id']}: a title in each language is expected")
    return DataElement(
        id=str(raw["id"]),
        category=Category(str(raw["category"])),
        important=raw.get("important") is True,
        term=str(raw["term"]),
        title=Localised.from_mapping(title, where=str(raw["id"])),
    )
