from __future__ import annotations

import hashlib
import json
import time
import uuid
from dataclasses import replace

import pytest
from joserfc.jwk import ECKey

from apps.identity.nodes.conftest import ANOTHER, BROWSER
from apps.identity.nodes.guangdong import ISSUER, keyed, signed, unsigned
from kouan.apps.identity.errors import InteractionOver, NoPeerProvider, NotThisStep
from kouan.apps.identity.models import Interaction, PeerProvider, Relay
from kouan.apps.identity.nodes import relay
from kouan.apps.identity.nodes.errors import (
    AnotherIssuer,
    BadPeerAnswer,
    PeerLevelNotReached,
    PeerSaysNo,
    PeerUnavailable,
    RelayOver,
)
from kouan.apps.identity.nodes.relay import Answer, Refused
from kouan.apps.identity.provider import interactions
from kouan.core.policy import Denied

YEAR = 365 * 24 * 3600


@pytest.fixture
def begun(gd, interaction):
    """Begin on the way to Guangdong; return the interaction."""

    def make(**changes):
        row = interaction(**changes)
        address = relay.begin(interaction=row)
        assert address.startswith(
            f"{ISSUER}/oidc/authorize?client_id=urn%3Akouan%3Anode%3Ahk&request_uri=urn%3A"
        )
        return row

    return make


def back(gd, **changes):
    return Answer(**{"state": gd.asked["state"], "code": "a-code", "iss": ISSUER, "error": ""} | changes)


def test_there_and_back(gd, begun):
    row = begun(ui_locales=("zh-Hant",))
    asked = gd.asked
    assert asked["acr_values"] == "urn:gba:loa:3 urn:gba:loa:4"
    assert json.loads(asked["claims"])["userinfo"] == {"name": None, "birthdate": None}
    assert asked["ui_locales"] == "zh-Hant"
    (details,) = json.loads(asked["authorization_details"])
    assert (details["type"], details["id"], details["side"]) == ("urn:kouan:service", "library", "hk")

    done = relay.returned(answer=back(gd), browser=BROWSER)
    assert done.stage == Interaction.Stage.DONE
    said = interactions.foreign_of(Interaction.objects.get(pk=row.pk))
    assert said == {
        "side": "gd", "subject": gd.subject, "sid": gd.sid, "level": 3, "amr": ["pwd", "otp"],
        "auth_time": said["auth_time"], "claims": {"name": "WANG", "birthdate": "1980-01-01"}, "link": "",
        "id_token_digest": hashlib.sha256(gd.last_id_token.encode()).hexdigest(),
        "userinfo_digest": hashlib.sha256(gd.last_userinfo.encode()).hexdigest(),
    }  # fmt: skip
    assert gd.calls == ["/identity/par", "/identity/token", "/identity/userinfo"]
    assert not Relay.objects.exists()


def test_an_answer_counts_once(gd, begun):
    begun()
    answer = back(gd)
    relay.returned(answer=answer, browser=BROWSER)
    with pytest.raises(RelayOver):
        relay.returned(answer=answer, browser=BROWSER)
    assert gd.calls.count("/identity/token") == 1


def test_another_browser_takes_nothing_and_uses_nothing_up(gd, begun):
    begun()
    with pytest.raises(RelayOver):
        relay.returned(answer=back(gd), browser=ANOTHER)
    assert relay.returned(answer=back(gd), browser=BROWSER).stage == Interaction.Stage.DONE


@pytest.mark.parametrize(
    "iss", ["", "http://127.0.0.1:18200/", "https://evil.example", "http://127.0.0.1:18100"]
)
def test_the_answer_of_another_provider(gd, begun, iss):
    begun()
    with pytest.raises(AnotherIssuer):
        relay.returned(answer=back(gd, iss=iss), browser=BROWSER)
    assert "/identity/token" not in gd.calls
    with pytest.raises(RelayOver):
        relay.returned(answer=back(gd), browser=BROWSER)


def test_a_provider_that_moved_meanwhile(gd, begun):
    begun()
    answer = back(gd)
    gd.announce(issuer="http://127.0.0.1:18299")
    with pytest.raises(AnotherIssuer):
        relay.returned(answer=answer, browser=BROWSER)


@pytest.mark.parametrize("state", ["", "x", "é" * 100])
def test_a_state_that_nobody_gave(gd, begun, state):
    begun()
    with pytest.raises(RelayOver):
        relay.returned(answer=back(gd, state=state), browser=BROWSER)


def test_beginning_again_drops_what_was_begun(gd, begun):
    row = begun()
    first = back(gd)
    relay.begin(interaction=row)
    with pytest.raises(RelayOver):
        relay.returned(answer=first, browser=BROWSER)
    assert relay.returned(answer=back(gd), browser=BROWSER).stage == Interaction.Stage.DONE
    row.refresh_from_db()
    with pytest.raises(NotThisStep):
        relay.begin(interaction=row)


ID_TOKENS = [
    ("iss", {"iss": "https://evil.example"}),
    ("aud", {"aud": "urn:kouan:node:mo"}),
    ("aud", {"aud": ["urn:kouan:node:hk", "urn:kouan:node:mo"]}),
    ("aud", {"aud": None}),
    ("azp", {"azp": "urn:kouan:node:mo"}),
    ("nonce", {"nonce": "another"}),
    ("nonce", {"nonce": None}),
    ("exp", {"exp": 1}),
    ("exp", {"exp": None}),
    ("exp", {"exp": int(time.time()) + YEAR}),
    ("exp", {"exp": "soon"}),
    ("iat", {"iat": int(time.time()) + YEAR}),
    ("iat", {"iat": int(time.time()) - 3600}),
    ("iat", {"iat": True}),
    ("acr", {"acr": "urn:gba:loa:2"}),
    ("acr", {"acr": "urn:gba:loa:1"}),
    ("acr", {"acr": "urn:gba:loa:5"}),
    ("acr", {"acr": None}),
    ("acr", {"acr": ["urn:gba:loa:3"]}),
    ("sub", {"sub": "short"}),
    ("sub", {"sub": None}),
    ("sid", {"sid": "not-one"}),
    ("sid", {"sid": None}),
    ("amr", {"amr": ["<script>"]}),
    ("amr", {"amr": "pwd"}),
    ("auth_time", {"auth_time": None}),
    ("auth_time", {"auth_time": int(time.time()) + YEAR}),
    ("at_hash", {"at_hash": "another"}),
    ("urn:kouan:link", {"urn:kouan:link": "x"}),
]


@pytest.mark.parametrize(("rule", "changes"), ID_TOKENS)
def test_an_id_token_that_does_not_hold(gd, begun, rule, changes):
    row = begun()
    gd.id_token = changes
    with pytest.raises(BadPeerAnswer) as refused:
        relay.returned(answer=back(gd), browser=BROWSER)
    assert refused.value.params["detail"] == rule
    row.refresh_from_db()
    assert (row.stage, row.foreign) == (Interaction.Stage.PEER, None)


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("sub", {"sub": "o" * 43}),
        ("iss", {"iss": "https://evil.example"}),
        ("aud", {"aud": "urn:kouan:node:mo"}),
        ("iat", {"iat": None}),
        ("claims", {"name": ["WANG"]}),
        ("claims", {"name": "x" * 301}),
        ("claims", {"name": "two\nlines"}),
    ],
)
def test_userinfo_that_does_not_hold(gd, begun, rule, changes):
    begun()
    gd.userinfo = changes
    with pytest.raises(BadPeerAnswer) as refused:
        relay.returned(answer=back(gd), browser=BROWSER)
    assert refused.value.params["detail"] == rule


OTHER_KEY = ECKey.generate_key("P-256")


@pytest.mark.parametrize(
    ("rule", "sign"),
    [
        ("algorithm", lambda claims, key: unsigned(claims, key.thumbprint())),
        ("algorithm", keyed),
        ("signature", lambda claims, key: signed(claims, OTHER_KEY, kid=key.thumbprint())),
        ("unknown-key", lambda claims, _: signed(claims, OTHER_KEY)),
        ("unknown-key", lambda claims, key: signed(claims, key, kid="x")),
        ("form", lambda *_: "a.b"),
        ("form", lambda *_: "é"),
        ("form", lambda claims, key: signed([claims], key)),
    ],
)
def test_signatures_that_do_not_count(gd, begun, rule, sign):
    begun()
    gd.sign = sign
    with pytest.raises(BadPeerAnswer) as refused:
        relay.returned(answer=back(gd), browser=BROWSER)
    assert refused.value.params["detail"] == rule


def test_a_key_of_another_use_signs_no_token(gd, begun):
    begun()
    gd.sign = lambda claims, _: signed(claims, gd.keys["receipt"])
    with pytest.raises(BadPeerAnswer, match="unknown-key"):
        relay.returned(answer=back(gd), browser=BROWSER)


def test_a_key_that_counts_no_more(gd, begun):
    begun()
    gd.since -= 48 * 3600
    gd.announce()
    with pytest.raises(BadPeerAnswer, match="key-not-valid-then"):
        relay.returned(answer=back(gd), browser=BROWSER)


def test_tokens_that_are_not_bound_to_our_key(gd, begun):
    begun()
    gd.tokens = {"token_type": "Bearer"}
    with pytest.raises(BadPeerAnswer, match="token-type"):
        relay.returned(answer=back(gd), browser=BROWSER)
    assert "/identity/userinfo" not in gd.calls


def test_userinfo_that_nobody_signed(gd, begun):
    begun()
    gd.content_type = "application/json"
    with pytest.raises(BadPeerAnswer, match="userinfo-not-signed"):
        relay.returned(answer=back(gd), browser=BROWSER)


def test_what_was_not_asked_for_is_not_taken(gd, begun):
    row = begun(claims=("name", "document_number"))
    relay.returned(answer=back(gd), browser=BROWSER)
    assert interactions.foreign_of(Interaction.objects.get(pk=row.pk))["claims"] == {"name": "WANG"}


@pytest.mark.parametrize(
    ("more", "old"),
    [({"max_age": 60}, 600), ({"prompt": ("login",)}, 600), ({"max_age": 0}, 400), ({"max_age": 0}, 45)],
)
def test_an_authentication_that_is_too_old(gd, begun, more, old):
    begun(**more)
    gd.id_token = {"auth_time": int(time.time()) - old}
    with pytest.raises(BadPeerAnswer, match="auth_time"):
        relay.returned(answer=back(gd), browser=BROWSER)


def by_its_clock(gd, seconds):
    """Have Guangdong's clock behind ours."""
    at = int(time.time()) - seconds
    frame = {"iat": at, "exp": at + 300}
    gd.id_token, gd.userinfo = {"auth_time": at, **frame}, frame


@pytest.mark.parametrize("behind", [200, -200])
def test_a_clock_that_is_wrong_makes_nobody_older_or_younger(gd, begun, behind):
    row = begun(prompt=("login",))
    by_its_clock(gd, behind)
    relay.returned(answer=back(gd), browser=BROWSER)
    said = interactions.foreign_of(Interaction.objects.get(pk=row.pk))
    assert abs(time.time() - said["auth_time"]) < 60


def test_a_clock_that_is_ahead_hides_no_old_sign_in(gd, begun):
    begun(prompt=("login",))
    by_its_clock(gd, -200)
    gd.id_token["auth_time"] -= 100
    with pytest.raises(BadPeerAnswer, match="auth_time"):
        relay.returned(answer=back(gd), browser=BROWSER)


@pytest.mark.parametrize(
    "word", ["access_denied", "login_required", "consent_required", "server_error", "weird\n"]
)
def test_a_refusal_keeps_the_step(gd, begun, word):
    row = begun()
    with pytest.raises(Refused) as refused:
        relay.returned(answer=back(gd, code="", error=word), browser=BROWSER)
    assert refused.value.interaction.pk == row.pk
    error = relay.for_client(refused.value.error)
    assert (error.error if error else "") == (word if word.endswith(("denied", "required")) else "")
    assert relay.begin(interaction=row)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": "invalid_grant"}, RelayOver),
        (400, {"error": "invalid_request"}, PeerSaysNo),
        (400, {"error": "unmet_authentication_requirements"}, PeerLevelNotReached),
        (503, {"error": "temporarily_unavailable"}, PeerUnavailable),
        (500, {}, PeerUnavailable),
        (400, {"error": "<script>alert(1)</script>"}, PeerSaysNo),
        (400, {"error": ["a"]}, PeerSaysNo),
        (200, b"not json", BadPeerAnswer),
        (200, b"\xff", BadPeerAnswer),
        (200, b"[]", BadPeerAnswer),
        (200, b"[" * 60_000, BadPeerAnswer),
        (200, {}, BadPeerAnswer),
        (200, {"id_token": 1, "access_token": "a", "token_type": "DPoP"}, BadPeerAnswer),
    ],
)
def test_what_the_token_endpoint_may_say(gd, begun, status, body, kind):
    begun()
    gd.refuse["/identity/token"] = (status, body)
    with pytest.raises(kind) as refused:
        relay.returned(answer=back(gd), browser=BROWSER)
    assert type(refused.value) is kind
    assert "<" not in str(refused.value)


@pytest.mark.parametrize("value", [{}, {"request_uri": 1}, {"request_uri": ""}, {"request_uri": "x" * 301}])
def test_a_pushed_request_without_a_name(gd, interaction, value):
    gd.refuse["/identity/par"] = (201, value)
    with pytest.raises(BadPeerAnswer, match="request-uri"):
        relay.begin(interaction=interaction())
    assert not Relay.objects.exists()


def test_without_an_agreement_nobody_is_asked(gd, interaction, settings, tmp_path):
    empty = tmp_path / "none"
    empty.mkdir()
    settings.NODE = replace(settings.NODE, agreements=empty)
    with pytest.raises(Denied):
        relay.begin(interaction=interaction())
    assert not gd.calls


def test_a_side_that_has_announced_nothing(gd, interaction):
    PeerProvider.objects.all().delete()
    with pytest.raises(NoPeerProvider):
        relay.begin(interaction=interaction())


@pytest.mark.parametrize("query", [{"state": ["a", "b"]}, {"code": ["x" * 2049]}])
def test_parameters_that_no_provider_sends(query):
    with pytest.raises(RelayOver):
        Answer.of_query(query)


def test_a_link_that_does_not_count_here_is_nobody(gd, begun):
    row = begun()
    gd.id_token = {"urn:kouan:link": str(uuid.uuid4())}
    relay.returned(answer=back(gd), browser=BROWSER)
    assert interactions.foreign_of(Interaction.objects.get(pk=row.pk))["link"] == ""


def test_what_was_ended_or_went_on_meanwhile_is_not_begun(gd, interaction):
    ended, gone_on = interaction(), interaction()
    Interaction.objects.filter(pk=ended.pk).delete()
    Interaction.objects.filter(pk=gone_on.pk).update(stage=Interaction.Stage.DONE)
    for row, error in ((ended, InteractionOver), (gone_on, NotThisStep)):
        with pytest.raises(error):
            relay.begin(interaction=row)
    assert not Relay.objects.exists()
