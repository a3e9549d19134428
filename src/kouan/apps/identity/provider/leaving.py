"""Signing out at a service's wish (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from kouan.apps.identity.errors import UnknownService
from kouan.apps.identity.models import SignIn
from kouan.apps.identity.provider import hints
from kouan.apps.identity.provider.clients import get_client
from kouan.apps.identity.provider.errors import InvalidRequest, UnknownRedirect

if TYPE_CHECKING:
    from collections.abc import Mapping

KEPT: Final = ("client_id", "post_logout_redirect_uri", "state")
"""What a page that asks first brings along."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """A wish to sign out, as far as it could be checked."""

    sign_in: SignIn | None
    """Whose end is wished; nothing without an ID token of ours: then the person is asked."""
    back_to: str
    """A registered address with the client's state; empty where the person stays here."""


def wished(params: Mapping[str, str]) -> Leaving:
    """Return a checked wish; raises ``InvalidRequest``, ``UnknownService`` or ``UnknownRedirect``.

    Nobody is sent to an address that is not registered, letter by letter, for the client that asks.
    """
    hint = _hint(params.get("id_token_hint"))
    client_id = params.get("client_id", hint.client if hint is not None else "")
    if hint is not None and hint.client != client_id:
        raise InvalidRequest(parameter="client_id")
    sign_in = None
    if hint is not None:
        sign_in = SignIn.objects.select_related("home_session").filter(key=hint.sign_in).first()
    uri = params.get("post_logout_redirect_uri", "")
    if not uri:
        return Leaving(sign_in, "")
    if not client_id:
        raise UnknownRedirect
    try:
        registered = get_client(client_id).post_logout_redirect_uris
    except UnknownService:
        registered = ()
    if uri not in registered:
        raise UnknownRedirect
    return Leaving(sign_in, _with_state(uri, params.get("state", "")))


def _hint(token: str | None) -> hints.Hint | None:
    """Return a hint; one that is none of ours counts as none, and the person is asked."""
    try:
        return hints.read(token) if token is not None else None
    except InvalidRequest:
        return None


def _with_state(uri: str, state: str) -> str:
    if not state:
        return uri
    parts = urlsplit(uri)
    query = urlencode({"state": state})
    return urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))
