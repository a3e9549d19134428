"""What this app puts into the navigation, the footer and the home page."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.web import home, navigation

navigation.register(
    navigation.NavigationItem(
        key="operations", text=_("Operations"), url_name="operations:overview", order=800, role="operator"
    )
)
navigation.register_footer(
    navigation.NavigationItem(
        key="catalogue", text=_("Message catalogue"), url_name="operations:catalogue", order=100
    )
)
navigation.register_footer(
    navigation.NavigationItem(
        key="agreements", text=_("Agreements"), url_name="operations:agreements", order=110
    )
)
navigation.register_footer(
    navigation.NavigationItem(
        key="check-evidence", text=_("Check evidence"), url_name="operations:evidence-check", order=120
    )
)
home.register(
    home.HomeCard(
        key="operations",
        title=_("See what crosses"),
        text=_("Each message in and out, what waits, what failed, and how the ledger is witnessed."),
        url_name="operations:overview",
        icon="pulse",
        order=300,
        role="operator",
    )
)
home.register(
    home.HomeCard(
        key="catalogue",
        title=_("Read what may cross"),
        text=_("Every kind of message, its purpose and legal basis, and each field, explained."),
        url_name="operations:catalogue",
        icon="list",
        order=400,
    )
)
