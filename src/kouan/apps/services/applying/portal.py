"""Entries in the navigation and on the home page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from kouan.apps.services.applying import news
from kouan.apps.services.applying import readings as own_readings
from kouan.web import home, navigation, persons, readings

if TYPE_CHECKING:
    from django.http import HttpRequest


def _enter(request: HttpRequest) -> str:
    """Return where an applicant signs in from the header; nothing for who is signed in."""
    keeper = persons.identities()
    return "" if keeper.person(request) is not None else keeper.sign_in_url(request.path, level=1)


def _unread(request: HttpRequest) -> int:
    """Return how many pieces of news whoever is signed in has not seen."""
    person = persons.identities().person(request)
    return 0 if person is None else news.unread(person.key)


for _key, _url_name in (("applications", "services:mine"), ("apply", "services:apply-any")):
    navigation.register_entrance(navigation.Entrance(key=_key, url_name=_url_name, enter=_enter))
navigation.register(
    navigation.NavigationItem(
        key="applications", text=_("My applications"), url_name="services:mine", order=12, count=_unread
    )
)
readings.register("services", own_readings.of_person)
readings.shown_at("services:readers")
persons.name_matters(own_readings.matter)
persons.add_page(persons.PersonPage(text=_("My applications"), url_name="services:mine"))
home.register(
    home.HomeCard(
        key="applications",
        title=_("Follow your applications"),
        text=_("Go on with a draft, see how an application stands, take out a result, see who has read it."),
        url_name="services:mine",
        icon="list",
        order=12,
    )
)
