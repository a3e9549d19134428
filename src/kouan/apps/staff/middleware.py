"""What each request of a signed-in account goes through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponseRedirect
from django.urls import reverse

from kouan.apps.staff import sessions

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase

_WHILE_LIMITED: Final = {
    "staff:mine", "staff:set-up-app", "staff:set-up-passkey", "staff:passkey-make", "staff:codes",
    "staff:sign-in", "staff:second-step", "staff:passkey-ask", "staff:passkey-sign-in", "staff:sign-out",
    "web:set-language", "web:accessibility", "web:health", "web:side-stylesheet",
}  # fmt: skip
"""What somebody may do who has still to set up a second factor."""


class SignInMiddleware:
    """Ends sessions that are over, gives new keys where they are due, and holds back the limited ones.

    A request without a session costs nothing here.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Look at the session, if there is one, and pass the request on."""
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            found = sessions.resume(request)
            if found is None:
                logout(request)
            else:
                request.kouan_sign_in = found  # type: ignore[attr-defined] # `sessions.current` reads it
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        """Lead an account that has still to set up a second factor to where it does so."""
        sign_in, found = sessions.current(request), request.resolver_match
        if sign_in is None or not sign_in.limited or (found and found.view_name in _WHILE_LIMITED):
            return None
        if request.path.startswith("/api/"):
            request.user = AnonymousUser()
            return None
        return HttpResponseRedirect(reverse("staff:mine"))
