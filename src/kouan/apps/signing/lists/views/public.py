"""What anybody may see: the lists of both sides, an entry, how it stood on a day, and the files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from kouan.apps.signing.lists import certificates, jades, publishing, queries
from kouan.apps.signing.lists.entries import ZONE, begins, last_day_of
from kouan.apps.signing.lists.forms import DayForm
from kouan.apps.signing.lists.views.pages import page

if TYPE_CHECKING:
    from datetime import date

    from kouan.apps.signing.lists.domain import Entry, StatusChange

_KEPT: Final = timedelta(minutes=5)
_FOREVER: Final = timedelta(days=365)
_NOON: Final = timedelta(hours=12)


@require_safe
def lists(request: HttpRequest) -> HttpResponse:
    """Show each side's list as it stands."""
    now = datetime.now(UTC)
    shown = [
        {
            "edition": edition,
            "entries": [shown_entry(each, now) for each in edition.entries],
            "overdue": now > edition.next_update,
        }
        for edition in queries.current()
    ]
    return page(request, "lists", lists=shown)


@require_safe
def editions(request: HttpRequest, side: str) -> HttpResponse:
    """Show the editions of a side's list, the newest first."""
    queries.row_of(side)
    return page(
        request,
        "editions",
        of_side=side,
        editions=queries.history(side)[::-1],
        twice=queries.second_signatures(side),
    )


@require_safe
def entry(request: HttpRequest, side: str, code: str) -> HttpResponse:
    """Show an entry, and how it stood on a day."""
    edition, found = queries.entry_of(side, code)
    form = DayForm(request.GET if "on" in request.GET else None)
    answer = None
    day: date | None = None
    if form.is_bound and form.is_valid():
        day = form.cleaned_data["on"]
    if day is not None:
        try:
            answer = queries.on_day(side, code, begins(day) + _NOON)
        except ValueError:
            form.add_error("on", form.fields["on"].error_messages["invalid"])
    return page(
        request,
        "entry",
        edition=edition,
        entry=found,
        changes=_changes(found, queries.told_at(side, code)),
        stood=shown_entry(found, datetime.now(UTC)),
        root=certificates.facts(found.root),
        issuing=certificates.facts(found.issuing_ca),
        form=form,
        answer=answer,
        asked_day=day,
        status=422 if form.errors else 200,
    )


@require_safe
def download(_request: HttpRequest, side: str, sequence: int, form: str) -> HttpResponse:
    """Return an edition as a file: the signed list, its JSON, its XML, or its second signature."""
    row = queries.row_of(side, sequence)
    data: bytes
    match form:
        case "jws":
            data, kind = row.jws.encode(), "application/jose"
        case "json":
            data, kind = jades.payload(row.jws), "application/json"
        case "xml":
            data, kind = publishing.xml_of(row).encode(), "application/vnd.etsi.tsl+xml"
        case _:
            data, kind = bytes(row.sm2_signature), "application/octet-stream"
    if not data:
        raise Http404
    response = HttpResponse(data, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="trust-list-{side}-{sequence}.{form}"'
    return _open(response, _FOREVER)


@require_safe
def newest(_request: HttpRequest, side: str) -> HttpResponse:
    """Return the newest edition as it was signed: the address at which programs look."""
    return _open(HttpResponse(queries.row_of(side).jws, content_type="application/jose"), _KEPT)


def _changes(found: Entry, told: tuple[datetime, ...]) -> list[tuple[StatusChange, datetime, bool]]:
    """Return an entry's history with when each change was published, and whether that was after it began.

    The beginning lies before the first edition that names it; that is no change.
    """
    return [
        (each, said, place > 0 and said > each.since)
        for place, (each, said) in enumerate(zip(found.history, told, strict=True))
    ]


def shown_entry(entry_: Entry, at: datetime) -> dict[str, Any]:
    """Return an entry with how it stands now, and its last day."""
    return {
        "entry": entry_,
        "stands": queries.stands(entry_, at),
        "from": entry_.recognised_from.astimezone(ZONE).date(),
        "last_day": last_day_of(entry_),
    }


def _open(response: HttpResponse, kept: timedelta) -> HttpResponse:
    """Let verifiers anywhere read it, also those in a browser."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = f"public, max-age={int(kept.total_seconds())}"
    return response
