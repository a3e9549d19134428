"""What a client is told: in the ID token how sure it is who is there, at userinfo what the person agreed to.

OpenID Connect Core sections 2 and 5.3, OpenID Connect for Identity Assurance 1.0 (``verified_claims``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from kouan.apps.identity.domain import CLAIMS, TOKEN_LIFE, Level
from kouan.apps.identity.errors import UnreadableSecret
from kouan.apps.identity.nodes.details import LINK
from kouan.apps.identity.provider import jose
from kouan.apps.identity.provider.asked import issuer
from kouan.core.vault import Unsealable, Vault

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from kouan.apps.identity.keys import Key
    from kouan.apps.identity.models import SignIn

TRUST_FRAMEWORK: Final = "urn:gba:loa"
"""The scheme of levels (``data/levels.toml``) under which claims count as verified."""
VERIFIABLE: Final = frozenset(CLAIMS) - {"email", "phone_number"}
"""What the home side's register vouches for; how to reach a person is the person's own word."""

_VAULT: Final = Vault("identity/told/1")


def sealed(key: uuid.UUID, claims: Mapping[str, str], verified: Iterable[str], userinfo: str = "") -> bytes:
    """Return what a sign-in keeps of what is told, until its tokens have expired.

    ``verified`` are the names that are also told with how they were verified. ``userinfo`` is the signed
    answer, where it was made together with the ID token and so is handed out byte for byte.
    """
    value = {"claims": dict(claims), "verified": sorted(set(verified) & claims.keys()), "userinfo": userinfo}
    return _VAULT.seal(json.dumps(value, ensure_ascii=False).encode(), of=str(key))


def unsealed(key: uuid.UUID, kept: bytes) -> dict[str, Any]:
    """Return what ``sealed`` kept; raises ``UnreadableSecret``."""
    try:
        value: dict[str, Any] = json.loads(_VAULT.unseal(kept, of=str(key)))
    except Unsealable:
        raise UnreadableSecret from None
    return value


def id_token(  # noqa: PLR0913 - what it is made of, by name
    sign_in: SignIn, key: Key, *, nonce: str, access_token: str, now: datetime, link: str = ""
) -> str:
    """Return the ID token of a sign-in (OpenID Connect Core section 2)."""
    at = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": issuer(),
        "sub": sign_in.subject,
        "aud": sign_in.client,
        "iat": at,
        "exp": at + int(TOKEN_LIFE.total_seconds()),
        "auth_time": int(sign_in.authenticated_at.timestamp()),
        "acr": Level(sign_in.level).acr,
        "amr": sign_in.amr,
        "sid": str(sign_in.key),
        "at_hash": jose.half_hash(access_token),
    }
    if nonce:
        claims["nonce"] = nonce
    if link:
        claims[LINK] = link
    return jose.sign(claims, key)


def claims_of(subject: str, level: int, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the userinfo endpoint says (section 5.3.2)."""
    said: dict[str, Any] = {"sub": subject, **told["claims"]}
    if told["verified"]:
        said["verified_claims"] = {
            "verification": {"trust_framework": TRUST_FRAMEWORK, "assurance_level": Level(level).acr},
            "claims": {name: told["claims"][name] for name in told["verified"]},
        }
    return said


def signed_userinfo(said: Mapping[str, Any], *, audience: str, key: Key, now: datetime) -> str:
    """Return the same as a JWT (section 5.3.2)."""
    at = int(now.timestamp())
    frame = {"iss": issuer(), "aud": audience, "iat": at, "exp": at + int(TOKEN_LIFE.total_seconds())}
    return jose.sign({**said, **frame}, key)
