"""What is different between two versions of a service, line by line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kouan.apps.services.definition.model import Definition

MOST: Final = 500
_LONGEST: Final = 300


@dataclass(frozen=True, slots=True)
class Difference:
    """One place, and what stood and stands there; nothing where it was not or is no more."""

    where: str
    before: str
    after: str


def differences(before: Definition, after: Definition) -> list[Difference]:
    """Return what is different, in the order of the later version; its number aside."""
    old, new = (dict(_lines(each.model_dump(mode="json", by_alias=True), "")) for each in (before, after))
    places = [*new, *(place for place in old if place not in new)]
    found = [
        Difference(place, old.get(place, "")[:_LONGEST], new.get(place, "")[:_LONGEST])
        for place in places
        if old.get(place, "") != new.get(place, "") and place != "version"
    ]
    return found[:MOST]


def _lines(value: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _lines(each, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        for at, each in enumerate(value):
            yield from _lines(each, f"{where}.{at}")
    elif isinstance(value, list):
        yield where, ", ".join(str(each) for each in value)
    elif value is not None:
        yield where, str(value)
