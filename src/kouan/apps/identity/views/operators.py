"""The operator's page: the sides' providers and their keys, and sign-ins in numbers. It names nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_safe

from kouan.apps.identity import labels, queries
from kouan.web.access import require_role

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_safe
@require_role("operator")
def providers(request: HttpRequest) -> HttpResponse:
    """Show this node's provider, the other sides', and how many people signed in."""
    context = {
        "words": labels,
        "peers": queries.peer_providers(),
        "own_keys": queries.own_keys(),
        "numbers": queries.numbers(),
        "days": queries.NUMBERS_OVER.days,
    }
    return render(request, "identity/providers.html", context)
