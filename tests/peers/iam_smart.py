"""A server with the shape of iAM Smart's: signed requests, sealed bodies, a content key that ends."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CLIENT = "kouan-service"
SECRET = "of the service and iAM Smart alone"  # noqa: S105 - of a server that lives as long as a test
WINDOW = 300_000
PROFILE = {
    "idNo": {"Identification": "B123456", "CheckDigit": "6"},
    "enName": {"UnstructuredName": "LEE Ka Yan"},
    "chName": {"ChineseName": "李嘉欣"},
    "gender": "F",
    "birthDate": "19940823",
}


class IamSmart:
    """Checks what it is asked as strictly as the real one, and can be made to answer badly."""

    def __init__(self, public_key) -> None:
        self.public_key = public_key
        self.profile: dict[str, Any] = dict(PROFILE)
        self.user_type = "iam-smart-plus"
        self.open_id = "tokenised-1"
        self.issue_at: int | None = None
        self.other: dict[str, dict[str, Any]] = {}
        """Answers by path, in place of the right ones."""
        self.refusals: list[str] = []
        self.keys_given = 0
        self.ahead = 0.0
        """Seconds by which its clock is ahead of ours."""
        self.key_life = 86_400_000
        self._key = b""
        self._nonces: set[str] = set()
        self._codes: dict[str, bool] = {}
        self._tokens: set[str] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def now(self) -> int:
        """Return its time, in milliseconds since 1970."""
        return int((time.time() + self.ahead) * 1000)

    # The person with the app

    def scan(self, url: str, *, error: str = "") -> str:
        """Scan the code on the page at ``url`` and agree, or not; return the query that leads back."""
        parts = urlsplit(url)
        asked = dict(parse_qsl(parts.query))
        assert parts.path == "/api/v1/auth/getQR"
        assert asked["clientID"] == CLIENT
        assert asked["responseType"] == "code"
        if error:
            return urlencode({"error_code": error, "state": asked["state"]})
        code = secrets.token_hex(16)
        self._codes[code] = True
        return urlencode({"code": code, "state": asked["state"]})

    def forget_key(self) -> None:
        """Begin with another content key; what is sealed under the old one does not open."""
        self._key = b""

    # Programs

    def answer(self, path: str, headers: Any, body: bytes) -> dict[str, Any]:
        refusal = self._unsigned(headers, body)
        if refusal:
            self.refusals.append(refusal)
            return {"txID": "1", "code": refusal, "message": "refused"}
        if path in self.other:
            return self.other[path]
        if path == "/api/v1/security/getKey":
            return self._give_key()
        try:
            value = self._open(json.loads(body)["content"])
        except (InvalidTag, ValueError, KeyError):
            self.refusals.append("D30001")
            return {"txID": "1", "code": "D30001", "message": "cannot be opened"}
        said = {"/api/v1/auth/getToken": self._token, "/api/v1/account/auth/getProfile": self._profile}[path](
            value
        )
        if isinstance(said, str):
            self.refusals.append(said)
            return {"txID": "1", "code": said, "message": "refused"}
        return {"txID": "1", "code": "D00000", "message": "SUCCESS", "content": self._seal(said)}

    def _unsigned(self, headers: Any, body: bytes) -> str:
        client, at, nonce = headers["clientID"], headers["timestamp"], headers["nonce"]
        message = f"{client}{headers['signatureMethod']}{at}{nonce}".encode() + body
        right = base64.b64encode(hmac.digest(SECRET.encode(), message, hashlib.sha256)).decode()
        if client != CLIENT or not hmac.compare_digest(unquote(headers["signature"]), right):
            return "D20001"
        if abs(self.now() - int(at)) > WINDOW:
            return "D20002"
        if nonce in self._nonces:
            return "D20003"
        self._nonces.add(nonce)
        return ""

    def _give_key(self) -> dict[str, Any]:
        self.keys_given += 1
        self._key = secrets.token_bytes(32)
        wrapped = base64.b64encode(self.public_key.encrypt(self._key, PKCS1v15())).decode()
        content = {"secretKey": wrapped, "issueAt": self.now(), "expiresIn": self.key_life}
        return {"txID": "1", "code": "D00000", "message": "SUCCESS", "content": content}

    def _token(self, value: dict[str, Any]) -> dict[str, Any] | str:
        if not self._codes.pop(value["code"], False):
            return "D40100"
        token = secrets.token_hex(16)
        self._tokens.add(token)
        issue_at = self.now() if self.issue_at is None else self.issue_at
        return {
            "accessToken": token,
            "openID": self.open_id,
            "tokenType": "Bearer",
            "issueAt": issue_at,
            "expiresIn": 3_600_000,
            "userType": self.user_type,
        }

    def _profile(self, value: dict[str, Any]) -> dict[str, Any] | str:
        if value["accessToken"] not in self._tokens or value["openID"] != self.open_id:
            return "D40200"
        return {"openID": self.open_id} | {
            name: self.profile[name] for name in value["profileFields"] if name in self.profile
        }

    def _open(self, content: str) -> dict[str, Any]:
        data = base64.b64decode(content)
        length = int.from_bytes(data[:4], "big")
        return json.loads(AESGCM(self._key).decrypt(data[4 : 4 + length], data[4 + length :], None))

    def _seal(self, value: dict[str, Any]) -> str:
        nonce = secrets.token_bytes(12)
        sealed = AESGCM(self._key).encrypt(nonce, json.dumps(value).encode(), None)
        return base64.b64encode((12).to_bytes(4, "big") + nonce + sealed).decode()


def _handler(server: IamSmart) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            data = json.dumps(server.answer(self.path, self.headers, body)).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    return Handler
