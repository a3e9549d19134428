"""Entries in the navigation and on the home page."""

from __future__ import annotations

from django.utils.functional import lazystr
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from kouan.web import home, navigation


class _Waits:
    """The officers' card: what waits for this side stands on it, as it is when the page is shown."""

    def __str__(self) -> str:
        from kouan.apps.programme.plan.queries import waiting  # noqa: PLC0415 - needs the models

        said = [
            gettext("Draft, sign and report on what the two sides do together; meet, and agree on minutes.")
        ]
        count = len(waiting())
        if count:
            text = ngettext(
                "%(count)s proposal waits for this side.", "%(count)s proposals wait for this side.", count
            )
            said.append(text % {"count": count})
        return " ".join(said)


navigation.register(
    navigation.NavigationItem(
        key="programme-plan",
        text=_("Joint work plan"),
        url_name="programme:plan-office",
        order=60,
        role="programme",
    )
)
home.register(
    home.HomeCard(
        key="programme-board",
        title=_("See what the two sides do together"),
        text=_("The joint work plan of the year: its areas and items, how each stands, and its figures."),
        url_name="programme:plans",
        icon="list",
        order=19,
    )
)
home.register(
    home.HomeCard(
        key="programme-plan",
        title=_("Look after the joint work plan"),
        text=lazystr(_Waits()),
        url_name="programme:plan-office",
        icon="people",
        order=60,
        role="programme",
    )
)
