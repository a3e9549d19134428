"""What is said to those whose requests are refused before an app is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from kouan.api import api
from kouan.apps.identity.provider.portal import PROGRAMS
from kouan.apps.validation.errors import UploadTruncated
from kouan.core.errors import KouanError
from kouan.web.errors import error_page
from kouan.web.unkeepable import fault_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

REFUSAL: Final = "kouan.refusal"
"""Where the request's environment holds the error; no header of a request has such a name there."""


class UploadTooSlow(UploadTruncated):
    """A body that stopped, or came more slowly than a body may."""

    code = "upload-too-slow"
    status = 408


class PortalBusy(KouanError):
    """As many bodies are under way as the portal takes at once."""

    code = "portal-busy"
    status = 503
    message = _("Too much is being sent to this node at the moment. Try again in %(seconds)s seconds.")


class TooManyUploads(PortalBusy):
    """As many bodies are under way from this address as the portal takes from one."""

    code = "too-many-uploads"
    status = 429


class RefusalMiddleware:
    """Answers for whoever refused, in the reader's language and form; stands last, with no view behind it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass on what nobody has refused, and no database would; answer the rest."""
        error = request.META.get(REFUSAL)
        if error is None and request.path not in PROGRAMS:  # which say so themselves, in their own form
            error = fault_of(request)
        if error is None:
            return self.get_response(request)
        if request.path.startswith("/api/"):
            return api.on_exception(request, error)
        return error_page(request, error)
