"""This app's entries in the navigation and on the home page."""

from __future__ import annotations

from django.utils.functional import lazystr
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from kouan.apps.dataflow import readings as own_readings
from kouan.web import home, navigation, persons, readings


class _Due:
    """The officers' card: what is due stands on it, as it is when the page is shown."""

    def __str__(self) -> str:
        from kouan.apps.dataflow.queries.contracts import due  # noqa: PLC0415 - needs the models

        filings, ending = due()
        said = [gettext("Draft, sign and file the contracts under which data about persons crosses.")]
        if filings:
            text = ngettext("%(count)s filing is due.", "%(count)s filings are due.", filings)
            said.append(text % {"count": filings})
        if ending:
            text = ngettext(
                "%(count)s contract ends within a month.", "%(count)s contracts end within a month.", ending
            )
            said.append(text % {"count": ending})
        return " ".join(said)


readings.register("dataflow", own_readings.of_person)
navigation.register(
    navigation.NavigationItem(
        key="data-contracts", text=_("Data contracts"), url_name="dataflow:contracts", order=50, role="data"
    )
)
navigation.register(
    navigation.NavigationItem(
        key="data-flows", text=_("Flows of data"), url_name="dataflow:flows", order=55, role="auditor"
    )
)
persons.add_page(persons.PersonPage(text=_("My data"), url_name="dataflow:mine"))
home.register(
    home.HomeCard(
        key="my-data",
        title=_("See where your data goes"),
        text=_("What you agreed to have sent to the other side, who has read it there, and how to stop it."),
        url_name="dataflow:mine",
        icon="crossing",
        order=16,
    )
)
home.register(
    home.HomeCard(
        key="data-contracts",
        title=_("Look after data contracts"),
        text=lazystr(_Due()),
        url_name="dataflow:contracts",
        icon="document",
        order=50,
        role="data",
    )
)
home.register(
    home.HomeCard(
        key="data-flows",
        title=_("Audit flows of data"),
        text=_(
            "Who sends what to whom under which contract, what was denied and why, proof from both ledgers."
        ),
        url_name="dataflow:flows",
        icon="shield",
        order=55,
        role="auditor",
    )
)
