"""A service's software that signs somebody in again and again, over one connection."""

from __future__ import annotations

import base64
import hashlib
import http.client
import itertools
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey

if TYPE_CHECKING:
    from collections.abc import Mapping

BACK = "https://library.example.hk/back"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_numbers = itertools.count(2)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a provider is, and where its endpoints are."""

    issuer: str
    push: str
    authorize: str
    token: str
    userinfo: str


@dataclass
class Service:
    """One client and one signed-in person, on connections from one address of this machine."""

    client_id: str
    at: Endpoints
    key: ECKey
    cookies: dict[str, str]
    pushes: bool
    proof_key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))

    def __post_init__(self) -> None:
        """Open the connection; from an address of its own, since a provider limits each."""
        parts = urlsplit(self.at.issuer)
        source = (f"127.0.1.{next(_numbers) % 250 + 1}", 0)
        self._line = http.client.HTTPConnection(str(parts.hostname), parts.port, source_address=source)
        self._public = {
            name: self.proof_key.as_dict(private=False)[name] for name in ("kty", "crv", "x", "y")
        }

    def sign_in(self) -> None:
        """Sign the person in: request, code, tokens, userinfo."""
        verifier = secrets.token_urlsafe(32)
        asked = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": BACK,
            "scope": "openid profile",
            "state": secrets.token_urlsafe(12),
            "nonce": secrets.token_urlsafe(12),
            "acr_values": "urn:gba:loa:3",
            "prompt": "none",
            "code_challenge": _b64(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        if self.pushes:
            pushed = self._post(self.at.push, asked | self._authenticated(), {}, 201)
            asked = {"client_id": self.client_id, "request_uri": pushed["request_uri"]}
        location = self._send("GET", f"{self.at.authorize}?{urlencode(asked)}", None, self._cookie(), 303)[1]
        said = parse_qs(urlsplit(location).query)
        form = {
            "grant_type": "authorization_code",
            "code": said["code"][0],
            "redirect_uri": BACK,
            "client_id": self.client_id,
            "code_verifier": verifier,
        }
        form |= self._authenticated()
        tokens = self._post(self.at.token, form, self._proof("POST", self.at.token), 200)
        access = tokens["access_token"]
        scheme = "DPoP" if self.pushes else "Bearer"
        headers = {"Authorization": f"{scheme} {access}", **self._proof("GET", self.at.userinfo, access)}
        body = self._send("GET", self.at.userinfo, None, headers, 200)[0]
        if json.loads(body)["name"] != "LEE Ka Yan" or not tokens["id_token"]:
            raise RuntimeError(body)

    def enter(self) -> None:
        """Have the person sign in and agree where that needs no page; their browser keeps its cookies."""
        asked = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": BACK,
            "scope": "openid profile",
            "login_hint": f"person of {self.client_id}",
            "code_challenge": "c" * 43,
            "code_challenge_method": "S256",
        }
        if self.pushes:
            pushed = self._post(self.at.push, asked | self._authenticated(), {}, 201)
            asked = {"client_id": self.client_id, "request_uri": pushed["request_uri"]}
        url = f"{self.at.authorize}?{urlencode(asked)}"
        while not url.startswith(BACK):
            url = self._send("GET", url, None, self._cookie(), 303)[1]

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    def _authenticated(self) -> dict[str, str]:
        if not self.pushes:
            return {}
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.at.issuer,
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + 60,
        }
        return {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": jws.serialize_compact({"alg": "ES256"}, json.dumps(claims), self.key),
        }

    def _proof(self, method: str, path: str, token: str = "") -> dict[str, str]:
        if not self.pushes:
            return {}
        claims: dict[str, Any] = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": self.at.issuer + path,
            "iat": int(time.time()),
        }
        if token:
            claims["ath"] = _b64(hashlib.sha256(token.encode()).digest())
        head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self._public}
        return {"DPoP": jws.serialize_compact(head, json.dumps(claims), self.proof_key)}

    def _cookie(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}

    def _post(self, path: str, form: Mapping[str, str], headers: Mapping[str, str], status: int) -> Any:
        headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return json.loads(self._send("POST", path, urlencode(form), headers, status)[0])

    def _send(
        self, method: str, path: str, body: str | None, headers: Mapping[str, str], status: int
    ) -> tuple[bytes, str]:
        self._line.request(method, path.removeprefix(self.at.issuer), body, dict(headers))
        answer = self._line.getresponse()
        data = answer.read()
        for cookie in answer.headers.get_all("set-cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        if answer.status != status:
            raise RuntimeError(f"{method} {path}: {answer.status} {data[:500]!r}")
        return data, answer.headers.get("location", "")


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
