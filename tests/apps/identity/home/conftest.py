"""A home provider that can lie about anything, a browser, and a service that asks who somebody is."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from kouan.apps.identity import residents
from kouan.apps.identity.domain import Level
from kouan.apps.identity.models import Interaction
from kouan.apps.identity.provider import interactions
from kouan.apps.identity.provider.clients import Client as Service
from kouan.apps.identity.provider.clients import ServiceFacts
from kouan.apps.identity.provider.requests import Request
from kouan.core.text import Localised
from kouan.sections import HomeSettings
from kouan.web import oidc
from oidc_peers import Hostile

PROVIDER = "the-provider"
NAME = {"en": "Provider", "zh-hant": "提供者", "zh-hans": "提供者"}
FACTS = ServiceFacts(
    id="library",
    side="hk",
    name=Localised("Library", "圖書館", "图书馆"),
    purpose=Localised("To lend.", "借書。", "借书。"),
)
LIBRARY = Service(
    id="library",
    peer=None,
    redirect_uris=("https://library.example/back",),
    post_logout_redirect_uris=(),
    keys=(),
    authenticated=False,
    pushes=False,
    proves=False,
    claims=("name",),
    level=Level.LOW,
    sides=("hk",),
    service=FACTS,
)


def home_settings(issuer, **changes):
    given = {
        "id": PROVIDER,
        "kind": "oidc",
        "name": NAME,
        "issuer": issuer,
        "client_id": "kouan",
        "secret": "a secret of 32 characters, & more",
        "levels": {f"urn:gba:loa:{number}": number for number in range(1, 5)},
    }
    return HomeSettings(**given | changes)


@pytest.fixture
def provider():
    oidc.forget()
    hostile = Hostile()
    hostile.userinfo = {"name": "LEE Ka Yan", "name#zh-Hant": "李嘉欣"}
    yield hostile
    hostile.close()
    oidc.forget()


@pytest.fixture
def homes(settings):
    """Let this node have other home providers."""

    def use(*given):
        settings.NODE = replace(settings.NODE, homes=given)

    return use


@pytest.fixture
def node(db, provider, homes):
    homes(home_settings(provider.issuer))


@dataclass
class Browser:
    """A browser that goes to a home provider and comes back."""

    client: Client
    provider: Hostile

    def get(self, path, **query):
        return self.client.get(path + ("?" + urlencode(query) if query else ""))

    def go(self, path, **query):
        """Follow a page of ours to the provider; return what it is asked."""
        response = self.get(path, **query)
        assert response.status_code == 302, response.content
        assert response["Location"].startswith(self.provider.issuer)
        return dict(parse_qsl(urlsplit(response["Location"]).query))

    def back(self, asked, **changes):
        """Come back from the provider."""
        self.provider.nonce = asked["nonce"]
        fields = {"code": "a-code", "state": asked["state"], "iss": self.provider.issuer} | changes
        where = urlsplit(asked["redirect_uri"]).path
        return self.get(where, **{name: value for name, value in fields.items() if value is not None})

    def enter(self, **query):
        """Sign in to the pages of one's own."""
        return self.back(self.go(reverse("identity:enter"), **query))

    @property
    def session(self):
        """Return who is signed in."""

        class Asked:
            session = self.client.session

        return residents.of(Asked)

    def interaction(self, **changes):
        """Begin a way through a sign-in, as the provider of this node does."""

        class Asked:
            session = self.client.session

        browser = interactions.browser_digest(Asked)
        Asked.session.save()
        self.client.cookies[settings.SESSION_COOKIE_NAME] = Asked.session.session_key
        given = {
            "client_id": "library",
            "redirect_uri": "https://library.example/back",
            "scopes": ("openid",),
            "claims": ("name",),
            "level": Level.LOW,
            "service": FACTS,
            "code_challenge": "c" * 43,
            "state": "of the service",
        }
        return interactions.opened(client=LIBRARY, request=Request(**given | changes), browser=browser)


@pytest.fixture
def browser(node, provider):
    return Browser(Client(), provider)


@pytest.fixture
def another(node, provider):
    return Browser(Client(), provider)


def stage(row):
    return Interaction.objects.get(pk=row.pk).stage


def ago(seconds):
    return int(time.time()) - seconds
