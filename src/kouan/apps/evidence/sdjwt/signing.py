"""Compact JWS (RFC 7515) with ES256 alone, and JSON that says one thing only."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

ALGORITHM: Final = "ES256"
MAX_TEXT: Final = 64 * 1024
"""Characters of a credential or a token, with all that belongs to it."""


class _Registry(JWSRegistry):
    max_header_length = 4096
    max_payload_length = MAX_TEXT


_REGISTRY: Final = _Registry(algorithms=[ALGORITHM], strict_check_header=False)


class Malformed(ValueError):
    """Text that is not what it should be; the words say where, never what stands there."""


class BadSignature(ValueError):
    """A signature that does not fit."""


def sign(header: Mapping[str, Any], payload: Mapping[str, Any], key: ECKey) -> str:
    """Return a compact JWS over JSON."""
    data = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return jws.serialize_compact({"alg": ALGORITHM, **header}, data, key, registry=_REGISTRY)


def header_of(token: str) -> dict[str, Any]:
    """Return a token's header, unverified; raises ``Malformed``."""
    return read_object(decoded(token.partition(".")[0]), "header")


def payload_of(token: str) -> dict[str, Any]:
    """Return a token's payload, unverified; raises ``Malformed``."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, payload, signature
        raise Malformed("a token has three parts")
    return read_object(decoded(parts[1]), "payload")


def verified(token: str, key: ECKey, *, types: Collection[str]) -> dict[str, Any]:
    """Return the payload of a token that ``key`` signed; raises ``Malformed`` or ``BadSignature``."""
    if not token.isascii() or len(token) > MAX_TEXT:
        raise Malformed("the token's length")
    header = header_of(token)
    if header.get("alg") != ALGORITHM or header.get("typ") not in types or "crit" in header:
        raise Malformed("the token's header")
    payload = payload_of(token)
    try:
        jws.deserialize_compact(token, key, registry=_REGISTRY)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError):
        raise BadSignature("the signature") from None
    return payload


def public_key(jwk: object) -> ECKey:
    """Return a public P-256 key of a JWK; raises ``Malformed`` for any other."""
    if not isinstance(jwk, dict) or jwk.get("kty") != "EC" or jwk.get("crv") != "P-256":
        raise Malformed("the key")
    parts = {name: jwk.get(name) for name in ("kty", "crv", "x", "y")}
    if not all(isinstance(each, str) and len(each) <= 64 for each in parts.values()):  # noqa: PLR2004 - 43, rather
        raise Malformed("the key")
    try:
        key = ECKey.import_key(parts)  # type: ignore[arg-type]  # texts all, as was just seen
        _ = key.raw_value
    except (JoseError, ValueError, TypeError):
        raise Malformed("the key") from None
    return key


def encoded(data: bytes) -> str:
    """Return base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Return the bytes of base64url without padding, and of nothing that merely resembles it."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("base64url") from None
    if encoded(data) != text:
        raise Malformed("base64url")
    return data


def read_json(data: bytes, what: str) -> Any:
    """Return JSON in UTF-8 without repeated names, half characters and numbers that are none.

    Raises ``Malformed``.
    """
    try:
        value = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_no_number)
        json.dumps(value, ensure_ascii=False).encode()  # an escape may stand for half a character
    except (ValueError, RecursionError):
        raise Malformed(what) from None
    return value


def read_object(data: bytes, what: str) -> dict[str, Any]:
    """Return a JSON object; raises ``Malformed``."""
    value = read_json(data, what)
    if not isinstance(value, dict):
        raise Malformed(what)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name stands twice")
    return value


def _no_number(_text: str) -> Any:
    raise ValueError("no number")
