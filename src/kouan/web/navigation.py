"""The service navigation: apps say what they offer, the base page shows it.

An app puts its entries into a module ``portal.py`` beside its ``views.py``; that module is imported
once, when Django is ready. ``web`` itself imports no app.

>>> NavigationItem(key="validate", text="Validate", url_name="validation:start").order
100
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import reverse

from kouan.web.access import Role, has_role
from kouan.web.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.utils.functional import _StrOrPromise


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """One entry of the service navigation or of the footer.

    ``text`` is a ``gettext_lazy`` string of one to three words; ``url_name`` a route that needs no
    arguments. With a ``role`` only people who hold it see the entry. The entry is marked as current
    on every address that starts with its own.
    """

    key: str
    text: _StrOrPromise
    url_name: str
    order: int = 100
    role: Role | None = None
    count: Callable[[HttpRequest], int] | None = None
    """Returns how much is new behind it for who looks; shown beside the text where it is not zero."""


@dataclass(frozen=True, slots=True)
class NavigationLink:
    """An entry as one reader sees it on one page."""

    text: str
    href: str
    current: bool
    count: int = 0


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where those sign in for whom pages are, if that is not where this side's officers do.

    It is for every address that starts with that of ``url_name``.
    """

    key: str
    url_name: str
    enter: Callable[[HttpRequest], str]
    """Returns where to sign in; nothing for who is signed in, or where the page itself says how."""
    leave: Callable[[HttpRequest], str] | None = None
    """Returns where who came in by it signs out, by POST, on whatever page; nothing for who did not."""
    order: int = 100


_entrances: Registry[Entrance] = Registry("entrances")
_items: Registry[NavigationItem] = Registry("navigation")
_footer: Registry[NavigationItem] = Registry("footer")


def register_footer(item: NavigationItem) -> NavigationItem:
    """Add a link to the footer (about the node itself: catalogue, API, status); it has no role."""
    if item.role is not None:
        raise ValueError(f"footer: {item.key!r} has a role, but the footer is the same for everybody")
    return _footer.add(item)


def register(item: NavigationItem) -> NavigationItem:
    """Add an entry; the same key with other content raises ``ValueError``."""
    return _items.add(item)


def links_for(request: HttpRequest) -> list[NavigationLink]:
    """Return what this person sees, in order, with the entry of the present page marked."""
    links = []
    for item in _items.in_order():
        if item.role is None or has_role(request.user, item.role):
            href = reverse(item.url_name)
            count = item.count(request) if item.count is not None else 0
            links.append(NavigationLink(str(item.text), href, _within(request.path, href), count))
    return links


def work_for(request: HttpRequest) -> list[NavigationLink]:
    """Return the entries that this person sees because of a role: where an officer's own work is."""
    return [
        NavigationLink(str(item.text), reverse(item.url_name), current=False)
        for item in _items.in_order()
        if item.role is not None and has_role(request.user, item.role)
    ]


def register_entrance(entrance: Entrance) -> Entrance:
    """Add an entrance; the same key with other content raises ``ValueError``."""
    return _entrances.add(entrance)


def sign_in_for(request: HttpRequest) -> str:
    """Return where the header of a page leads to sign in; nothing where it leads nowhere."""
    for entrance in _entrances.in_order():
        if _within(request.path, reverse(entrance.url_name)):
            return entrance.enter(request)
    return reverse(settings.LOGIN_URL)


def own_pages() -> list[NavigationLink]:
    """Return the entries of everybody at which somebody who is no officer signs in."""
    entered = {entrance.url_name for entrance in _entrances.in_order()}
    return [
        NavigationLink(str(item.text), reverse(item.url_name), current=False)
        for item in _items.in_order()
        if item.role is None and item.url_name in entered
    ]


def sign_out_for(request: HttpRequest) -> str:
    """Return where the header lets somebody sign out who is no officer; nothing for who is not signed in."""
    for entrance in _entrances.in_order():
        if entrance.leave is not None and (href := entrance.leave(request)):
            return href
    return ""


def footer_links() -> list[NavigationLink]:
    """Return the footer's links; they depend on nobody and need no request."""
    return [
        NavigationLink(str(item.text), reverse(item.url_name), current=False) for item in _footer.in_order()
    ]


def _within(path: str, href: str) -> bool:
    return path == href if href == "/" else path == href or path.startswith(href.rstrip("/") + "/")
