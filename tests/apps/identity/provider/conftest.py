"""Three services of Hong Kong, one of each profile, their software, and a person with a browser."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from apps.identity.provider.person import Person
from apps.identity.provider.software import BACK, KEY, OUT, PROOF_KEY, Software, posting, query_of
from kouan.apps.identity.models import Service
from kouan.apps.identity.provider import limits


@pytest.fixture(autouse=True)
def _limits():
    """Let no test meet the limits that another one used up."""
    for bucket in (limits.ENDPOINTS, limits.CLIENTS, limits.BROWSERS, limits.HOMES, limits.RELAYS):
        bucket._left.clear()


@pytest.fixture
def service(db):
    def make(profile, client_id=None, **changes):
        public = profile == "public"
        return Service.objects.create(
            **{
                "client_id": client_id or f"library-{profile}",
                "department": "Leisure and Cultural Services Department",
                "name_en": "Library card",
                "name_zh_hant": "圖書證",
                "name_zh_hans": "图书证",
                "purpose_en": "To issue a library card.",
                "purpose_zh_hant": "簽發圖書證。",
                "purpose_zh_hans": "签发图书证。",
                "profile": profile,
                "redirect_uris": [BACK],
                "post_logout_redirect_uris": [OUT],
                "jwks": {} if public else {"keys": [KEY.as_dict(private=False)]},
                "claims": ["name", "name#zh-Hant", "birthdate", "email", "document_type"],
                "level": 2,
                "created_at": timezone.now(),
            }
            | changes
        )

    return make


@pytest.fixture
def software(service):
    """Return a client of a profile, registered."""

    def make(profile="fapi2", client_id=None, **changes):
        row = service(profile, client_id, **changes)
        return Software(
            row.client_id,
            posting,
            key=None if profile == "public" else KEY,
            proof_key=PROOF_KEY if profile == "fapi2" else None,
        )

    return make


@pytest.fixture
def person(db):
    return Person()


@pytest.fixture
def refused():
    """Return the error with which a browser is sent back to the client."""

    def read(answer):
        assert answer.status_code == 303, answer.content
        location = answer.headers["location"]
        assert location.startswith(f"{BACK}?"), location
        said = query_of(location)
        assert said["iss"] == "http://127.0.0.1:18100"
        assert "code" not in said
        assert urlsplit(location).fragment == ""
        return said["error"]

    return read


@pytest.fixture
def code(software, person):
    """Return a client of a profile and a code that it was given."""

    def make(profile="fapi2", **changes):
        client = software(profile)
        return client, person.sign_in(client.way(**changes))["code"]

    return make
