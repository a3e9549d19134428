"""A department's online service, as a program: it signs people in through its side's node (FAPI 2.0).

Pushed request, PKCE, an assertion in place of a password, and tokens that are bound to its key. Written with
nothing of the node's, as any service would be.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_ES256: Final = "ES256"
_OK: Final = 200
_CREATED: Final = 201


class SignInFailed(Exception):
    """The node did not sign the person in; the text is OAuth's word for why, or what did not hold."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that is under way: where the browser goes, and what the service remembers."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who came, as the node says."""

    subject: str
    acr: str
    sid: str
    id_token: str
    said: Mapping[str, Any]
    """What the ID token says."""
    claims: Mapping[str, Any]
    """What the person agreed to have told."""


@dataclass
class Service:
    """A service and its key."""

    client_id: str
    redirect_uri: str
    issuer: str
    """The node of its side."""
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"), repr=False)
    seconds: float = 0.0
    """How long all of the node's answers to it took."""

    @property
    def jwks(self) -> dict[str, Any]:
        """The public keys that the registrar is given."""
        return {"keys": [{**self._public, "kid": self.key.thumbprint(), "use": "sig", "alg": _ES256}]}

    def begin(self, *, claims: Sequence[str] = (), level: int = 2, side: str = "", **more: str) -> Begun:
        """Push a request to the node and return where the browser goes."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        asked = {
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": _encoded(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
            "acr_values": f"urn:gba:loa:{level}",
            "claims": json.dumps({"userinfo": dict.fromkeys(claims)}),
            **({"kouan_side": side} if side else {}),
            **more,
        }
        value = self._form("/oidc/par", asked, expected=_CREATED)
        query = urlencode({"client_id": self.client_id, "request_uri": value["request_uri"]})
        return Begun(f"{self.issuer}/oidc/authorize?{query}", state, nonce, verifier)

    def finish(self, begun: Begun, url: str) -> SignedIn:
        """Take what the browser brought to the service's address; raises ``SignInFailed``."""
        said = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        if said.get("state") != begun.state or said.get("iss") != self.issuer:
            raise SignInFailed("the answer is another's")
        if "error" in said:
            raise SignInFailed(said["error"])
        tokens = self._form(
            "/oidc/token",
            {
                "grant_type": "authorization_code",
                "code": said["code"],
                "redirect_uri": self.redirect_uri,
                "code_verifier": begun.verifier,
            },
        )
        token = self._verified(tokens["id_token"])
        right = (token["iss"], token["aud"], token["nonce"]) == (self.issuer, self.client_id, begun.nonce)
        if not right or not time.time() - 60 < token["exp"]:
            raise SignInFailed("the ID token is another's")
        claims = self._userinfo(tokens["access_token"])
        if claims.pop("sub") != token["sub"]:
            raise SignInFailed("two answers about two people")
        return SignedIn(token["sub"], token["acr"], token["sid"], tokens["id_token"], token, claims)

    def leave(self, signed_in: SignedIn) -> str:
        """Return where the browser goes to sign out."""
        return f"{self.issuer}/oidc/end_session?{urlencode({'id_token_hint': signed_in.id_token})}"

    def told_of_end(self, token: str) -> str:
        """Return the ``sid`` that a logout token ends (OpenID Connect Back-Channel Logout section 2.6)."""
        said = self._verified(token, typ="logout+jwt")
        if said["iss"] != self.issuer or said["aud"] != self.client_id or LOGOUT_EVENT not in said["events"]:
            raise SignInFailed("the logout token is another's")
        return str(said["sid"])

    @property
    def _public(self) -> dict[str, Any]:
        return dict(self.key.as_dict(private=False))

    def _userinfo(self, token: str) -> dict[str, Any]:
        proof = self._proof("GET", "/oidc/userinfo", token)
        return self._ask("GET", "/oidc/userinfo", b"", {"Authorization": f"DPoP {token}", "DPoP": proof})

    def _form(self, path: str, form: Mapping[str, str], *, expected: int = _OK) -> dict[str, Any]:
        now = int(time.time())
        assertion = self._signed(
            {"alg": _ES256, "kid": self.key.thumbprint()},
            {
                "iss": self.client_id,
                "sub": self.client_id,
                "aud": self.issuer,
                "iat": now,
                "exp": now + 60,
                "jti": secrets.token_urlsafe(16),
            },
        )
        body = {
            **form,
            "client_id": self.client_id,
            "client_assertion_type": ASSERTION,
            "client_assertion": assertion,
        }
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "DPoP": self._proof("POST", path),
        }
        return self._ask("POST", path, urlencode(body).encode(), headers, expected=expected)

    def _ask(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], *, expected: int = _OK
    ) -> dict[str, Any]:
        parts = urlsplit(self.issuer)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        began = time.perf_counter()
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            value: dict[str, Any] = json.loads(answer.read())
        finally:
            connection.close()
            self.seconds += time.perf_counter() - began
        if answer.status != expected:
            raise SignInFailed(f"{value.get('error')} ({value.get('error_description')})")
        return value

    def _proof(self, method: str, path: str, token: str = "") -> str:
        claims: dict[str, Any] = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": self.issuer + path,
            "iat": int(time.time()),
        }
        if token:
            claims["ath"] = _encoded(hashlib.sha256(token.encode()).digest())
        return self._signed({"alg": _ES256, "typ": "dpop+jwt", "jwk": self._public}, claims)

    def _signed(self, header: dict[str, Any], claims: Mapping[str, Any]) -> str:
        return jws.serialize_compact(header, json.dumps(claims), self.key, [_ES256])

    def _verified(self, token: str, *, typ: str = "") -> dict[str, Any]:
        keys = {key["kid"]: key for key in self._ask("GET", "/oidc/jwks", b"", {})["keys"]}
        try:
            head = jws.extract_compact(token.encode()).protected
            key = ECKey.import_key(keys[head.get("kid", "")])
            value: dict[str, Any] = json.loads(jws.deserialize_compact(token, key, [_ES256]).payload)
        except (JoseError, KeyError, ValueError) as error:
            raise SignInFailed(f"a token does not verify: {type(error).__name__}") from None
        if typ and head.get("typ") != typ:
            raise SignInFailed("a token of another type")
        return value


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
