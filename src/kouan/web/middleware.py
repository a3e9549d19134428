"""What every answer of the portal goes through: its headers, its language, and errors as pages."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from django.contrib.messages.middleware import MessageMiddleware
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.cache import add_never_cache_headers, patch_vary_headers

from kouan.core.errors import KouanError
from kouan.web.errors import error_page, not_by_address, too_large

GetResponse = Callable[[HttpRequest], HttpResponseBase]
log = logging.getLogger(__name__)

API_PREFIX: Final = "/api/"
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


class LanguageMiddleware:
    """Django's ``LocaleMiddleware`` for addresses of which none begins with a language."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer in the language that the reader's cookie or browser asks for, and say which that is."""
        translation.activate(translation.get_language_from_request(request))
        request.LANGUAGE_CODE = translation.get_language() or ""
        response = self.get_response(request)
        patch_vary_headers(response, ["Accept-Language"])
        response.headers.setdefault("Content-Language", translation.get_language() or "")
        return response


class PageMessagesMiddleware(MessageMiddleware):
    """Django's own, which makes a place for messages to a reader; the API's answers have none."""

    def process_request(self, request: HttpRequest) -> None:
        """Make the place, unless a program asks."""
        if not request.path.startswith(API_PREFIX):
            super().process_request(request)


class KouanErrorMiddleware:
    """Turns a ``KouanError`` that a view raised into a page with its status; the API has its own form.

    So it does with Django's refusal of a method, which is empty: a form's address is opened when a page is
    reloaded, or when whoever sends a form is first asked to sign in again.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on."""
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and request.method == "GET" and _reads_pages(request):
            return not_by_address(request, response)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the page for an error that is made to be read; leave all others to Django."""
        if request.path.startswith(API_PREFIX):
            return None
        if isinstance(exception, RequestDataTooBig):
            return too_large(request)
        if not isinstance(exception, KouanError):
            return None
        if exception.status >= 500:  # noqa: PLR2004 - HTTP's classes
            log.error("%s at %s", exception.code, request.path, exc_info=exception)
        return error_page(request, exception)


def _reads_pages(request: HttpRequest) -> bool:
    return not request.path.startswith(API_PREFIX) and "text/html" in request.headers.get("Accept", "")
