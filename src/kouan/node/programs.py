"""Requests of programs, for which no page is made: answered on the portal's threads past Django's middleware.

What is left of that is what such an answer needs: the host, the language, the database's sessions, the count,
and the headers that keep a browser from taking an answer for a page. Whatever is not as it should be, such as
a method or a length, goes to Django as any other request does.
"""

from __future__ import annotations

import logging
import secrets
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host
from django.utils import translation

from kouan.apps.identity.provider.asked import Answer, as_json
from kouan.apps.identity.provider.parameters import MAX_FORM
from kouan.apps.identity.provider.portal import PROGRAMS, asked_of
from kouan.core.watch import channel, logs
from kouan.node.refusals import REFUSAL
from kouan.web.middleware import CONTENT_SECURITY_POLICY, PERMISSIONS_POLICY
from kouan.web.watching import HEADER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kouan.apps.identity.provider.portal import Program
    from kouan.node.intake import Message

log = logging.getLogger(__name__)

_ALWAYS: Final = tuple(
    (name.lower().encode(), value.encode())
    for name, value in {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": PERMISSIONS_POLICY,
        "Referrer-Policy": "same-origin",
        "Vary": "Accept-Language",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }.items()
)
_FAILED: Final = {
    "error": "server_error",
    "error_description": "The node failed to answer. Try again later.",
}


def answered(environ: Mapping[str, Any]) -> list[Message] | None:
    """Answer a program's request; nothing for any other, which Django is to answer."""
    program = PROGRAMS.get(environ["PATH_INFO"])
    if (
        program is None
        or environ["REQUEST_METHOD"] not in program.methods
        or environ[REFUSAL] is not None
        or int(environ.get("CONTENT_LENGTH") or 0) > MAX_FORM
        or not is_ours(environ.get("HTTP_HOST", ""))
    ):
        return None
    began = time.perf_counter()
    number = secrets.token_hex(8)
    logs.request.set(number)
    answer = _answer(program, environ)
    channel.portal_answered(program.name, answer.status, seconds=time.perf_counter() - began)
    return messages(answer.status, answer.headers.items(), answer.body, number=number)


def messages(status: int, headers: Iterable[tuple[str, str]], body: bytes, *, number: str) -> list[Message]:
    """Return an answer as the server takes it, with the headers that each answer of the portal has."""
    whole = [
        *((name.lower().encode(), value.encode("latin-1")) for name, value in headers),
        (b"content-length", str(len(body)).encode()),
        (HEADER.lower().encode(), number.encode()),
        *_ALWAYS,
    ]
    return [
        {"type": "http.response.start", "status": status, "headers": whole},
        {"type": "http.response.body", "body": body},
    ]


def _answer(program: Program, environ: Mapping[str, Any]) -> Answer:
    translation.activate(_language(environ.get("HTTP_ACCEPT_LANGUAGE", "")))
    body = environ["wsgi.input"]
    body.seek(0)  # it may be asked a second time: see ``lane``
    try:
        return program.endpoint(asked_of(environ, body.read()))
    except Exception:
        log.exception("%s failed", program.name)
        return as_json(_FAILED, status=500)


@lru_cache(maxsize=64)
def is_ours(host: str) -> bool:
    """Say whether a request names this portal as its host."""
    return validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)


@lru_cache(maxsize=256)
def _language(accepted: str) -> str:
    """Return the language of an answer, from the header in which the program names those that it takes."""
    request = HttpRequest()
    request.META["HTTP_ACCEPT_LANGUAGE"] = accepted
    return translation.get_language_from_request(request)
