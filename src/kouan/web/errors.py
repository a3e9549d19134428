"""Error pages: in the reader's language, with what to do next, and as little underneath as they need."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.shortcuts import render
from django.utils import translation

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase

    from kouan.core.errors import KouanError


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 400 (or 413 when the request was too large); needs neither session nor database."""
    if isinstance(exception, (RequestDataTooBig, TooManyFilesSent)):
        return too_large(request)
    return render(request, "web/errors/400.html", {"minimal": True}, status=400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - Django calls it so
    """Answer 403 to somebody who is signed in without the role that a page asks for."""
    return render(request, "web/errors/403.html", status=403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django calls it so
    """Answer 403 to a form that did not come from our own page, or whose page had grown too old."""
    return render(request, "web/errors/csrf.html", status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - Django calls it so
    """Answer 404."""
    return render(request, "web/errors/404.html", status=404)


def not_by_address(request: HttpRequest, refusal: HttpResponseBase) -> HttpResponse:
    """Answer 405 in words to a browser that opened a form's address; ``refusal`` is Django's empty answer."""
    response = render(request, "web/errors/405.html", status=405)
    response.headers["Allow"] = refusal.headers["Allow"]
    return response


def too_large(request: HttpRequest) -> HttpResponse:
    """Answer 413."""
    return render(request, "web/errors/413.html", {"minimal": True}, status=413)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500; what failed may be the database, so the page stands without it."""
    with translation.override(translation.get_language_from_request(request)):
        return render(request, "web/errors/500.html", {"minimal": True}, status=500)


def error_page(request: HttpRequest, error: KouanError) -> HttpResponse:
    """Answer with an error's own words and status, and with when to try again (``Retry-After``)."""
    context = {"error": error, "minimal": error.status >= 500}  # noqa: PLR2004 - HTTP's classes
    response = render(request, "web/errors/error.html", context, status=error.status)
    seconds = error.retry_after or error.params.get("seconds")
    if isinstance(seconds, (int, float)):
        response.headers["Retry-After"] = str(math.ceil(seconds))
    return response
