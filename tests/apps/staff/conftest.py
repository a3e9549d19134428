from __future__ import annotations

from dataclasses import replace

import pytest
from django.contrib.auth.models import User

from kouan.apps.staff import services
from kouan.core.text import Localised
from kouan.web import oidc
from kouan.web.access import grant_role
from oidc_peers import Hostile

WORD = "a long enough password 1"


@pytest.fixture
def officer(db):
    return User.objects.create_user("officer", password=WORD)


@pytest.fixture
def operator(db):
    user = User.objects.create_user("operator", password=WORD)
    grant_role(user=user, role="operator")
    return user


@pytest.fixture
def works(db):
    return services.add_department(code="works", name=Localised("Works", "工務", "工务"))


@pytest.fixture
def law(db):
    return services.add_department(code="law", name=Localised("Justice", "律政", "司法"))


@pytest.fixture
def configure(settings):
    """Change the node's settings: ``configure(portal_origin=…, idle_minutes=…)``."""

    def change(portal_origin=None, **staff):
        node = replace(settings.NODE, staff=replace(settings.NODE.staff, **staff))
        settings.NODE = replace(node, portal_origin=portal_origin) if portal_origin else node

    return change


@pytest.fixture
def sign_in(client):
    """Sign in with a password: ``sign_in("officer")`` returns the answer."""

    def post(name, password=WORD, **more):
        return client.post("/sign-in", {"username": name, "password": password, **more})

    return post


@pytest.fixture
def provider(configure):
    """A staff provider of the side, with which the node is configured."""
    hostile = Hostile()
    oidc.forget()
    configure(
        issuer=hostile.issuer,
        client_id="kouan",
        client_secret="s",  # noqa: S106 - of a provider that lives as long as a test
        acr=("urn:gba:loa:3",),
        scopes=("openid",),
    )
    yield hostile
    oidc.forget()
    hostile.close()
