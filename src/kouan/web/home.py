"""The cards of the home page: what a person can do here, app by app.

Apps register cards in their ``portal.py``, as they do for ``kouan.web.navigation``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from kouan.web.access import Role, has_role
from kouan.web.registry import Registry

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
    from django.utils.functional import _StrOrPromise

IconName = Literal["check", "document", "ledger", "crossing", "list", "people", "search", "shield", "pulse"]
"""Drawings that ``web/components/icons.html`` knows."""


@dataclass(frozen=True, slots=True)
class HomeCard:
    """One large card: a verb-first ``title``, one sentence of ``text``, a route without arguments.

    With a ``role`` only people who hold it see the card. ``primary`` cards stand out as the thing
    most visitors come for.
    """

    key: str
    title: _StrOrPromise
    text: _StrOrPromise
    url_name: str
    icon: IconName
    order: int = 100
    role: Role | None = None
    primary: bool = False


_cards: Registry[HomeCard] = Registry("home")


def register(card: HomeCard) -> HomeCard:
    """Add a card; the same key with other content raises ``ValueError``."""
    return _cards.add(card)


def cards_for(user: AbstractBaseUser | AnonymousUser) -> list[HomeCard]:
    """Return the cards that this person may use, in order."""
    return [card for card in _cards.in_order() if card.role is None or has_role(user, card.role)]
