"""Who has read a person's applications, for the page that shows all readings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext

from kouan.apps.services.applying import queries
from kouan.web.readings import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kouan.web.persons import Person


def of_person(person: Person) -> Iterator[Reading]:
    """Yield each reading that the other side told of."""
    for mine, each in queries.all_readings(person):
        yield Reading(
            at=each.at,
            who=mine.department,
            side=mine.row.peer,
            what=gettext("Read the application"),
            about=mine.title,
            href=reverse("services:readers-of", args=[mine.row.key]),
        )
