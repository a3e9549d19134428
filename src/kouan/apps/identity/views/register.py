"""The registrar's pages: which services let people sign in, with what, and who changed it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from kouan.apps.identity import labels, queries, register
from kouan.apps.identity.errors import BadRegistration
from kouan.apps.identity.forms import KeysForm, ServiceForm
from kouan.apps.identity.registration import Registration, differences, parse_keys
from kouan.web.access import require_role

if TYPE_CHECKING:
    from collections.abc import Callable

    from kouan.apps.identity.models import Service


@require_safe
@require_role("registrar")
def services(request: HttpRequest) -> HttpResponse:
    """List the registered services."""
    return _page(request, "services", rows=queries.services())


@require_safe
@require_role("registrar")
def service(request: HttpRequest, client_id: str) -> HttpResponse:
    """Show one service and the history of its registration."""
    found = queries.service(client_id)
    changes = [(each, differences(each.before, each.after)) for each in queries.history(found)]
    return _page(request, "service", service=found, shown=Registration.of(found), changes=changes)


@require_http_methods(["GET", "HEAD", "POST"])
@require_role("registrar")
def add(request: HttpRequest) -> HttpResponseBase:
    """Register a service."""
    if request.method != "POST":
        return _form(request, ServiceForm(side=settings.NODE.side, new=True))
    form = ServiceForm(request.POST, side=settings.NODE.side, new=True)
    if not form.is_valid():
        return _form(request, form)
    try:
        made = register.add(registration=form.registration(), by=_officer(request))
    except BadRegistration as error:
        form.refuse(error)
        return _form(request, form, status=error.status)
    messages.success(request, gettext("The service is registered. People can sign in to it from now on."))
    return _back(made.client_id)


@require_http_methods(["GET", "HEAD", "POST"])
@require_role("registrar")
def change(request: HttpRequest, client_id: str) -> HttpResponseBase:
    """Change what a service is registered with, all but its id and its keys."""
    found = queries.service(client_id)
    if request.method != "POST":
        form = ServiceForm(initial=ServiceForm.initial_of(found), side=settings.NODE.side, new=False)
        return _form(request, form, found)
    form = ServiceForm(request.POST, side=settings.NODE.side, new=False)
    if not form.is_valid():
        return _form(request, form, found)
    try:
        register.change(client_id=client_id, registration=form.registration(client_id), by=_officer(request))
    except BadRegistration as error:
        form.refuse(error)
        return _form(request, form, found, status=error.status)
    messages.success(request, gettext("The registration is changed, from the next sign-in on."))
    return _back(client_id)


@require_http_methods(["GET", "HEAD", "POST"])
@require_role("registrar")
def keys(request: HttpRequest, client_id: str) -> HttpResponseBase:
    """Replace a service's keys."""
    found = queries.service(client_id)
    if request.method != "POST":
        return _page(request, "service-keys", service=found, form=KeysForm(initial={"jwks": _written(found)}))
    form = KeysForm(request.POST)
    if form.is_valid():
        try:
            jwks = parse_keys(form.cleaned_data["jwks"])
            register.replace_keys(client_id=client_id, jwks=jwks, by=_officer(request))
        except BadRegistration as error:
            form.refuse(error)
        else:
            messages.success(request, gettext("The keys are replaced. The old ones count no more."))
            return _back(client_id)
    return _page(request, "service-keys", service=found, form=form)


@require_http_methods(["GET", "HEAD", "POST"])
@require_role("registrar")
def switch(request: HttpRequest, client_id: str, action: str) -> HttpResponseBase:
    """Ask, then switch a service off or on."""
    found = queries.service(client_id)
    if action not in _SWITCHES or (action == "enable") == (found.disabled_at is None):
        raise Http404
    if request.method != "POST":
        return _page(request, "service-switch", service=found, action=action)
    do, done = _SWITCHES[action]
    do(client_id=client_id, by=_officer(request))
    messages.success(request, gettext(done))
    return _back(client_id)


def _noop(text: str) -> str:
    return text


_SWITCHES: Final[dict[str, tuple[Callable[..., Any], str]]] = {
    "disable": (register.disable, _noop("The service is switched off: nobody can sign in to it.")),
    "enable": (register.enable, _noop("The service is switched on.")),
}


def _officer(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - who holds no role does not come here
    return request.user


def _written(found: Service) -> str:
    return json.dumps(found.jwks, indent=2) if found.jwks else ""


def _back(client_id: str) -> HttpResponse:
    return HttpResponseRedirect(reverse("identity:service", args=[client_id]))


def _form(
    request: HttpRequest, form: ServiceForm, found: Service | None = None, *, status: int = 200
) -> HttpResponse:
    return _page(request, "service-form", form=form, service=found, status=status)


def _page(request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
    context |= {"words": labels, "said": list(messages.get_messages(request))}
    return render(request, f"identity/{template}.html", context, status=status)
