"""Codes: one client, one request, one minute, once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.identity.provider.software import (
    BACK,
    error_of,
)
from kouan.apps.identity import residents
from kouan.apps.identity.models import (
    AccessToken,
    AuthorizationCode,
    HomeSession,
    Service,
)


@pytest.mark.parametrize("profile", ["fapi2", "public"])
def test_a_code_counts_once_and_the_second_time_revokes_what_it_gave(profile, code):
    client, given = code(profile)
    token = client.redeem(given).json()["access_token"]
    assert client.ask(token).status == 200
    assert error_of(client.redeem(given)) == "invalid_grant"
    answer = client.ask(token)
    assert error_of(answer, 401) == "invalid_token"
    assert not AccessToken.objects.exists()


def test_a_stolen_code_is_refused_to_another_client_and_still_counts_for_its_own(code, software):
    client, given = code()
    thief = software("fapi2", "thief")
    thief.verifier = client.verifier
    assert error_of(thief.redeem(given)) == "invalid_grant"
    assert client.redeem(given).status == 200


def test_a_code_that_was_redeemed_and_then_stolen_is_revoked(code, software):
    client, given = code()
    token = client.redeem(given).json()["access_token"]
    assert error_of(software("fapi2", "thief").redeem(given)) == "invalid_grant"
    assert client.ask(token).status == 401


def test_a_code_lasts_a_minute(code):
    before = timezone.now()
    client, given = code("public")
    kept = AuthorizationCode.objects.get()
    assert timedelta() <= kept.expires_at - before - timedelta(seconds=60) <= timezone.now() - before
    AuthorizationCode.objects.update(expires_at=timezone.now())
    assert error_of(client.redeem(given)) == "invalid_grant"


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 43},
        {"redirect_uri": f"{BACK}/"},
        {"redirect_uri": None},
    ],
)
def test_what_the_code_is_bound_to_must_be_right(changes, code):
    client, given = code("public")
    assert error_of(client.redeem(given, **changes)) == "invalid_grant"
    assert not AccessToken.objects.exists()
    assert client.redeem(given).status == 200


@pytest.mark.parametrize("verifier", [None, "short", "v" * 129, "+" * 43])
def test_a_verifier_has_the_form_of_one(verifier, code):
    client, given = code("public")
    assert error_of(client.redeem(given, code_verifier=verifier)) == "invalid_request"


def test_a_code_of_a_person_who_has_signed_out_meanwhile_is_refused(code):
    client, given = code("public")
    for session in HomeSession.objects.all():
        residents.end(session=session, by="resident")
    assert error_of(client.redeem(given)) == "invalid_grant"


def test_other_grants_are_not_offered(code):
    client, given = code("public")
    for grant in ("refresh_token", "password", "client_credentials", "implicit"):
        assert error_of(client.redeem(given, grant_type=grant)) == "unsupported_grant_type"


def test_a_service_that_was_switched_off_learns_nothing_more(code):
    client, given = code("public")
    token = client.redeem(given).json()["access_token"]
    assert client.ask(token).status == 200
    Service.objects.update(disabled_at=timezone.now())
    assert error_of(client.ask(token), 401) == "invalid_token"
