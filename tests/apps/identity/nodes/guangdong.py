"""Guangdong's identity provider behind its door, played by the test.

It checks what it is asked as a provider would, signs by itself, and can be told to break one rule at a time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
import uuid
from urllib.parse import parse_qsl

from django.utils import timezone
from joserfc import jws
from joserfc.jwk import ECKey

from kouan.apps.identity.models import PeerProvider

ISSUER = "http://127.0.0.1:18200"
DOOR = "https://gd.example:8443"
HOUR = 3600


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(claims, key, *, kid=None, **head):
    header = {"alg": "ES256", "typ": "JWT", "kid": kid or key.thumbprint(), **head}
    return jws.serialize_compact(header, json.dumps(claims), key, ["ES256"])


def unsigned(claims, kid):
    head = {"alg": "none", "kid": kid}
    return f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims).encode())}."


def keyed(claims, key):
    """HS256 under the public key, as if that were a secret."""
    head = {"alg": "HS256", "kid": key.thumbprint()}
    text = ".".join(b64(json.dumps(part).encode()) for part in (head, claims))
    secret = json.dumps(key.as_dict(private=False)).encode()
    return f"{text}.{b64(hmac.digest(secret, text.encode(), hashlib.sha256))}"


class Guangdong:
    def __init__(self, hk_issuer):
        self.callback = f"{hk_issuer}/identity/relay/callback"
        self.keys = {use: ECKey.generate_key("P-256") for use in ("token", "client", "receipt")}
        self.since = int(time.time()) - HOUR
        self.subject = b64(secrets.token_bytes(32))
        self.sid = str(uuid.uuid4())
        self.claims = {
            "name": "WANG",
            "birthdate": "1980-01-01",
            "email": "w@example.org",
            "document_number": "1",
        }
        self.id_token = {}
        """What the ID token says otherwise; ``None`` leaves something out."""
        self.userinfo = {}
        self.tokens = {}
        self.sign = signed
        self.refuse = {}
        """Status and body by path."""
        self.content_type = "application/jwt"
        self.asked = {}
        self.calls = []
        self.seen = set()

    def announce(self, **changes):
        kept = [
            {"use": use, "jwk": {**key.as_dict(private=False), "kid": key.thumbprint()},
             "since": self.since, "until": self.since + 24 * HOUR}
            for use, key in self.keys.items()
        ]  # fmt: skip
        values = {
            "issuer": ISSUER,
            "keys": kept,
            "serial": 1,
            "told_at": timezone.now(),
            "message_id": uuid.uuid4(),
        }
        PeerProvider.objects.update_or_create(side="gd", defaults=values | changes)

    def connection(self, member, **_):
        assert member.side == "gd"
        return _Connection(self)

    # The provider

    def answer(self, path, body, headers):
        self.calls.append(path)
        proof = self._checked_proof(path, headers)
        if path in self.refuse:
            status, value = self.refuse[path]
            return (
                status,
                "application/json",
                value if isinstance(value, bytes) else json.dumps(value).encode(),
            )
        if path == "/identity/userinfo":
            access = headers["authorization"].removeprefix("DPoP ")
            assert proof["ath"] == b64(hashlib.sha256(access.encode()).digest())
            return 200, self.content_type, self.last_userinfo.encode()
        form = dict(parse_qsl(body.decode(), strict_parsing=True))
        self._checked_assertion(form)
        if path == "/identity/par":
            self.asked = form
            handle = f"urn:ietf:params:oauth:request_uri:{secrets.token_urlsafe(32)}"
            return 201, "application/json", json.dumps({"request_uri": handle, "expires_in": 90}).encode()
        assert path == "/identity/token"
        assert (form["grant_type"], form["redirect_uri"]) == ("authorization_code", self.callback)
        challenge = b64(hashlib.sha256(form["code_verifier"].encode()).digest())
        assert challenge == self.asked["code_challenge"]
        return 200, "application/json", json.dumps(self._tokens()).encode()

    def _tokens(self):
        now = int(time.time())
        access = secrets.token_urlsafe(32)
        frame = {"iss": ISSUER, "aud": "urn:kouan:node:hk", "iat": now, "exp": now + 300, "sub": self.subject}
        said = frame | {
            "nonce": self.asked["nonce"], "acr": "urn:gba:loa:3", "amr": ["pwd", "otp"], "auth_time": now,
            "sid": self.sid, "at_hash": b64(hashlib.sha256(access.encode()).digest()[:16]),
        }  # fmt: skip
        self.last_id_token = self.sign(_without_none(said | self.id_token), self.keys["token"])
        self.last_userinfo = self.sign(_without_none(frame | self.claims | self.userinfo), self.keys["token"])
        tokens = {
            "access_token": access,
            "token_type": "DPoP",
            "expires_in": 300,
            "id_token": self.last_id_token,
        }
        return tokens | self.tokens

    def _checked_proof(self, path, headers):
        head, claims = _read(headers["dpop"])
        key = ECKey.import_key(head["jwk"])
        assert not key.is_private
        jws.deserialize_compact(headers["dpop"], key, ["ES256"])
        assert head["typ"] == "dpop+jwt"
        assert (claims["htm"], claims["htu"]) == ("POST", DOOR + path)
        assert abs(time.time() - claims["iat"]) < 60
        assert claims["jti"] not in self.seen
        self.seen.add(claims["jti"])
        return claims

    def _checked_assertion(self, form):
        _, claims = _read(form["client_assertion"])
        assert claims["iss"] == claims["sub"] == form["client_id"] == "urn:kouan:node:hk"
        assert claims["aud"] == ISSUER
        assert 0 < claims["exp"] - time.time() <= 60
        assert claims["jti"] not in self.seen
        self.seen.add(claims["jti"])


class _Connection:
    """As much of ``http.client`` as a call needs."""

    def __init__(self, gd):
        self._gd = gd

    def request(self, method, path, body, headers):
        assert method == "POST"
        headers = {name.lower(): value for name, value in headers.items()}
        self._answer = self._gd.answer(path, body, headers)

    def getresponse(self):
        return _Response(*self._answer)

    def close(self):
        """Nothing is open."""


class _Response:
    def __init__(self, status, content_type, body):
        self.status, self._type, self._body = status, content_type, body

    def read(self, most):
        return self._body[:most]

    def isclosed(self):
        return True

    def getheader(self, _name, default=""):
        return default

    def getheaders(self):
        return [("content-type", self._type)]


def _read(token):
    held = jws.extract_compact(token.encode())
    return held.protected, json.loads(held.payload)


def _without_none(claims):
    return {name: value for name, value in claims.items() if value is not None}
