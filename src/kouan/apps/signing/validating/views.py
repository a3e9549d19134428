"""The report on a signed document: a page that a clerk understands, and the same as JSON, XML and PDF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_safe

from kouan.apps.signing.validating import labels, pdfreport, queries, xmlreport

if TYPE_CHECKING:
    import uuid

_DRAWING: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox"
"""A drawn page is a picture: opened by itself it runs nothing and reaches nothing."""


@require_safe
def report(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Show a report, and the way to that on the document that it is about. The page is nobody's to cache."""
    kept = queries.kept(key)
    context = {
        "kept": kept,
        "report": kept.report,
        "labels": labels,
        "within": queries.found(request.GET.get("document", "")),
    }
    response = render(request, "signing/validating/report.html", context)
    add_never_cache_headers(response)
    return response


@require_safe
def page(_request: HttpRequest, key: uuid.UUID, number: int) -> HttpResponse:
    """Hand out a page of the file, drawn."""
    data = queries.picture(key, number)
    if data.startswith(b"\x89PNG"):
        return _file(data, "image/png", f"page-{number}.png", inline=True)
    response = _file(data, "image/svg+xml", f"page-{number}.svg", inline=True)
    response.headers["Content-Security-Policy"] = _DRAWING
    return response


@require_safe
def as_json(_request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Hand out a report as JSON."""
    kept = queries.kept(key)
    return _file(kept.report.model_dump_json(indent=2).encode(), "application/json", "report.json")


@require_safe
def as_xml(_request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Hand out a report as ETSI TS 119 102-2 XML."""
    return _file(xmlreport.written(queries.kept(key).report), "application/xml", "report.xml")


@require_safe
def as_pdf(_request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Hand out a report as PDF, in the reader's language."""
    kept = queries.kept(key)
    return _file(pdfreport.written(kept.report), "application/pdf", "report.pdf")


def _file(data: bytes, kind: str, name: str, *, inline: bool = False) -> HttpResponse:
    disposition = "inline" if inline else "attachment"
    return HttpResponse(
        data,
        content_type=kind,
        headers={
            "Content-Disposition": f'{disposition}; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )
