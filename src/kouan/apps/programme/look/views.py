"""The public pages: timeline, flow of areas, who took part, a meeting with its sources; and the data."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.http import Http404, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from kouan.apps.programme.domain import Field
from kouan.apps.programme.look import attendance, flow, outputs, timeline, words
from kouan.apps.programme.look import history as told
from kouan.apps.programme.look.history import PLENARY, Held
from kouan.apps.programme.pages import page
from kouan.apps.programme.records import rules

if TYPE_CHECKING:
    import uuid

    from django.http import HttpRequest


@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """Show the timeline of all meetings."""
    every = told.meetings()
    groups = {each.group: str(told.group_name(each)) for each in every}
    chosen = request.GET.get("group", "")
    chosen = chosen if chosen in groups else ""
    shown = [each for each in every if not chosen or each.group == chosen]
    years: dict[str, list[Held]] = {}
    for each in reversed(shown):
        years.setdefault(each.year, []).append(each)
    return page(
        request,
        "look/history",
        years=years,
        strip=timeline.strip(
            [(one.key, one.date, words.where(one), words.name_of(one)) for one in shown if words.where(one)]
        ),
        groups=groups,
        chosen=chosen,
        agreements=told.alone(Field.AGREEMENT),
        events=told.alone(Field.EVENT),
        figures={
            "meetings": len(shown),
            "areas": len({theme for each in shown for area in each.of(Field.AREA)
                          for theme in told.themes_of(area.text)}),
            "agreements": sum(len(each.of(Field.AGREEMENT)) for each in shown),
            "bodies": len(attendance.bodies(shown)),
        },
        first=next((each.year for each in shown if each.year), ""),
        words=words,
        plenary=PLENARY,
        group_name=told.group_name,
        area=Field.AREA,
    )  # fmt: skip


@require_safe
def areas(request: HttpRequest) -> HttpResponse:
    """Show how the areas of co-operation were born, merged, parted and renamed."""
    columns = _columns()
    themes = rules.words().themes
    wide = flow.drawing([column for column, _ in columns], along=38, across=32, before=250, after=34)
    tall = flow.drawing([column for column, _ in columns], along=34, across=15, before=26, after=34)
    return page(
        request,
        "look/areas",
        wide=wide,
        tall=flow.turned(tall),
        columns=columns,
        threads=flow.threads([column for column, _ in columns]),
        name_of_theme=lambda code: str(themes[code].name) if code in themes else code,
        words=words,
        kept=(flow.Change.KEPT,),
    )


def _columns() -> list[tuple[flow.Column, Held]]:
    """Return the plenary meetings that named areas; an area that fits no theme is one of its own."""
    found = []
    for held in told.meetings(PLENARY):
        named = [
            flow.Area(each.text, told.themes_of(each.text) or (each.text,)) for each in held.of(Field.AREA)
        ]
        if named:
            found.append((flow.Column(held.key, str(held.number or held.year), tuple(named)), held))
    return found


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Show who took part when."""
    held = told.meetings(PLENARY)
    every = told.meetings()
    return page(
        request,
        "look/people",
        held=held,
        bodies=attendance.bodies(held),
        people=attendance.people(every),
        every=every,
        words=words,
    )


@require_safe
def meeting(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Show one meeting, and for everything the sentence that says it."""
    every = told.meetings()
    at = next((at for at, each in enumerate(every) if each.key == str(key)), None)
    if at is None:
        raise Http404
    held = every[at]
    same = [each for each in every if each.group == held.group]
    place = same.index(held)
    return page(
        request,
        "look/meeting",
        held=held,
        group=told.group_name(held),
        place=told.place_name(held),
        body_name=told.body_name,
        facts={name.value: held.of(name) for name in (Field.HELD, Field.DATE, Field.PLACE, Field.MODE)},
        heads=[(head, text, held.of(head)) for head, text in words.HEADS.items() if held.of(head)],
        before=same[place - 1] if place else None,
        after=same[place + 1] if place + 1 < len(same) else None,
        words=words,
        body=Field.BODY,
        people=(Field.CHAIR, Field.PERSON),
    )


def _name(held: Held) -> str:
    return f"{told.group_name(held)}: {words.name_of(held)}" if held.number else words.name_of(held)


@require_safe
def meetings_json(_request: HttpRequest) -> HttpResponse:
    """Give all meetings as JSON."""
    return JsonResponse(outputs.as_list(told.meetings()))


@require_safe
def meetings_jsonld(_request: HttpRequest) -> HttpResponse:
    """Give all meetings as JSON-LD."""
    events = [outputs.as_event(each, outputs.address_of(each), _name(each)) for each in told.meetings()]
    return JsonResponse(outputs.as_graph(events), content_type="application/ld+json")


@require_safe
def meetings_csv(_request: HttpRequest) -> HttpResponse:
    """Give all meetings as CSV (RFC 4180)."""
    content = outputs.as_csv(told.meetings(), outputs.address_of)
    return _file(content.encode("utf-8-sig"), "text/csv; charset=utf-8", "csv")


@require_safe
def meetings_ics(request: HttpRequest) -> HttpResponse:
    """Give the meetings whose day is known as a calendar."""
    calendar = outputs.as_calendar(
        told.meetings(),
        now=datetime.now(UTC),
        host=request.get_host().partition(":")[0],
        name=_name,
        address=outputs.address_of,
    )
    return _file(calendar, "text/calendar; charset=utf-8", "ics")


def _file(content: bytes, media_type: str, ending: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=media_type)
    answer["Content-Disposition"] = f'attachment; filename="meetings.{ending}"'
    return answer
