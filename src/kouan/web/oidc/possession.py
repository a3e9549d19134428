"""Proofs of possession (RFC 9449): what a provider gives out counts only with the key of this client.

One key proves the pushed request, the token request and the userinfo request of a sign-in, so the provider
binds the code and the token to it; whoever takes either on the way can do nothing with it. Providers that
want a nonce of theirs in each proof (section 8) are not served.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from typing import TYPE_CHECKING, Final

from joserfc import jwt

from kouan.web.oidc.authentication import algorithm_of, load_key
from kouan.web.oidc.errors import ProviderUnsuitable
from kouan.web.oidc.tokens import REGISTRY

if TYPE_CHECKING:
    from kouan.web.oidc.discovery import Metadata
    from kouan.web.oidc.provider import Provider

_PUBLIC: Final = {"EC": ("kty", "crv", "x", "y"), "OKP": ("kty", "crv", "x"), "RSA": ("kty", "n", "e")}


def proof(
    provider: Provider, metadata: Metadata, method: str, address: str, *, token: str = ""
) -> dict[str, str]:
    """Return the header with a proof for one request (section 4.2), where this client proves a key.

    ``token`` is the access token that is shown with it. Raises ``ProviderUnsuitable`` when the key is gone or
    of a kind that the provider does not take.
    """
    if provider.proof_key_file is None:
        return {}
    try:
        key = load_key(provider.proof_key_file)
    except ValueError:
        raise ProviderUnsuitable(host=provider.host, detail="our own key") from None
    offered = metadata.dpop_signing_alg_values_supported
    algorithm = algorithm_of(key, offered)
    if offered and algorithm not in offered:
        raise ProviderUnsuitable(host=provider.host, detail="dpop_signing_alg_values_supported")
    known = key.as_dict(private=False)
    header = {
        "typ": "dpop+jwt",
        "alg": algorithm,
        "jwk": {name: known[name] for name in _PUBLIC[key.key_type]},
    }
    claims = {
        "jti": secrets.token_urlsafe(24),
        "htm": method,
        "htu": address.partition("#")[0].partition("?")[0],
        "iat": int(time.time()),
    }
    if token:
        digest = hashlib.sha256(token.encode()).digest()
        claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return {"dpop": jwt.encode(header, claims, key, registry=REGISTRY)}
