"""The register of services: what may be registered, who may do it, and what is remembered of it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from django.contrib.auth.models import User
from django.test import Client
from joserfc.jwk import ECKey, OctKey

from apps.identity.pages.conftest import public
from kouan.apps.identity import errors, register
from kouan.apps.identity.commands import service as command
from kouan.apps.identity.models import Service, ServiceChange
from kouan.apps.identity.provider.clients import get_client
from kouan.apps.identity.registration import Registration, differences, is_redirect_uri, parse_keys
from kouan.core.text import Localised
from kouan.web.access import grant_role

pytestmark = pytest.mark.django_db


@pytest.fixture
def registrar(client):
    user = User.objects.create_user("registrar")
    grant_role(user=user, role="registrar")
    client.force_login(user)
    return client


def whats():
    return list(ServiceChange.objects.order_by("pk").values_list("what", flat=True))


# The rules


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "A"}, errors.BadClientId),
        ({"client_id": "urn:kouan:node:gd"}, errors.BadClientId),
        ({"client_id": "x" * 65}, errors.BadClientId),
        ({"department": "  "}, errors.BadDepartment),
        ({"name": Localised("a", "b", " ")}, errors.BadText),
        ({"purpose": Localised("a" * 301, "b", "c")}, errors.BadText),
        ({"profile": "implicit"}, errors.BadProfile),
        ({"redirect_uris": ()}, errors.NoRedirectUri),
        ({"redirect_uris": ("https://a.example",) * 11}, errors.NoRedirectUri),
        ({"redirect_uris": ("https://*.example.hk/",)}, errors.BadRedirectUri),
        ({"post_logout_redirect_uris": ("http://example.hk/",)}, errors.BadLogoutUri),
        ({"backchannel_logout_uri": "https://a@example.hk/"}, errors.BadLogoutUri),
        ({"claims": ("name", "iris_scan")}, errors.BadClaims),
        ({"claims": ("document_number",)}, errors.NoLegalReason),
        ({"claims": ("document_number",), "legal_reason": "x" * 501}, errors.NoLegalReason),
        ({"level": 0}, errors.BadLevel),
        ({"level": 5}, errors.BadLevel),
        ({"sides": ("gd", "uk")}, errors.BadSides),
        ({"profile": "public"}, errors.PublicClientKeys),
        ({"jwks": {}}, errors.BadServiceKeys),
    ],
)
def test_what_cannot_be_registered_is_named(registration, changes, error):
    with pytest.raises(error) as refused:
        register.add(registration=registration(**changes), by=None)
    assert refused.value.status == 422
    assert str(refused.value)
    assert not Service.objects.exists()


@pytest.mark.parametrize(
    "uri",
    [
        "https://a.example/back",
        "https://a.example:8443/back?x=1",
        "http://127.0.0.1:8103/back",
        "http://[::1]:8103/back",
        "http://localhost/back",
    ],
)
def test_addresses_that_a_demonstration_takes(uri):
    assert is_redirect_uri(uri, demonstration=True)
    assert is_redirect_uri(uri, demonstration=False) == uri.startswith("https")


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://",
        "https:///back",
        "//a.example/",
        "ftp://a.example/",
        "javascript:alert(1)",
        "com.example.app:/back",
        "https://a.example/#x",
        "https://a.example/*",
        "https://a.example\\@b.example/",
        "https://user@a.example/",
        "https://a.example:0/",
        "https://a.example:99999/",
        "https://[a.example/",
        "https://a%2eexample/",
        "https://a.example/ b",
        "https://a.example/\n",
        "https://ä.example/",
        "http://a.example/",
        "http://127.0.0.1.example/",
        "https://a.example/" + "x" * 500,
        None,
        7,
    ],
)
def test_addresses_that_nobody_is_sent_to(uri):
    assert not is_redirect_uri(uri, demonstration=True)


def test_public_keys_are_kept_and_nothing_else_of_them(registration, keys):
    good = [
        keys[name].as_dict(private=False) | {"x5u": "https://a", "ext": True}
        for name in ("P-256", "Ed25519", "RSA")
    ]
    made = register.add(registration=registration(jwks={"keys": good, "more": 1}), by=None)
    kept = made.jwks["keys"]
    assert [key["alg"] for key in kept] == ["ES256", "EdDSA", "PS256"]
    assert [key["kid"] for key in kept] == [keys[name].thumbprint() for name in ("P-256", "Ed25519", "RSA")]
    assert set(made.jwks) == {"keys"}
    assert not {"x5u", "ext", "d"} & {name for key in kept for name in key}


def test_keys_that_are_none_or_too_weak_or_cost_too_much(registration, keys):
    good = keys["P-256"].as_dict(private=False)
    weak = {"kty": "RSA", "e": "AQAB", "n": "w" * 171}
    long = {"kty": "RSA", "e": "AQAB", "n": "w" * 684}
    slow = keys["RSA"].as_dict(private=False) | {"e": "B" * 7}
    for bad in (
        [],
        [good, good],
        [good] * 9,
        ["x"],
        [None],
        [keys["P-256"].as_dict(private=True)],
        [keys["P-384"].as_dict(private=False)],
        [OctKey.generate_key(256).as_dict(private=True)],
        [{"kty": "oct"}],
        [good | {"use": "enc"}],
        [good | {"x": "AAAA"}],
        [good | {"x": 7}],
        [good | {"kid": ""}],
        [good | {"kid": ["a"]}],
        [{"kty": "EC", "crv": "P-256"}],
        [{"kty": "OKP", "crv": "X25519", "x": "A" * 43}],
        [{"kty": ["EC"]}],
        [weak],
        [long],
        [slow],
        7,
    ):
        with pytest.raises(errors.BadServiceKeys):
            register.add(registration=registration(jwks={"keys": bad}), by=None)
    for text in ("{", "[]", "7", "[" * 100_000):
        with pytest.raises(errors.BadServiceKeys):
            parse_keys(text)
    assert parse_keys("  ") == {}


def test_a_registration_survives_its_file(registration):
    given = registration(claims=("name",), legal_reason="", sides=("gd",))
    assert Registration.from_json(json.loads(json.dumps(given.to_json()))) == given


# What is remembered


def test_every_change_is_remembered_with_who_made_it(registration, keys):
    officer = User.objects.create_user("officer")
    register.add(registration=registration(), by=officer)
    register.change(client_id="library", registration=registration(level=3, claims=("name",)), by=officer)
    register.change(client_id="library", registration=registration(level=3, claims=("name",)), by=officer)
    register.replace_keys(client_id="library", jwks=public(keys["Ed25519"]), by=officer)
    register.disable(client_id="library", by=officer)
    register.disable(client_id="library", by=officer)
    register.enable(client_id="library", by=None)
    assert whats() == ["added", "changed", "keys", "disabled", "enabled"]
    changed = ServiceChange.objects.get(what="changed")
    assert changed.by == officer
    assert differences(changed.before, changed.after) == [
        ("claims", "name, birthdate", "name"),
        ("level", "2", "3"),
    ]
    with pytest.raises(errors.ServiceExists):
        register.add(registration=registration(), by=None)
    with pytest.raises(errors.UnknownService):
        register.disable(client_id="nobody", by=None)


def test_a_change_does_not_touch_the_keys(library, registration):
    before = library.jwks
    other = registration(level=3, jwks=public(ECKey.generate_key("P-256")))
    assert register.change(client_id="library", registration=other, by=None).jwks == before
    public_one = registration(profile="public", jwks={})
    assert register.change(client_id="library", registration=public_one, by=None).jwks == {}
    with pytest.raises(errors.BadServiceKeys):
        register.change(client_id="library", registration=registration(jwks={}), by=None)


def test_who_is_switched_off_is_no_client(library):
    assert get_client("library").claims == ("name", "birthdate")
    register.disable(client_id="library", by=None)
    with pytest.raises(errors.UnknownService):
        get_client("library")


# The pages


def form_of(registration, **changes):
    given = registration().columns()
    return {
        **given,
        "redirect_uris": "\r\n".join(given["redirect_uris"]),
        "post_logout_redirect_uris": "",
        "jwks": json.dumps(given["jwks"]),
    } | changes


PAGES = ("", "new", "library/", "library/change", "library/keys", "library/disable")


def test_only_registrars_see_the_pages(client, library):
    for path in PAGES:
        assert client.get(f"/registered-services/{path}").status_code == 302
    user = User.objects.create_user("operator")
    grant_role(user=user, role="operator")
    client.force_login(user)
    for path in PAGES:
        assert client.get(f"/registered-services/{path}").status_code == 403
        assert client.post(f"/registered-services/{path}").status_code in {403, 405}
    assert whats() == ["added"]


def test_a_registrar_registers_changes_and_switches_off(registrar, registration, keys):
    page = registrar.post("/registered-services/new", form_of(registration))
    assert page["Location"] == "/registered-services/library/"
    assert (
        "https://library.example.hk/back" in registrar.get("/registered-services/library/").content.decode()
    )
    changed = form_of(registration, level="3", claims=["name"])
    assert registrar.post("/registered-services/library/change", changed).status_code == 302
    assert Service.objects.get().level == 3
    new_keys = {"jwks": json.dumps(public(keys["RSA"]))}
    assert registrar.post("/registered-services/library/keys", new_keys).status_code == 302
    assert registrar.post("/registered-services/library/disable").status_code == 302
    assert registrar.get("/registered-services/library/disable").status_code == 404
    assert registrar.post("/registered-services/library/enable").status_code == 302
    assert whats() == ["added", "changed", "keys", "disabled", "enabled"]
    text = registrar.get("/registered-services/library/").content.decode()
    assert "registrar" in text
    assert "name, birthdate → name" in text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("client_id", "A", "An id has 3 to 64 characters"),
        ("name_zh_hans", "", "This cannot be empty."),
        ("redirect_uris", "http://a.example/", "The address http://a.example/ cannot be used."),
        ("jwks", "{", "These keys cannot be used (JSON)."),
        ("claims", ["document_number"], "Name the law"),
    ],
)
def test_a_form_says_what_is_wrong_where_it_is(registrar, registration, field, value, words):
    page = registrar.post("/registered-services/new", form_of(registration, **{field: value}))
    text = page.content.decode()
    assert words in text
    assert "There is a problem" in text
    assert not Service.objects.exists()


def test_bad_keys_leave_the_old_ones(registrar, library):
    page = registrar.post("/registered-services/library/keys", {"jwks": "[]"})
    assert "These keys cannot be used" in page.content.decode()
    assert Service.objects.get().jwks == library.jwks


# The API


def call(client, method, path, body=None, **more):
    data = b"" if body is None else json.dumps(body).encode()
    return client.generic(method, f"/api/v1/identity{path}", data, content_type="application/json", **more)


def body_of(registration, **changes):
    return registration().to_json() | changes


def fields_of(registration, **changes):
    return {
        name: value
        for name, value in body_of(registration, **changes).items()
        if name not in {"client_id", "jwks"}
    }


def test_the_api_is_the_registrars_alone(client, registration):
    assert call(client, "GET", "/services").status_code == 401
    user = User.objects.create_user("operator")
    grant_role(user=user, role="operator")
    client.force_login(user)
    assert call(client, "POST", "/services", body_of(registration)).status_code == 401
    assert not Service.objects.exists()


def test_the_api_asks_for_the_portals_token(registrar, registration):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = registrar.cookies
    assert call(strict, "POST", "/services", body_of(registration)).status_code == 403
    assert not Service.objects.exists()


def test_the_api_does_what_the_pages_do(registrar, registration, keys):
    made = call(registrar, "POST", "/services", body_of(registration))
    assert (made.status_code, made.json()["client_id"]) == (201, "library")
    changed = call(registrar, "PUT", "/services/library", fields_of(registration, level=4))
    assert changed.json()["level"] == 4
    keys_ = call(registrar, "PUT", "/services/library/keys", public(keys["Ed25519"]))
    assert keys_.json()["jwks"]["keys"][0]["alg"] == "EdDSA"
    assert call(registrar, "POST", "/services/library/disable").json()["disabled_at"]
    assert call(registrar, "POST", "/services/library/enable").json()["disabled_at"] is None
    assert [each["client_id"] for each in call(registrar, "GET", "/services").json()] == ["library"]
    assert call(registrar, "GET", "/services/library").json()["name"]["zh-hant"] == "圖書證"
    history = call(registrar, "GET", "/services/library/history").json()
    assert [each["what"] for each in history] == ["enabled", "disabled", "keys", "changed", "added"]
    assert {each["by"] for each in history} == {"registrar"}


def test_the_api_names_what_is_wrong(registrar, registration, library):
    twice = call(registrar, "POST", "/services", body_of(registration))
    assert (twice.status_code, twice.json()["code"]) == (409, "service-exists")
    bad = call(registrar, "POST", "/services", body_of(registration, client_id="x y"))
    assert (bad.status_code, bad.json()["code"]) == (422, "bad-client-id")
    unknown = call(registrar, "POST", "/services", body_of(registration, surprise=1))
    assert (unknown.status_code, unknown.json()["code"]) == (422, "invalid-request")
    assert call(registrar, "GET", "/services/nobody").json()["code"] == "unknown-service"


# The command line


def test_the_command_line_takes_a_file(registration, tmp_path):
    runner = CliRunner()
    file = tmp_path / "library.json"
    file.write_text(json.dumps(body_of(registration)))
    assert runner.invoke(command, ["add", str(file)], catch_exceptions=False).exit_code == 0
    shown = runner.invoke(command, ["show", "library"], catch_exceptions=False).output
    assert Registration.from_json(json.loads(shown)) == Registration.of(Service.objects.get())
    runner.invoke(command, ["disable", "library"], catch_exceptions=False)
    assert "switched off" in runner.invoke(command, ["list"], catch_exceptions=False).output
    runner.invoke(command, ["enable", "library"], catch_exceptions=False)
    assert whats() == ["added", "disabled", "enabled"]


@pytest.mark.parametrize("text", ["", "[]", "client_id = 7", "name = {en = 'x'}", "{", 'x = "y"'])
def test_a_file_that_is_none_is_named(tmp_path, text):
    file = tmp_path / "service.toml"
    file.write_text(text)
    result = CliRunner().invoke(command, ["add", str(file)])
    assert result.exit_code == 1
    assert "service.toml" in result.output
    assert not Service.objects.exists()
