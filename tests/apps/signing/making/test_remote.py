"""The client of CSC API v2, against a small server that keeps the API's rules, or breaks them."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, utils

from apps.signing.making.conftest import chain
from apps.signing.making.test_forms import status_of
from kouan.apps.signing.making import keys, pdf
from kouan.apps.signing.making.errors import SignerUnusable
from kouan.sections.signers import SignerSettings
from kouan.web.oidc import line

TOKEN, PIN, CREDENTIAL = "access-token-of-the-office", "824193", "office-1"


@dataclass
class SigningService:
    """Credentials, authorisation bound to hashes, signatures."""

    key: object
    certificates: tuple[bytes, ...]
    url: str = ""
    sads: dict[str, list[str]] = field(default_factory=dict)
    seen: list[dict] = field(default_factory=list)
    changed: dict[str, object] = field(default_factory=dict)
    """What to answer in the place of a call's true answer: (status, value)."""

    def answer(self, path, token, asked):
        self.seen.append(asked)
        if path in self.changed:
            return self.changed[path]
        if token != f"Bearer {TOKEN}":
            return 401, {"error": "invalid_token"}
        if asked.get("credentialID") != CREDENTIAL:
            return 400, {"error": "invalid_request"}
        return getattr(self, "_" + path.rpartition("/")[2].lower())(asked)

    def _info(self, asked):
        assert asked["certificates"] == "chain"
        encoded = [base64.b64encode(each).decode() for each in self.certificates]
        return 200, {
            "key": {"status": "enabled", "algo": ["1.2.840.113549.1.1.11"], "len": 2048},
            "cert": {"status": "valid", "certificates": encoded},
            "multisign": 1,
        }

    def _authorize(self, asked):
        if asked.get("PIN") != PIN or asked["numSignatures"] != len(asked["hashes"]):
            return 400, {"error": "invalid_pin"}
        sad = f"sad-{len(self.sads)}"
        self.sads[sad] = asked["hashes"]
        return 200, {"SAD": sad, "expiresIn": 60}

    def _signhash(self, asked):
        if self.sads.pop(asked["SAD"], None) != asked["hashes"]:
            return 400, {"error": "invalid_request"}
        assert asked["signAlgo"] == "1.2.840.113549.1.1.11"
        assert asked["hashAlgorithmOID"] == "2.16.840.1.101.3.4.2.1"
        signed = [
            self.key.sign(base64.b64decode(each), padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))
            for each in asked["hashes"]
        ]
        return 200, {"signatures": [base64.b64encode(each).decode() for each in signed]}


@contextlib.contextmanager
def serving(service):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, value = service.answer(
                self.path.removeprefix("/csc/v2/"), self.headers["authorization"], asked
            )
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield service
    finally:
        line.forget()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def service(settings, signers):
    settings.NODE = replace(settings.NODE, demonstration=True)
    with serving(SigningService(signers["rsa"].key, signers["rsa"].certificates)) as made:
        yield made


@pytest.fixture
def given(service):
    secrets = {"token": TOKEN, "authorisation": PIN}
    return SignerSettings("office", "remote", url=service.url, credential=CREDENTIAL, secrets=secrets)


def test_a_pdf_is_signed_by_the_service_which_sees_a_hash_alone(service, given, paper):
    data = pdf.sign(paper, keys.opened(given))
    assert status_of(data, service.certificates[-1]).bottom_line
    hashed = [each["hashes"] for each in service.seen if "hashes" in each]
    assert len(hashed) == 2
    assert hashed[0] == hashed[1]
    assert len(base64.b64decode(hashed[0][0])) == 32
    assert not service.sads


@pytest.mark.parametrize(
    "case",
    [
        ("credentials/info", (200, b"not json"), "no JSON object"),
        ("credentials/info", (200, b"[]"), "no JSON object"),
        ("credentials/info", (500, {"error": "server_error"}), "500 server_error"),
        ("credentials/info", (200, {}), "no valid certificate"),
        (
            "credentials/info",
            (200, {"cert": {"status": "revoked", "certificates": []}}),
            "no valid certificate",
        ),
        (
            "credentials/info",
            (200, {"cert": {"status": "valid", "certificates": ["AA=="]}}),
            "no valid certificate",
        ),
        ("credentials/authorize", (200, {}), "no SAD"),
        ("credentials/authorize", (400, {"error": "invalid\npin<script>"}), "400 invalidpinscript"),
        ("signatures/signHash", (200, {"signatures": []}), "not one signature"),
        ("signatures/signHash", (200, {"signatures": ["!"]}), "not one signature"),
        ("signatures/signHash", (200, {"signatures": ["AAAA"]}), "does not verify"),
        (
            "signatures/signHash",
            (200, {"signatures": [base64.b64encode(bytes(4096)).decode()]}),
            "not one signature",
        ),
    ],
)
def test_what_the_service_should_not_answer_signs_nothing(given, paper, service, case):
    path, said, told = case
    service.changed[path] = said
    with pytest.raises(SignerUnusable, match=told) as refused:
        pdf.sign(paper, keys.opened(given))
    assert TOKEN not in str(refused.value)
    assert PIN not in str(refused.value)


def test_another_keys_certificate_is_found_out(service, given, paper, signers):
    service.certificates = signers["p256"].certificates
    with pytest.raises(SignerUnusable, match="not enabled"):
        keys.opened(given)


def test_another_certificate_than_node_toml_pins_signs_nothing(service, given, paper):
    own = hashlib.sha256(service.certificates[0]).hexdigest()
    assert pdf.sign(paper, keys.opened(replace(given, certificate_sha256=own)))
    service.certificates = chain(service.key)
    with pytest.raises(SignerUnusable, match="not the one that"):
        keys.opened(replace(given, certificate_sha256=own))


def test_wrong_secrets_and_missing_ones_are_told(service, given, paper):
    with pytest.raises(SignerUnusable, match="401 invalid_token"):
        keys.opened(replace(given, secrets={"token": "another", "authorisation": PIN}))
    with pytest.raises(SignerUnusable, match="400 invalid_pin"):
        pdf.sign(paper, keys.opened(replace(given, secrets={"token": TOKEN})))
    with pytest.raises(SignerUnusable, match="no access token"):
        keys.opened(replace(given, secrets={}))


def test_a_service_that_is_not_there_or_not_over_tls_is_not_asked(service, given, settings):
    with pytest.raises(SignerUnusable, match="provider-unreachable"):
        keys.opened(replace(given, url="http://127.0.0.1:9"))
    settings.NODE = replace(settings.NODE, demonstration=False)
    with pytest.raises(SignerUnusable):
        keys.opened(given)
    assert "Bearer" not in repr(given)
    assert TOKEN not in repr(given)
