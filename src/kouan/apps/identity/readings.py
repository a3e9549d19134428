"""Which services were told something of a resident at a sign-in, for the page that shows all readings."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext, pgettext

from kouan.apps.identity import labels, queries
from kouan.apps.identity.models import Resident
from kouan.web.readings import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kouan.web.persons import Person


def of_person(person: Person) -> Iterator[Reading]:
    """Yield the latest sign-ins, with what the service was told."""
    resident = Resident.objects.filter(key=uuid.UUID(person.key)).first() if person.key else None
    if resident is None:
        return
    for each in queries.my_sign_ins(resident)[0]:
        told = [labels.claim_name(claim) for claim in each.claims]
        yield Reading(
            at=each.at,
            who=str(each.service.name),
            side=each.service.side,
            what=gettext("Was told at a sign-in"),
            about=pgettext("between kinds", ", ").join(told) or gettext("only that it is you"),
            href=reverse("identity:my-sign-in", args=[each.key]),
        )
