"""The one request of a browser for which hardly ever a page is made: a sign-in that a service begins.

The answer sends the browser on, so none of what a page needs (an account, forms, messages, templates) is
looked up for it; its session, which ties the sign-in to the browser, is. Whatever becomes a page after all,
such as an error that a person reads, goes to Django: until then nothing was changed.
"""

from __future__ import annotations

import logging
import secrets
import time
from typing import TYPE_CHECKING, Any, Final

from django.contrib.sessions.middleware import SessionMiddleware
from django.core.handlers.wsgi import WSGIRequest

from kouan.apps.identity.views.provider import authorize
from kouan.core.errors import KouanError
from kouan.core.watch import channel, logs
from kouan.node.programs import is_ours, messages
from kouan.node.refusals import REFUSAL

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from django.http import HttpRequest, HttpResponse

    from kouan.node.intake import Message

log = logging.getLogger(__name__)

AUTHORIZE: Final = "/oidc/authorize"
VIEW: Final = "identity:authorize"
"""What the address is called where requests are counted."""


def answered(environ: MutableMapping[str, Any]) -> list[Message] | None:
    """Send a browser on; nothing for any other request, which Django is to answer."""
    if (
        environ["PATH_INFO"] != AUTHORIZE
        or environ["REQUEST_METHOD"] != "GET"
        or environ[REFUSAL] is not None
        or not is_ours(environ.get("HTTP_HOST", ""))
    ):
        return None
    began = time.perf_counter()
    number = secrets.token_hex(8)
    logs.request.set(number)
    try:
        response = _with_session(WSGIRequest(dict(environ)))
    except KouanError as error:  # the transaction has taken back whatever it had done
        environ[REFUSAL] = error  # which Django tells on a page
        return None
    except Exception:
        log.exception("%s failed; Django is asked", VIEW)
        return None
    channel.portal_answered(VIEW, response.status_code, seconds=time.perf_counter() - began)
    cookies = (("set-cookie", cookie.OutputString()) for cookie in response.cookies.values())
    return messages(response.status_code, [*response.items(), *cookies], response.content, number=number)


def _with_session(request: HttpRequest) -> HttpResponse:
    """Have the view answer a request that has its browser's session, and keep what it changed of that."""
    _sessions.process_request(request)
    response = authorize(request)
    if request.session.modified:
        _sessions.process_response(request, response)
    return response


_sessions: Final = SessionMiddleware(authorize)
