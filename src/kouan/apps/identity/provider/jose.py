"""Compact JWS (RFC 7515) as this provider takes and makes them.

Bytes from outside are bounded first; whatever then does not verify is a ``DoesNotVerify`` with a word of
ours, and nothing of the library reaches further.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from joserfc.jwa import JWSAlgModel

    from kouan.apps.identity.keys import Key

PublicKey = ECKey | OKPKey | RSAKey

ALGORITHMS: Final = ("ES256", "PS256", "EdDSA", "Ed25519")
"""How clients may sign: FAPI 2.0 section 5.4.1, and EdDSA also by its newer name (RFC 9864)."""
MAX_TOKEN: Final = 8 * 1024
_OF_KEY: Final = {"EC": ("ES256",), "RSA": ("PS256",), "OKP": ("EdDSA", "Ed25519")}
_TYPES: Final[Mapping[str, type[PublicKey]]] = {"EC": ECKey, "RSA": RSAKey, "OKP": OKPKey}
_CURVES: Final = {"EC": "P-256", "OKP": "Ed25519"}
_PUBLIC: Final = {"EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "RSA": ("e", "n")}
_RSA_BITS: Final = (2048, 4096)
_RSA_SHORTEST: Final = 342
"""The characters of a modulus of 2048 bits; the library would warn at each shorter one."""
_RSA_EXPONENT: Final = 1 << 33
"""A larger one than anybody uses would have each signature cost as much as whoever sends it likes."""


class DoesNotVerify(ValueError):
    """A token or a key that does not count; the text is a fixed word."""


class _Allowed(JWSRegistry):
    """The algorithms above and no others; the library would warn at each EdDSA token."""

    max_header_length = 2048

    def get_alg(self, name: str) -> JWSAlgModel:
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


_REGISTRY: Final = _Allowed(algorithms=ALGORITHMS)


def sign(claims: Mapping[str, Any], key: Key, *, typ: str = "JWT") -> str:
    """Return claims as a compact JWS (ES256) under a key of this node."""
    payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":"))
    head = {"alg": "ES256", "kid": key.kid, "typ": typ}
    return jws.serialize_compact(head, payload, key.jwk, registry=_REGISTRY)


class Unverified:
    """A token whose form is right; ``verified`` says whether its signature is too."""

    def __init__(self, token: str) -> None:
        if not token.isascii() or not 0 < len(token) <= MAX_TOKEN:
            raise DoesNotVerify("form")
        try:
            self._held = jws.extract_compact(token.encode(), registry=_REGISTRY)
            claims = json.loads(self._held.payload, parse_constant=_no_constant)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise DoesNotVerify("form") from None
        if not isinstance(claims, dict) or not isinstance(self._held.protected, dict):
            raise DoesNotVerify("form")
        self.header: dict[str, Any] = dict(self._held.protected)
        self._claims: dict[str, Any] = claims

    @property
    def kid(self) -> str | None:
        """The name of the key that is said to have signed; one that no key can have counts as none."""
        kid = self.header.get("kid")
        return kid if isinstance(kid, str) and kid.isprintable() else None

    def claimed(self, name: str) -> str:
        """Return a text that nobody has vouched for yet, to look up who could; empty if there is none."""
        value = self._claims.get(name)
        return value if isinstance(value, str) else ""

    def verified(self, key: PublicKey) -> dict[str, Any]:
        """Return the claims; raises ``DoesNotVerify`` unless ``key`` signed them in its own algorithm."""
        if self.header.get("alg") not in _OF_KEY[key.key_type]:
            raise DoesNotVerify("algorithm")
        try:
            right = jws.validate_compact(self._held, key, registry=_REGISTRY)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            raise DoesNotVerify("signature") from None
        if not right:
            raise DoesNotVerify("signature")
        return self._claims


def public_key(jwk: Mapping[str, Any]) -> PublicKey:
    """Return the key that a public JWK holds; raises ``DoesNotVerify`` for any other.

    P-256, Ed25519, or RSA of 2048 to 4096 bits. A private half or a symmetric key is refused.
    """
    kind = jwk.get("kty")
    if (
        not isinstance(kind, str)
        or kind not in _PUBLIC
        or jwk.keys() & {"d", "k", "p", "q", "dp", "dq", "qi", "oth"}
    ):
        raise DoesNotVerify("key")
    values = tuple(jwk.get(name) for name in _PUBLIC[kind])
    if not all(isinstance(value, str) and len(value) <= 1024 for value in values):  # noqa: PLR2004 - a modulus of 4096 bits has 683 characters
        raise DoesNotVerify("key")
    return _key(kind, values)


@lru_cache(maxsize=512)
def _key(kind: str, values: tuple[str, ...]) -> PublicKey:
    members: dict[str, str | list[str]] = {"kty": kind, **dict(zip(_PUBLIC[kind], values, strict=True))}
    if kind in _CURVES and members["crv"] != _CURVES[kind]:
        raise DoesNotVerify("key")
    if kind == "RSA" and len(members["n"]) < _RSA_SHORTEST:
        raise DoesNotVerify("key")
    try:
        key = _TYPES[kind].import_key(members)
        key.thumbprint()  # has the numbers read, so that a point off its curve is noticed here
    except (JoseError, ValueError, TypeError, KeyError):
        raise DoesNotVerify("key") from None
    if isinstance(key, RSAKey):
        numbers = key.public_key.public_numbers()
        if not _RSA_BITS[0] <= numbers.n.bit_length() <= _RSA_BITS[1] or numbers.e >= _RSA_EXPONENT:
            raise DoesNotVerify("key")
    return key


def seconds(claims: Mapping[str, Any], name: str) -> float:
    """Return a NumericDate (RFC 7519 section 2); raises ``DoesNotVerify`` for anything else."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1 << 40:
        raise DoesNotVerify(name)
    return float(value)


def half_hash(token: str) -> str:
    """Return the left half of a token's SHA-256 (OpenID Connect Core section 3.1.3.6, ``at_hash``)."""
    return encoded(hashlib.sha256(token.encode()).digest()[:16])


def encoded(data: bytes) -> str:
    """Return base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
