"""What the portal tells of each request: a number in a counter, and an id in every line of its log."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Final

from kouan.core.exchange import refusals
from kouan.core.watch import channel, logs

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

HEADER: Final = "Kouan-Request"
"""Tells whoever asked under which id the log has the request."""


class WatchMiddleware:
    """Stands first: what it measures is all that Django does for a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on; count its answer by the view, never by the address."""
        began = time.perf_counter()
        number = secrets.token_hex(8)
        # Not taken back at the end: Django logs a failed request once it has left every middleware, and
        # this thread's next request brings its own.
        logs.request.set(number)
        response = self.get_response(request)
        found = request.resolver_match
        view = (found.view_name or "other") if found is not None else "other"
        channel.portal_answered(view, response.status_code, seconds=time.perf_counter() - began)
        response.headers[HEADER] = number
        refusals.tell_held_back()
        return response
