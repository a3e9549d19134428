"""The demonstration's service: only for demonstrations, and as strict as a real one."""

from __future__ import annotations

import http.client
import os
import stat
import subprocess
import sys
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from journeys.nodes import wait_until
from kouan.config import ConfigError, load
from kouan.demo.nodes import free_ports
from kouan.demo.service.__main__ import demonstration_origin
from kouan.demo.services import KEY_FILE, PROOF_FILE, SERVICES, give_service, origin_of, registration_of
from kouan.demo.up import answers
from kouan.node.layout import NewNode, create, environment_of
from kouan.web.oidc import public_jwks


def laid_out(home, *, demonstration=True):
    portal, door = free_ports(2)
    new = NewNode(
        side="gd", portal=f"127.0.0.1:{portal}", door=f"127.0.0.1:{door}", demonstration=demonstration
    )
    return create(home, new)


def settings_of(path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KOUAN_")}
    environment = environment_of(path, environment)
    return load(path, environment), environment


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    """A service that runs; the node to which it sends people does not."""
    path = laid_out(tmp_path_factory.mktemp("service") / "gd")
    give_service(path, free_ports(1)[0])
    config, environment = settings_of(path)
    where = demonstration_origin(config)
    process = subprocess.Popen([sys.executable, "-m", "kouan.demo.service"], env=environment)
    try:
        wait_until(lambda: answers(urlsplit(where).port), 60, "the service is up")
        yield where
    finally:
        process.kill()
        process.wait()


def ask(origin, method, path, body=None):
    connection = http.client.HTTPConnection(urlsplit(origin).netloc, timeout=60)
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    said = answer.status, answer.getheader("Location"), answer.read().decode()
    connection.close()
    return said


def test_it_does_not_start_for_a_real_node(tmp_path):
    path = laid_out(tmp_path / "gd")
    config, environment = settings_of(path)
    with pytest.raises(ConfigError, match=r"service\.json is not there"):
        demonstration_origin(config)
    give_service(path, 8203)
    assert demonstration_origin(config) == "http://127.0.0.1:8203"
    with pytest.raises(ConfigError, match="not a demonstration"):
        demonstration_origin(replace(config, demonstration=False))
    path.write_text(path.read_text().replace("demonstration = true", "demonstration = false"))
    ended = subprocess.run(
        [sys.executable, "-m", "kouan.demo.service"], env=environment, capture_output=True, check=False
    )
    assert ended.returncode == 1
    assert b"not a demonstration" in ended.stderr


def test_its_key_is_made_once_and_its_own_to_read(tmp_path):
    path = laid_out(tmp_path / "gd")
    give_service(path, 8203)
    key = path.parent / KEY_FILE
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    give_service(path, 9999)
    assert (key.read_bytes(), origin_of(path.parent)) == (before, "http://127.0.0.1:8203")
    registration = registration_of(path.parent, "gd")
    assert registration.client_id == SERVICES["gd"].id
    assert registration.redirect_uris == ("http://127.0.0.1:8203/back",)
    assert "d" not in registration.jwks["keys"][0]


def test_the_two_sides_services_show_the_two_profiles(tmp_path):
    profiles = {}
    for side in ("hk", "gd"):
        path = tmp_path / side / "node.toml"
        path.parent.mkdir()
        give_service(path, 8203)
        registration = registration_of(path.parent, side)
        profiles[side] = registration.profile
        assert stat.S_IMODE((path.parent / PROOF_FILE).stat().st_mode) == 0o600
        assert (
            registration.jwks == public_jwks(path.parent / KEY_FILE) != public_jwks(path.parent / PROOF_FILE)
        )
    assert profiles == {"hk": "confidential", "gd": "fapi2"}


def test_a_service_of_before_gets_the_key_that_it_lacks(tmp_path):
    path = tmp_path / "node.toml"
    give_service(path, 8203)
    (path.parent / PROOF_FILE).unlink()
    give_service(path, 8203)
    assert (path.parent / PROOF_FILE).exists()


def test_it_invites_to_sign_in_and_says_what_it_is(origin):
    status, _location, page = ask(origin, "GET", "/")
    assert status == 200
    assert "Sign in with your government identity" in page
    assert "This stands in for a public service" in page


def test_an_answer_that_this_browser_did_not_ask_for_signs_nobody_in(origin):
    assert ask(origin, "GET", "/back?code=stolen&state=x&iss=x")[:2] == (303, "/")


def test_a_node_that_does_not_answer_is_said(origin):
    status, _location, page = ask(origin, "GET", "/sign-in")
    assert status == 503
    assert "You are not signed in" in page


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "e30.e30."])
def test_a_logout_token_that_is_none_ends_nothing(origin, token):
    assert ask(origin, "POST", "/logout", f"logout_token={token}")[0] in {400, 403, 502, 503}


def test_a_form_of_another_site_signs_nobody_out(origin):
    assert ask(origin, "POST", "/sign-out", "")[0] == 403
