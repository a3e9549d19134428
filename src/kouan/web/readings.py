"""Who has read a person's data: each app names how it knows, and one page shows all of it.

A person asks one question, and the answer lies with several apps: applications, data under contracts,
sign-ins. Each app keeps its own page with the proofs, and says here what it knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

    from kouan.web.persons import Person

LATEST: Final = 200
"""So many of each app, and so many of all."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One time that somebody got to know something of a person; its texts are in the reader's language."""

    at: datetime
    who: str
    """A department, an institution or a service; never an officer."""
    side: str
    what: str
    """What was done: read, signed in to."""
    about: str
    """The application, the consent, the claims."""
    href: str
    """The page of that matter."""


Find: TypeAlias = Callable[["Person"], Iterable[Reading]]
"""Returns the latest readings of one person's data."""
_finds: dict[str, Find] = {}
_all_at: list[str] = []


def register(name: str, find: Find) -> None:
    """Name who knows of readings, once in a process (an app's ``portal.py`` is the place)."""
    if _finds.setdefault(name, find) is not find:
        raise ValueError(f"two know of readings as {name!r}")


def known(person: Person) -> list[Reading]:
    """Return all that apps know of, the latest first."""
    found = [each for find in _finds.values() for each in find(person)]
    return sorted(found, key=lambda each: each.at, reverse=True)[:LATEST]


def shown_at(url_name: str) -> None:
    """Name the page that shows all of it (a route that needs no arguments); naming it again is harmless."""
    _all_at[:] = [url_name]


def all_at() -> str:
    """Return the route of the page that shows all of it; empty where there is none."""
    return _all_at[0] if _all_at else ""
