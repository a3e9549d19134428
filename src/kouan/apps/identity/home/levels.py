"""What a provider's own levels count as, from settings or from the side's data."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from django.conf import settings

from kouan.apps.identity.domain import Level, delivered
from kouan.apps.identity.home.errors import UnknownLevel

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from kouan.sections import HomeSettings


@dataclass(frozen=True, slots=True)
class Levels:
    """A provider's levels. What stands in no table is refused, never guessed."""

    identity: Mapping[str, Level]
    """How surely the provider knows whose account it is, by its own word for that (``acr``)."""
    authentication: Mapping[str, Level]
    """The most that a way of authenticating is good for (``amr``, RFC 8176); empty if the provider's level
    speaks of both."""

    @property
    def best(self) -> Level:
        """The highest level that can be reached."""
        return delivered(max(self.identity.values()), max(self.authentication.values(), default=Level.HIGH))

    def asked_for(self, level: Level) -> tuple[str, ...]:
        """Return the provider's words for a level and those above it, the lowest first."""
        fit = [(ours, word) for word, ours in self.identity.items() if ours >= level]
        return tuple(word for _, word in sorted(fit))

    def reached(self, word: str, amr: Collection[str]) -> Level:
        """Return the level of a sign-in; raises ``UnknownLevel``."""
        identity = self.identity.get(word)
        if identity is None:
            raise UnknownLevel
        if not self.authentication:
            return identity
        known = [self.authentication[way] for way in amr if way in self.authentication]
        if not known:
            raise UnknownLevel
        return delivered(identity, max(known))


def table(given: HomeSettings) -> Levels:
    """Return a provider's levels; a ``ValueError`` says that there are none."""
    words = given.levels or _of_side(settings.NODE.side)
    if not words:
        raise ValueError("`home.levels` is missing, and the data has no levels of this side.")
    return Levels(
        {word: Level(number) for word, number in words.items()},
        {way: Level(number) for way, number in given.authentication.items()},
    )


@cache
def _of_side(side: str) -> Mapping[str, int]:
    file = resources.files("kouan.apps.identity") / "data" / "levels.toml"
    sides: dict[str, dict[str, int]] = tomllib.loads(file.read_text(encoding="utf-8"))["sides"]
    return sides.get(side, {})
