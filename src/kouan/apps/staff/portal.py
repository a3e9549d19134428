"""What this app puts into the navigation and on the home page."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.web import home, navigation

navigation.register(
    navigation.NavigationItem(
        key="staff", text=_("Staff"), url_name="staff:people", order=820, role="operator"
    )
)
home.register(
    home.HomeCard(
        key="staff",
        title=_("Look after departments and posts"),
        text=_("Which officer holds which role in which department, and who granted it when."),
        url_name="staff:people",
        icon="people",
        order=320,
        role="operator",
    )
)
