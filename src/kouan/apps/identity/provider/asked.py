"""What an endpoint is asked and what it answers, whether the portal took the request or the door."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings
from django.utils import translation

from kouan.apps.identity.provider.errors import AccessDenied, OAuthError, TemporarilyUnavailable
from kouan.core.errors import KouanError

NO_STORE: Final = {"cache-control": "no-store", "content-type": "application/json"}
_SERVER: Final = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to an endpoint, before anything of it has been believed."""

    method: str
    url: str
    """The endpoint's whole address without a query, as a proof names it (RFC 9449 section 4.2, ``htu``)."""
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    peer: str | None = None
    """The side whose node calls, as its TLS certificate says; nothing at the portal."""
    address: str = ""
    """Where it came from, for limits."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back; names of headers in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]


Endpoint = Callable[[Asked], Answer]


def issuer() -> str:
    """Return this provider's name, which is the portal's address."""
    origin: str = settings.NODE.portal_origin
    return origin


def answering(endpoint: Endpoint) -> Endpoint:
    """Have an endpoint's refusals told as OAuth tells them."""

    @functools.wraps(endpoint)
    def answered(asked: Asked) -> Answer:
        try:
            return endpoint(asked)
        except KouanError as error:
            return refusal(error)

    return answered


def as_json(
    value: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Answer:
    """Return an answer that no cache keeps."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, body, {**NO_STORE, **(headers or {})})


def refusal(
    error: KouanError, *, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Return an error as RFC 6749 section 5.2 has it, and the sentence in the reader's language beside it."""
    value = {"error": word_of(error), "error_description": described(error), "detail": str(error)}
    told = dict(headers or {})
    seconds = error.retry_after or error.params.get("seconds")
    if isinstance(seconds, (int, float)):
        told["retry-after"] = str(math.ceil(seconds))
    return as_json(value, status=status or error.status, headers=told)


def word_of(error: KouanError) -> str:
    """Return the word by which a program knows an error."""
    if isinstance(error, OAuthError):
        return error.error
    return TemporarilyUnavailable.error if error.status >= _SERVER else AccessDenied.error


def described(error: KouanError) -> str:
    """Return ``error_description``: English, since RFC 6749 has no room for any other script in it."""
    with translation.override("en"):
        text = str(error)
    kept = (letter if " " <= letter <= "~" and letter not in '"\\' else "'" for letter in text)
    return "".join(kept)
