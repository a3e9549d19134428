"""This app's entries in the navigation and on the home page."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.web import home, navigation, persons

navigation.register(
    navigation.NavigationItem(
        key="trust-list", text=_("Trust list"), url_name="signing:draft", order=59, role="signing"
    )
)
navigation.register_footer(
    navigation.NavigationItem(key="trust-lists", text=_("Trust lists"), url_name="signing:lists", order=125)
)
home.register(
    home.HomeCard(
        key="trust-lists",
        title=_("See whose signatures count"),
        text=_("The certification authorities that both sides recognise, and since when."),
        url_name="signing:lists",
        icon="shield",
        order=24,
    )
)
home.register(
    home.HomeCard(
        key="trust-list",
        title=_("Keep this side's trust list"),
        text=_("Recognise and withdraw certification authorities. A second officer publishes each edition."),
        url_name="signing:draft",
        icon="list",
        order=59,
        role="signing",
    )
)
navigation.register(
    navigation.NavigationItem(
        key="office-sign",
        text=_("Sign documents"),
        url_name="signing:office-sign",
        order=58,
        role="signatory",
    )
)
home.register(
    home.HomeCard(
        key="office-sign",
        title=_("Sign with this side's keys"),
        text=_(
            "Sign a document for an office, and keep signed documents provable for as long as they are kept."
        ),
        url_name="signing:office-sign",
        icon="document",
        order=58,
        role="signatory",
    )
)
persons.add_page(persons.PersonPage(text=_("Sign a document"), url_name="signing:person-sign"))
