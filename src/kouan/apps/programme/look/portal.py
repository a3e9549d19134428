"""Entries in the navigation and on the home page."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.web import home, navigation

navigation.register_footer(
    navigation.NavigationItem(
        key="programme", text=_("What was agreed since 2006"), url_name="programme:history", order=40
    )
)
home.register(
    home.HomeCard(
        key="programme",
        title=_("See what the two sides have agreed"),
        text=_("Every meeting since 2006, its areas of work and who took part, each with its source."),
        url_name="programme:history",
        icon="list",
        order=70,
    )
)
