"""This app's entries in the navigation and on the home page."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.web import home, navigation

navigation.register(
    navigation.NavigationItem(key="validate", text=_("Validate"), url_name="validation:start", order=10)
)
navigation.register(
    navigation.NavigationItem(
        key="documents", text=_("Documents"), url_name="validation:documents", order=20, role="issuer"
    )
)
home.register(
    home.HomeCard(
        key="validate",
        title=_("Validate a document"),
        text=_(
            "Check that a file is exactly what an institution issued, on this side or the other. "
            "No account needed."
        ),
        url_name="validation:start",
        icon="check",
        order=10,
        primary=True,
    )
)
home.register(
    home.HomeCard(
        key="validation-statistics",
        title=_("See how often documents are validated"),
        text=_("The questions that this side answered, day by day, without anything of a person."),
        url_name="validation:statistics",
        icon="list",
        order=40,
        role="issuer",
        also=("operator",),
    )
)
home.register(
    home.HomeCard(
        key="bulk-documents",
        title=_("Register or revoke many documents"),
        text=_("Send a file with a row for each document, up to a million of them."),
        url_name="validation:bulk",
        icon="list",
        order=25,
        role="issuer",
    )
)
home.register(
    home.HomeCard(
        key="register-document",
        title=_("Register a document"),
        text=_("Mark a document that your institution issues, so that both sides can validate it."),
        url_name="validation:register",
        icon="document",
        order=20,
        role="issuer",
    )
)
home.register(
    home.HomeCard(
        key="documents",
        title=_("Look after registered documents"),
        text=_("Find a document by its reference, see its state, and revoke it."),
        url_name="validation:documents",
        icon="list",
        order=30,
        role="issuer",
    )
)
