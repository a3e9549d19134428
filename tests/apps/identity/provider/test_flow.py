"""The whole way of each profile, and what the tokens say."""

from __future__ import annotations

import hashlib
import time
from urllib.parse import urlencode

import pytest
from django.urls import resolve
from joserfc import jws
from joserfc.jwk import ECKey

from apps.identity.provider.software import BACK, FORM, b64, claims_of
from kouan.apps.identity.models import (
    AccessToken,
    AuthorizationCode,
    Interaction,
    PairwiseSubject,
    Service,
    SignIn,
)
from kouan.apps.identity.provider.metadata import metadata

ISSUER = "http://127.0.0.1:18100"


def verified(client, token):
    """Verify a token with the keys that the provider publishes."""
    keys = {key["kid"]: key for key in client.get("/oidc/jwks").json()["keys"]}
    kid = jws.extract_compact(token.encode()).protected["kid"]
    assert jws.deserialize_compact(token, ECKey.import_key(keys[kid]), ["ES256"])
    return claims_of(token)


@pytest.mark.parametrize("profile", ["fapi2", "confidential", "public"])
def test_each_profile_signs_a_person_in(profile, software, person):
    client = software(profile)
    said = person.sign_in(client.way())
    assert (said["iss"], said["state"]) == (ISSUER, client.state)
    answer = client.redeem(said["code"])
    assert answer.status == 200, answer.body
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    assert tokens["token_type"] == ("DPoP" if profile == "fapi2" else "Bearer")
    assert tokens["expires_in"] == 300
    assert tokens["scope"] == "openid profile"
    claims = verified(person.browser, tokens["id_token"])
    sign_in = SignIn.objects.get()
    now = time.time()
    assert claims.pop("exp") == claims["iat"] + 300
    assert now - 60 < claims.pop("iat") <= now
    assert claims == {
        "iss": ISSUER,
        "aud": client.client_id,
        "sub": sign_in.subject,
        "acr": "urn:gba:loa:3",
        "amr": ["pwd", "otp"],
        "auth_time": int(sign_in.authenticated_at.timestamp()),
        "nonce": client.nonce,
        "sid": str(sign_in.key),
        "at_hash": b64(hashlib.sha256(tokens["access_token"].encode()).digest()[:16]),
    }
    told = client.ask(tokens["access_token"])
    assert told.status == 200, told.body
    assert told.json() == {
        "sub": sign_in.subject,
        "name": "LEE Ka Yan",
        "name#zh-Hant": "李嘉欣",
        "birthdate": "1988-04-12",
    }
    assert not Interaction.objects.exists()
    assert not AuthorizationCode.objects.exists()


def test_only_what_is_registered_asked_for_and_ticked_is_told(software, person):
    client = software("public")
    wanted = '{"userinfo": {"name": null, "gender": null, "email": {"essential": true}}}'
    way = client.way(scope="openid", claims=wanted)
    said = person.sign_in(way, ticked=["name", "gender"])
    tokens = client.redeem(said["code"]).json()
    assert tokens["scope"] == "openid profile"
    assert set(client.ask(tokens["access_token"]).json()) == {"sub", "name"}
    assert SignIn.objects.get().claims == ["name"]


def test_an_id_token_tells_nothing_about_the_person(software, person):
    client = software("public")
    said = person.sign_in(client.way(claims='{"id_token": {"name": null}}'))
    tokens = client.redeem(said["code"]).json()
    assert "LEE Ka" not in str(claims_of(tokens["id_token"]))
    assert client.ask(tokens["access_token"]).json()["name"] == "LEE Ka Yan"


def test_verified_claims_stand_beside_the_others_where_asked_for(software, person):
    client = software("public")
    verification = '{"trust_framework": {"value": "urn:gba:loa"}}'
    wanted = f'{{"verification": {verification}, "claims": {{"name": null, "email": null}}}}'
    said = person.sign_in(client.way(claims=f'{{"userinfo": {{"verified_claims": {wanted}}}}}'))
    told = client.ask(client.redeem(said["code"]).json()["access_token"]).json()
    assert told["name"] == "LEE Ka Yan"
    assert told["verified_claims"] == {
        "verification": {"trust_framework": "urn:gba:loa", "assurance_level": "urn:gba:loa:3"},
        "claims": {"name": "LEE Ka Yan"},
    }


@pytest.mark.parametrize(
    "verification",
    [
        '{"trust_framework": {"value": "eidas"}}',
        '{"trust_framework": null, "evidence": [{"type": {"value": "document"}}]}',
        "{}",
    ],
)
def test_a_condition_that_cannot_be_promised_leaves_verified_claims_out(verification, software, person):
    client = software("public")
    wanted = f'{{"verification": {verification}, "claims": {{"name": null}}}}'
    said = person.sign_in(client.way(claims=f'{{"userinfo": {{"verified_claims": {wanted}}}}}'))
    assert "verified_claims" not in client.ask(client.redeem(said["code"]).json()["access_token"]).json()


def test_a_client_that_accepts_a_jwt_gets_userinfo_signed_for_it(software, person):
    client = software()
    said = person.sign_in(client.way())
    told = client.ask(client.redeem(said["code"]).json()["access_token"], Accept="application/jwt")
    assert told.headers["content-type"] == "application/jwt"
    claims = verified(person.browser, told.body.decode())
    assert (claims["iss"], claims["aud"], claims["name"]) == (ISSUER, client.client_id, "LEE Ka Yan")
    assert claims["exp"] == claims["iat"] + 300


def test_a_person_has_one_subject_at_a_service_and_another_at_the_next(software, person):
    first, second = software("public"), software("public", "swimming-pool")
    subjects = []
    for client in (first, second, first):
        said = person.sign_in(client.way())
        subjects.append(claims_of(client.redeem(said["code"]).json()["id_token"])["sub"])
    assert subjects[0] == subjects[2] != subjects[1]
    assert PairwiseSubject.objects.count() == 2


def test_the_level_is_that_of_the_sign_in(software, person):
    client = software("public")
    said = person.sign_in(client.way(acr_values="urn:gba:loa:2"), level=4)
    assert claims_of(client.redeem(said["code"]).json()["id_token"])["acr"] == "urn:gba:loa:4"


def test_without_a_nonce_and_a_state_none_comes_back(software, person):
    client = software("public")
    said = person.sign_in(client.way(nonce=None, state=None))
    assert set(said) == {"code", "iss"}
    assert "nonce" not in claims_of(client.redeem(said["code"]).json()["id_token"])


def test_an_answer_keeps_the_query_of_the_address(software, person):
    client = software("public", redirect_uris=[f"{BACK}?lang=zh"])
    client.redirect_uri = f"{BACK}?lang=zh"
    assert person.sign_in(client.way())["lang"] == "zh"


def test_a_public_client_may_bind_its_tokens_to_a_key(software, person):
    client = software("public")
    client.proof_key = ECKey.generate_key("P-256")
    tokens = client.redeem(person.sign_in(client.way())["code"]).json()
    assert tokens["token_type"] == "DPoP"  # noqa: S105 - a kind, no secret
    assert client.ask(tokens["access_token"]).status == 200
    assert AccessToken.objects.get().jkt == client.proof_key.thumbprint()


def test_a_request_may_come_as_a_form(software, person):
    client = software("public")
    assert person.browser.post("/oidc/authorize", client.request()).status_code == 400  # multipart is no form
    answer = person.browser.post("/oidc/authorize", urlencode(client.request()), content_type=FORM)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/oidc/authorize?")
    assert "code" in person.sign_in(answer.headers["location"])


def test_the_pages_take_the_language_that_the_service_asks_for_unless_one_was_chosen(software, person):
    client = software("public")
    answer = person.browser.get(client.way(ui_locales="fr zh-CN"))
    assert answer.cookies["kouan_language"].value == "zh-hans"
    answer = person.browser.get(client.way(ui_locales="zh-HK"))
    assert "kouan_language" not in answer.cookies


def test_the_description_names_endpoints_that_are_there(client):
    said = client.get("/.well-known/openid-configuration").json()
    assert said == metadata()
    for name, url in said.items():
        if name.endswith("_endpoint") or name == "jwks_uri":
            assert resolve(url.removeprefix(ISSUER)).namespace == "identity", name


def test_keys_are_published_without_their_private_halves(client, db):
    (key,) = client.get("/oidc/jwks").json()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}


def test_nobody_is_sent_to_an_address_that_is_registered_no_more(software, person):
    client = software("public")
    row = person.arrive(client.way())
    person.agree(row)
    Service.objects.update(redirect_uris=["https://elsewhere.example/back"])
    answer = person.browser.get(f"/identity/sign-in/{row.key}/done")
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert not SignIn.objects.exists()
