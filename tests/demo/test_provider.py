"""The demonstration's provider: only for demonstrations, and as strict as a real one towards programs."""

from __future__ import annotations

import base64
import http.client
import json
import os
import subprocess
import sys
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from journeys.nodes import wait_until
from kouan.apps.identity.domain import commitment
from kouan.apps.identity.home.adapter import AFTER_LOGOUT, CALLBACK
from kouan.config import ConfigError, load
from kouan.core.sides import get_document
from kouan.demo.browser import Browser
from kouan.demo.homes import ISSUER_TOKEN, give_provider
from kouan.demo.nodes import free_ports
from kouan.demo.provider.__main__ import demonstration_home
from kouan.demo.provider.desk import Held, base64url, challenge_of
from kouan.demo.provider.people import PEOPLE, find
from kouan.demo.up import answers
from kouan.node.layout import NewNode, create, environment_of

VERIFIER = "v" * 43


def laid_out(home, **changes):
    new = NewNode(side="gd", portal="127.0.0.1:18200", door="127.0.0.1:18201", **changes)
    return create(home, new)


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """Guangdong's settings, with a provider that runs."""
    path = laid_out(tmp_path_factory.mktemp("provider") / "gd", demonstration=True)
    give_provider(path, "gd", free_ports(1)[0])
    environment = environment_of(path, _clean())
    process = subprocess.Popen([sys.executable, "-m", "kouan.demo.provider"], env=environment)
    config = load(path, environment)
    try:
        wait_until(lambda: answers(urlsplit(config.homes[0].issuer).port), 60, "the provider is up")
        yield config, environment
    finally:
        process.kill()
        process.wait()


def _clean():
    return {name: value for name, value in os.environ.items() if not name.startswith("KOUAN_")}


@pytest.fixture
def config(node):
    return node[0]


@pytest.fixture
def surfer():
    return Browser()


def asked(config, **changes):
    home = config.homes[0]
    return {
        "client_id": home.client_id,
        "redirect_uri": config.portal_origin + CALLBACK.format(home.id),
        "response_type": "code",
        "scope": "openid profile",
        "state": "state-1",
        "nonce": "nonce-1",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    } | changes


def authorize(surfer, config, **changes):
    fields = {name: value for name, value in asked(config, **changes).items() if value is not None}
    issuer = config.homes[0].issuer
    return surfer.open(f"{issuer}/authorize?{urlencode(fields)}", until=elsewhere(config))


def elsewhere(config):
    return lambda url: url.startswith(config.portal_origin)


def choose(surfer, config, person="gd-wang", **fields):
    page = authorize(surfer, config)
    form = page.form("person")
    back = surfer.send(page, form, ("person", person), *fields.items(), until=elsewhere(config))
    return dict(parse_qsl(urlsplit(back.url).query))


def redeem(node, code, *, secret=None, **changes):
    config, environment = node
    home = config.homes[0]
    script = (
        "import django; django.setup();"
        "from kouan.apps.identity.home.demonstration import client_secret; print(client_secret())"
    )
    if secret is None:
        secret = subprocess.run(
            [sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True
        ).stdout.strip()
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": asked(config)["redirect_uri"],
        "code_verifier": VERIFIER,
    } | changes
    pair = base64.b64encode(f"{home.client_id}:{secret}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/x-www-form-urlencoded"}
    return post(config, "/token", urlencode(form), headers)


def post(config, path, body, headers):
    where = urlsplit(config.homes[0].issuer)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


# Where it may run


def test_a_node_that_is_no_demonstration_refuses_the_kind(tmp_path):
    path = laid_out(tmp_path / "gd", portal_origin="https://portal.example")
    give_provider(path, "gd", 18202)
    with pytest.raises(ConfigError, match=r"home\.kind.*anybody"):
        load(path, environment_of(path, _clean()))


def test_it_does_not_start_for_a_node_that_is_no_demonstration(tmp_path, config):
    with pytest.raises(ConfigError, match="not a demonstration"):
        demonstration_home(replace(config, demonstration=False))

    path = laid_out(tmp_path / "gd")
    done = subprocess.run(
        [sys.executable, "-m", "kouan.demo.provider"],
        env=environment_of(path, _clean()),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 1
    assert "not a demonstration" in done.stderr


def test_it_does_not_start_for_a_node_without_it(config):
    with pytest.raises(ConfigError, match="of the kind 'demonstration'"):
        demonstration_home(replace(config, homes=()))


# For people


def test_the_page_says_what_it_is_and_lists_everybody(config, surfer):
    page = authorize(surfer, config)
    assert "Every person here is made up" in page.text
    form = page.form("person")
    assert form.choices["person"] == [person.subject for person in PEOPLE["gd"]]


def test_somebody_signs_in_and_is_known_from_then_on(config, surfer):
    said = choose(surfer, config, strength="password")
    assert (said["state"], said["iss"]) == ("state-1", config.homes[0].issuer)

    again = authorize(surfer, config)
    assert again.url.startswith(config.portal_origin)
    assert "code=" in again.url
    assert authorize(surfer, config, prompt="login").url.startswith(config.homes[0].issuer)
    assert authorize(surfer, config, acr_values="4").url.startswith(config.homes[0].issuer)


def test_who_does_not_choose_is_told(config, surfer):
    page = authorize(surfer, config)
    form = page.form("person")
    answer = surfer.send(page, form)
    assert answer.status == 422
    assert "Choose who you are." in answer.text


def test_who_cancels_goes_back_without_a_code(config, surfer):
    assert choose(surfer, config, cancel="1")["error"] == "access_denied"


def test_a_form_of_another_site_is_refused(config, surfer):
    page = authorize(surfer, config)
    form = page.form("person")
    forged = (("csrfmiddlewaretoken", "x" * 64), ("person", "gd-wang"))
    assert surfer.send(page, form, *forged).status == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "another"},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": None},
        {"response_type": "token"},
        {"scope": "profile"},
        {"code_challenge_method": "plain"},
        {"code_challenge": None},
        {"nonce": None},
        {"state": "s" * 3000},
        {"max_age": "soon"},
    ],
    ids=str,
)
def test_a_request_that_is_not_the_nodes_leads_nowhere(config, surfer, changes):
    page = authorize(surfer, config, **changes)
    assert page.status == 400
    assert page.url.startswith(config.homes[0].issuer)


def test_signing_out_leads_back_to_the_node_alone(config, surfer):
    choose(surfer, config)
    issuer, back = config.homes[0].issuer, config.portal_origin + AFTER_LOGOUT
    page = surfer.open(f"{issuer}/leave?{urlencode({'post_logout_redirect_uri': back})}")
    form = page.form("csrfmiddlewaretoken")
    assert surfer.send(page, form, until=elsewhere(config)).url == back
    away = urlencode({"post_logout_redirect_uri": "https://evil.example/"})
    assert surfer.open(f"{issuer}/leave?{away}").url.startswith(issuer)


# For programs


def test_a_code_counts_once_for_who_can_redeem_it(node, config, surfer):
    code = choose(surfer, config)["code"]
    status, tokens = redeem(node, code)

    assert status == 200
    claims = json.loads(base64.urlsafe_b64decode(tokens["id_token"].split(".")[1] + "=="))
    assert (claims["sub"], claims["acr"], claims["nonce"]) == ("gd-wang", "5", "nonce-1")
    assert claims["amr"] == ["hwk", "mfa"]
    status, refused = redeem(node, code)
    assert (status, refused) == (400, {"error": "invalid_grant"})


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"secret": "another"}, "invalid_client"),
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_grant"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
    ],
    ids=str,
)
def test_a_code_is_not_redeemed_by_anybody_else(node, config, surfer, changes, error):
    code = choose(surfer, config)["code"]
    assert redeem(node, code, **changes)[1] == {"error": error}


def test_what_is_held_is_held_for_a_while():
    held = Held(60.0)
    name = held.keep("value")
    assert (held.see(name), held.take(name), held.take(name)) == ("value", "value", None)
    ended = Held(0.0)
    assert ended.take(ended.keep("value")) is None


# The issuer


def ask(node, *, token=None, number=None, **changes):
    config, environment = node
    person = find("gd", "gd-chan")
    salt = b"s" * 32
    theirs = get_document("hkid").parse("A123456(3)").reveal()
    body = {
        "documents": "hkid home-return-permit",
        "number": number or person.document_number,
        "salt": base64url(salt),
        "digest": base64url(commitment(theirs, person.birthdate, salt)),
    } | changes
    headers = {
        "Authorization": f"Bearer {token or environment[ISSUER_TOKEN]}",
        "Content-Type": "application/json",
    }
    return post(config, "/issuer/match", json.dumps(body), headers)


def test_the_issuer_says_yes_to_the_right_pair(node):
    assert ask(node) == (200, {"outcome": "match"})


def test_the_issuer_says_no_to_another_commitment(node):
    assert ask(node, digest=base64url(b"d" * 32)) == (200, {"outcome": "no-match"})


def test_the_issuer_says_where_it_holds_nothing(node):
    assert ask(node, number="H99999999") == (200, {"outcome": "not-held"})
    assert ask(node, documents="hkid residence-permit") == (200, {"outcome": "not-held"})


def test_the_issuer_answers_nobody_else(node):
    assert ask(node, token="another") == (401, {"error": "invalid_token"})  # noqa: S106 - it opens nothing


@pytest.mark.parametrize(
    "changes",
    [{"salt": "short"}, {"digest": 5}, {"documents": "hkid"}, {"documents": None}, {"number": 5}],
    ids=str,
)
def test_a_question_that_is_none_is_refused(node, changes):
    assert ask(node, **changes) == (400, {"error": "invalid_request"})
