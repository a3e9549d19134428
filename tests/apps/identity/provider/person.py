"""A person of Hong Kong, as far as a provider needs one."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

from django.test import Client as Browser
from django.utils import timezone

from apps.identity.provider.software import BACK, query_of
from kouan.apps.identity import consents, residents
from kouan.apps.identity.domain import Level
from kouan.apps.identity.models import HomeSession, Interaction, Resident
from kouan.apps.identity.provider import interactions

ATTRIBUTES = {
    "name": "LEE Ka Yan",
    "name#zh-Hant": "李嘉欣",
    "gender": "female",
    "birthdate": "1988-04-12",
    "email": "kayan@example.hk",
    "document_type": "hkid",
    "document_number": "A123456(3)",
}


class Person:
    """A resident with a browser; where a page would ask, the person's answer is given at once."""

    back = BACK
    """Where the client's own address is."""

    def __init__(self, level=Level.SUBSTANTIAL):
        self.browser = Browser()
        self.level = level
        self.resident = Resident.objects.create(created_at=timezone.now())

    def session(self, **changes):
        now = timezone.now()
        key = uuid.uuid4()
        return HomeSession.objects.create(
            **{
                "key": key,
                "resident": self.resident,
                "provider": "demonstration",
                "level": self.level,
                "amr": ["pwd", "otp"],
                "authenticated_at": now,
                "began_at": now,
                "expires_at": now + timedelta(hours=8),
                "attributes": residents._ATTRIBUTES.seal(json.dumps(ATTRIBUTES).encode(), of=str(key)),
            }
            | changes
        )

    def arrive(self, way):
        """Follow a client's link; return the interaction that begins."""
        answer = self.browser.get(way)
        assert answer.status_code == 303, answer.content
        assert answer.headers["location"].startswith("/identity/sign-in/"), answer.headers["location"]
        return Interaction.objects.get(key=answer.headers["location"].split("/")[3])

    def agree(self, row, ticked=tuple(ATTRIBUTES), **session):
        """Sign in at home and agree."""
        browser = bytes(row.browser)
        interactions.authenticated(key=row.key, browser=browser, session=self.session(**session))
        consents.give(key=row.key, browser=browser, ticked=ticked)

    def leave(self, row):
        """Go back to the client; return what its address is told."""
        answer = self.browser.get(f"/identity/sign-in/{row.key}")
        assert answer.headers["location"] == f"/identity/sign-in/{row.key}/done"
        answer = self.browser.get(answer.headers["location"])
        assert answer.status_code == 303, answer.content
        assert answer.headers["location"].startswith(self.back)
        return query_of(answer.headers["location"])

    def sign_in(self, way, ticked=tuple(ATTRIBUTES), **session):
        """Go all the way; return what the client is told."""
        row = self.arrive(way)
        self.agree(row, ticked, **session)
        return self.leave(row)
