"""Authorization requests that are not taken, and addresses to which nobody is sent."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from apps.identity.provider.software import (
    BACK,
    error_of,
)
from kouan.apps.identity.models import (
    Interaction,
    PushedRequest,
    Service,
)

# PKCE and the request


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
        ({"request_uri": "https://attacker.example/request"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "١"}, "invalid_request"),
        ({"max_age": "9" * 30}, "invalid_request"),
        ({"acr_values": "urn:gba:loa:9"}, "invalid_request"),
        ({"acr_values": "urn:gba:loa:3 silver"}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"),
        ({"claims": "[" * 4000}, "invalid_request"),
        ({"claims": "[]"}, "invalid_request"),
        ({"claims": '{"userinfo": []}'}, "invalid_request"),
        ({"claims": '{"userinfo": {}, "userinfo": {}}'}, "invalid_request"),
        ({"claims": '{"id_token": {"acr": {"values": "urn:gba:loa:3"}}}'}, "invalid_request"),
        (
            {"claims": '{"id_token": {"acr": {"essential": true, "values": ["gold"]}}}'},
            "unmet_authentication_requirements",
        ),
        ({"kouan_side": "mo"}, "invalid_request"),
        ({"authorization_details": '[{"type": "urn:kouan:service"}]'}, "invalid_authorization_details"),
        ({"dpop_jkt": "short"}, "invalid_request"),
        ({"nonce": "引"}, "invalid_request"),
        ({"id_token_hint": "a.b.c"}, "invalid_request"),
    ],
)
def test_what_is_not_offered_is_refused_at_the_clients_own_address(changes, error, software, refused, person):
    client = software("public")
    assert refused(person.browser.get(client.way(**changes))) == error
    assert error_of(client.push(**changes)) == ("invalid_request" if "request_uri" in changes else error)
    assert not Interaction.objects.exists()
    assert not PushedRequest.objects.exists()


@pytest.mark.parametrize(
    "uri",
    [
        None,
        "https://attacker.example/back",
        f"{BACK}/",
        f"{BACK}?x=1",
        f"{BACK}#",
        f"{BACK}/../../evil",
        "https://LIBRARY.example.hk/back",
        "https://library.example.hk:443/back",
        "https://library.example.hk@attacker.example/back",
        "javascript:alert(1)",
        "//attacker.example",
    ],
)
def test_nobody_is_ever_sent_to_an_address_that_is_not_registered(uri, software, person):
    client = software("public")
    answer = person.browser.get(client.way(redirect_uri=uri, response_type="token"))
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert b"unknown-redirect-uri" in answer.content
    assert not re.search(rb'(href|action|src|content)="[^"]*attacker', answer.content)
    assert error_of(client.push(redirect_uri=uri)) == "invalid_request"


def test_an_unknown_or_disabled_client_gets_a_page(software, person):
    client = software("public")
    for changed in ({"client_id": "nobody"}, {"client_id": None}, {"client_id": "urn:kouan:node:gd"}):
        answer = person.browser.get(client.way(**changed))
        assert answer.status_code == 404
        assert "location" not in answer.headers
    Service.objects.update(disabled_at=timezone.now())
    assert person.browser.get(client.way()).status_code == 404
    assert error_of(client.push(), 401) == "invalid_client"


# Pushed requests


def test_a_client_that_must_push_cannot_pass_by(software, person, refused):
    client = software("fapi2")
    answer = person.browser.get(f"/oidc/authorize?{urlencode(client.request())}")
    assert refused(answer) == "invalid_request"


def test_what_stands_in_the_browsers_address_beside_a_pushed_request_does_not_count(software, person):
    client = software("fapi2")
    way = (
        client.way() + "&" + urlencode({"redirect_uri": "https://attacker.example", "scope": "openid email"})
    )
    row = person.arrive(way)
    assert row.params["redirect_uri"] == BACK
    assert row.params["scopes"] == ["openid", "profile"]


def test_a_request_uri_counts_once_for_its_own_client_and_for_ninety_seconds(software, person):
    client, other = software("fapi2"), software("fapi2", "other")
    ways = [client.way() for _ in range(3)]
    theirs = ways[0].replace(client.client_id, other.client_id)
    assert person.browser.get(theirs).status_code == 400
    person.arrive(ways[0])
    assert person.browser.get(ways[0]).status_code == 400
    assert Interaction.objects.count() == 1
    PushedRequest.objects.update(expires_at=timezone.now())
    answer = person.browser.get(ways[1])
    assert answer.status_code == 400
    assert b"invalid-request-uri" in answer.content


@pytest.mark.parametrize("handle", ["", "A" * 43, "../" * 5, "A" * 400])
def test_an_invented_request_uri_gets_a_page(handle, software, person):
    client = software("fapi2")
    query = {"client_id": client.client_id, "request_uri": f"urn:ietf:params:oauth:request_uri:{handle}"}
    assert person.browser.get(f"/oidc/authorize?{urlencode(query)}").status_code == 400
