"""What somebody may try between this node and a home provider, and that it does not work."""

from __future__ import annotations

import time
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.conf import settings
from django.urls import reverse

from apps.identity.home.conftest import PROVIDER, ago, home_settings, stage
from kouan.apps.identity.domain import Level
from kouan.apps.identity.models import HomeAttempt, HomeSession
from kouan.apps.identity.provider import interactions
from oidc_peers import Hostile

Stage = interactions.Stage
ENTER = "/identity/enter"


def home(row):
    return reverse("identity:home", args=[row.key])


def test_an_answer_in_another_browser_signs_nobody_in(browser, another):
    """Login CSRF: somebody is to be signed in as the attacker."""
    asked = browser.go(ENTER)

    response = another.back(asked)

    assert response.status_code == 410
    assert another.session is None
    assert HomeSession.objects.count() == 0
    assert browser.back(asked).status_code == 302, "the browser that was sent can still come back"


def test_an_answer_counts_once(browser):
    asked = browser.go(ENTER)
    assert browser.back(asked).status_code == 302

    assert browser.back(asked).status_code == 410
    assert HomeSession.objects.count() == 1


def test_an_answer_without_a_state_is_nobodys(browser):
    browser.go(ENTER)
    response = browser.get(reverse("identity:home-callback", args=[PROVIDER]), code="a-code")
    assert response.status_code == 410


def test_an_attempt_ends(browser):
    asked = browser.go(ENTER)
    HomeAttempt.objects.update(expires_at="2020-01-01T00:00:00Z")

    assert browser.back(asked).status_code == 410
    assert browser.session is None


def test_the_answer_of_another_provider_is_refused(browser, homes, provider):
    """Mix-up: an honest provider's answer at another's address, and another's name in it."""
    other = Hostile()
    try:
        homes(home_settings(provider.issuer), home_settings(other.issuer, id="other"))
        asked = browser.go(ENTER, **{"with": PROVIDER})
        at_other = browser.get(
            reverse("identity:home-callback", args=["other"]),
            code="a-code",
            state=asked["state"],
            iss=other.issuer,
        )
        assert at_other.status_code == 410
        assert browser.back(asked, iss=other.issuer).status_code == 400
        assert browser.session is None
        assert "/token_endpoint" not in other.asked + provider.asked
    finally:
        other.close()


def test_a_provider_that_is_not_named_is_unknown(browser):
    assert browser.get("/identity/home/somebody/callback", state="x").status_code == 404
    assert browser.client.post("/identity/home/somebody/logout").status_code == 404


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"aud": "another"},
        {"iss": "https://another.example"},
        {"exp": 1},
        {"auth_time": None},
        {"sub": ""},
        {"acr": "urn:gba:loa:9"},
        {"acr": None},
    ],
    ids=str,
)
def test_a_token_that_fails_a_check_signs_nobody_in(browser, provider, claims):
    provider.claims = claims
    response = browser.enter()

    assert response.status_code in {400, 502, 403}
    assert browser.session is None
    assert HomeSession.objects.count() == 0
    assert "Try again" in response.content.decode()


def test_a_userinfo_of_somebody_else_signs_nobody_in(browser, provider):
    provider.userinfo["sub"] = "another"
    assert browser.enter().status_code == 400
    assert HomeSession.objects.count() == 0


def test_a_key_of_the_browsers_session_that_was_planted_is_of_no_use(browser, another):
    """Session fixation: the attacker knows the key that the browser had before."""
    browser.go(ENTER)
    planted = browser.client.cookies[settings.SESSION_COOKIE_NAME].value
    asked = browser.go(ENTER)
    browser.back(asked)

    another.client.cookies[settings.SESSION_COOKIE_NAME] = planted
    assert browser.session is not None
    assert browser.client.cookies[settings.SESSION_COOKIE_NAME].value != planted
    assert another.session is None


def test_the_key_changes_at_sign_out_too(browser):
    browser.enter()
    before = browser.client.cookies[settings.SESSION_COOKIE_NAME].value
    browser.client.post(reverse("identity:leave"))
    assert browser.client.cookies[settings.SESSION_COOKIE_NAME].value != before


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "accessibility",
        "",
    ],
)
def test_the_way_back_leads_nowhere_else(browser, address):
    response = browser.enter(next=address)
    assert response["Location"] == "/"


def test_leaving_needs_our_own_form(browser, client):
    browser.enter()
    browser.client.handler.enforce_csrf_checks = True
    assert browser.client.post(reverse("identity:leave")).status_code == 403
    assert browser.client.get(reverse("identity:leave")).status_code == 405
    assert browser.session is not None


# Levels


def test_a_level_that_is_too_low_is_told_and_nothing_goes_on(browser, provider):
    row = browser.interaction(level=Level.HIGH)
    asked = browser.go(home(row))
    assert asked["acr_values"] == "urn:gba:loa:4"
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")

    response = browser.back(asked)

    assert response.status_code == 403
    text = response.content.decode()
    assert "level 4 – High or higher; yours was of level 3 – Substantial" in text
    assert f"{home(row)}?again=1" in text
    assert reverse("identity:stop", args=[row.key]) in text
    assert stage(row) == Stage.HOME


def test_the_stronger_way_is_taken(browser, provider):
    row = browser.interaction(level=Level.HIGH)
    browser.back(browser.go(home(row)))
    provider.claims = {"acr": "urn:gba:loa:4"}

    response = browser.back(browser.go(home(row), again=1))

    assert response["Location"] == reverse("identity:consent", args=[row.key])
    assert stage(row) == Stage.CONSENT


def test_an_authentication_of_long_ago_is_not_a_new_one(browser, provider):
    row = browser.interaction(level=Level.HIGH)
    provider.claims = {"acr": "urn:gba:loa:4", "auth_time": ago(4000)}

    response = browser.back(browser.go(home(row)))

    assert response.status_code == 403
    assert stage(row) == Stage.HOME


def test_the_highest_level_does_not_last(browser, provider):
    provider.claims = {"acr": "urn:gba:loa:4"}
    browser.enter()
    HomeSession.objects.update(authenticated_at="2026-01-01T00:00:00Z")
    row = browser.interaction(level=Level.HIGH)
    assert browser.go(home(row))["prompt"] == "login"

    lower = browser.interaction(level=Level.SUBSTANTIAL)
    assert browser.get(home(lower))["Location"] == reverse("identity:consent", args=[lower.key])
    lower.refresh_from_db()
    assert lower.home_session.level == Level.SUBSTANTIAL


# Whose sign-in it is


def test_another_person_does_not_come_back_from_a_new_authentication(browser, provider):
    """Subject swap: a page of one resident asked for a fresh sign-in, and another's comes."""
    browser.enter()
    first = browser.session
    HomeSession.objects.update(authenticated_at="2026-01-01T00:00:00Z")
    asked = browser.go(ENTER, next="/accessibility", fresh=1)
    provider.claims, provider.userinfo = {"sub": "officer-2"}, {"sub": "officer-2"}

    response = browser.back(asked)

    assert response.status_code == 403
    assert "another account" in response.content.decode()
    assert browser.session == first
    assert HomeSession.objects.count() == 1


def test_whoever_sits_down_at_the_screen_ends_what_was_left_open(browser, provider):
    browser.enter()
    first = browser.session
    provider.claims, provider.userinfo = {"sub": "officer-2"}, {"sub": "officer-2"}
    row = browser.interaction(prompt=("login",))
    browser.back(browser.go(home(row)))

    first.refresh_from_db()
    assert first.ended_at is not None
    assert browser.session.resident != first.resident


def test_an_interaction_of_another_browser_is_over(browser, another):
    row = browser.interaction()
    assert another.get(home(row)).status_code == 410
    assert another.get(reverse("identity:stop", args=[row.key])).status_code == 410
    assert stage(row) == Stage.HOME


# What is asked


def test_a_resident_who_is_here_goes_on_to_a_further_service(browser, provider):
    browser.enter()
    before = len(provider.asked)
    row = browser.interaction()

    assert browser.get(home(row))["Location"] == reverse("identity:consent", args=[row.key])
    assert len(provider.asked) == before
    assert stage(row) == Stage.CONSENT


@pytest.mark.parametrize("changes", [{"prompt": ("login",)}, {"max_age": 0}, {"level": Level.HIGH}], ids=str)
def test_a_resident_who_is_here_signs_in_again_where_that_is_asked_for(browser, changes):
    browser.enter()
    HomeSession.objects.update(authenticated_at="2026-01-01T00:00:00Z")
    row = browser.interaction(**changes)
    assert browser.go(home(row))["prompt"] == "login"


def test_somebody_who_cancels_can_try_again_or_go_back(browser):
    row = browser.interaction()
    asked = browser.go(home(row))

    response = browser.back(asked, code=None, error="access_denied")

    assert response.status_code == 403
    assert "it was cancelled" in response.content.decode()
    assert "Try again" in response.content.decode()
    back = browser.get(reverse("identity:stop", args=[row.key]))
    said = dict(parse_qsl(urlsplit(back["Location"]).query))
    assert back["Location"].startswith("https://library.example/back?")
    assert (said["error"], said["state"]) == ("access_denied", "of the service")


def test_a_provider_that_does_not_answer_is_said_to_be_silent(browser, provider):
    row = browser.interaction()
    provider.close()
    response = browser.get(home(row))
    assert response.status_code == 503
    assert stage(row) == Stage.HOME


def test_a_step_that_was_taken_is_not_taken_again(browser):
    row = browser.interaction()
    asked = browser.go(home(row))
    assert browser.back(browser.go(home(row)))["Location"] == reverse("identity:consent", args=[row.key])

    assert browser.back(asked).status_code == 409
    assert browser.get(home(row))["Location"] == reverse("identity:consent", args=[row.key])


# Several providers


@pytest.fixture
def two(homes, provider, browser):
    homes(
        home_settings(provider.issuer),
        home_settings(provider.issuer, id="weak", levels={"urn:gba:loa:3": 2}),
    )


def test_the_person_chooses_among_providers(two, browser):
    row = browser.interaction()
    text = browser.get(home(row)).content.decode()
    assert "?with=the-provider" in text
    assert "?with=weak" in text
    asked = browser.go(home(row), **{"with": "weak"})
    assert asked["redirect_uri"].endswith("/identity/home/weak/callback")
    assert browser.get(home(row), **{"with": "nobody"}).status_code == 404


def test_a_provider_that_cannot_reach_the_level_is_not_offered(two, browser):
    row = browser.interaction(level=Level.SUBSTANTIAL)
    assert browser.go(home(row))["redirect_uri"].endswith("/identity/home/the-provider/callback")


def test_without_a_provider_the_page_says_so(browser, homes):
    homes()
    response = browser.get(ENTER)
    assert response.status_code == 503
    assert "no identity provider" in response.content.decode()


# The provider's word that it is over


def logout(browser, token):
    return browser.client.post(reverse("identity:home-ended", args=[PROVIDER]), {"logout_token": token})


def test_the_providers_word_ends_its_session(browser, provider):
    browser.enter()
    assert logout(browser, provider.logout_token()).status_code == 200
    assert browser.session is None


def test_the_providers_word_counts_once(browser, provider):
    token = provider.logout_token()
    assert logout(browser, token).status_code == 200
    browser.enter()

    assert logout(browser, token).status_code == 200
    assert browser.session is not None


def test_a_persons_end_ends_all_of_their_sessions_and_nobody_elses(browser, another, provider):
    browser.enter()
    provider.claims, provider.userinfo = {"sub": "officer-2", "sid": "session-2"}, {"sub": "officer-2"}
    another.enter()

    assert logout(browser, provider.logout_token(sid=None)).status_code == 200
    assert browser.session is None
    assert another.session is not None


@pytest.mark.parametrize(
    "changes",
    [{"aud": "another"}, {"events": {}}, {"nonce": "n"}, {"iat": int(time.time()) - 5000}, {"jti": ""}],
    ids=["aud", "events", "nonce", "iat", "jti"],
)
def test_a_logout_token_that_fails_a_check_ends_nothing(browser, provider, changes):
    browser.enter()
    assert logout(browser, provider.logout_token(**changes)).status_code == 400
    assert browser.session is not None


@pytest.mark.parametrize("token", ["", "not a token", "a" * 20_000])
def test_what_is_no_logout_token_is_refused(browser, token):
    browser.enter()
    assert logout(browser, token).status_code == 400
    assert browser.session is not None
