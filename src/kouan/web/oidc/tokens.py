"""Checking what a provider signed.

ID tokens (OpenID Connect Core 1.0 section 3.1.3.7), signed userinfo (section 5.3.2) and logout tokens
(Back-Channel Logout 1.0 section 2.6).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import TYPE_CHECKING, Any, Final

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError, UnsupportedAlgorithmError
from joserfc.jws import JWSRegistry

from kouan.web.oidc.discovery import keys_of
from kouan.web.oidc.errors import AnswerNotTrusted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from joserfc.jwa import JWSAlgModel

    from kouan.web.oidc.provider import Provider

ALGORITHMS: Final = ("ES256", "EdDSA", "Ed25519", "PS256", "RS256")
"""What a provider may sign with. Ed25519 is EdDSA by its newer name (RFC 9864)."""
LEEWAY: Final = 60
"""Seconds by which the provider's clock may differ from ours."""
_OLDEST: Final = 600
"""Seconds after which a token that says when it was issued is no answer to a question of ours."""
_LONGEST: Final = 64 * 1024
_HASHES: Final = {"EdDSA": hashlib.sha512, "Ed25519": hashlib.sha512}


class _Allowed(JWSRegistry):
    """The algorithms above and no others; the library would warn at each EdDSA token."""

    max_header_length = 2048

    def get_alg(self, name: str) -> JWSAlgModel:
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


REGISTRY: Final = _Allowed(algorithms=ALGORITHMS, strict_check_header=False)


def read(provider: Provider, token: str, *, what: str) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Return the header and the claims of a token that the provider signed for this client.

    Checks signature, ``iss``, ``aud`` and ``azp``; raises ``AnswerNotTrusted``, whose detail begins with
    ``what``, and what ``keys_of`` raises.
    """
    if not token.isascii() or not 0 < len(token) <= _LONGEST:
        raise AnswerNotTrusted(detail=what)
    try:
        decoded = _decoded(provider, token)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise AnswerNotTrusted(detail=f"{what}: signature") from None
    claims = decoded.claims
    if claims.get("iss") != provider.issuer:
        raise AnswerNotTrusted(detail=f"{what}: iss")
    audience = claims.get("aud")
    audience = [audience] if isinstance(audience, str) else audience
    if not isinstance(audience, list) or provider.client_id not in audience:
        raise AnswerNotTrusted(detail=f"{what}: aud")
    if claims.get("azp", provider.client_id) != provider.client_id or (
        len(audience) > 1 and "azp" not in claims
    ):
        raise AnswerNotTrusted(detail=f"{what}: azp")
    return decoded.header, claims


def _decoded(provider: Provider, token: str) -> jwt.Token:
    try:
        return jwt.decode(token, keys_of(provider), registry=REGISTRY)
    except InvalidKeyIdError:
        return jwt.decode(token, keys_of(provider, unknown=True), registry=REGISTRY)


def check_times(claims: Mapping[str, Any], *, what: str, expiry: bool = True) -> None:
    """Check ``exp``, ``iat`` and ``nbf``; raises ``AnswerNotTrusted``."""
    now = time.time()
    if (expiry or "exp" in claims) and number(claims, "exp", what=what) <= now - LEEWAY:
        raise AnswerNotTrusted(detail=f"{what}: exp")
    if not now - _OLDEST <= number(claims, "iat", what=what) <= now + LEEWAY:
        raise AnswerNotTrusted(detail=f"{what}: iat")
    if "nbf" in claims and number(claims, "nbf", what=what) > now + LEEWAY:
        raise AnswerNotTrusted(detail=f"{what}: nbf")


def check_access_token_hash(header: Mapping[str, Any], claims: Mapping[str, Any], access_token: str) -> None:
    """Check ``at_hash`` where there is one (section 3.1.3.8); raises ``AnswerNotTrusted``."""
    if "at_hash" not in claims:
        return
    digest = _HASHES.get(str(header["alg"]), hashlib.sha256)(access_token.encode()).digest()
    expected = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    if not same(claims["at_hash"], expected):
        raise AnswerNotTrusted(detail="id_token: at_hash")


def number(claims: Mapping[str, Any], name: str, *, what: str) -> float:
    """Return a NumericDate (RFC 7519 section 2); raises ``AnswerNotTrusted`` for anything else."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1 << 40:
        raise AnswerNotTrusted(detail=f"{what}: {name}")
    return float(value)


def text(claims: Mapping[str, Any], name: str, *, what: str, most: int = 255) -> str:
    """Return a claim that is a text of 1 to ``most`` characters; raises ``AnswerNotTrusted``."""
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= most or "\0" in value:
        raise AnswerNotTrusted(detail=f"{what}: {name}")
    return value


def same(given: object, expected: str) -> bool:
    """Compare a value from outside with a secret one, in a time that tells nothing."""
    return isinstance(given, str) and hmac.compare_digest(given.encode(), expected.encode())
