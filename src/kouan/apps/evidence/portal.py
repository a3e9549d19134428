"""This app's entries in the navigation and on the home page."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from kouan.web import home, navigation, persons

navigation.register(
    navigation.NavigationItem(
        key="evidence-records",
        text=pgettext_lazy("evidence", "Evidence"),
        url_name="evidence:records",
        order=58,
        role="evidence",
    )
)
navigation.register_footer(
    navigation.NavigationItem(
        key="evidence", text=_("What proves what"), url_name="evidence:accepted", order=120
    )
)
persons.add_page(persons.PersonPage(text=_("My evidence"), url_name="evidence:mine"))
home.register(
    home.HomeCard(
        key="my-evidence",
        title=_("See what departments can prove of you"),
        text=_("Your evidence at home, whom it was shown to, and a copy to take with you."),
        url_name="evidence:mine",
        icon="document",
        order=14,
    )
)
home.register(
    home.HomeCard(
        key="check-credential",
        title=_("Check a credential"),
        text=_("Whether a department of this side or the other signed it, and whether it still counts."),
        url_name="evidence:check",
        icon="shield",
        order=22,
    )
)
home.register(
    home.HomeCard(
        key="evidence-records",
        title=_("Keep your department's evidence"),
        text=_("Put records in, replace and revoke them. What was issued from them follows."),
        url_name="evidence:records",
        icon="ledger",
        order=58,
        role="evidence",
    )
)
