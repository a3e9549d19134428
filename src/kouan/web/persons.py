"""Who the resident in front of a page is: the app that keeps identities says so, others ask here.

An app learns no more than it needs: a key to find the person again, how surely they signed in, and
whether a document number that an institution holds is theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.utils.functional import _StrOrPromise


LEVELS: Final = ("1", "2", "3", "4")
"""The levels of assurance that there are."""


@dataclass(frozen=True, slots=True)
class Person:
    """A resident who is signed in."""

    key: str
    """The same at every sign-in, and known on this side alone."""
    level: int
    """The level of assurance of the present sign-in, 1 to 4."""
    name: str
    """As the home provider gives it; empty where it gives none."""
    document_number: str
    """The number of the identity document that the home provider shows; empty where it shows none."""
    document_type: str = ""
    """The kind of that document (``core.sides.DocumentFormat.code``); two kinds may have the same number."""


class Identities(Protocol):
    """The app that keeps identities."""

    def person(self, request: HttpRequest) -> Person | None:
        """Return who is signed in in this browser, if anybody is."""

    def attributes(self, request: HttpRequest) -> dict[str, str]:
        """Return what the home provider said in the present sign-in, by claim (``name``, …)."""

    def sign_in_url(self, back_to: str, *, level: int) -> str:
        """Return where a person signs in, at a level or above, and comes back from to a path of this node."""

    def level_name(self, level: int) -> str:
        """Return a level's number and name in the active language."""

    def subject(self, key: str, sector: str) -> str:
        """Return what a sector knows a person by: 43 characters that two sectors cannot join."""


class NobodyKeepsIdentities(RuntimeError):
    """This node has no app that keeps identities."""


_kept: list[Identities] = []


def kept_by(identities: Identities) -> None:
    """Name the app that keeps identities (it does so once it is ready)."""
    _kept[:] = [identities]


def identities() -> Identities:
    """Return the app that keeps identities; raises ``NobodyKeepsIdentities``."""
    if not _kept:
        raise NobodyKeepsIdentities
    return _kept[0]


def level_name(level: Any) -> str:
    """Return a level of assurance as people read it (``3 – Substantial``); anything else stays as it is."""
    known = _kept and str(level) in LEVELS
    return _kept[0].level_name(int(level)) if known else str(level)


@dataclass(frozen=True, slots=True)
class PersonPage:
    """A page of another app about the person who is signed in: "My identity" links to it."""

    text: _StrOrPromise
    url_name: str
    """A route that needs no arguments."""


@dataclass(frozen=True, slots=True)
class Matter:
    """What a person did something for, such as an application; its title is in the reader's language."""

    title: str
    href: str


FindMatter: TypeAlias = Callable[["Person", str], Matter | None]
"""Returns the matter of one person that an app knows under a key; nothing where it knows none."""


_pages: dict[str, PersonPage] = {}
_matters: list[FindMatter] = []


def add_page(page: PersonPage) -> PersonPage:
    """Add a page; adding it again is harmless."""
    return _pages.setdefault(page.url_name, page)


def pages() -> list[PersonPage]:
    """Return the other apps' pages about a person."""
    return list(_pages.values())


def name_matters(find: FindMatter) -> None:
    """Name who knows a person's matters by their keys; naming it again is harmless."""
    if find not in _matters:
        _matters.append(find)


def matter(person: Person, key: str) -> Matter | None:
    """Return a person's own matter by its key; nothing where no app knows it."""
    found = (find(person, key) for find in _matters)
    return next((each for each in found if each is not None), None)
