"""The pages around a home provider: choosing one, not being signed in, having left."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.urls import reverse

from apps.identity.home.conftest import NAME, home_settings
from kouan.web import oidc
from oidc_peers import Hostile

SMART = {"en": "iAM Smart", "zh-hant": "智方便", "zh-hans": "智方便"}


@pytest.fixture
def provider(settings, portal):
    oidc.forget()
    hostile = Hostile()
    settings.NODE = replace(
        settings.NODE,
        portal_origin=portal,
        homes=(
            home_settings(hostile.issuer, name=SMART),
            home_settings(hostile.issuer, id="other", name=NAME),
        ),
    )
    yield hostile
    hostile.close()
    oidc.forget()


def test_choosing_a_provider(visit, provider, language):
    visitor = visit(language=language)
    visitor.open(reverse("identity:enter"))
    visitor.check("home-choose")


def test_a_provider_that_refuses(visit, provider, language):
    visitor = visit(language=language)
    provider.answers["/authorization_endpoint"] = _refusing
    visitor.open(reverse("identity:enter"))
    # The way leads over the provider, which sends the browser straight back.
    visitor.page.locator(".kouan-card a").first.click()
    visitor.page.wait_for_url("**/callback?**")
    visitor.faults.clear()  # the provider is another origin
    visitor.check("home-failed")


def test_having_left(visit, provider, language):
    visitor = visit(language=language)
    visitor.open(reverse("identity:left"))
    visitor.check("left")


def _refusing(handler):
    asked = {name: values[0] for name, values in parse_qs(urlsplit(handler.path).query).items()}
    issuer = f"http://127.0.0.1:{handler.server.server_port}"
    said = urlencode({"error": "access_denied", "state": asked["state"], "iss": issuer})
    handler.send_response(302)
    handler.send_header("location", f"{asked['redirect_uri']}?{said}")
    handler.send_header("content-length", "0")
    handler.end_headers()
