"""The beginning of a sign-in, answered past Django's middleware as Django would answer it."""

from __future__ import annotations

import io
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.urls import resolve
from django.utils import timezone

from kouan.apps.identity.models import Interaction, Service
from kouan.apps.identity.provider import limits
from kouan.node import redirects
from kouan.node.refusals import REFUSAL, PortalBusy
from kouan.wsgi import application

BACK = "https://library.example.hk/back"
HOST = "127.0.0.1:18100"
ASKED = {
    "client_id": "library",
    "response_type": "code",
    "redirect_uri": BACK,
    "scope": "openid profile",
    "code_challenge": "c" * 43,
    "code_challenge_method": "S256",
}
SAME = (
    "cache-control", "content-type", "content-security-policy", "permissions-policy", "referrer-policy",
    "cross-origin-opener-policy", "x-content-type-options", "x-frame-options",
)  # fmt: skip


@pytest.fixture
def library(transactional_db):
    texts = [f"{what}_{script}" for what in ("name", "purpose") for script in ("en", "zh_hant", "zh_hans")]
    return Service.objects.create(
        client_id="library",
        department="Libraries",
        **dict.fromkeys(texts, "Library"),
        profile="public",
        redirect_uris=[BACK],
        jwks={},
        claims=["name"],
        created_at=timezone.now(),
    )


def environ(asked=ASKED, **more):
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/oidc/authorize",
        "QUERY_STRING": urlencode(asked),
        "REMOTE_ADDR": "192.0.2.7",
        "HTTP_HOST": HOST,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "18100",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        REFUSAL: None,
    } | more


def told(messages):
    start, body = messages
    headers = [(name.decode(), value.decode()) for name, value in start["headers"]]
    assert dict(headers)["content-length"] == str(len(body["body"]))
    return start["status"], headers


def page(asked=ASKED, **more):
    return Client(headers={"host": HOST}).get("/oidc/authorize", asked, REMOTE_ADDR="192.0.2.7", **more)


@pytest.mark.usefixtures("library")
def test_a_browser_is_sent_to_its_first_step_with_a_session_of_its_own():
    status, headers = told(redirects.answered(environ()))
    shown = page()
    named = dict(headers)
    assert status == shown.status_code == 303
    step, other = Interaction.objects.order_by("id")
    assert named["location"] == shown["Location"].replace(str(other.key), str(step.key))
    for name in SAME:
        assert named[name] == shown[name], name
    assert len(named["kouan-request"]) == 16
    assert "Cookie" in [value for name, value in headers if name == "vary"]
    (cookie,) = [value for name, value in headers if name == "set-cookie"]
    assert cookie.startswith(f"{settings.SESSION_COOKIE_NAME}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.usefixtures("library")
def test_the_browser_that_comes_with_a_session_keeps_it():
    (cookie,) = [value for name, value in told(redirects.answered(environ()))[1] if name == "set-cookie"]
    again = told(redirects.answered(environ(HTTP_COOKIE=cookie.partition(";")[0])))[1]
    assert "set-cookie" not in dict(again)
    first, second = Interaction.objects.order_by("id")
    assert bytes(first.browser) == bytes(second.browser)


@pytest.mark.usefixtures("library")
def test_what_the_client_is_told_it_is_told_by_way_of_the_browser():
    status, headers = told(redirects.answered(environ({**ASKED, "prompt": "none", "state": "kept"})))
    said = parse_qs(urlsplit(dict(headers)["location"]).query)
    assert (status, said["error"], said["state"]) == (303, ["login_required"], ["kept"])
    assert not Interaction.objects.exists()


@pytest.mark.usefixtures("library")
def test_what_the_person_is_told_becomes_a_page_of_django(monkeypatch):
    wrong = {**ASKED, "redirect_uri": "https://attacker.example/"}
    asked, counted = environ(wrong), []
    monkeypatch.setattr(limits, "take_browser", counted.append)
    assert redirects.answered(asked) is None
    begun = []
    shown = b"".join(application(asked, lambda status, _headers: begun.append(status)))
    assert counted == ["192.0.2.7"], "what was refused once is not asked again"
    plain = page(wrong)
    assert (begun, shown) == (["400 Bad Request"], plain.content)
    assert plain.status_code == 400
    assert not Interaction.objects.exists()


@pytest.mark.usefixtures("library")
def test_a_failure_is_logged_and_left_to_django(monkeypatch, caplog):
    def fails(_request):
        raise RuntimeError("a secret")

    monkeypatch.setattr(redirects, "_with_session", fails)
    assert redirects.answered(environ()) is None
    assert "identity:authorize failed" in caplog.text


@pytest.mark.parametrize(
    "changes",
    [
        {"PATH_INFO": "/oidc/authorize/"},
        {"PATH_INFO": "/"},
        {"REQUEST_METHOD": "POST"},
        {"REQUEST_METHOD": "HEAD"},
        {"HTTP_HOST": "attacker.example"},
        {REFUSAL: PortalBusy(seconds=1)},
    ],
    ids=str,
)
def test_whatever_else_comes_goes_to_django(changes):
    assert redirects.answered(environ(**changes)) is None


def test_it_is_counted_as_its_page():
    assert resolve(redirects.AUTHORIZE).view_name == redirects.VIEW
