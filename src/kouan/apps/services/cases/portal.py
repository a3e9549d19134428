"""Entries in the navigation and on the home page."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.web import home, navigation

navigation.register(
    navigation.NavigationItem(
        key="cases", text=_("Cases"), url_name="services:cases", order=30, role="caseworker"
    )
)
home.register(
    home.HomeCard(
        key="cases",
        title=_("Work on cases"),
        text=_("What residents of the other side have applied for here, the most urgent first."),
        url_name="services:cases",
        icon="list",
        order=30,
        role="caseworker",
    )
)
home.register(
    home.HomeCard(
        key="case-figures",
        title=_("See how long cases take"),
        text=_("Times, outcomes and load of your department's cases, as pictures and as a table."),
        url_name="services:figures",
        icon="pulse",
        order=35,
        role="caseworker",
    )
)
