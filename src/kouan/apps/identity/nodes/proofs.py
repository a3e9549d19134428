"""By what this node proves who it is at a peer's provider, and how it reads what that signed."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import TYPE_CHECKING, Any, Final

from joserfc import jws

from kouan.apps.identity.provider.jose import DoesNotVerify, Unverified, encoded, public_key, sign

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from kouan.apps.identity.keys import Key

ASSERTION_LIFE: Final = 60
"""Seconds for which an assertion of this node's counts."""
_ALGORITHM: Final = "ES256"


def client_assertion(client_id: str, audience: str, key: Key, *, now: datetime) -> str:
    """Return the assertion by which a client proves who it is (RFC 7523 section 3)."""
    at = int(now.timestamp())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": at,
        "exp": at + ASSERTION_LIFE,
        "jti": secrets.token_urlsafe(24),
    }
    return sign(claims, key)


def proof(key: Key, *, method: str, address: str, now: datetime, token: str = "") -> str:
    """Return a proof of possession for one request (RFC 9449 section 4.2); ``token`` is the access token."""
    claims = {
        "jti": secrets.token_urlsafe(24),
        "htm": method,
        "htu": address,
        "iat": int(now.timestamp()),
    }
    if token:
        claims["ath"] = encoded(hashlib.sha256(token.encode()).digest())
    public = {name: key.jwk.as_dict(private=False)[name] for name in ("kty", "crv", "x", "y")}
    head = {"alg": _ALGORITHM, "typ": "dpop+jwt", "jwk": public}
    return jws.serialize_compact(head, json.dumps(claims), key.jwk, [_ALGORITHM])


def opened(token: str, keys: Mapping[str, Mapping[str, Any]]) -> tuple[str, dict[str, Any]]:
    """Verify a compact JWS by the key that its ``kid`` names and return that and its claims.

    ``keys`` are public P-256 JWKs by ``kid``. Raises ``DoesNotVerify``.
    """
    shown = Unverified(token)
    kid = shown.kid or ""
    if kid not in keys:
        raise DoesNotVerify("unknown-key")
    return kid, shown.verified(public_key(keys[kid]))
