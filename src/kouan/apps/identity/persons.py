"""What this app tells others of the resident in front of a page (see ``kouan.web.persons``)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.urls import reverse

from kouan.apps.identity import labels, residents
from kouan.apps.identity.models import Resident
from kouan.apps.identity.subjects import subject_of
from kouan.web.persons import Person

if TYPE_CHECKING:
    from django.http import HttpRequest


class Residents:
    """The residents of this side."""

    def person(self, request: HttpRequest) -> Person | None:
        """Return who is signed in in this browser, if anybody is."""
        session = residents.of(request)
        if session is None:
            return None
        told = residents.attributes_of(session)
        return Person(
            key=str(session.resident.key),
            level=session.level,
            name=told.get("name", ""),
            document_number=told.get("document_number", ""),
            document_type=told.get("document_type", ""),
        )

    def attributes(self, request: HttpRequest) -> dict[str, str]:
        """Return what the home provider said in the present sign-in, by claim; nothing for nobody."""
        session = residents.of(request)
        return {} if session is None else residents.attributes_of(session)

    def sign_in_url(self, back_to: str, *, level: int) -> str:
        """Return where a resident signs in, at a level or above, and comes back from."""
        return f"{reverse('identity:enter')}?{urlencode({'next': back_to, 'level': level})}"

    def level_name(self, level: int) -> str:
        """Return a level's number and name, as both sides know it."""
        return labels.level_name(level)

    def subject(self, key: str, sector: str) -> str:
        """Return what a sector knows a resident by; raises ``Resident.DoesNotExist`` for nobody."""
        return subject_of(resident=Resident.objects.get(key=uuid.UUID(key)), sector=sector)
