"""The work list, a case, its files, and the figures."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import get_language, gettext, pgettext
from django.views.decorators.http import require_safe

from kouan.apps.services.cases import (
    attachments,
    charts,
    issued,
    labels,
    proving,
    queries,
    statistics,
    working,
)
from kouan.apps.services.cases.access import cases_of
from kouan.apps.services.cases.forms import StatisticsForm, WorklistForm
from kouan.apps.services.cases.views.pages import download, officer_of, on_case, page
from kouan.web.access import require_role

if TYPE_CHECKING:
    from uuid import UUID

    from kouan.apps.services.models import Case


@require_safe
@require_role("caseworker")
def listed(request: HttpRequest) -> HttpResponseBase:
    """List the officer's cases, the most urgent first; a case's number leads to it."""
    officer = officer_of(request)
    number = request.GET.get("number", "").strip().upper()
    if number and cases_of(officer).filter(reference=number).exists():
        return HttpResponseRedirect(reverse("services:case", args=[number]))
    form = WorklistForm(request.GET or None, services=queries.services_of(officer))
    wanted = form.wanted(_page_of(request))
    kept = {name: value for name, value in request.GET.items() if name in form.fields and value}
    return page(
        request,
        "list",
        form=form,
        wanted=wanted,
        found=queries.worklist(officer, wanted),
        counts=queries.counts(officer),
        most=queries.COUNTED,
        number=number,
        query=urlencode(kept),
    )


def _page_of(request: HttpRequest) -> int:
    text = request.GET.get("page", "1")
    number = int(text) if text.isdecimal() and len(text) < 4 else 1  # noqa: PLR2004 - pages have three digits
    return min(max(1, number), queries.MOST_PAGES)


@require_safe
@on_case
def case(request: HttpRequest, item: Case) -> HttpResponse:
    """Show a case whole; that it was read is recorded, and the applicant is told."""
    officer = officer_of(request)
    if request.method == "GET":
        working.read(case=item, officer=officer)
        if not item.closed:
            proving.look_again(item)
    shown = queries.shown(item, get_language() or "en")
    return page(
        request, "case", shown=shown, case=item, title=queries.title_of(item), mine=item.officer == officer
    )


@require_safe
@on_case
def file(request: HttpRequest, item: Case, key: UUID) -> HttpResponseBase:
    """Hand out a file that is what it says it is."""
    row = item.files.filter(key=key).first()
    if row is None:
        return HttpResponseRedirect(reverse("services:case", args=[item.reference]))
    working.read(case=item, officer=officer_of(request))
    return download(attachments.opened(row), name=row.name, content_type=row.media_type)


@require_safe
@on_case
def result(request: HttpRequest, item: Case) -> HttpResponse:
    """Hand out the signed result; that too is a reading."""
    working.read(case=item, officer=officer_of(request))
    return download(issued.pdf(item), name=f"{item.reference}.pdf", content_type="application/pdf")


@require_safe
@require_role("caseworker")
def figures(request: HttpRequest) -> HttpResponse:
    """Show how long cases take, how they end and how many there are: as pictures and as tables."""
    officer = officer_of(request)
    form = StatisticsForm(request.GET or None, services=queries.services_of(officer))
    service = form.cleaned_data.get("service", "") if form.is_valid() else ""
    found = statistics.statistics(officer, service)
    return page(
        request,
        "figures",
        form=form,
        found=found,
        service=service,
        load=charts.bars([(week.received, week.decided) for week in found.weeks]),
        took=charts.bars([(count,) for _most, count in found.spans]),
        ends=charts.ribbon(found.ends),
        most=max((load.open for load in found.loads), default=0) or 1,
        query=urlencode({"service": service} if service else {}),
    )


@require_safe
@require_role("caseworker")
def figures_csv(request: HttpRequest) -> HttpResponse:
    """Hand out the weeks' figures for a spreadsheet."""
    officer = officer_of(request)
    form = StatisticsForm(request.GET or None, services=queries.services_of(officer))
    service = form.cleaned_data.get("service", "") if form.is_valid() else ""
    found = statistics.statistics(officer, service)
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow([gettext("Week from"), gettext("Received"), pgettext("cases", "Decided")])
    lines.writerows([week.monday.isoformat(), week.received, week.decided] for week in found.weeks)
    lines.writerow([])
    lines.writerow([gettext("Days"), gettext("Decisions")])
    lines.writerows(
        [f"< {most}" if most else f"≥ {statistics.SPANS[-1]}", count] for most, count in found.spans
    )
    lines.writerow([])
    lines.writerow(
        [gettext("Officer"), pgettext("cases", "Open"), gettext("Late"), pgettext("cases", "Decided")]
    )
    lines.writerows(
        [_cell(load.officer or gettext("nobody yet")), load.open, load.late, load.decided]
        for load in found.loads
    )
    lines.writerow([])
    lines.writerow([gettext("Outcome"), gettext("Cases")])
    lines.writerows([labels.state_name(state), count] for state, count in found.ends)
    data = ("\ufeff" + text.getvalue()).encode()
    return download(data, name="cases.csv", content_type="text/csv; charset=utf-8")


def _cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(tuple("=+-@\t\r")) else text
