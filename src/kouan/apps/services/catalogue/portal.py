"""Entries in the navigation and on the home page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from kouan.web import home, navigation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest


def _opening(_request: HttpRequest) -> Mapping[str, Any]:
    from kouan.apps.services.catalogue.views import opening  # noqa: PLC0415 - needs the models

    return opening()


navigation.register(
    navigation.NavigationItem(
        key="public-services", text=_("Find a service"), url_name="services:find", order=5
    )
)
navigation.register(
    navigation.NavigationItem(
        key="publishing", text=_("Publishing"), url_name="services:publishing", order=60, role="publisher"
    )
)
home.register_opening(
    home.Opening(
        key="services",
        template="services/catalogue/opening.html",
        context=_opening,
        style="services/catalogue.css",
    )
)
home.register(
    home.HomeCard(
        key="publishing",
        title=_("Publish services"),
        text=_("What your department offers to residents of the other side: drafts, versions, what changed."),
        url_name="services:publishing",
        icon="list",
        order=60,
        role="publisher",
    )
)
