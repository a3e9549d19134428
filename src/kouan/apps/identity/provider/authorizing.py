"""The authorization endpoint: a browser comes with a request, and goes away with an answer or a step to take.

Nothing is ever sent to an address that is not registered. Every answer to a client names this provider (RFC
9207), so that it cannot take it for another's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit, urlunsplit

from kouan.apps.identity.errors import UnknownService
from kouan.apps.identity.provider import pushing
from kouan.apps.identity.provider.asked import described, issuer, word_of
from kouan.apps.identity.provider.checking import check, redirect_of
from kouan.apps.identity.provider.clients import Client, get_client
from kouan.apps.identity.provider.errors import MustPush
from kouan.core.errors import KouanError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.apps.identity.provider.requests import Request


class ToldToClient(Exception):
    """An error that the client is told by way of the browser."""

    def __init__(self, location: str) -> None:
        super().__init__("told to the client")
        self.location = location


def asked(params: Mapping[str, str]) -> tuple[Client, Request]:
    """Return a client and its checked request.

    Raises a ``KouanError`` that is the person's alone to read, or ``ToldToClient``.
    """
    client_id = params.get("client_id", "")
    if not client_id:
        raise UnknownService
    client = get_client(client_id)
    if params.get("request_uri", "").startswith(pushing.PREFIX):
        return client, pushing.taken(client, params["request_uri"])
    uri = redirect_of(client, params)
    try:
        if client.pushes:
            raise MustPush
        return client, check(client, params)
    except KouanError as error:
        raise ToldToClient(refused(uri, params.get("state", ""), error)) from None


def deny(request: Request, error: KouanError) -> str:
    """Return where the browser takes the news that a request came to nothing."""
    return refused(request.redirect_uri, request.state, error)


def refused(redirect_uri: str, state: str, error: KouanError) -> str:
    """Return an error's way to a client (RFC 6749 section 4.1.2.1)."""
    said = {"error": word_of(error), "error_description": described(error)}
    return location_of(redirect_uri, {**said, **({"state": state} if state else {})})


def location_of(redirect_uri: str, said: Mapping[str, str]) -> str:
    """Return a registered address with an answer in its query, and this provider's name."""
    parts = urlsplit(redirect_uri)
    query = urlencode({**said, "iss": issuer()})
    return urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))
