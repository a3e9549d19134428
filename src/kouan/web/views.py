"""The pages that belong to no app: home, sign-in and sign-out, accessibility, and the node's pulse."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.contrib.auth.views import LoginView, LogoutView
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST, require_safe
from django.views.i18n import set_language as django_set_language

from kouan.web.forms import SignInForm
from kouan.web.home import cards_for
from kouan.web.sidecolours import stylesheet, stylesheet_version
from kouan.web.throttle import Throttle, TooManyTriesError, subscriber

if TYPE_CHECKING:
    from django.contrib.auth.forms import AuthenticationForm

SIGN_IN_ACCOUNT: Final = Throttle("sign-in", limit=5, window=timedelta(minutes=1))
"""Wrong tries for one account from one address."""
SIGN_IN_ADDRESS: Final = Throttle("sign-in-address", limit=30, window=timedelta(minutes=1))
"""Wrong tries for any accounts from one address: guessing one word for many accounts."""


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Say what this node is and what a visitor can do here."""
    return render(request, "web/home.html", {"cards": cards_for(request.user)})


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    """State how accessible the pages are and what is known to be wanting."""
    return render(request, "web/accessibility.html")


@require_safe
def health(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django calls it so
    """Answer ``ok`` while the process serves requests; asks nothing of the database."""
    return HttpResponse("ok\n", content_type="text/plain", headers={"Cache-Control": "no-store"})


# Language is no secret and changes nothing else, so this one form carries no token: the pages that
# hold it need no cookie, and it also works on the page that says that a token was wrong.
@csrf_exempt
@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Keep the chosen language in a cookie and go back to the page; other sites as a target are ignored."""
    return django_set_language(request)


class SignIn(LoginView):
    """Sign in with a local account; wrong tries are limited, and ``next`` leads only to our own pages."""

    template_name = "web/sign-in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """Count the try before the password is looked at, so that many at once do not slip through."""
        if request.POST.get("username") and request.POST.get("password"):
            try:
                with transaction.atomic():
                    SIGN_IN_ACCOUNT.take(*self._subject())
                    SIGN_IN_ADDRESS.take(self._address())
            except TooManyTriesError as refused:
                return self._wait(int(refused.params["seconds"] or 0))
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Sign in; a try that was right does not count."""
        SIGN_IN_ACCOUNT.give_back(*self._subject())
        SIGN_IN_ADDRESS.give_back(self._address())
        return super().form_valid(form)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Show the form again with what is wrong, status 422."""
        response = super().form_invalid(form)
        response.status_code = 422
        return response

    def _wait(self, seconds: int) -> HttpResponse:
        context = self.get_context_data(form=self.get_form_class()(self.request), wait=seconds)
        response = render(self.request, self.template_name, context, status=429)
        response.headers["Retry-After"] = str(seconds)
        return response

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        """Add the seconds to wait; 0 when the form may be sent."""
        return {"wait": 0, **super().get_context_data(**kwargs)}

    def get_default_redirect_url(self) -> str:
        """Return the home page."""
        return reverse("web:home")

    def _subject(self) -> tuple[str, str]:
        return self.request.POST.get("username", "").strip().casefold(), self._address()

    def _address(self) -> str:
        return subscriber(str(self.request.META.get("REMOTE_ADDR", "")))


class SignOut(LogoutView):
    """End the session (POST) and show a page that says so."""

    template_name = "web/signed-out.html"


@require_GET
def side_stylesheet(request: HttpRequest) -> HttpResponse:
    """Serve the sides' colours; sides are data, so this style sheet is made from the data."""
    etag = f'"{stylesheet_version()}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponseNotModified(headers={"ETag": etag})
    fresh = request.GET.get("v") == stylesheet_version()
    return HttpResponse(
        stylesheet(),
        content_type="text/css; charset=utf-8",
        headers={
            "ETag": etag,
            "Cache-Control": "public, max-age=31536000, immutable" if fresh else "public, max-age=60",
        },
    )
