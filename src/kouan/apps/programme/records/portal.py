"""Entries in the navigation and on the home page."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.web import home, navigation

navigation.register(
    navigation.NavigationItem(
        key="programme-records", text=_("Records"), url_name="programme:records", order=62, role="programme"
    )
)
home.register(
    home.HomeCard(
        key="programme-records",
        title=_("Keep the record of the co-operation"),
        text=_("Read press releases and minutes in, and confirm what they say of each meeting."),
        url_name="programme:records",
        icon="document",
        order=62,
        role="programme",
    )
)
