"""Who has read a person's data under contracts, for the page that shows all readings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext, pgettext

from kouan.apps.dataflow import labels
from kouan.apps.dataflow.queries import mine
from kouan.web.readings import LATEST, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kouan.web.persons import Person


def of_person(person: Person) -> Iterator[Reading]:
    """Yield each reading that the importer's side told of."""
    read = [each for each in mine.events(mine.my_crossings(person)) if each.use is not None]
    for event in read[:LATEST]:
        if event.use is None:
            continue
        consent = event.crossed.consent
        purpose = labels.purpose_name(event.use.purpose)
        yield Reading(
            at=event.at,
            who=event.use.reader,
            side=consent.terms.importer.side,
            what=gettext("Read it for: %(purpose)s") % {"purpose": purpose},
            about=gettext("%(kinds)s (%(basis)s, contract %(number)s)")
            % {
                "kinds": pgettext("between kinds", ", ").join(labels.element_names(event.crossed.elements)),
                "basis": event.crossed.version.basis,
                "number": event.crossed.version.terms.contract,
            },
            href=reverse("dataflow:consent", args=[consent.row.key]),
        )
