"""The auditors' pages: the register of flows, what was denied and why, and the sample audit."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import Http404
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from kouan.apps.dataflow import auditing, decisions, downloads
from kouan.apps.dataflow.act_forms import SampleForm
from kouan.apps.dataflow.picture import Given, picture
from kouan.apps.dataflow.queries import flows as queries
from kouan.apps.dataflow.queries import register as queries_register
from kouan.apps.dataflow.queries.register import Rests
from kouan.apps.dataflow.views.pages import download, page, require_any, sight_of
from kouan.web.access import has_role, require_role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest, HttpResponse

_form = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@require_any("auditor", "data")
def register(request: HttpRequest) -> HttpResponse:
    """Show who sends what to whom on which legal basis: as a picture, and as a table."""
    flows, more = queries_register.register(sight_of(request))
    drawn = picture(
        [
            Given(
                exporter=each.exporter.code,
                exporter_name=str(each.exporter.name),
                exporter_side=each.exporter.side,
                importer=each.importer.code,
                importer_name=str(each.importer.name),
                importer_side=each.importer.side,
                records=each.crossed,
                in_force=each.in_force,
                basis=each.basis_name,
                denied_only=each.rests is Rests.NOTHING,
            )
            for each in flows
        ]
    )
    return page(
        request, "flows", flows=flows, more=more, drawn=drawn, auditor=has_role(request.user, "auditor")
    )


@require_safe
@require_any("auditor", "data")
def register_file(request: HttpRequest, form: str) -> HttpResponse:
    """Hand out the whole register, for programs: CSV (RFC 4180) or JSON."""
    return _file("register", form, downloads.register(sight_of(request)), downloads.REGISTER)


@require_safe
@require_any("auditor", "data")
def denied_file(request: HttpRequest, form: str) -> HttpResponse:
    """Hand out what was denied, the newest first, for programs: CSV or JSON."""
    return _file("denied", form, downloads.denied(sight_of(request)), downloads.DENIED)


def _file(name: str, form: str, rows: list[dict[str, Any]], columns: Sequence[str]) -> HttpResponse:
    named = f"{name}-{settings.NODE.side}-{timezone.now():%Y%m%dT%H%M%SZ}.{form}"
    if form == "csv":
        return download(downloads.as_csv(rows, columns), name=named, content_type="text/csv; charset=utf-8")
    return download(downloads.as_json(name, rows), name=named, content_type="application/json")


@require_safe
@require_any("auditor", "data")
def denied(request: HttpRequest) -> HttpResponse:
    """List what was denied, with the clause and the reason, and what a node refused on the way."""
    try:
        contract = uuid.UUID(request.GET["contract"]) if "contract" in request.GET else None
    except ValueError:
        raise Http404 from None
    sight = sight_of(request)
    rows, at = queries.denied(request.GET.get("page", ""), contract, sight)
    auditor = has_role(request.user, "auditor")
    refused = queries.refused() if contract is None and sight is None else []
    return page(request, "denied", rows=rows, at=at, refused=refused, auditor=auditor, contract=contract)


@_form
@require_any("auditor", "data")
def decision(request: HttpRequest, number: int) -> HttpResponse:
    """Show one decision; asked to, judge it again by the rules of its day."""
    row = queries.decision(number, sight_of(request))
    again = decisions.replay(row) if request.method == "POST" else None
    auditor = has_role(request.user, "auditor")
    return page(request, "decision", decision=queries.shown(row), again=again, auditor=auditor)


@_form
@require_role("auditor")
def sample(request: HttpRequest) -> HttpResponse:
    """Take records at random and say of each what proves it."""
    if request.method != "POST":
        return page(request, "sample", form=SampleForm(), rows=None, most=0)
    form = SampleForm(request.POST)
    if not form.is_valid():
        return page(request, "sample", form=form, rows=None, most=0, status=422)
    records_only = form.cleaned_data["of"] != "all"
    rows, most = auditing.sample(form.cleaned_data["count"], records_only=records_only)
    return page(request, "sample", form=form, rows=rows, most=most)
