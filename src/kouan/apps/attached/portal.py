"""What this app puts into the navigation and on the home page."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.web import home, navigation

navigation.register(
    navigation.NavigationItem(
        key="attached", text=_("Systems"), url_name="attached:systems", order=810, role="operator"
    )
)
home.register(
    home.HomeCard(
        key="attached",
        title=_("Look after attached systems"),
        text=_("Departments' own systems: what they may exchange, what waits for them, their webhooks."),
        url_name="attached:systems",
        icon="crossing",
        order=310,
        role="operator",
    )
)
