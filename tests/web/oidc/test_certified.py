"""The relying party against a certified provider."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from joserfc.jwk import ECKey, OKPKey, RSAKey

from kouan.web import oidc
from kouan.web.oidc import discovery
from kouan.web.oidc.authentication import load_key
from oidc_peers import certified

BACK = "http://127.0.0.1:18100/back"
SECRET = "a secret of 32 characters, & more"  # noqa: S105 - of a client that lives as long as a test
KINDS = {
    "P-256": lambda: ECKey.generate_key("P-256"),
    "Ed25519": lambda: OKPKey.generate_key("Ed25519"),
    "RSA": lambda: RSAKey.generate_key(2048),
}
PEOPLE = {"officer-1": {"name": "Chan Tai Man", "department": "works", "roles": ["issuer"]}}


def client(**more):
    return {
        "client_id": "kouan",
        "redirect_uris": [BACK],
        "response_types": ["code"],
        "grant_types": ["authorization_code"],
        "id_token_signed_response_alg": "ES256",
        **more,
    }


def by(method):
    return {"token_endpoint_auth_method": method}


def provider_at(issuer, **more):
    settings = {"client_id": "kouan", "redirect_uri": BACK, "scopes": ("openid", "profile", "staff")}
    if "key_file" not in more:
        settings["client_secret"] = SECRET
    return oidc.Provider(issuer=issuer, demonstration=True, **{**settings, **more})


def write_key(path, kind):
    path.write_bytes(
        KINDS[kind]().private_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return path


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return {kind: write_key(folder / f"{kind}.pem", kind) for kind in KINDS}


@pytest.fixture(scope="module")
def peer(keys):
    clients = [client(client_secret=SECRET, **by("client_secret_basic"))]
    clients += [
        client(client_secret=SECRET, client_id="posts", **by("client_secret_post")),
        *(
            client(
                client_id=kind,
                **by("private_key_jwt"),
                jwks=oidc.public_jwks(path),
            )
            for kind, path in keys.items()
        ),
    ]
    levels = ["urn:gba:loa:3", "urn:gba:loa:4"]
    with certified(clients=clients, people=PEOPLE, acr="urn:gba:loa:3", acr_values=levels) as running:
        yield running


def sign_in(peer, provider, **asked):
    url, attempt = oidc.begin(provider, **asked)
    return oidc.finish(provider, attempt, peer.visit(url, BACK))


def test_code_pkce_and_a_secret_with_a_pushed_request(peer):
    provider = provider_at(
        peer.issuer,
        acr_values=("urn:gba:loa:4", "urn:gba:loa:3"),
        claims={"department": "department", "roles": "roles", "absent": "no.such"},
    )
    url, attempt = oidc.begin(provider, ui_locales="zh-Hant-HK")
    assert set(parse_qs(urlsplit(url).query)) == {"client_id", "request_uri"}
    found = oidc.finish(provider, oidc.Attempt.restored(attempt.stored()), peer.visit(url, BACK))
    assert (found.issuer, found.subject, found.acr) == (peer.issuer, "officer-1", "urn:gba:loa:3")
    assert found.attributes == {"department": "works", "roles": ["issuer"]}
    assert found.claims["name"] == "Chan Tai Man"
    assert found.id_token not in repr(found)
    assert SECRET not in repr(provider)


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_instead_of_a_secret(peer, keys, kind):
    provider = provider_at(peer.issuer, client_id=kind, key_file=keys[kind])
    assert sign_in(peer, provider).subject == "officer-1"


def test_a_secret_in_the_form_where_the_provider_takes_it_there(peer):
    provider = provider_at(peer.issuer, client_id="posts")
    known = discovery._known(provider)
    metadata = oidc.discover(provider)
    known.metadata = replace(metadata, token_endpoint_auth_methods_supported=("client_secret_post",))
    assert sign_in(peer, provider).subject == "officer-1"


def test_without_pushed_requests_everything_stands_in_the_address():
    clients = [client(client_secret=SECRET)]
    with certified(clients=clients, people=PEOPLE, pushed=False) as other:
        provider = provider_at(other.issuer)
        url, attempt = oidc.begin(provider)
        fields = parse_qs(urlsplit(url).query)
        assert fields["code_challenge_method"] == ["S256"]
        assert attempt.verifier not in url
        assert oidc.finish(provider, attempt, other.visit(url, BACK)).subject == "officer-1"


def test_a_level_that_is_not_reached_is_no_sign_in(peer):
    with pytest.raises(oidc.LevelTooLow):
        sign_in(peer, provider_at(peer.issuer, acr_values=("urn:gba:loa:4",)))


def test_a_fresh_sign_in_says_when_it_was(peer):
    before = int(time.time())
    found = sign_in(peer, provider_at(peer.issuer), max_age=0, prompt="login")
    assert found.auth_time is not None
    assert before - 1 <= found.auth_time <= time.time() + 1


def test_a_person_who_says_no(peer):
    with pytest.raises(oidc.SignInRefused, match="access_denied"):
        sign_in(peer, provider_at(peer.issuer), login_hint="nobody", prompt="login")


def test_a_code_is_good_for_once(peer):
    provider = provider_at(peer.issuer)
    url, attempt = oidc.begin(provider)
    query = peer.visit(url, BACK)
    oidc.finish(provider, attempt, query)
    with pytest.raises(oidc.SignInRefused, match="invalid_grant"):
        oidc.finish(provider, attempt, query)


def test_another_verifier_gets_nothing(peer):
    provider = provider_at(peer.issuer)
    url, attempt = oidc.begin(provider)
    query = peer.visit(url, BACK)
    _url, other = oidc.begin(provider)
    mixed = oidc.Attempt.restored({**attempt.stored(), "verifier": other.verifier})
    with pytest.raises(oidc.SignInRefused, match="invalid_grant"):
        oidc.finish(provider, mixed, query)


def test_a_wrong_secret_is_told_as_what_it_is(peer):
    with pytest.raises(oidc.SignInRefused, match="invalid_client"):
        oidc.begin(provider_at(peer.issuer, client_secret=SECRET[::-1]))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_registered_holds_no_private_part(keys, kind):
    (key,) = oidc.public_jwks(keys[kind])["keys"]
    assert not {"d", "p", "q"} & key.keys()
    assert key["kid"]


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_file_that_holds_no_key(tmp_path, content):
    (tmp_path / "key.pem").write_bytes(content)
    with pytest.raises(ValueError, match="holds no private key"):
        load_key(tmp_path / "key.pem")
    with pytest.raises(ValueError, match="cannot be read"):
        load_key(tmp_path / "none.pem")


def test_signing_out_at_the_provider_ends_the_session_here():
    tokens = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            tokens.extend(parse_qs(body)["logout_token"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Listener) as listener:
        listener.timeout = 10
        address = f"http://127.0.0.1:{listener.server_port}/"
        registered = client(
            client_secret=SECRET, backchannel_logout_uri=address, backchannel_logout_session_required=True
        )
        with certified(clients=[registered], people=PEOPLE) as other:
            provider = provider_at(other.issuer)
            found = sign_in(other, provider)
            page = other.browser.get(oidc.logout_url(provider))
            form = {
                name: page.text.split(f'name="{name}" value="')[1].split('"')[0]
                for name in ("xsrf", "logout")
            }
            leaving = page.text.split('action="')[1].split('"')[0]
            other.browser.cookies.update(page.cookies)
            # The provider tells us before it answers, so somebody must be listening meanwhile.
            waiting = threading.Thread(target=listener.handle_request)
            waiting.start()
            other.browser.post(leaving, data=form)
            waiting.join()
            notice = oidc.read_logout_token(provider, tokens[0])
    assert (notice.issuer, notice.subject, notice.sid) == (found.issuer, found.subject, found.sid)
    assert notice.jti


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_that_are_bound_to_a_key_of_ours(tmp_path, kind):
    keys = {name: write_key(tmp_path / f"{name}.pem", kind) for name in ("client", "proof")}
    registered = client(
        **by("private_key_jwt"),
        token_endpoint_auth_signing_alg={"P-256": "ES256", "Ed25519": "EdDSA", "RSA": "PS256"}[kind],
        jwks=oidc.public_jwks(keys["client"]),
        dpop_bound_access_tokens=True,
        require_pushed_authorization_requests=True,
    )
    with certified(clients=[registered], people=PEOPLE) as other:
        unbound = provider_at(other.issuer, key_file=keys["client"])
        with pytest.raises(oidc.SignInRefused):
            sign_in(other, unbound)
        provider = replace(unbound, proof_key_file=keys["proof"])
        if kind == "RSA":  # which this provider takes from clients, but not in proofs
            with pytest.raises(oidc.ProviderUnsuitable, match="dpop_signing_alg_values_supported"):
                oidc.begin(provider)
            return
        assert sign_in(other, provider).claims["department"] == "works"
        keys["proof"].unlink()
        with pytest.raises(oidc.ProviderUnsuitable, match="our own key"):
            oidc.begin(provider)
