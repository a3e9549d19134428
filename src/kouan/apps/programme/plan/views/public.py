"""Everybody's pages: the plan as a board, an item, the annual review, and files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import Http404, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from kouan.apps.programme.plan import exporting, ical, queries, review
from kouan.apps.programme.plan.papers import paper
from kouan.apps.programme.plan.review import figure_alone, figure_words
from kouan.apps.programme.plan.views.shared import download, page
from kouan.apps.programme.plan.wording import measure_origin

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from kouan.apps.programme.plan.queries import Board


@require_safe
def plans(request: HttpRequest) -> HttpResponseBase:
    """List the plans in effect; with one alone, go to its board."""
    found = queries.plans()
    if len(found) == 1:
        return HttpResponseRedirect(reverse("programme:plan-board", args=[found[0].peer, found[0].year]))
    return page(request, "plans", plans=[queries.board(each) for each in found])


@require_safe
def board(request: HttpRequest, peer: str, year: int) -> HttpResponse:
    """Show a plan as a board, with the same as a table below."""
    shown = _board(peer, year)
    return page(request, "board", board=shown, plans=queries.plans(), figure_words=figure_words)


@require_safe
def item(request: HttpRequest, peer: str, year: int, item: str) -> HttpResponse:
    """Show an item: its deliverable, owners, milestones, measures, and every report with its crossing."""
    shown = _board(peer, year)
    card = shown.card(item)
    if card is None:
        raise Http404
    return page(
        request,
        "item",
        board=shown,
        card=card,
        reports=shown.of_item(item),
        figure_alone=figure_alone,
        measure_origin=measure_origin,
    )


@require_safe
def annual_review(request: HttpRequest, peer: str, year: int) -> HttpResponse:
    """Show what came of the plan, every figure with its reports."""
    return page(request, "review", board=_board(peer, year), figure_words=figure_words)


@require_safe
def review_pdf(_request: HttpRequest, peer: str, year: int) -> HttpResponse:
    """Hand out the annual review as PDF in the three scripts."""
    shown = _board(peer, year)
    return download(
        review.rendered(shown), name=f"annual-review-{shown.plan.name}.pdf", content_type="application/pdf"
    )


@require_safe
def plan_pdf(_request: HttpRequest, peer: str, year: int) -> HttpResponse:
    """Hand out the plan as its officers signed it."""
    shown = _board(peer, year)
    return download(paper(shown.row), name=f"work-plan-{shown.plan.name}.pdf", content_type="application/pdf")


@require_safe
def plan_json(_request: HttpRequest, peer: str, year: int) -> HttpResponse:
    """Hand out the plan and how it stands as JSON."""
    data = json.dumps(exporting.as_json(_board(peer, year)), ensure_ascii=False, indent=2).encode()
    return download(data, name=f"work-plan-{year}.json", content_type="application/json")


@require_safe
def plan_jsonld(_request: HttpRequest, peer: str, year: int) -> HttpResponse:
    """Hand out the plan as JSON-LD."""
    shown = _board(peer, year)
    return download(
        exporting.as_jsonld(shown, _address(peer, year)),
        name=f"work-plan-{year}.jsonld",
        content_type="application/ld+json",
    )


@require_safe
def plan_csv(_request: HttpRequest, peer: str, year: int) -> HttpResponse:
    """Hand out items and measures as CSV in the reader's language."""
    shown = _board(peer, year)
    return download(
        exporting.as_csv(shown), name=f"work-plan-{year}.csv", content_type="text/csv; charset=utf-8"
    )


@require_safe
def plan_ics(_request: HttpRequest, peer: str, year: int) -> HttpResponse:
    """Hand out the milestones as iCalendar."""
    shown = _board(peer, year)
    at = shown.row.decided_at or timezone.now()
    return download(
        ical.of_plan(shown.plan, at, _address(peer, year)),
        name=f"work-plan-{year}.ics",
        content_type=ical.MEDIA_TYPE,
    )


@require_safe
def meetings_ics(_request: HttpRequest) -> HttpResponse:
    """Hand out the meetings as iCalendar: when and where, and nobody's name."""
    return download(ical.of_meetings(queries.meetings()), name="meetings.ics", content_type=ical.MEDIA_TYPE)


def _board(peer: str, year: int) -> Board:
    return queries.board(queries.plan_subject(peer, year))


def _address(peer: str, year: int) -> str:
    return settings.NODE.portal_origin + reverse("programme:plan-board", args=[peer, year])
