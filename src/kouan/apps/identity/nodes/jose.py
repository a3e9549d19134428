"""Signatures between nodes: compact JWS with ES256 alone (RFC 7515, RFC 7518 section 3.4).

Whatever does not verify is a ``ValueError`` with a word of ours; nothing of the library reaches further.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import TYPE_CHECKING, Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from kouan.apps.identity.keys import Key

ALGORITHM: Final = "ES256"
MAX_TOKEN: Final = 32 * 1024
_ALLOWED: Final = (ALGORITHM,)
_BROKEN: Final = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


class DoesNotVerify(ValueError):
    """A token that is not what it should be; the text is a fixed word."""


def sign(claims: Mapping[str, Any], key: Key, *, typ: str, jwk: Mapping[str, Any] | None = None) -> str:
    """Return claims as a compact JWS under a key of this node, which ``jwk`` shows instead of naming it."""
    head: dict[str, Any] = {"alg": ALGORITHM, "typ": typ}
    return jws.serialize_compact(
        head | ({"kid": key.kid} if jwk is None else {"jwk": dict(jwk)}),
        json.dumps(claims, ensure_ascii=False, separators=(",", ":")),
        key.jwk,
        _ALLOWED,
    )


def opened(token: str, keys: Mapping[str, Mapping[str, Any]]) -> tuple[str, dict[str, Any]]:
    """Verify a compact JWS by the key that its ``kid`` names and return that and its claims.

    ``keys`` are public JWKs by ``kid``. Raises ``DoesNotVerify``.
    """
    if len(token) > MAX_TOKEN:
        raise DoesNotVerify("too-long")
    try:
        head = jws.extract_compact(token.encode("ascii")).protected
    except _BROKEN:
        raise DoesNotVerify("form") from None
    kid = head.get("kid")
    if not isinstance(kid, str) or kid not in keys:
        raise DoesNotVerify("unknown-key")
    if head.get("alg") != ALGORITHM:
        raise DoesNotVerify("algorithm")
    try:
        checked = jws.deserialize_compact(token, ECKey.import_key(dict(keys[kid])), _ALLOWED)
        claims = json.loads(checked.payload, parse_constant=_no_constant)
    except _BROKEN:
        raise DoesNotVerify("signature") from None
    if not isinstance(claims, dict):
        raise DoesNotVerify("claims")
    return kid, claims


def client_assertion(client_id: str, audience: str, key: Key, *, now: datetime) -> str:
    """Return the assertion by which a client proves who it is (RFC 7523 section 3), good for one minute."""
    at = int(now.timestamp())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": at,
        "exp": at + 60,
        "jti": secrets.token_urlsafe(24),
    }
    return sign(claims, key, typ="JWT")


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
    return sign(claims, key, typ="dpop+jwt", jwk=public)


def encoded(data: bytes) -> str:
    """Return base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
