"""The catalogue as everybody reads it: find a service, and look at one."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from kouan.apps.services import labels
from kouan.apps.services.catalogue import queries, shown
from kouan.apps.services.catalogue.searching import Wanted
from kouan.apps.services.cpsv import writing
from kouan.apps.services.models import ServiceVersion
from kouan.core.sides import all_sides, side_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest

    from kouan.apps.services.cpsv.writing import Format

MOST_TEXT: Final = 100
_FILTERS: Final = ("q", "category", "event", "audience", "side")


def page(request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
    """Return one of the catalogue's pages with the words that they show."""
    context |= {"labels": labels, "shown": shown, "own_side": settings.NODE.side}
    return render(request, f"services/catalogue/{template}.html", context, status=status)


def opening() -> Mapping[str, Any]:
    """Return what the home page opens with: the other sides, and the categories that they fill most."""
    sides = queries.other_sides()
    counted = queries.counted(sides)
    categories = [
        (code, category, counted.categories.get(code, 0))
        for code, category in labels.CATEGORIES.items()
        if counted.categories.get(code)
    ]
    return {
        "sides": [side_name(side) for side in sides],
        "categories": categories,
        "total": counted.total,
        "labels": labels,
    }


@require_safe
def find(request: HttpRequest) -> HttpResponse:
    """Ask what the reader wants to do on the other side; answer what fits."""
    asked = {name: request.GET.get(name, "").strip()[:MOST_TEXT] for name in _FILTERS}
    known = {
        "category": labels.CATEGORIES,
        "event": labels.EVENTS,
        "audience": labels.AUDIENCES,
        "side": {side.code: side.name for side in all_sides()} | dict.fromkeys(queries.other_sides(), ""),
    }
    asked |= {name: asked[name] if asked[name] in values else "" for name, values in known.items()}
    if not any(name in request.GET for name in (*_FILTERS, "page")):
        return page(request, "start", opening=opening(), asked=asked)
    sides = [asked["side"]] if asked["side"] else queries.other_sides()
    wanted = Wanted(
        text=asked["q"],
        sides=sides,
        category=asked["category"],
        event=asked["event"],
        audience=asked["audience"],
    )
    results = queries.found(wanted, page=request.GET.get("page", "1")) if sides else None
    sides_shown = [(code, side_name(code)) for code in [*queries.other_sides(), settings.NODE.side]]
    query = urlencode({name: value for name, value in asked.items() if value})
    return page(request, "found", asked=asked, results=results, sides=sides_shown, query=query)


@require_safe
def service(request: HttpRequest, side: str, service: str) -> HttpResponse:
    """Show one service, whole."""
    found = queries.shown(side, service)
    return page(
        request,
        "service",
        row=found.row,
        definition=found.definition,
        entry=shown.entry(found.definition),
        preview=False,
    )


@require_safe
def catalogue(request: HttpRequest, form: Format) -> HttpResponse:
    """Give the whole catalogue, of all sides that this node knows, as CPSV-AP."""
    rows = ServiceVersion.objects.filter(state=ServiceVersion.State.PUBLISHED).order_by("pk")
    digests = b"".join(bytes(digest) for digest in rows.values_list("digest", flat=True))
    stamp = hashlib.sha256(digests).hexdigest()
    if request.headers.get("If-None-Match") == f'"{stamp}"':
        return HttpResponse(status=304, headers={"ETag": f'"{stamp}"'})
    response = HttpResponse(
        _catalogue(form, stamp),
        content_type=f"{writing.MEDIA[form]}; charset=utf-8",
        headers={"ETag": f'"{stamp}"', "Cache-Control": "public, max-age=300"},
    )
    patch_vary_headers(response, ["Accept-Encoding"])
    return response


@lru_cache(maxsize=4)
def _catalogue(form: Format, _stamp: str) -> bytes:
    """Return what is published, written once for all who ask while it stays so."""
    return writing.catalogue(queries.every_published(), form=form)
