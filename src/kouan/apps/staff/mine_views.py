"""An officer's own page: passkeys, authenticator app, recovery codes, recent sign-ins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from kouan.apps.staff import codes as app_codes
from kouan.apps.staff import labels, passkeys, queries, sessions, vault
from kouan.apps.staff.errors import ProviderDecides, StaffError
from kouan.apps.staff.forms import AppForm, NameForm, PasskeyForm
from kouan.apps.staff.models import Passkey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.auth.models import User


_NEW_APP: Final = "staff_new_app"


def _user(request: HttpRequest) -> User:
    return cast("User", request.user)


def _local(request: HttpRequest) -> User:
    """Return an account that signs in by itself; raises ``ProviderDecides`` for the others."""
    user = _user(request)
    if sessions.is_from_provider(user):
        raise ProviderDecides(name=user.username)
    return user


@never_cache
@require_http_methods(["GET", "POST"])
@sessions.require_account
def mine(request: HttpRequest) -> HttpResponse:
    """Show with what the officer signs in, and end their other sessions (POST)."""
    user = _user(request)
    sign_in = sessions.current(request)
    if request.method == "POST":
        sessions.end_others(user, keep=sign_in)
        messages.success(request, _("All other sessions are ended."))
        return HttpResponseRedirect(reverse("staff:mine"))
    context = {
        "mine": queries.mine(user),
        "sign_in": sign_in,
        "words": labels,
        "fresh": sessions.is_fresh(request),
        "again": sessions.signing_in_again(reverse("staff:mine")),
        "notices": messages.get_messages(request),
    }
    return render(request, "staff/mine.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@sessions.require_account
@sessions.require_fresh
def set_up_app(request: HttpRequest) -> HttpResponse:
    """Show a new secret as a picture and as text, and take the app into use once it answers right."""
    user = _local(request)
    if request.POST.get("remove"):
        app_codes.remove(user=user)
        messages.success(request, _("The authenticator app is no longer used to sign in."))
        return HttpResponseRedirect(reverse("staff:mine"))
    if not sessions.is_fresh(request):
        return HttpResponseRedirect(sessions.signing_in_again(request.path))
    form, status = AppForm(request.POST or None), 200
    kept = request.session.get(_NEW_APP)
    secret = vault.unseal(bytes.fromhex(kept), account=user.pk) if kept else app_codes.new_secret()
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = app_codes.set_up(user=user, secret=secret, code=form.cleaned_data["code"])
            except StaffError as error:
                form.refuse(error, "code")
            else:
                del request.session[_NEW_APP]
                sessions.unlock(request)
                return _show_codes(request, made)
    request.session[_NEW_APP] = vault.seal(secret, account=user.pk).hex()
    address = app_codes.address_of(secret, user)
    context = {
        "form": form,
        "drawing": mark_safe(app_codes.drawing_of(address)),  # noqa: S308 - made here, of squares alone
        "secret": " ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
    }
    return render(request, "staff/app.html", context, status=status)


@never_cache
@require_POST
@sessions.require_account
@sessions.require_fresh
def codes(request: HttpRequest) -> HttpResponse:
    """Make new recovery codes and show them, this once."""
    user = _local(request)
    if not sessions.has_factor(user):
        return HttpResponseRedirect(reverse("staff:mine"))
    return _show_codes(request, app_codes.renew_recovery_codes(user=user))


def _show_codes(request: HttpRequest, made: Sequence[str]) -> HttpResponse:
    return render(request, "staff/codes.html", {"codes": made})


@never_cache
@require_http_methods(["GET", "POST"])
@sessions.require_account
@sessions.require_fresh
def set_up_passkey(request: HttpRequest) -> HttpResponse:
    """Ask for a passkey's name, and keep what the browser's script made."""
    user = _local(request)
    if not sessions.is_fresh(request):
        return HttpResponseRedirect(sessions.signing_in_again(request.path))
    form, status = PasskeyForm(request.POST or None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            answer, name = form.cleaned_data["credential"], form.cleaned_data["name"]
            try:
                passkeys.register(user=user, session=request.session, answer=answer, name=name)
            except StaffError as error:
                form.refuse(error, "name")
            else:
                sessions.unlock(request)
                messages.success(request, _("The passkey can now be used to sign in."))
                return HttpResponseRedirect(reverse("staff:mine"))
    context = {"form": form, "possible": passkeys.are_possible()}
    return render(request, "staff/passkey-new.html", context, status=status)


@never_cache
@require_POST
@sessions.require_account
@sessions.require_fresh
def passkey_make(request: HttpRequest) -> HttpResponse:
    """Answer the page's script with what the browser needs to make a passkey."""
    return JsonResponse(passkeys.ask_to_register(user=_local(request), session=request.session))


@never_cache
@require_http_methods(["GET", "POST"])
@sessions.require_account
@sessions.require_fresh
def passkey(request: HttpRequest, key: int) -> HttpResponse:
    """Rename or remove a passkey."""
    user = _local(request)
    found = get_object_or_404(Passkey, user=user, pk=key)
    form, status = NameForm(request.POST or None, initial={"name": found.name}), 200
    if request.POST.get("remove"):
        passkeys.remove(user=user, key=key)
        messages.success(request, _("The passkey is removed."))
        return HttpResponseRedirect(reverse("staff:mine"))
    if request.method == "POST":
        status = 422
        if form.is_valid():
            passkeys.rename(user=user, key=key, name=form.cleaned_data["name"])
            messages.success(request, _("The passkey has its new name."))
            return HttpResponseRedirect(reverse("staff:mine"))
    return render(request, "staff/passkey.html", {"form": form, "passkey": found}, status=status)
