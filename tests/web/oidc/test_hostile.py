"""The relying party against a provider that lies, stalls, or is somebody else."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from kouan.web import oidc
from kouan.web.oidc import discovery, line
from oidc_peers import as_json, hmac_token, none_token
from pace import patience

BACK = "http://127.0.0.1:18100/back"


SOUND = {"issuer": "https://a.example", "client_id": "c", "redirect_uri": BACK, "client_secret": "s"}


def provider_at(hostile, **more):
    settings = {"client_id": "kouan", "redirect_uri": BACK, "client_secret": "s", "demonstration": True}
    return oidc.Provider(issuer=hostile.issuer, **{**settings, **more})


def begun(hostile, **asked):
    """Return a provider's settings, an attempt, and the fields with which the provider sends back."""
    provider = provider_at(hostile, **{"acr_values": ("urn:gba:loa:3",), **asked.pop("settings", {})})
    url, attempt = oidc.begin(provider, **asked)
    hostile.nonce = parse_qs(urlsplit(url).query)["nonce"][0]
    return provider, attempt, {"code": "a-code", "state": attempt.state, "iss": hostile.issuer}


def finished(hostile, **asked):
    provider, attempt, fields = begun(hostile, **asked)
    return oidc.finish(provider, attempt, urlencode(fields))


def test_a_sound_answer_is_taken(hostile):
    found = finished(hostile, max_age=60)
    assert (found.subject, found.sid, found.acr) == ("officer-1", "session-1", "urn:gba:loa:3")
    assert found.claims["department"] == "works"


# What the person's browser brings back


@pytest.mark.parametrize("iss", ["https://other.example", "", None])
def test_the_answer_of_another_provider_is_not_taken_for_this_ones(hostile, iss):
    provider, attempt, fields = begun(hostile)
    fields = {name: value for name, value in {**fields, "iss": iss}.items() if value is not None}
    with pytest.raises(oidc.AnswerNotTrusted, match="iss"):
        oidc.finish(provider, attempt, urlencode(fields))
    assert "/token_endpoint" not in hostile.asked


def test_an_attempt_at_one_provider_is_not_finished_at_another(hostile):
    provider, attempt, fields = begun(hostile)
    other = oidc.Attempt.restored({**attempt.stored(), "issuer": "https://other.example"})
    with pytest.raises(oidc.AnswerNotTrusted, match="iss"):
        oidc.finish(provider, other, urlencode(fields))


@pytest.mark.parametrize("state", ["", "other", "ä"])
def test_a_state_of_another_browser(hostile, state):
    provider, attempt, fields = begun(hostile)
    with pytest.raises(oidc.SignInExpired):
        oidc.finish(provider, attempt, urlencode({**fields, "state": state}))
    assert "/token_endpoint" not in hostile.asked


def test_the_state_of_an_attempt_before(hostile):
    _provider, _attempt, before = begun(hostile)
    provider, attempt, fields = begun(hostile)
    with pytest.raises(oidc.SignInExpired):
        oidc.finish(provider, attempt, urlencode({**fields, "state": before["state"]}))


def test_an_attempt_that_took_too_long(hostile):
    provider, attempt, fields = begun(hostile)
    old = oidc.Attempt.restored({**attempt.stored(), "started_at": attempt.started_at - 601})
    with pytest.raises(oidc.SignInExpired):
        oidc.finish(provider, old, urlencode(fields))


@pytest.mark.parametrize("value", [None, 3, [], {}, {"state": "x"}])
def test_a_session_without_an_attempt(value):
    with pytest.raises(oidc.SignInExpired):
        oidc.Attempt.restored(value)


@pytest.mark.parametrize(
    "extra", ["&code=b", "&state=b", "&iss=x", "&a=%ff", "&" + "a=1&" * 20, "&a=" + "b" * 9000]
)
def test_a_query_of_which_two_readers_could_think_differently(hostile, extra):
    provider, attempt, fields = begun(hostile)
    with pytest.raises(oidc.AnswerNotTrusted):
        oidc.finish(provider, attempt, urlencode(fields) + extra)


@pytest.mark.parametrize(("error", "shown"), [("access_denied", "access_denied"), ("<b>hello", "unknown")])
def test_an_error_is_told_by_its_code_alone(hostile, error, shown):
    provider, attempt, fields = begun(hostile)
    with pytest.raises(oidc.SignInRefused) as refused:
        oidc.finish(provider, attempt, urlencode({**fields, "error": error, "error_description": "x"}))
    assert refused.value.params == {"reason": shown}


@given(query=st.text(max_size=300))
def test_any_query_is_an_answer_or_an_error_of_ours(query):
    attempt = oidc.Attempt(
        issuer="https://a.example",
        state="s",
        nonce="n",
        verifier="v",
        acr_values=(),
        prompt="",
        max_age=None,
        started_at=int(time.time()),
    )
    provider = oidc.Provider(**SOUND)
    known = discovery._known(provider)
    known.metadata = discovery.Metadata("https://a.example/a", "https://a.example/t", "https://a.example/k")
    known.metadata_at = time.monotonic()
    with pytest.raises(oidc.OidcError):
        oidc.finish(provider, attempt, query)


# The ID token


def test_a_token_without_a_signature(hostile):
    hostile.sign = none_token
    with pytest.raises(oidc.AnswerNotTrusted, match="signature"):
        finished(hostile)


def test_a_token_signed_with_the_public_key_as_a_secret(hostile):
    hostile.sign = hmac_token(hostile.key.as_pem(private=False))
    with pytest.raises(oidc.AnswerNotTrusted, match="signature"):
        finished(hostile)


def test_a_token_signed_by_a_stranger_under_the_providers_key_id(hostile):
    stranger = ECKey.generate_key("P-256", {"kid": hostile.key.kid})
    hostile.key = stranger
    with pytest.raises(oidc.AnswerNotTrusted, match="signature"):
        finished(hostile)


def test_a_token_that_brings_its_own_key(hostile):
    stranger = ECKey.generate_key("P-256")
    hostile.header = {"jwk": stranger.as_dict(private=False), "kid": None}
    hostile.key = stranger
    with pytest.raises(oidc.AnswerNotTrusted, match="signature"):
        finished(hostile)


WRONG = [
    ("iss", "https://other.example"),
    ("iss", None),
    ("aud", "another"),
    ("aud", []),
    ("aud", None),
    ("aud", ["kouan", "another"]),
    ("azp", "another"),
    ("nonce", None),
    ("nonce", "another"),
    ("exp", 1),
    ("exp", None),
    ("exp", "soon"),
    ("exp", float("nan")),
    ("iat", 1),
    ("iat", 1 << 39),
    ("iat", True),
    ("nbf", 1 << 39),
    ("sub", None),
    ("sub", ""),
    ("sub", "x" * 256),
    ("sub", 7),
    ("at_hash", "another"),
    ("amr", "pwd"),
    ("sid", {}),
    ("auth_time", 1 << 39),
]


@pytest.mark.parametrize(("name", "value"), WRONG, ids=lambda value: str(value)[:20])
def test_a_claim_that_is_not_as_it_must_be(hostile, name, value):
    hostile.claims = {name: value}
    with pytest.raises(oidc.AnswerNotTrusted, match=f"id_token: {name}|id_token: azp"):
        finished(hostile)


@pytest.mark.parametrize("acr", ["urn:gba:loa:2", None])
def test_a_level_that_was_not_asked_for(hostile, acr):
    hostile.claims = {"acr": acr}
    with pytest.raises(oidc.LevelTooLow):
        finished(hostile)


def test_a_person_who_proved_themselves_too_long_ago(hostile):
    hostile.claims = {"auth_time": int(time.time()) - 700}
    assert finished(hostile).subject == "officer-1"
    with pytest.raises(oidc.SignInTooOld):
        finished(hostile, max_age=600)
    hostile.claims = {"auth_time": None}
    with pytest.raises(oidc.AnswerNotTrusted, match="auth_time"):
        finished(hostile, max_age=600)


def test_the_userinfo_of_another_person(hostile):
    hostile.userinfo = {"sub": "officer-2"}
    with pytest.raises(oidc.AnswerNotTrusted, match="userinfo: sub"):
        finished(hostile)


def test_the_userinfo_does_not_speak_for_the_token(hostile):
    hostile.claims = {"sid": None}
    hostile.userinfo = {"acr": "urn:gba:loa:4", "sid": "another", "name": "Officer"}
    found = finished(hostile)
    assert (found.acr, found.sid, found.claims["name"]) == ("urn:gba:loa:3", "", "Officer")
    assert "sid" not in found.claims


def test_a_new_key_is_fetched_once_a_minute_at_most(hostile, monkeypatch):
    assert finished(hostile).subject
    hostile.key = ECKey.generate_key("P-256")
    hostile.key.ensure_kid()
    hostile.published.append(hostile.key)
    for _again in range(3):
        with pytest.raises(oidc.AnswerNotTrusted, match="signature"):
            finished(hostile)
    assert hostile.asked.count("/jwks_uri") == 1
    monkeypatch.setattr(discovery, "KEYS_AGAIN", -1.0)
    assert finished(hostile).subject == "officer-1"
    assert hostile.asked.count("/jwks_uri") == 2


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-256", "use": "enc"},
        {"kty": ["EC"]},
        "EC",
    ],
)
def test_keys_that_are_none(hostile, key):
    hostile.answers["/jwks_uri"] = as_json({"keys": [key]})
    with pytest.raises(oidc.ProviderUnsuitable, match="jwks"):
        finished(hostile)


def test_a_token_that_should_be_bound_to_our_key_and_is_not(hostile, tmp_path):
    key = tmp_path / "proof.pem"
    key.write_bytes(ECKey.generate_key("P-256").as_pem(private=True))
    with pytest.raises(oidc.ProviderUnsuitable, match="token_type"):
        finished(hostile, settings={"proof_key_file": key})
    assert "/userinfo_endpoint" not in hostile.asked, "and it is not shown to anybody"


# What the provider says of itself, and how it answers


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("issuer", "https://other.example"),
        ("issuer", None),
        ("token_endpoint", None),
        ("token_endpoint", "http://other.example/token"),
        ("token_endpoint", "file:///etc/passwd"),
        ("authorization_endpoint", "https://user@other.example/"),
        ("authorization_endpoint", "javascript:alert(1)"),
        ("jwks_uri", 5),
        ("userinfo_endpoint", "https://[::1"),
        ("code_challenge_methods_supported", ["plain"]),
        ("code_challenge_methods_supported", "S256"),
        ("authorization_response_iss_parameter_supported", "yes"),
        ("token_endpoint_auth_methods_supported", ["tls_client_auth"]),
    ],
)
def test_a_description_that_does_not_fit(hostile, name, value):
    hostile.metadata = {name: value}
    with pytest.raises(oidc.ProviderUnsuitable, match=name):
        finished(hostile)


WORDS = {
    "not json": (200, {}, b"<html>"),
    "not an object": as_json([1]),
    "an error": as_json({}, 500),
    "a redirect": (302, {"location": "http://127.0.0.1:1/"}, b""),
    "deep": (200, {}, b"[" * 100_000),
}


@pytest.mark.parametrize(
    "path", ["/.well-known/openid-configuration", "/jwks_uri", "/token_endpoint", "/userinfo_endpoint"]
)
@pytest.mark.parametrize("words", WORDS)
def test_an_answer_that_is_none(hostile, path, words):
    hostile.answers[path] = WORDS[words]
    with pytest.raises(oidc.ProviderUnsuitable):
        finished(hostile)


def test_an_answer_that_does_not_end(hostile):
    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        for _piece in range(100):
            handler.wfile.write(b" " * 65536)

    hostile.answers["/.well-known/openid-configuration"] = endless
    with pytest.raises(oidc.ProviderUnreachable):
        oidc.discover(provider_at(hostile))


def test_a_compressed_answer_is_not_unpacked(hostile):
    hostile.answers["/jwks_uri"] = (200, {"content-encoding": "gzip"}, b"\x1f\x8b")
    with pytest.raises(oidc.ProviderUnreachable):
        finished(hostile)


@pytest.mark.parametrize("part", ["headers", "body"])
def test_an_answer_that_comes_too_slowly(hostile, monkeypatch, part):
    monkeypatch.setattr(line, "TIME_LIMIT", 0.4)

    def slow(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"\r\n" if part == "body" else b""))
        for _byte in range(900):
            handler.wfile.write(b"a")
            handler.wfile.flush()
            time.sleep(0.1)

    hostile.answers["/.well-known/openid-configuration"] = slow
    began = time.monotonic()
    with pytest.raises(oidc.ProviderUnreachable):
        oidc.discover(provider_at(hostile))
    assert time.monotonic() - began < patience(30)


def test_after_a_failure_the_next_one_fails_at_once(hostile, monkeypatch):
    hostile.answers["/.well-known/openid-configuration"] = as_json({}, 500)
    for _try in range(3):
        with pytest.raises(oidc.ProviderUnsuitable):
            oidc.discover(provider_at(hostile))
    assert len(hostile.asked) == 1
    monkeypatch.setattr(discovery, "PAUSE", -1.0)
    hostile.answers.clear()
    assert oidc.discover(provider_at(hostile)).token_endpoint


def test_a_provider_that_is_not_there(hostile):
    hostile.close()
    with pytest.raises(oidc.ProviderUnreachable):
        oidc.begin(provider_at(hostile))


@pytest.mark.parametrize(
    "settings",
    [
        {"issuer": "http://idp.example"},
        {"issuer": "http://127.0.0.1:1", "demonstration": False},
        {"issuer": "https://idp.example/?a=b"},
        {"issuer": "https://idp.example/#a"},
        {"client_id": ""},
        {"client_secret": ""},
        {"scopes": ("profile",)},
    ],
)
def test_settings_that_do_not_fit(settings):
    with pytest.raises(ValueError, match=r"issuer|client|scopes"):
        oidc.Provider(**{**SOUND, "demonstration": True, **settings})


# Signing out


def test_a_logout_token_names_whom_it_ends(hostile):
    notice = oidc.read_logout_token(provider_at(hostile), hostile.logout_token())
    assert (notice.subject, notice.sid, notice.jti) == ("officer-1", "session-1", "logout-1")


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"aud": "another"},
        {"iat": 1},
        {"exp": 1},
        {"jti": None},
        {"events": None},
        {"events": {"another": {}}},
        {"events": {"http://schemas.openid.net/event/backchannel-logout": True}},
        {"nonce": "x"},
        {"sub": None, "sid": None},
        {"sub": 5},
        {"header": {"typ": "at+jwt"}},
    ],
    ids=str,
)
def test_a_logout_token_that_is_none(hostile, changes):
    with pytest.raises(oidc.LogoutNotTrusted):
        oidc.read_logout_token(provider_at(hostile), hostile.logout_token(**changes))


@pytest.mark.parametrize("token", ["", "a.b.c", "ä.b.c", "x" * 70_000, "....", "e30.e30."])
def test_bytes_that_are_no_token(hostile, token):
    with pytest.raises(oidc.LogoutNotTrusted):
        oidc.read_logout_token(provider_at(hostile), token)


def test_an_id_token_is_no_logout_token(hostile):
    hostile.nonce = "n"
    with pytest.raises(oidc.LogoutNotTrusted):
        oidc.read_logout_token(provider_at(hostile), hostile.id_token("x"))


def test_where_to_sign_out(hostile):
    url = oidc.logout_url(provider_at(hostile), ui_locales="zh-Hant-HK")
    assert url == f"{hostile.issuer}/leave?from=here&client_id=kouan&ui_locales=zh-Hant-HK"
    hostile.metadata = {"end_session_endpoint": None}
    oidc.forget()
    assert oidc.logout_url(provider_at(hostile)) == ""
