"""The operator's pages, and the two public ones about what may cross and why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from kouan.apps.operations import alarm_labels, labels, listing, queries, services
from kouan.apps.operations.catalogue import catalogue as catalogue_entries
from kouan.apps.operations.comparisons import begin_comparison, comparison_detail, comparisons_page
from kouan.apps.operations.detail import CrossingDetail, crossing_detail
from kouan.apps.operations.domain import Direction, Outcome, State, bar
from kouan.apps.operations.errors import BadSearch
from kouan.apps.operations.health import level_of
from kouan.apps.operations.ledger_view import ledger_page
from kouan.apps.operations.listing import CSV_MOST, Filters
from kouan.apps.operations.readiness import readiness
from kouan.core.errors import KouanError
from kouan.core.exchange import comparison_words
from kouan.core.exchange.blobs.queries import transfers
from kouan.core.exchange.crossing import registry
from kouan.core.exchange.evidence import evidence_bundle
from kouan.core.exchange.recovery.words import halted_channels
from kouan.core.policy import policy_of
from kouan.core.policy.decide import TERM_ZONE
from kouan.core.sides import side_name
from kouan.web.access import require_role
from kouan.web.reasons import reason

if TYPE_CHECKING:
    from uuid import UUID

BAR_WIDTH = 600.0
FILES_MOST = 50
HTMX_STOP = 286
"""The status at which htmx stops asking again."""
_form = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@require_role("operator")
def overview(request: HttpRequest) -> HttpResponse:
    """Answer at a glance whether all is well."""
    view = queries.overview(timezone.now())
    most = max(counted.total for counted in view.tallies)
    bars = [(counted, bar(counted, most, BAR_WIDTH)) for counted in view.tallies]
    return page_of(
        request,
        "overview",
        view=view,
        level=level_of(view.findings),
        headline=labels.headline(view.findings),
        refusals=labels.refusals(view.refused),
        bars=bars,
    )


@require_safe
@require_role("operator")
def channels(request: HttpRequest) -> HttpResponse:
    """Say of each halted channel what has happened, what is missing and what to do."""
    return page_of(request, "channels", halts=halted_channels())


@require_safe
@require_role("operator")
def crossings(request: HttpRequest) -> HttpResponse:
    """List everything that crossed or is to cross, newest first."""
    filters = _filters(request)
    error = ""
    try:
        page = listing.page(filters, before=request.GET.get("before", ""), after=request.GET.get("after", ""))
    except BadSearch as problem:
        page, error = listing.Page((), None, None), str(problem)
    query = _query(filters)
    return page_of(
        request,
        "crossings",
        422 if error else 200,
        page=page,
        filters=filters,
        error=error,
        query=query,
        query_and=f"{query}&" if query else "",
        peers=listing.peers(),
        types=[(crossing.type, crossing.title) for crossing in registry.all()],
        csv_most=CSV_MOST,
    )


@require_safe
@require_role("operator")
def crossings_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Stream the newest crossings of a selection as CSV."""
    filters = _filters(request)
    listing.page(filters, limit=1)  # a bad search is an error page, not a broken file
    name = f"crossings-{settings.NODE.side}-{timezone.now():%Y%m%dT%H%M%SZ}.csv"
    return StreamingHttpResponse(
        listing.csv_lines(filters),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_safe
@require_role("operator")
def crossing(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """Show one crossing from its making to its end, without its content."""
    detail = crossing_detail(message_id, sender=request.GET.get("from", ""))
    steps = labels.STEPS_OUT if detail.row.direction is Direction.OUT else labels.STEPS_IN
    timeline = [
        {"state": step.state.value, "title": steps[step.kind][0], "text": steps[step.kind][1], "at": step.at}
        for step in detail.steps
    ]
    return page_of(request, "crossing", detail=detail, row=detail.row, timeline=timeline)


@require_safe
@require_role("operator")
def evidence(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """Hand out the evidence bundle of one crossing, without what it says about a person.

    Raises ``NotYetProvable`` while a proof is still to come.
    """
    return HttpResponse(
        evidence_bundle([message_id], sender=_sender(request), personal=False),
        content_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{message_id}.evidence.bundle"'},
    )


@_form
@require_role("operator")
def retry(request: HttpRequest, message_id: UUID) -> HttpResponseBase:
    """Ask, then try a dead letter again."""
    sender = _sender(request)
    if request.method != "POST":
        return _confirm(request, "retry", crossing_detail(message_id, sender=sender))
    try:
        done = services.retry(message_id=message_id, sender=sender, operator=request.user.get_username())
    except KouanError as error:
        messages.error(request, str(error))
        return _to_crossing(message_id, sender)
    if done.already:
        messages.info(request, gettext("This message had already been tried again; nothing was done twice."))
    elif done.inbound:
        messages.success(request, gettext("The message waits for its handler again."))
    else:
        messages.success(request, gettext("The message is sent again, under the new id that you see here."))
    return _to_crossing(done.message_id, sender if done.inbound else "")


@_form
@require_role("operator")
def cancel(request: HttpRequest, message_id: UUID) -> HttpResponseBase:
    """Ask, then withdraw a waiting message or put a dead letter away."""
    sender = _sender(request)
    if request.method != "POST":
        return _confirm(request, "cancel", crossing_detail(message_id, sender=sender))
    try:
        done = services.cancel(message_id=message_id, sender=sender, operator=request.user.get_username())
    except KouanError as error:
        messages.error(request, str(error))
        return _to_crossing(message_id, sender)
    if done.already:
        messages.info(request, gettext("This message had already been cancelled; nothing was done twice."))
    elif done.withdrawn:
        messages.success(request, gettext("The message is cancelled. It has not left this side."))
    else:
        messages.success(request, gettext("The dead letter is put away. It stays on record."))
    return _to_crossing(message_id, sender)


@require_safe
@require_role("operator")
def waiting(request: HttpRequest) -> HttpResponse:
    """Show what waits for each peer, what is in doubt, and what waits for our own handlers."""
    return page_of(
        request,
        "waiting",
        waiting=queries.waiting(),
        unhandled=queries.unhandled(),
        most=queries.WAITING_MOST,
    )


@require_safe
@require_role("operator")
def files(request: HttpRequest) -> HttpResponse:
    """Show how far files beside messages have come, in both directions; never their names or content."""
    shown = transfers(limit=FILES_MOST)
    under_way = any(each.stage in labels.FILE_UNDER_WAY for each in shown)
    if request.headers.get("HX-Request") == "true":
        response = page_of(request, "files_part", 200 if under_way else HTMX_STOP, transfers=shown)
    else:
        response = page_of(request, "files", transfers=shown, under_way=under_way)
    response.headers["Vary"] = "HX-Request"
    return response


@require_safe
@require_role("operator")
def dead_letters(request: HttpRequest) -> HttpResponse:
    """Show what failed and waits for a decision."""
    return page_of(request, "dead-letters", letters=queries.dead_letters(), most=queries.DEAD_MOST)


@require_safe
@require_role("operator")
def ledger(request: HttpRequest) -> HttpResponse:
    """Show the ledger, its checkpoints and co-signatures, and the ledgers that this side witnesses."""
    text = request.GET.get("before", "")
    before = int(text) if re.fullmatch(r"\d{1,18}", text, re.ASCII) else None
    return page_of(request, "ledger", view=ledger_page(before=before), paged=before is not None)


@_form
@require_role("operator")
def comparisons(request: HttpRequest) -> HttpResponseBase:
    """List the comparisons with the peers, newest first, and begin one now."""
    if request.method == "POST":
        try:
            peers = begin_comparison(peer=request.POST.get("peer", ""), day=request.POST.get("day", ""))
        except KouanError as error:
            messages.error(request, str(error))
        else:
            names = gettext(", ").join(side_name(peer) for peer in peers)
            messages.success(request, gettext("The comparison with %(peers)s has begun.") % {"peers": names})
        return HttpResponseRedirect(reverse("operations:comparisons"))
    return page_of(request, "comparisons", view=comparisons_page(request.GET.get("before", "")))


@require_safe
@require_role("operator")
def comparison(request: HttpRequest, run: UUID) -> HttpResponse:
    """Show one comparison: what each stream held, and each message on which the records differ."""
    return page_of(request, "comparison", row=comparison_detail(run))


@require_safe
@require_role("operator")
def alarms(request: HttpRequest) -> HttpResponse:
    """Show the alarms that are raised, and those that are over."""
    return page_of(
        request,
        "alarms",
        raised=queries.open_alarms(),
        over=queries.past_alarms(),
        most=queries.ALARMS_MOST,
        watch=settings.NODE.watch,
    )


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django calls it so
    """Answer while the process serves requests; asks nothing of anything."""
    return JsonResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django calls it so
    """Answer 200 when the node can do its work, else 503; says which part is wanting, and no more."""
    checks = readiness(every_s=settings.NODE.watch.every_s)
    ready = all(check.good for check in checks)
    return JsonResponse(
        {
            "status": "ready" if ready else "not ready",
            "checks": {check.name: "ok" if check.good else "failing" for check in checks},
        },
        status=200 if ready else 503,
        headers={"Cache-Control": "no-store"},
    )


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """Show everything that may cross, made from the declarations."""
    return page_of(request, "catalogue", entries=catalogue_entries())


@require_safe
def agreements(request: HttpRequest) -> HttpResponse:
    """Show the agreements on which anything crosses, in all three scripts."""
    return page_of(
        request,
        "agreements",
        agreements=policy_of(settings.NODE.agreements).agreements,
        entries={entry.type: entry for entry in catalogue_entries()},
        today=timezone.now().astimezone(TERM_ZONE).date(),
    )


def page_of(request: HttpRequest, template: str, status: int = 200, **context: Any) -> HttpResponse:
    """Render a page of the operator's, with what every one of them may use."""
    context |= {
        "words": labels,
        "alarm_words": alarm_labels,
        "told": comparison_words,
        "reason": reason,
        "notices": list(messages.get_messages(request)),
        "Direction": Direction,
        "State": State,
        "Outcome": Outcome,
        "crossing_url": crossing_url,
        "message_url": _address,
    }
    return render(request, f"operations/{template}.html", context, status=status)


def crossing_url(row: listing.CrossingRow, name: str = "crossing") -> str:
    """Return a page about one crossing; a peer's message is named with its sender."""
    return _address(name, row.message_id, row.peer if row.direction is Direction.IN else "")


def _address(name: str, message_id: UUID, sender: str) -> str:
    address = reverse(f"operations:{name}", args=[message_id])
    return f"{address}?{urlencode({'from': sender})}" if sender else address


def _to_crossing(message_id: UUID, sender: str) -> HttpResponseRedirect:
    return HttpResponseRedirect(_address("crossing", message_id, sender))


def _confirm(request: HttpRequest, action: str, detail: CrossingDetail) -> HttpResponse:
    return page_of(request, "confirm", action=action, detail=detail, row=detail.row)


def _sender(request: HttpRequest) -> str:
    return request.POST.get("from", request.GET.get("from", ""))


def _filters(request: HttpRequest) -> Filters:
    """Read the filters; a value that is none of the choices counts as "all"."""
    direction, state = request.GET.get("direction", ""), request.GET.get("state", "")
    return Filters(
        direction=Direction(direction) if direction in set(Direction) else None,
        peer=request.GET.get("peer", "")[:16],
        type=request.GET.get("type", "")[:80],
        state=State(state) if state in set(State) else None,
        text=request.GET.get("q", "").strip()[:64],
    )


def _query(filters: Filters) -> str:
    values = {
        "direction": filters.direction or "",
        "peer": filters.peer,
        "type": filters.type,
        "state": filters.state or "",
        "q": filters.text,
    }
    return urlencode({name: str(value) for name, value in values.items() if value})
