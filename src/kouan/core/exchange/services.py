"""Asking a service that is no peer, over plain HTTP: a time-stamping authority, a witness.

Whatever such a service answers is signed and checked by who asked; so here there are only bounds: in
bytes, in seconds, and no redirects. Peers are reached through ``transport``, with mutual TLS.
"""

from __future__ import annotations

import http.client
import ssl
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError
from kouan.core.ledger.models import Helper

TIME_LIMIT: Final = 15.0
"""Seconds for a whole exchange, however slowly the bytes come."""
_READ: Final = 16 * 1024


class ServiceUnreachable(KouanError):
    """No usable answer came from a service beside the peers."""

    code = "service-unreachable"
    status = 503
    message = _("%(host)s does not answer as it should: %(detail)s.")


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """What a service said."""

    status: int
    content_type: str
    body: bytes


def post(
    url: str, body: bytes, *, content_type: str, max_answer: int, limit: float = TIME_LIMIT
) -> ServiceAnswer:
    """Post ``body`` and return the answer, whatever its status; raises ``ServiceUnreachable``.

    ``max_answer`` is in bytes, ``limit`` in seconds for everything together.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    deadline = time.monotonic() + limit
    connection = (
        http.client.HTTPSConnection(host, parts.port, timeout=limit / 3, context=ssl.create_default_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, parts.port, timeout=limit / 3)
    )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", path, body, {"content-type": content_type, "connection": "close"})
        response = connection.getresponse()
        data = _read(response, max_answer, deadline)
        return ServiceAnswer(response.status, response.getheader("content-type", ""), data)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ServiceUnreachable(host=host, detail=_brief(error)) from None
    finally:
        connection.close()


def _read(response: http.client.HTTPResponse, most: int, deadline: float) -> bytes:
    data = b""
    while piece := response.read1(_READ):
        data += piece
        if len(data) > most:
            raise ValueError(f"the answer is longer than {most} bytes")
        if time.monotonic() > deadline:
            raise ValueError("the answer comes too slowly")
    return data


def _brief(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else ""
    # It is shown to the operator: one line without control characters.
    return "".join(one if one.isprintable() else "\ufffd" for one in f"{type(error).__name__}: {text}")[:200]


def note_outcome(name: str, problem: str) -> bool:
    """Note how the last try with a service went; return whether that is news."""
    now = timezone.now()
    row, _made = Helper.objects.get_or_create(name=name, defaults={"asked_at": now})
    news = row.problem != problem
    row.asked_at, row.problem = now, problem[:300]
    if not problem:
        row.answered_at = now
    row.save(update_fields=["asked_at", "answered_at", "problem"])
    return news
