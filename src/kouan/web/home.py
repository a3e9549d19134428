"""The cards of the home page: what a person can do here, app by app.

Apps register cards in their ``portal.py``, as they do for ``kouan.web.navigation``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from kouan.web.access import Role, has_role
from kouan.web.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
    from django.http import HttpRequest
    from django.utils.functional import _StrOrPromise

IconName = Literal["check", "document", "ledger", "crossing", "list", "people", "search", "shield", "pulse"]
"""Drawings that ``web/components/icons.html`` knows."""


@dataclass(frozen=True, slots=True)
class HomeCard:
    """One large card: a verb-first ``title``, one sentence of ``text``, a route without arguments.

    With a ``role`` only people who hold it, or one of the roles ``also``, see the card. ``primary`` cards
    stand out as the thing most visitors come for.
    """

    key: str
    title: _StrOrPromise
    text: _StrOrPromise
    url_name: str
    icon: IconName
    order: int = 100
    role: Role | None = None
    also: tuple[Role, ...] = ()
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Opening:
    """What the home page opens with, in place of the words about the node, which then stand further down.

    ``template`` is included with what ``context`` returns as ``opening``, and holds the page's h1.
    """

    key: str
    template: str
    context: Callable[[HttpRequest], Mapping[str, Any]]
    style: str = ""
    """The static file of its style sheet."""
    order: int = 100


_cards: Registry[HomeCard] = Registry("home")
_openings: Registry[Opening] = Registry("openings")


def register(card: HomeCard) -> HomeCard:
    """Add a card; the same key with other content raises ``ValueError``."""
    return _cards.add(card)


def cards_for(user: AbstractBaseUser | AnonymousUser) -> list[HomeCard]:
    """Return the cards that this person may use, in order."""
    return [
        card
        for card in _cards.in_order()
        if card.role is None or any(has_role(user, role) for role in (card.role, *card.also))
    ]


def register_opening(opening: Opening) -> Opening:
    """Add an opening; the first in order is shown. The same key with other content raises ``ValueError``."""
    return _openings.add(opening)


def opening() -> Opening | None:
    """Return what the home page opens with, if an app has something."""
    return next(iter(_openings.in_order()), None)
