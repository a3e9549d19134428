"""Proofs of possession, and tokens that are worth nothing without them."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.utils import timezone
from joserfc.jwk import ECKey, OctKey

from apps.identity.provider.software import (
    OTHER,
    PROOF_KEY,
    RSA,
    After,
    b64,
    error_of,
)
from kouan.apps.identity import residents
from kouan.apps.identity.models import (
    AccessToken,
    HomeSession,
)
from kouan.apps.identity.provider.jose import DoesNotVerify, public_key

# Proofs


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("iat", {"iat": After(-3600)}),
        ("iat", {"iat": After(3600)}),
        ("iat", {"iat": None}),
        ("jti", {"jti": None}),
        ("jti", {"jti": "j" * 256}),
        ("htm", {"htm": "GET"}),
        ("htm", {"htm": None}),
        ("htu", {"htu": "http://127.0.0.1:18100/oidc/userinfo"}),
        ("htu", {"htu": "https://attacker.example/oidc/token"}),
        ("typ", {"header": {"typ": "JWT"}}),
        ("jwk", {"header": {"jwk": "none"}}),
        ("key", {"header": {"jwk": PROOF_KEY.as_dict(private=True)}}),
        (
            "key",
            {
                "header": {"jwk": {"kty": "oct", "k": "a2V5"}, "alg": "HS256"},
                "key": OctKey.import_key(b"key" * 11),
            },
        ),
        ("key", {"header": {"jwk": ECKey.generate_key("P-384").as_dict(private=False)}}),
        ("key", {"header": {"jwk": PROOF_KEY.as_dict(private=False) | {"x": "AAAA"}}}),
        ("key", {"header": {"jwk": PROOF_KEY.as_dict(private=False) | {"x": {}}}}),
        ("key", {"header": {"jwk": PROOF_KEY.as_dict(private=False) | {"kty": []}}}),
        ("key", {"header": {"jwk": PROOF_KEY.as_dict(private=False) | {"kty": {}}}}),
        ("key", {"header": {"jwk": PROOF_KEY.as_dict(private=False) | {"crv": []}}}),
        ("signature", {"header": {"jwk": OTHER.as_dict(private=False)}}),
        ("algorithm", {"header": {"jwk": RSA.as_dict(private=False), "alg": "RS256"}, "key": RSA}),
    ],
)
def test_a_proof_that_is_not_right_proves_nothing(reason, changes, code):
    client, given = code()
    answer = client.redeem(given, proof=client.proof("/oidc/token", **changes))
    assert error_of(answer) == "invalid_dpop_proof"
    assert f"({reason})" in answer.json()["error_description"]
    assert client.redeem(given).status == 200


def test_a_proof_counts_once(code, software):
    client, given = code()
    shown = client.proof("/oidc/token")
    token = client.redeem(given, proof=shown).json()["access_token"]
    assert error_of(client.redeem("A" * 43, proof=shown)) == "invalid_dpop_proof"
    shown = client.proof("/oidc/userinfo", token=token)
    assert client.ask(token, proof=shown).status == 200
    assert error_of(client.ask(token, proof=shown), 401) == "invalid_dpop_proof"


def test_a_client_that_must_prove_its_key_gets_nothing_without_a_proof(code):
    client, given = code()
    assert error_of(client.redeem(given, proof=False)) == "invalid_dpop_proof"
    assert client.redeem(given).status == 200


@pytest.mark.parametrize("how", ["parameter", "proof"])
def test_a_code_is_bound_to_the_key_that_was_announced(how, software, person):
    client = software()
    pushed = client.push(proof=True) if how == "proof" else client.push(dpop_jkt=PROOF_KEY.thumbprint())
    query = {"client_id": client.client_id, "request_uri": pushed.json()["request_uri"]}
    given = person.sign_in(f"/oidc/authorize?{urlencode(query)}")["code"]
    client.proof_key = OTHER
    assert error_of(client.redeem(given)) == "invalid_dpop_proof"
    client.proof_key = PROOF_KEY
    assert client.redeem(given).status == 200


def test_two_keys_in_one_pushed_request_are_refused(software):
    client = software()
    assert error_of(client.push(proof=True, dpop_jkt=OTHER.thumbprint())) == "invalid_request"


# Access tokens


def test_a_bound_token_is_worth_nothing_without_its_key(code):
    client, given = code()
    token = client.redeem(given).json()["access_token"]
    path = "/oidc/userinfo"
    tries = [
        ({"scheme": "Bearer"}, "invalid_token"),  # downgraded
        ({"scheme": "Bearer", "proof": False}, "invalid_token"),
        ({"proof": False}, "invalid_dpop_proof"),
        ({"proof": client.proof(path)}, "invalid_dpop_proof"),  # no ath
        ({"proof": client.proof(path, token="another")}, "invalid_dpop_proof"),  # noqa: S106 - no secret
        ({"proof": client.proof(path, token=token, key=OTHER)}, "invalid_token"),
        ({"proof": client.proof(path, token=token, htm="GET")}, "invalid_dpop_proof"),
    ]
    for shown, error in tries:
        answer = client.ask(token, **shown)
        assert error_of(answer, 401) == error, shown
        assert f'error="{error}"' in answer.headers["www-authenticate"]
        assert answer.headers["www-authenticate"].startswith("DPoP ")
    assert client.ask(token).status == 200


def test_a_bearer_token_is_not_taken_for_a_bound_one(code):
    client, given = code("public")
    token = client.redeem(given).json()["access_token"]
    client.proof_key = OTHER
    assert error_of(client.ask(token), 401) == "invalid_token"


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer short", "Basic abc", "Bearer " + "A" * 43, "bearer x y"]
)
def test_without_a_token_nothing_is_told(header, software):
    client = software("public")
    answer = client.post("/oidc/userinfo", {}, {} if header is None else {"Authorization": header})
    assert error_of(answer, 401) == "invalid_token"
    assert ("error=" in answer.headers["www-authenticate"]) == (header is not None)


def test_a_token_in_a_query_or_a_form_is_not_looked_at(code):
    client, given = code("public")
    token = client.redeem(given).json()["access_token"]
    assert client.post(f"/oidc/userinfo?access_token={token}", {}, {}).status == 401
    assert client.post("/oidc/userinfo", {"access_token": token}, {}).status == 401


def test_a_token_lasts_five_minutes_and_no_longer_than_the_sign_in(code):
    client, given = code("public")
    before = timezone.now()
    token = client.redeem(given).json()["access_token"]
    kept = AccessToken.objects.get()
    assert timedelta() <= kept.expires_at - before - timedelta(seconds=300) <= timezone.now() - before
    AccessToken.objects.update(expires_at=timezone.now())
    assert client.ask(token).status == 401
    AccessToken.objects.update(expires_at=timezone.now() + timedelta(seconds=60))
    assert client.ask(token).status == 200
    for session in HomeSession.objects.all():
        residents.end(session=session, by="resident")
    assert client.ask(token).status == 401


def test_a_key_that_is_slow_on_purpose_is_none():
    given = RSA.as_dict(private=False)
    assert public_key(given).key_type == "RSA"
    slow = b64(((1 << 2047) + 1).to_bytes(256, "big"))
    with pytest.raises(DoesNotVerify, match="key"):
        public_key({**given, "e": slow})
