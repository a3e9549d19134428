"""Who a client is: assertions that prove nothing."""

from __future__ import annotations

import json

import pytest
from joserfc.jwk import OctKey, OKPKey

from apps.identity.provider.software import (
    KEY,
    OTHER,
    RSA,
    After,
    b64,
    error_of,
)
from kouan.apps.identity.provider import limits


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("signature", {"key": OTHER}),
        ("algorithm", {"key": None, "alg": "none"}),
        ("algorithm", {"key": OctKey.import_key(b"k" * 32), "alg": "HS256"}),
        ("algorithm", {"key": OctKey.import_key(json.dumps(KEY.as_dict(private=False))), "alg": "HS256"}),
        ("algorithm", {"key": RSA, "alg": "RS256"}),
        ("key", {"header": {"kid": "another"}}),
        ("aud", {"aud": "https://attacker.example"}),
        ("aud", {"aud": "http://127.0.0.1:18100/oidc/token"}),
        ("aud", {"aud": ["http://127.0.0.1:18100", "https://attacker.example"]}),
        ("aud", {"aud": ["http://127.0.0.1:18100"]}),
        ("aud", {"aud": None}),
        ("sub", {"sub": "another"}),
        ("client", {"iss": "another"}),
        ("exp", {"exp": After(-1)}),
        ("exp", {"exp": After(3600)}),
        ("exp", {"exp": None}),
        ("exp", {"exp": "tomorrow"}),
        ("exp", {"exp": True}),
        ("iat", {"iat": After(600), "exp": After(300)}),
        ("iat", {"iat": After(-600)}),
        ("nbf", {"nbf": After(120)}),
        ("jti", {"jti": None}),
        ("jti", {"jti": ""}),
        ("jti", {"jti": "j" * 256}),
        ("jti", {"jti": 7}),
    ],
)
def test_an_assertion_that_is_not_right_authenticates_nobody(reason, changes, code):
    client, given = code()
    if changes.get("alg") == "none":
        head, body, _ = client.assertion().split(".")
        shown = f"{b64(json.dumps({'alg': 'none'}).encode())}.{body}."
        assert head
    else:
        shown = client.assertion(**changes)
    form = {"client_id": None} if "iss" in changes else {}
    answer = client.redeem(given, assertion=shown, **form)
    assert error_of(answer, 401) == "invalid_client"
    assert reason in answer.json()["error_description"]
    assert client.redeem(given).status == 200


@pytest.mark.parametrize("endpoint", ["push", "redeem"])
def test_an_assertion_counts_once_even_where_the_request_was_refused(endpoint, software):
    client = software()
    shown = client.assertion()
    for error in ("invalid_request", "invalid_client"):
        if endpoint == "push":
            answer = client.push(assertion=shown, code_challenge=None)
        else:
            answer = client.redeem("A" * 43, assertion=shown, code_verifier=None)
        assert answer.json()["error"] == error


def test_two_clients_may_use_the_same_jti(software):
    for client_id in ("one", "two"):
        client = software("fapi2", client_id)
        assert client.push(assertion=client.assertion(jti="7")).status == 201


def test_a_confidential_client_cannot_pass_for_a_public_one(code):
    client, given = code("confidential")
    assert error_of(client.redeem(given, assertion=False), 401) == "invalid_client"


def test_a_public_client_cannot_prove_anything(code):
    client, given = code("public")
    client.key = KEY
    assert error_of(client.redeem(given), 401) == "invalid_client"


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        ({"client_secret": "hunter2"}, {}),
        ({}, {"Authorization": "Basic bGlicmFyeTpodW50ZXIy"}),
        ({"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}, {}),
    ],
)
def test_no_other_method_of_authentication_is_taken(form, headers, code):
    client, given = code("confidential")
    answer = client.send(
        "/oidc/token", {"grant_type": "authorization_code", "code": given, **form}, headers=headers
    )
    assert error_of(answer, 401) == "invalid_client"


def test_who_fails_too_often_has_to_wait(software):
    client = software()
    for _ in range(30):
        assert client.push(assertion=client.assertion(key=OTHER)).status == 401
    answer = client.push(assertion=client.assertion(key=OTHER))
    assert answer.status == 429
    assert int(answer.headers["retry-after"]) > 0
    assert client.push().status == 201


def test_who_fails_too_often_is_known_by_where_they_are_and_not_by_whom_they_name(software):
    first, second = software("fapi2", "first"), software("fapi2", "second")
    for number in range(30):
        client = (first, second)[number % 2]
        assert client.push(assertion=client.assertion(key=OTHER)).status == 401
    for client in (first, second):
        assert client.push(assertion=client.assertion(key=OTHER)).status == 429, "another name does not help"
        assert client.push().status == 201, "the client itself is not held up"


@pytest.mark.parametrize("profile", ["fapi2", "confidential"])
def test_a_stranger_cannot_use_up_a_clients_limit(profile, software, monkeypatch):
    monkeypatch.setattr(limits, "CLIENTS", limits.Bucket(rate=0.001, burst=2))
    client = software(profile)
    for _ in range(5):
        wrong = client.assertion(key=OTHER)
        assert client.redeem("A" * 43, assertion=wrong).json()["error"] == "invalid_client"
    for _ in range(2):
        assert client.redeem("A" * 43).json()["error"] == "invalid_grant", "its own two requests"
    answer = client.redeem("A" * 43)
    assert (answer.status, answer.json()["error"]) == (429, "temporarily_unavailable")


def test_a_public_client_has_no_limit_that_anybody_could_use_up(software, monkeypatch):
    monkeypatch.setattr(limits, "CLIENTS", limits.Bucket(rate=0.001, burst=2))
    client = software("public")
    for _ in range(5):
        assert client.redeem("A" * 43).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("key", [OKPKey.generate_key("Ed25519"), RSA], ids=["Ed25519", "RSA"])
def test_the_other_algorithms_of_fapi_are_taken(key, software, person):
    client = software(
        "confidential", jwks={"keys": [OTHER.as_dict(private=False), key.as_dict(private=False)]}
    )
    given = person.sign_in(client.way())["code"]
    client.key = key
    shown = client.assertion(alg="PS256" if key is RSA else "EdDSA")
    assert client.redeem(given, assertion=shown).status == 200
