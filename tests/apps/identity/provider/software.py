"""A service's own software, as it speaks to a provider; a test can change every part of what it says."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

from django.test import Client
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from kouan.apps.identity.provider.authentication import ASSERTION_TYPE

FORM = "application/x-www-form-urlencoded"
KEY = ECKey.generate_key("P-256")
PROOF_KEY = ECKey.generate_key("P-256")
OTHER = ECKey.generate_key("P-256")
RSA = RSAKey.generate_key(2048)
BACK = "https://library.example.hk/back"
OUT = "https://library.example.hk/out"


class _Anything(JWSRegistry):
    """Signs in whatever algorithm an attack needs."""

    max_header_length = 1 << 16

    def get_alg(self, name):
        return self.algorithms[name]


ANYTHING = _Anything(strict_check_header=False)


def signed(header, claims, key):
    """Sign whatever a test wants, also under a header that no library would write."""
    alg = ANYTHING.get_alg(header["alg"])
    text = b".".join(b64(json.dumps(part).encode()).encode() for part in (header, claims))
    return f"{text.decode()}.{b64(alg.sign(text, key))}"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims_of(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def query_of(url):
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}


class After(int):
    """Seconds after the moment in which a token is made; before it, if negative."""


def _members(claims, changes):
    """Return claims as a test wants them: ``None`` takes one out."""
    now = int(time.time())
    wanted = {name: now + int(each) if isinstance(each, After) else each for name, each in changes.items()}
    return {name: each for name, each in (claims | wanted).items() if each is not None}


@dataclass
class Said:
    """An answer of the provider."""

    status: int
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)


def posting(path, form, headers):
    """Post to the portal in this process."""
    meta = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    body = form if isinstance(form, bytes) else urlencode(form)
    answer = Client().post(path, body, content_type=FORM, **meta)
    return Said(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.content)


def error_of(answer, status=400):
    assert answer.status == status, (answer.status, answer.body)
    return answer.json()["error"]


@dataclass
class Software:
    """One client: its keys, and the request that it is about to make."""

    client_id: str
    post: object
    """``post(path, form, headers) -> Said``."""
    issuer: str = "http://127.0.0.1:18100"
    redirect_uri: str = "https://library.example.hk/back"
    key: ECKey | None = None
    proof_key: ECKey | None = None
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    base: str = ""
    """Where proofs say that the endpoints are; the issuer, unless it is the door."""

    def request(self, **changes):
        """Return the parameters of an authorization request; ``None`` takes one out."""
        given = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "scope": "openid profile",
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": b64(hashlib.sha256(self.verifier.encode()).digest()),
            "code_challenge_method": "S256",
        } | changes
        return {name: value for name, value in given.items() if value is not None}

    def assertion(self, key=None, alg="ES256", header=None, **changes):
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.issuer,
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + 60,
        }
        return signed({"alg": alg, **(header or {})}, _members(claims, changes), key or self.key)

    def proof(self, path, *, token=None, method="POST", key=None, header=None, **changes):
        key = key or self.proof_key
        claims = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": (self.base or self.issuer) + path,
            "iat": int(time.time()),
        }
        if token is not None:
            claims["ath"] = b64(hashlib.sha256(token.encode()).digest())
        head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)} | (header or {})
        return signed(head, _members(claims, changes), key)

    def send(self, path, form, *, proof=True, assertion=True, headers=None):
        """Post a form as this client: ``proof`` and ``assertion`` are whether, or which."""
        form = {"client_id": self.client_id, **form}
        if self.key is not None and assertion:
            form.setdefault("client_assertion_type", ASSERTION_TYPE)
            form["client_assertion"] = assertion if isinstance(assertion, str) else self.assertion()
        headers = dict(headers or {})
        if self.proof_key is not None and proof:
            headers["DPoP"] = proof if isinstance(proof, str) else self.proof(path)
        return self.post(path, {name: value for name, value in form.items() if value is not None}, headers)

    def push(self, path="/oidc/par", *, proof=False, assertion=True, **changes):
        return self.send(path, self.request(**changes), proof=proof, assertion=assertion)

    def way(self, **changes):
        """Return where the browser begins."""
        if self.key is not None and self.proof_key is not None:
            pushed = self.push(**changes)
            assert pushed.status == 201, pushed.body
            query = {"client_id": self.client_id, "request_uri": pushed.json()["request_uri"]}
        else:
            query = self.request(**changes)
        return f"/oidc/authorize?{urlencode(query)}"

    def redeem(self, code, path="/oidc/token", *, proof=True, assertion=True, **changes):
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        } | changes
        return self.send(path, form, proof=proof, assertion=assertion)

    def ask(self, token, path="/oidc/userinfo", *, scheme=None, proof=True, **headers):
        headers["Authorization"] = f"{scheme or ('DPoP' if self.proof_key else 'Bearer')} {token}"
        if self.proof_key is not None and proof:
            headers["DPoP"] = proof if isinstance(proof, str) else self.proof(path, token=token)
        return self.post(path, {}, headers)
