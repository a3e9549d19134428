"""Asking a provider: one request and one answer, both bounded.

The whole exchange has a time limit, however slowly the bytes come; no redirect is followed, no proxy
of the environment is used, and an answer is JSON in plain bytes or it is none.
"""

from __future__ import annotations

import http.client
import json
import logging
import ssl
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlencode, urlsplit

from kouan.core.database.sharing import lend_session
from kouan.web.oidc.connections import Connections, Place
from kouan.web.oidc.errors import ProviderUnreachable, ProviderUnsuitable
from kouan.web.oidc.provider import is_sound

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kouan.web.oidc.connections import Connection

TIME_LIMIT: Final = 5.0
"""Seconds for a whole exchange, unless who asks has others."""
MOST: Final = 256 * 1024
"""Bytes of an answer."""
_FORM: Final = "application/x-www-form-urlencoded"
log = logging.getLogger(__name__)
_connections: Final = Connections()


class Service(Protocol):
    """Whom to ask: a provider, or another service beside the node."""

    @property
    def host(self) -> str:
        """Its name, for messages."""

    @property
    def ca_file(self) -> Path | None:
        """Certification authorities (PEM) that it must lead to; the machine's own if ``None``."""

    @property
    def demonstration(self) -> bool:
        """Whether plain HTTP on this very machine is accepted."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider said."""

    status: int
    content_type: str
    body: bytes


def ask(  # noqa: PLR0913 - a request's parts, by name
    provider: Service,
    url: str,
    *,
    form: Mapping[str, str] | None = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float | None = None,
) -> Answer:
    """Get ``url``, or post ``form`` or ``body`` to it, within ``seconds`` (``TIME_LIMIT``) in all.

    Raises ``ProviderUnreachable`` or ``ProviderUnsuitable``.
    """
    if not is_sound(url, demonstration=provider.demonstration):
        raise ProviderUnsuitable(host=provider.host, detail="address")
    lend_session()
    if form is not None:
        body, headers = urlencode(form).encode(), {"content-type": _FORM, **(headers or {})}
    try:
        answer = _exchange(provider, url, body, headers or {}, TIME_LIMIT if seconds is None else seconds)
    except (http.client.HTTPException, OSError, ValueError) as error:  # a timeout is an OSError
        # Its kind alone: a library's text may repeat what was sent.
        log.warning("%s of %s: %s", urlsplit(url).path[:200] or "/", provider.host, type(error).__name__)
        raise ProviderUnreachable(host=provider.host) from None
    if 300 <= answer.status < 400:  # noqa: PLR2004 - HTTP's redirections
        raise ProviderUnsuitable(host=provider.host, detail="redirect")
    return answer


def forget() -> None:
    """Close the connections that are kept open."""
    _connections.close()


@lru_cache(8)
def _context(ca_file: Path | None, changed: int) -> ssl.SSLContext:  # noqa: ARG001 - a new file, a new context
    return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)


def _exchange(
    provider: Service, url: str, body: bytes | None, headers: Mapping[str, str], seconds: float
) -> Answer:
    deadline = time.monotonic() + seconds
    parts = urlsplit(url)
    context = None
    if parts.scheme == "https":
        ca = provider.ca_file
        context = _context(ca, ca.stat().st_mtime_ns if ca else 0)
    place = Place(parts.hostname or "", parts.port or (443 if context is not None else 80), context)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    wanted = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "kouan", **headers}
    while True:
        connection = _connections.take(place)
        try:
            return _asked(connection, target, body, wanted, deadline)
        except (ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected, ssl.SSLEOFError):
            # It was kept open, and the provider has closed it just now: the request was never read.
            if connection.fresh:
                raise


def _asked(
    connection: Connection, target: str, body: bytes | None, headers: Mapping[str, str], deadline: float
) -> Answer:
    method = "GET" if body is None else "POST"
    try:
        status, said, data = connection.exchange(method, target, body, headers, most=MOST, deadline=deadline)
    except BaseException:
        connection.close()
        raise
    _connections.give_back(connection)
    if said.get("content-encoding", "identity") != "identity":
        raise ValueError("an answer in another coding than was asked for")
    return Answer(status, said.get("content-type", "").partition(";")[0].strip().lower(), data)


def read_object(provider: Service, body: bytes, what: str) -> dict[str, Any]:
    """Return the JSON object in ``body``; raises ``ProviderUnsuitable`` naming ``what`` it should be."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ProviderUnsuitable(host=provider.host, detail=what)
    return value
