"""The adapter for OpenID Connect against a certified provider."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from apps.identity.home.conftest import PROVIDER, home_settings
from kouan.apps.identity import residents
from kouan.apps.identity.domain import Level
from kouan.apps.identity.models import HomeSession
from kouan.web import oidc
from oidc_peers import certified

BACK = f"http://127.0.0.1:18100/identity/home/{PROVIDER}/callback"
SECRET = "a secret of 32 characters, & more"  # noqa: S105 - of a client that lives as long as a test
PEOPLE = {"officer-1": {"name": "LEE Ka Yan"}}


@pytest.fixture(scope="module")
def peer():
    oidc.forget()
    client = {
        "client_id": "kouan",
        "client_secret": SECRET,
        "redirect_uris": [BACK],
        "id_token_signed_response_alg": "ES256",
    }
    words = ["urn:gba:loa:2", "urn:gba:loa:3"]
    with certified(clients=[client], acr="urn:gba:loa:3", acr_values=words, people=PEOPLE) as running:
        yield running


@pytest.fixture
def person(db, homes, peer):
    homes(home_settings(peer.issuer))
    return Client()


def way(person, peer, path):
    """Go from a page of ours to the provider and back."""
    sent = person.get(path)
    assert sent.status_code == 302, sent.content
    asked = dict(parse_qsl(urlsplit(sent["Location"]).query))
    assert set(asked) == {"client_id", "request_uri"}, "what is asked was pushed, and is not in the address"
    query = peer.visit(sent["Location"], BACK)
    return person.get(urlsplit(BACK).path + "?" + query)


def test_a_resident_signs_in(person, peer):
    answer = way(person, peer, "/identity/enter?next=/accessibility&level=3")

    assert answer["Location"] == "/accessibility"
    session = HomeSession.objects.get()
    assert session.level == Level.SUBSTANTIAL
    assert timezone.now() - session.authenticated_at < timedelta(minutes=1)
    assert residents.attributes_of(session) == {"name": "LEE Ka Yan"}


def test_a_level_that_it_does_not_reach_is_told(person, peer):
    answer = way(person, peer, "/identity/enter?level=4")

    assert answer.status_code == 403
    assert "level 4" in answer.content.decode()
