"""How this node proves to a provider which client it is (OpenID Connect Core 1.0 section 9)."""

from __future__ import annotations

import base64
import secrets
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from kouan.web.oidc.errors import ProviderUnsuitable
from kouan.web.oidc.tokens import REGISTRY

if TYPE_CHECKING:
    from pathlib import Path

    from kouan.web.oidc.discovery import Metadata
    from kouan.web.oidc.provider import Provider

ASSERTION_LIFE: Final = 60
"""Seconds for which an assertion of ours is valid."""
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

SigningKey = ECKey | OKPKey | RSAKey
_KINDS: Final[tuple[type[SigningKey], ...]] = (ECKey, OKPKey, RSAKey)


def credentials(provider: Provider, metadata: Metadata) -> tuple[dict[str, str], dict[str, str]]:
    """Return the headers and the form fields that authenticate a request of ours at the provider.

    Raises ``ProviderUnsuitable`` when it takes none of the ways that the settings allow.
    """
    offered = metadata.token_endpoint_auth_methods_supported or ("client_secret_basic",)
    if provider.key_file is not None:
        if "private_key_jwt" not in offered:
            raise ProviderUnsuitable(host=provider.host, detail="token_endpoint_auth_methods_supported")
        return {}, {
            "client_id": provider.client_id,
            "client_assertion_type": _ASSERTION,
            "client_assertion": _assertion(provider, metadata, provider.key_file),
        }
    if "client_secret_basic" in offered:
        pair = f"{quote_plus(provider.client_id)}:{quote_plus(provider.client_secret)}"
        return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}, {}
    if "client_secret_post" in offered:
        return {}, {"client_id": provider.client_id, "client_secret": provider.client_secret}
    raise ProviderUnsuitable(host=provider.host, detail="token_endpoint_auth_methods_supported")


def public_jwks(key_file: Path) -> dict[str, Any]:
    """Return the JWK Set to register at a provider; raises ``ValueError`` as ``load_key`` does."""
    key = load_key(key_file)
    return {"keys": [{**key.as_dict(private=False), "use": "sig", "alg": algorithm_of(key, ())}]}


def load_key(key_file: Path) -> SigningKey:
    """Return a private key; a ``ValueError`` says what is wrong with its file."""
    try:
        data = key_file.read_bytes()
    except OSError as error:
        raise ValueError(f"{key_file} cannot be read ({error.strerror})") from None
    for kind in _KINDS:
        try:
            key: SigningKey = kind.import_key(data)
            suits = key.is_private and (kind is RSAKey or key.get("crv") in {"P-256", "Ed25519"})
        except (JoseError, ValueError, TypeError, AttributeError):
            continue
        if suits:
            key.ensure_kid()
            return key
    raise ValueError(f"{key_file} holds no private key of the kinds EC P-256, Ed25519 or RSA, as PEM")


def algorithm_of(key: SigningKey, offered: tuple[str, ...]) -> str:
    """Return what a key signs with: the first of its algorithms that is offered, or simply the first."""
    ours = {"EC": ("ES256",), "OKP": ("EdDSA", "Ed25519"), "RSA": ("PS256", "RS256")}[key.key_type]
    return next((each for each in ours if each in offered), ours[0])


def _assertion(provider: Provider, metadata: Metadata, key_file: Path) -> str:
    try:
        key = load_key(key_file)
    except ValueError:
        raise ProviderUnsuitable(host=provider.host, detail="our own key") from None
    now = int(time.time())
    header = {
        "alg": algorithm_of(key, metadata.token_endpoint_auth_signing_alg_values_supported),
        "kid": key.kid,
    }
    claims = {
        "iss": provider.client_id,
        "sub": provider.client_id,
        "aud": provider.issuer,  # the issuer alone, so that no other endpoint can use the assertion
        "jti": secrets.token_urlsafe(24),
        "iat": now,
        "exp": now + ASSERTION_LIFE,
    }
    return jwt.encode(header, claims, key, registry=REGISTRY)
