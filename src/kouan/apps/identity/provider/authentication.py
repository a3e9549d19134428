"""Who a client is: ``private_key_jwt`` (RFC 7523, OpenID Connect Core section 9), or a public client's word.

A peer's node comes through the door alone, as the one that its TLS certificate names; a service of this side
comes to the portal alone.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kouan.apps.identity.errors import UnknownService
from kouan.apps.identity.provider import jose, limits
from kouan.apps.identity.provider.asked import issuer
from kouan.apps.identity.provider.clients import Client, get_client
from kouan.apps.identity.provider.errors import InvalidClient
from kouan.apps.identity.provider.jose import DoesNotVerify
from kouan.apps.identity.provider.spending import spend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.apps.identity.provider.asked import Asked

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFE: Final = 300
"""The longest that an assertion may count, in seconds."""
LEEWAY: Final = 30
"""Seconds by which the client's clock may be ahead (FAPI 2.0 section 5.3.2.1)."""
_LONGEST_JTI: Final = 255


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A client that is who it says; what it showed counts once it has been spent."""

    client: Client
    jti: str
    """Empty for a public client."""
    until: float

    def spend(self) -> None:
        """Have its assertion count this once; raises ``InvalidClient`` if it did before."""
        if self.jti and not spend("assertion", self.client.id, self.jti, until=self.until):
            raise InvalidClient(reason="jti")


def authenticate(asked: Asked, form: Mapping[str, str]) -> Authenticated:
    """Return the client that a form comes from; raises ``InvalidClient`` or ``TemporarilyUnavailable``.

    Wrong tries are counted by where they come from: who tries too often hears ``TooManyTriesError`` instead.
    A client's own limit counts only what it has proved to come from it, so that nobody else can use it up; a
    public client proves nothing, and only where its requests come from is counted.
    """
    try:
        authenticated = _authenticated(asked, form)
    except DoesNotVerify as error:
        limits.count_failure(asked.address, peer=asked.peer)
        raise InvalidClient(reason=str(error)) from None
    if authenticated.jti:
        limits.take_client(authenticated.client.id)
    return authenticated


def _authenticated(asked: Asked, form: Mapping[str, str]) -> Authenticated:
    if "authorization" in asked.headers or "client_secret" in form:
        raise DoesNotVerify("method")
    assertion = form.get("client_assertion")
    if assertion is None:
        if "client_assertion_type" in form:
            raise DoesNotVerify("assertion")
        client = _client(form.get("client_id", ""), asked)
        if client.authenticated:
            raise DoesNotVerify("assertion")
        return Authenticated(client, "", 0)
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise DoesNotVerify("assertion-type")
    read = jose.Unverified(assertion)
    # Who signed is looked up by what is claimed, and believed only once the signature has said so.
    claimed = read.claimed("iss")
    client = _client(form.get("client_id", claimed), asked)
    if not client.authenticated:
        raise DoesNotVerify("method")
    claims = _verified(read, client)
    now = time.time()
    if claims.get("iss") != client.id or claims.get("sub") != client.id:
        raise DoesNotVerify("sub")
    if claims.get("aud") != issuer():  # a string alone: FAPI 2.0 section 5.3.2.1
        raise DoesNotVerify("aud")
    return Authenticated(client, _jti(claims), _expiry(claims, now))


def _client(client_id: str, asked: Asked) -> Client:
    try:
        client = get_client(client_id)
    except UnknownService:
        raise DoesNotVerify("client") from None
    if client.peer != asked.peer:
        raise DoesNotVerify("client")
    return client


def _verified(read: jose.Unverified, client: Client) -> dict[str, Any]:
    kid = read.kid
    keys = [key for key in client.keys if kid is None or key.get("kid") == kid]
    if not keys:
        raise DoesNotVerify("key")
    for key in keys[:-1]:
        try:
            return read.verified(jose.public_key(key))
        except DoesNotVerify:
            continue
    return read.verified(jose.public_key(keys[-1]))


def _expiry(claims: Mapping[str, Any], now: float) -> float:
    """Return until when an assertion counts; raises ``DoesNotVerify`` unless that is soon and not past."""
    exp = jose.seconds(claims, "exp")
    if not now < exp <= now + LIFE + LEEWAY:
        raise DoesNotVerify("exp")
    for name in ("iat", "nbf"):
        if name in claims and not exp - LIFE <= jose.seconds(claims, name) <= now + LEEWAY:
            raise DoesNotVerify(name)
    return exp + 1


def _jti(claims: Mapping[str, Any]) -> str:
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI or not jti.isprintable():
        raise DoesNotVerify("jti")
    return jti
