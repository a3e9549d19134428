"""Asking a provider: one request and one answer, both bounded.

The whole exchange has a time limit, however slowly the bytes come; no redirect is followed, no proxy
of the environment is used, and an answer is JSON in plain bytes or it is none.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx

from kouan.core.database.sharing import lend_session
from kouan.web.oidc.errors import ProviderUnreachable, ProviderUnsuitable
from kouan.web.oidc.provider import is_sound

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kouan.web.oidc.provider import Provider

TIME_LIMIT: Final = 5.0
"""Seconds for a whole exchange."""
MOST: Final = 256 * 1024
"""Bytes of an answer."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider said."""

    status: int
    content_type: str
    body: bytes


def ask(
    provider: Provider,
    url: str,
    *,
    form: Mapping[str, str] | None = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Get ``url``, or post ``form`` or ``body`` to it.

    Raises ``ProviderUnreachable`` or ``ProviderUnsuitable``.
    """
    if not is_sound(url, demonstration=provider.demonstration):
        raise ProviderUnsuitable(host=provider.host, detail="address")
    lend_session()
    try:
        answer = asyncio.run(_exchange(provider, url, form, body, headers or {}))
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:  # a timeout is an OSError
        # Its kind alone: a library's text may repeat what was sent.
        log.warning("%s of %s: %s", urlsplit(url).path[:200] or "/", provider.host, type(error).__name__)
        raise ProviderUnreachable(host=provider.host) from None
    if 300 <= answer.status < 400:  # noqa: PLR2004 - HTTP's redirections
        raise ProviderUnsuitable(host=provider.host, detail="redirect")
    return answer


@lru_cache(8)
def _context(ca_file: Path | None, changed: int) -> ssl.SSLContext:  # noqa: ARG001 - a new file, a new context
    return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)


async def _exchange(
    provider: Provider,
    url: str,
    form: Mapping[str, str] | None,
    body: bytes | None,
    headers: Mapping[str, str],
) -> Answer:
    ca = provider.ca_file
    context = _context(ca, ca.stat().st_mtime_ns if ca else 0)
    method = "GET" if form is None and body is None else "POST"
    wanted = {"accept": "application/json", "accept-encoding": "identity", **headers}
    async with (
        asyncio.timeout(TIME_LIMIT),
        httpx.AsyncClient(verify=context, trust_env=False, timeout=TIME_LIMIT) as client,
        client.stream(method, url, data=form, content=body, headers=wanted) as response,
    ):
        if response.headers.get("content-encoding", "identity") != "identity":
            raise ValueError("an answer in another coding than was asked for")
        said = b""
        async for piece in response.aiter_raw():
            said += piece
            if len(said) > MOST:
                raise ValueError("an answer that is too large")
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Answer(response.status_code, kind, said)


def read_object(provider: Provider, body: bytes, what: str) -> dict[str, Any]:
    """Return the JSON object in ``body``; raises ``ProviderUnsuitable`` naming ``what`` it should be."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ProviderUnsuitable(host=provider.host, detail=what)
    return value
