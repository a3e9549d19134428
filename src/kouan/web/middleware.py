"""What every answer of the portal goes through: its headers, and errors as pages."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import add_never_cache_headers

from kouan.core.errors import KouanError
from kouan.web.errors import error_page, too_large

GetResponse = Callable[[HttpRequest], HttpResponseBase]
log = logging.getLogger(__name__)

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""Own origin only, nothing inline; ``data:`` only for small pictures inside style sheets."""

PERMISSIONS_POLICY: Final = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer",
        "microphone", "midi", "payment", "usb",
    )
)  # fmt: skip


class SecurityHeadersMiddleware:
    """Adds the policies that Django's own middleware does not know.

    A page that belongs to somebody signed in is not kept by any cache.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on and complete the answer's headers."""
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        user = getattr(request, "_cached_user", None)  # set once something has asked who this is
        if user is not None and user.is_authenticated and "Cache-Control" not in response.headers:
            add_never_cache_headers(response)
        return response


class KouanErrorMiddleware:
    """Turns a ``KouanError`` that a view raised into a page with its status; the API has its own form."""

    api_prefix: Final = "/api/"

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the page for an error that is made to be read; leave all others to Django."""
        if request.path.startswith(self.api_prefix):
            return None
        if isinstance(exception, RequestDataTooBig):
            return too_large(request)
        if not isinstance(exception, KouanError):
            return None
        if exception.status >= 500:  # noqa: PLR2004 - HTTP's classes
            log.error("%s at %s", exception.code, request.path, exc_info=exception)
        return error_page(request, exception)
