"""Who has read a person's applications, and which they are, for the pages of other apps."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext

from kouan.apps.services.applying import drafts, errors, queries
from kouan.web.persons import Matter
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


def matter(person: Person, key: str) -> Matter | None:
    """Return a person's application by its key; nothing for what is no key of theirs."""
    try:
        row = drafts.mine(uuid.UUID(key), person)
    except (ValueError, errors.UnknownApplication):
        return None
    return Matter(queries.titled(row), reverse("services:application", args=[row.key]))
