"""ID tokens that this provider gave out and is shown again, as a hint (OpenID Connect Core section 3.1.2.1).

They may have expired long ago; what counts is that this provider signed them, and for whom.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kouan.apps.identity.models import SigningKey
from kouan.apps.identity.provider import jose
from kouan.apps.identity.provider.asked import issuer
from kouan.apps.identity.provider.errors import InvalidRequest
from kouan.apps.identity.provider.jose import DoesNotVerify

if TYPE_CHECKING:
    from kouan.apps.identity.provider.clients import Client


@dataclass(frozen=True, slots=True)
class Hint:
    """What an ID token of this provider said."""

    client: str
    subject: str
    sign_in: uuid.UUID


def read(token: str) -> Hint:
    """Return what an ID token said; raises ``InvalidRequest`` for anything that is none of ours."""
    try:
        claims = _claims(token)
        return Hint(str(claims["aud"]), str(claims["sub"]), uuid.UUID(str(claims["sid"])))
    except (DoesNotVerify, KeyError, ValueError):
        raise InvalidRequest(parameter="id_token_hint") from None


def _claims(token: str) -> dict[str, Any]:
    shown = jose.Unverified(token)
    key = SigningKey.objects.filter(kid=shown.kid or "", use=SigningKey.Use.TOKEN).first()
    if key is None:
        raise DoesNotVerify("key")
    claims = shown.verified(jose.public_key(key.public))
    if claims.get("iss") != issuer() or "auth_time" not in claims:  # a logout token or userinfo has none
        raise DoesNotVerify("form")
    return claims


def subject_of(client: Client, token: str | None) -> str:
    """Return who a client's hint says must come; empty without one. Another client's hint is refused."""
    if token is None:
        return ""
    hint = read(token)
    if hint.client != client.id:
        raise InvalidRequest(parameter="id_token_hint")
    return hint.subject
