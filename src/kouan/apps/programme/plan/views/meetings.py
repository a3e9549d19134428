"""The officers' pages of meetings: convened, changed, attended, with papers, held, minuted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kouan.apps.programme.crossings import AgendaPoint
from kouan.apps.programme.models import MeetingPaper
from kouan.apps.programme.plan import drafting, errors, ical, meetings, negotiating, queries
from kouan.apps.programme.plan.domain import Line
from kouan.apps.programme.plan.forms import shown
from kouan.apps.programme.plan.meeting_forms import DelegationForm, MeetingForm, PaperForm, lines_of, words_in
from kouan.apps.programme.plan.meetings import Arranged, Person
from kouan.apps.programme.plan.uploads import sound_name, taking_a_file
from kouan.apps.programme.plan.views.shared import asked, download, officer_of, page, peers
from kouan.core.errors import KouanError
from kouan.core.sides import get_side
from kouan.web.access import require_role

if TYPE_CHECKING:
    import uuid

    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from kouan.apps.programme.models import JointMeeting

_form = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@require_role("programme")
def listed(request: HttpRequest) -> HttpResponse:
    """List the meetings, the latest first."""
    return page(request, "meetings", meetings=queries.meetings())


@require_safe
@require_role("programme")
def meeting(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Show a meeting: agenda, delegations, papers, open actions, minutes; and on which days a side is off."""
    row = meetings.by_key(key)
    sides = sorted([settings.NODE.side, row.peer])
    subject = queries.minutes_of(row)
    return page(
        request,
        "meeting",
        meeting=row,
        sides=sides,
        delegations=[(side, list(row.attendees.filter(side=side).order_by("pk"))) for side in sides],
        papers=list(row.papers.order_by("at", "pk")),
        actions=drafting.open_actions(row),
        off=meetings.days_off(row.starts_at, row.ends_at, sides),
        minutes=[] if subject is None else [queries.shown(each) for each in subject.versions.order_by("-pk")],
        agreed=None if subject is None else negotiating.in_effect(subject),
        draft=None if subject is None else getattr(subject, "draft", None),
    )


@_form
@require_role("programme")
def convene(request: HttpRequest) -> HttpResponseBase:
    """Ask when, where and about what the two sides meet, and tell the other side."""
    form = MeetingForm(request.POST if request.method == "POST" else None, peers=peers())
    if request.method == "POST" and form.is_valid():
        try:
            row = meetings.convene(peer=form.cleaned_data["peer"], arranged=_arranged(form))
        except KouanError as error:
            form.refuse(error, "ends")
        else:
            _news(request, row, gettext("Convened. The other side is told."))
            return _to(row)
    return asked(
        request,
        form,
        title=gettext("Convene a meeting"),
        lead=gettext("The other side is told at once. Times are those of this side."),
        button=gettext("Convene"),
        back=reverse("programme:meetings-kept"),
    )


@_form
@require_role("programme")
def change(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    """Change a meeting that this side convenes."""
    row = _ours(key)
    zone = get_side(settings.NODE.side).zone
    starts, ends = row.starts_at.astimezone(zone), row.ends_at.astimezone(zone)
    initial: dict[str, Any] = {
        **shown("title", row.title),
        **shown("place", row.place),
        "day": starts.date(),
        "begins": starts.time(),
        "ends": ends.time(),
        "mode": row.mode,
        "agenda": lines_of([words_in(each["title"]) for each in row.agenda]),
    }
    form = MeetingForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            row = meetings.change(key=key, arranged=_arranged(form, row))
        except KouanError as error:
            form.refuse(error, "ends")
        else:
            _news(request, row, gettext("Changed. The other side is told, and everybody is invited anew."))
            return _to(row)
    return asked(
        request,
        form,
        title=gettext("Change the meeting"),
        button=gettext("Change"),
        back=reverse("programme:meeting-kept", args=[key]),
    )


@require_POST
@require_role("programme")
def close(request: HttpRequest, key: uuid.UUID, state: str) -> HttpResponseBase:
    """Note that a meeting was held, or cancel it."""
    if state not in {"held", "cancelled"}:
        raise Http404
    row = meetings.close(key=key, state=state)
    messages.success(
        request,
        gettext("Noted as held. The minutes can be drafted now.")
        if state == "held"
        else gettext("Cancelled. The other side is told, and so is everybody who was invited."),
    )
    return _to(row)


@_form
@require_role("programme")
def delegation(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    """Ask who takes part for this side; the other side is told, and each person is invited."""
    row = meetings.by_key(key)
    own = row.attendees.filter(side=settings.NODE.side).order_by("pk")
    rows = [
        [each.name, *words_in(each.office), *([each.email, each.language] if each.email else [])]
        for each in own
    ]
    form = DelegationForm(
        request.POST if request.method == "POST" else None, initial={"persons": lines_of(rows)}
    )
    if request.method == "POST" and form.is_valid():
        persons = [
            Person(
                name=each["name"],
                office=Line.model_validate(each["office"]),
                email=each["email"],
                language=each["language"],
            )
            for each in form.cleaned_data["persons"]
        ]
        meetings.delegate(key=key, persons=persons)
        messages.success(request, gettext("Kept. The other side is told names and offices."))
        return _to(row)
    return asked(
        request,
        form,
        title=gettext("Who takes part for this side?"),
        button=gettext("Keep and tell"),
        back=reverse("programme:meeting-kept", args=[key]),
    )


@taking_a_file
@_form
@require_role("programme")
def paper(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    """Take a paper, and hand it to the other side."""
    row = meetings.by_key(key)
    form = PaperForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["file"]
        if not given:
            form.add_error("file", gettext("Choose a file."))
        else:
            try:
                meetings.add_paper(
                    key=key,
                    title=Line.model_validate(form.words("title")),
                    name=sound_name(given.name or ""),
                    data=given.read(),
                )
            except KouanError as error:
                form.refuse(error, "file")
            else:
                messages.success(request, gettext("Added. The other side gets it."))
                return _to(row)
    return asked(
        request,
        form,
        title=gettext("Add a paper"),
        button=gettext("Add"),
        back=reverse("programme:meeting-kept", args=[key]),
    )


@require_safe
@require_role("programme")
def paper_file(_request: HttpRequest, key: uuid.UUID, paper: uuid.UUID) -> HttpResponse:
    """Hand out a paper; never for a browser to open by itself."""
    found = MeetingPaper.objects.filter(key=paper, meeting__key=key).select_related("content").first()
    if found is None:
        raise errors.UnknownPaper
    name = found.name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
    return download(bytes(found.content.data), name=name, content_type="application/octet-stream")


@require_safe
@require_role("programme")
def ics(_request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Hand out one meeting as iCalendar."""
    return download(
        ical.of_meetings([meetings.by_key(key)]), name="meeting.ics", content_type=ical.MEDIA_TYPE
    )


@require_POST
@require_role("programme")
def minutes(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    """Begin the minutes: the agenda, who was there, and the actions that are still open."""
    draft = drafting.for_minutes(meeting=meetings.by_key(key), officer=officer_of(request))
    return HttpResponseRedirect(reverse("programme:plan-draft", args=[draft.subject.key]))


def _arranged(form: MeetingForm, row: JointMeeting | None = None) -> Arranged:
    zone = get_side(settings.NODE.side).zone
    starts, ends = (each.replace(tzinfo=zone) for each in form.times())
    kept = {tuple(words_in(each["title"])): each["id"] for each in (row.agenda if row is not None else [])}
    return Arranged(
        title=Line.model_validate(form.words("title")),
        place=Line.model_validate(form.words("place")),
        mode=form.cleaned_data["mode"],
        starts_at=starts,
        ends_at=ends,
        agenda=tuple(
            AgendaPoint.model_validate(each | {"id": kept.get(tuple(words_in(each["title"])), each["id"])})
            for each in form.cleaned_data["agenda"]
        ),
    )


def _news(request: HttpRequest, row: JointMeeting, text: str) -> None:
    messages.success(request, text)
    if meetings.days_off(row.starts_at, row.ends_at, sorted([settings.NODE.side, row.peer])):
        messages.error(request, gettext("A side does not work on that day: see below."))


def _ours(key: uuid.UUID) -> JointMeeting:
    row = meetings.by_key(key)
    if row.host != settings.NODE.side or row.state != "planned":
        raise Http404
    return row


def _to(row: JointMeeting) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("programme:meeting-kept", args=[row.key]))
