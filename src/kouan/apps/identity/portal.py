"""This app's entries in the navigation and on the home page."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from kouan.apps.identity import readings as own_readings
from kouan.apps.identity import residents
from kouan.web import home, navigation, readings

if TYPE_CHECKING:
    from django.http import HttpRequest


def _enter(request: HttpRequest) -> str:
    """Return where a resident signs in; nothing on the way to a service, which asks for it by itself."""
    mine = reverse("identity:mine")
    if request.path.startswith(f"{mine}sign-in/") or residents.of(request) is not None:
        return ""
    return f"{reverse('identity:enter')}?{urlencode({'next': mine})}"


def _leave(request: HttpRequest) -> str:
    """Return where a resident who is signed in here signs out."""
    return reverse("identity:leave") if residents.of(request) is not None else ""


readings.register("identity", own_readings.of_person)
navigation.register_entrance(
    navigation.Entrance(key="identity", url_name="identity:mine", enter=_enter, leave=_leave)
)
navigation.register(
    navigation.NavigationItem(key="identity", text=_("My identity"), url_name="identity:mine", order=30)
)
navigation.register(
    navigation.NavigationItem(
        key="services", text=_("Services"), url_name="identity:services", order=40, role="registrar"
    )
)
navigation.register(
    navigation.NavigationItem(
        key="providers", text=_("Identity"), url_name="identity:providers", order=815, role="operator"
    )
)
home.register(
    home.HomeCard(
        key="identity",
        title=_("See how your identity is used"),
        text=_("Where you signed in, on this side and the other, what was told, and what you agreed to."),
        url_name="identity:mine",
        icon="people",
        order=15,
        primary=True,
    )
)
home.register(
    home.HomeCard(
        key="services",
        title=_("Register a service"),
        text=_("The online services that let people sign in, and the most that each may ask for."),
        url_name="identity:services",
        icon="list",
        order=40,
        role="registrar",
    )
)
home.register(
    home.HomeCard(
        key="providers",
        title=_("Look after identity providers"),
        text=_("The sides' providers and their keys, and sign-ins in numbers."),
        url_name="identity:providers",
        icon="shield",
        order=315,
        role="operator",
    )
)
