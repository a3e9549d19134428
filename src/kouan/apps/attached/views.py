"""The operator's pages about attached systems. Webhook addresses are set on the command line alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kouan.apps.attached import crossings, labels, queries, services
from kouan.core.errors import KouanError
from kouan.web.access import require_role

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from kouan.apps.attached.models import System


@require_safe
@require_role("operator")
def systems(request: HttpRequest) -> HttpResponse:
    """List the attached systems, and what this side declares for them."""
    return _page(
        request,
        "systems",
        rows=queries.systems(),
        declared=crossings.all_declared(),
        alarms=queries.alarms(),
    )


@require_safe
@require_role("operator")
def system(request: HttpRequest, name: str) -> HttpResponse:
    """Show one system: its types, tokens, what waits, and what its webhook was told."""
    detail = queries.detail(name)
    return _page(
        request,
        "system",
        detail=detail,
        row=detail.row,
        system=detail.row.system,
        titles={each.declaration.type: each.declaration.title for each in crossings.all_declared()},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@require_role("operator")
def change(request: HttpRequest, name: str, action: str) -> HttpResponseBase:
    """Ask, then rotate a token, switch a system off or on, or try a webhook again."""
    found = queries.system(name)
    if action not in _CHANGES or not _fits(found, action):
        raise Http404
    if request.method != "POST":
        return _page(request, "confirm", system=found, action=action)
    if action == "rotate":
        token = services.rotate_token(system=found)
        response = _page(request, "token", system=found, token=token)
        add_never_cache_headers(response)
        return response
    do, done = _CHANGES[action]
    try:
        do(system=found)
    except KouanError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext(done))
    return HttpResponseRedirect(reverse("attached:system", args=[name]))


@require_POST
@require_role("operator")
def redeliver(request: HttpRequest, name: str, key: UUID) -> HttpResponseBase:
    """Post an event once more."""
    try:
        services.redeliver(system=queries.system(name), key=key)
    except KouanError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext("The event is posted again, under the same id."))
    return HttpResponseRedirect(reverse("attached:system", args=[name]) + "#deliveries")


def _noop(text: str) -> str:
    return text


_CHANGES: Final[dict[str, tuple[Callable[..., Any], str]]] = {
    "rotate": (services.rotate_token, ""),
    "disable": (services.disable, _noop("The system is switched off. What comes for it is kept and waits.")),
    "enable": (services.enable, _noop("The system is switched on.")),
    "webhook": (services.enable_webhook, _noop("The webhook is called again, beginning with what waits.")),
}


def _fits(found: System, action: str) -> bool:
    """Return whether an action makes sense in the system's present state."""
    match action:
        case "disable":
            return found.disabled_at is None
        case "enable":
            return found.disabled_at is not None
        case "webhook":
            return found.webhook_disabled_at is not None
        case _:
            return True


def _page(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    context |= {"words": labels, "notices": list(messages.get_messages(request))}
    return render(request, f"attached/{template}.html", context)
