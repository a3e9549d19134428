"""Signing in and out."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, LogoutView
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kouan.apps.staff import codes, passkeys, services, sessions
from kouan.apps.staff import provider as staff_provider
from kouan.apps.staff.errors import StaffError, WrongCode
from kouan.apps.staff.forms import SecondStepForm, SignInForm
from kouan.apps.staff.models import Passkey
from kouan.web import oidc
from kouan.web.jinja import html_lang
from kouan.web.throttle import Throttle, TooManyTriesError, subscriber

if TYPE_CHECKING:
    from django.contrib.auth.forms import AuthenticationForm
    from django.http.response import HttpResponseBase

SIGN_IN_ACCOUNT: Final = Throttle("sign-in", limit=5, window=timedelta(minutes=1))
"""Wrong tries for one account from one address."""
SIGN_IN_ADDRESS: Final = Throttle("sign-in-address", limit=30, window=timedelta(minutes=1))
"""Wrong tries for any accounts from one address: guessing one word for many accounts."""
SECOND_STEP: Final = Throttle("second-step", limit=5, window=timedelta(minutes=5))
"""Wrong codes for one account, from anywhere: who tries knows its password."""
PASSKEY_ADDRESS: Final = Throttle("passkey-address", limit=30, window=timedelta(minutes=1))
PROVIDER_ADDRESS: Final = Throttle("provider-address", limit=60, window=timedelta(minutes=1))
"""Requests from one address that make this node do work, or ask the provider."""
_PENDING: Final = "staff_pending"
_PENDING_LIFE: Final = 600


def address_of(request: HttpRequest) -> str:
    """Return whose tries a request counts towards."""
    return subscriber(str(request.META.get("REMOTE_ADDR", "")))


def safe_next(request: HttpRequest, url: str) -> str:
    """Return ``url`` if it leads to a page of this portal, else the home page."""
    sound = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if sound else reverse("web:home")


class SignIn(LoginView):
    """Sign in with a local account; wrong tries are limited, and ``next`` leads only to our own pages.

    With ``again`` somebody who is signed in proves anew who they are.
    """

    template_name = "staff/sign-in.html"
    authentication_form = SignInForm

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        """Lead on who is signed in already."""
        if request.user.is_authenticated and not self._again():
            return HttpResponseRedirect(self.get_success_url())
        if request.method == "GET":
            request.session.pop(_PENDING, None)  # whoever comes here begins anew
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """Count the try before the password is looked at, so that many at once do not slip through."""
        if request.POST.get("username") and request.POST.get("password"):
            try:
                with transaction.atomic():
                    SIGN_IN_ACCOUNT.take(*self._subject())
                    SIGN_IN_ADDRESS.take(address_of(request))
            except TooManyTriesError as refused:
                return self._wait(int(refused.params["seconds"] or 0))
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Sign in, or ask for the second factor; a try that was right does not count."""
        SIGN_IN_ACCOUNT.give_back(*self._subject())
        SIGN_IN_ADDRESS.give_back(address_of(self.request))
        user = form.get_user()
        if isinstance(user, User) and sessions.has_factor(user):
            _wait_for_second_step(self.request, user, self.get_success_url())
            return HttpResponseRedirect(reverse("staff:second-step"))
        if isinstance(user, User):
            sessions.begin(self.request, user, way="password")
        return HttpResponseRedirect(self.get_success_url())

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Show the form again with what is wrong, status 422."""
        response = super().form_invalid(form)
        response.status_code = 422
        return response

    def get_initial(self) -> dict[str, object]:
        """Fill in the name of who signs in again."""
        return {"username": self.request.user.get_username()} if self._again() else {}

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        """Add the seconds to wait (0 when the form may be sent), and the other ways to sign in."""
        return {
            "wait": 0,
            "again": self._again(),
            "provider": staff_provider.provider() is not None,
            "passkeys": passkeys.are_possible(),
            "next_url": self.get_redirect_url(),
            **super().get_context_data(**kwargs),
        }

    def get_default_redirect_url(self) -> str:
        """Return the home page."""
        return reverse("web:home")

    def _wait(self, seconds: int) -> HttpResponse:
        context = self.get_context_data(form=self.get_form_class()(self.request), wait=seconds)
        response = render(self.request, self.template_name, context, status=429)
        response.headers["Retry-After"] = str(seconds)
        return response

    def _again(self) -> bool:
        return self.request.user.is_authenticated and bool(
            self.request.GET.get("again") or self.request.POST.get("again")
        )

    def _subject(self) -> tuple[str, str]:
        return self.request.POST.get("username", "").strip().casefold(), address_of(self.request)


def _wait_for_second_step(request: HttpRequest, user: User, next_url: str) -> None:
    request.session[_PENDING] = {
        "user": user.pk,
        "hash": user.get_session_auth_hash(),
        "next": next_url,
        "at": int(time.time()),
    }


def _pending(request: HttpRequest) -> tuple[User, str] | None:
    """Return who has given the right password and where they want to go, while that counts."""
    kept = request.session.get(_PENDING)
    if kept is None or not 0 <= time.time() - kept["at"] <= _PENDING_LIFE:
        return None
    user = User.objects.filter(pk=kept["user"], is_active=True).first()
    if user is None or not constant_time_compare(user.get_session_auth_hash(), kept["hash"]):
        return None
    return user, str(kept["next"])


@never_cache
@require_http_methods(["GET", "POST"])
def second_step(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor after the right password."""
    pending = _pending(request)
    if pending is None:
        return HttpResponseRedirect(reverse("staff:sign-in"))
    user, next_url = pending
    form, status = SecondStepForm(request.POST or None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            SECOND_STEP.take(str(user.pk))
            try:
                way = codes.check(user=user, typed=form.cleaned_data["code"])
            except WrongCode as error:
                form.refuse(error, "code")
            else:
                SECOND_STEP.give_back(str(user.pk))
                return _signed_in(request, user, way, next_url)
    context = {
        "form": form,
        "app": sessions.has_app(user),
        "passkeys": passkeys.are_possible() and Passkey.objects.filter(user=user).exists(),
    }
    return render(request, "staff/second-step.html", context, status=status)


def _signed_in(request: HttpRequest, user: User, way: str, next_url: str, *, sid: str = "") -> HttpResponse:
    request.session.pop(_PENDING, None)
    sessions.begin(request, user, way=way, sid=sid)
    return HttpResponseRedirect(next_url)


@never_cache
@require_POST
def passkey_ask(request: HttpRequest) -> HttpResponse:
    """Answer the page's script with what to ask a passkey."""
    PASSKEY_ADDRESS.take(address_of(request))
    pending = _pending(request)
    return JsonResponse(
        passkeys.ask_to_sign_in(session=request.session, user=pending[0] if pending else None)
    )


@never_cache
@require_POST
def passkey_sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in with what a passkey answered: alone, or as the second factor."""
    pending = _pending(request)
    user = passkeys.sign_in(
        session=request.session,
        answer=request.POST.get("credential", ""),
        user=pending[0] if pending else None,
    )
    if pending:
        return _signed_in(request, user, "password-passkey", pending[1])
    return _signed_in(request, user, "passkey", safe_next(request, request.POST.get("next", "")))


@never_cache
@require_GET
def provider(request: HttpRequest) -> HttpResponse:
    """Send an officer to the staff provider."""
    at = _configured()
    PROVIDER_ADDRESS.take(address_of(request))
    url = staff_provider.begin(
        at=at,
        session=request.session,
        next_url=safe_next(request, request.GET.get("next", "")),
        again=request.user.is_authenticated,
        language=html_lang(),
    )
    return HttpResponseRedirect(url)


@never_cache
@require_GET
def provider_back(request: HttpRequest) -> HttpResponse:
    """Sign in an officer whom the staff provider has sent back."""
    signed_in, next_url = staff_provider.finish(
        at=_configured(), session=request.session, query=request.META.get("QUERY_STRING", "")
    )
    user = services.account_for(signed_in=signed_in)
    return _signed_in(request, user, "provider", next_url, sid=signed_in.sid)


@csrf_exempt  # the provider posts here, and proves itself by its signature
@never_cache
@require_POST
def provider_logout(request: HttpRequest) -> HttpResponse:
    """End the sessions that the staff provider has ended (OpenID Connect Back-Channel Logout 1.0)."""
    try:
        PROVIDER_ADDRESS.take(address_of(request))
        staff_provider.end_sessions(at=_configured(), token=request.POST.get("logout_token", ""))
    except (oidc.OidcError, StaffError) as error:
        return JsonResponse({"error": "invalid_request", "error_description": error.code}, status=400)
    return HttpResponse(status=200)


def _configured() -> oidc.Provider:
    found = staff_provider.provider()
    if found is None:
        raise Http404
    return found


class SignOut(LogoutView):
    """End the session (POST) and show a page that says so."""

    template_name = "staff/signed-out.html"
    elsewhere = ""

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """Note the end before the session is gone; remember whether the provider's session goes on."""
        sign_in = sessions.current(request)
        if sign_in is not None and sign_in.way == "provider":
            self.elsewhere = staff_provider.leaving()
        sessions.end(request)
        return super().post(request, *args, **kwargs)

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        """Add where to sign out at the provider too."""
        return {"elsewhere": self.elsewhere, **super().get_context_data(**kwargs)}
