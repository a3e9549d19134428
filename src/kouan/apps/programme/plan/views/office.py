"""The officers' pages: what waits, every version and what differs, signing, refusing, reporting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kouan.apps.programme.models import Draft, Subject
from kouan.apps.programme.plan import differing, drafting, negotiating, papers, queries, reporting
from kouan.apps.programme.plan.domain import Passage, Plan
from kouan.apps.programme.plan.forms import NewPlanForm, ReasonForm, ReportForm
from kouan.apps.programme.plan.negotiation import State
from kouan.apps.programme.plan.views.shared import asked, download, officer_of, page, peers
from kouan.apps.programme.plan.wording import in_words
from kouan.core.errors import KouanError
from kouan.web.access import require_role

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

_form = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@require_role("programme")
def office(request: HttpRequest) -> HttpResponse:
    """Show what waits for this side, its drafts, and every plan."""
    plans = Subject.objects.filter(kind=Plan.kind).order_by("-year", "peer")[: queries.SHOWN]
    return page(
        request,
        "office",
        waiting=queries.waiting(),
        drafts=list(Draft.objects.select_related("subject").order_by("-changed_at")),
        plans=[(each, queries.versions(each)[:1], negotiating.in_effect(each)) for each in plans],
        meetings=queries.meetings(past=False),
    )


@_form
@require_role("programme")
def begin(request: HttpRequest) -> HttpResponseBase:
    """Begin the plan of a year."""
    form = NewPlanForm(
        request.POST if request.method == "POST" else None,
        peers=peers(),
        initial={"year": reporting.today().year},
    )
    if request.method == "POST" and form.is_valid():
        try:
            draft = drafting.begin(
                peer=form.cleaned_data["peer"], year=form.cleaned_data["year"], officer=officer_of(request)
            )
        except KouanError as error:
            form.refuse(error, "year")
        else:
            return HttpResponseRedirect(reverse("programme:plan-draft", args=[draft.subject.key]))
    return asked(
        request,
        form,
        title=gettext("Begin the plan of a year"),
        lead=gettext(
            "It begins with the areas and items of the year before, if there is one. Nothing is sent."
        ),
        button=gettext("Begin"),
        back=reverse("programme:plan-office"),
    )


@require_safe
@require_role("programme")
def version(request: HttpRequest, key: str) -> HttpResponse:
    """Show one version: what it says, what differs from the one before, who signed, and its history."""
    row = queries.by_key(key)
    shown = queries.shown(row)
    old = queries.before(row)
    return page(
        request,
        "version",
        shown=shown,
        told=in_words(shown.text),
        compared=old,
        changes=[] if old is None else differing.differences(negotiating.text_of(old), shown.text),
        signatures=queries.signatures(row),
        seals=papers.seals_in(row),
        versions=queries.versions(row.subject),
        draft=Draft.objects.filter(subject=row.subject).first(),
    )


@require_safe
@require_role("programme")
def version_pdf(_request: HttpRequest, key: str) -> HttpResponse:
    """Hand out a version as PDF."""
    row = queries.by_key(key)
    return download(papers.paper(row), name=f"{key[:12]}.pdf", content_type="application/pdf")


@require_safe
@require_role("programme")
def version_json(_request: HttpRequest, key: str) -> HttpResponse:
    """Hand out a version's canonical text, of which the digest is."""
    return download(bytes(queries.by_key(key).text), name=f"{key[:12]}.json", content_type="application/json")


@require_POST
@require_role("programme")
def draft_from(request: HttpRequest, key: str) -> HttpResponseBase:
    """Begin a draft with what a version says: to change what is in effect, or to counter a proposal."""
    row = queries.by_key(key)
    if row.state not in {State.SIGNED, State.PROPOSED, State.REFUSED, State.WITHDRAWN, State.OVERRULED}:
        raise Http404
    draft = drafting.from_version(version=row, officer=officer_of(request))
    return HttpResponseRedirect(reverse("programme:plan-draft", args=[draft.subject.key]))


@_form
@require_role("programme")
def accept(request: HttpRequest, key: str) -> HttpResponseBase:
    """Ask, then sign the other side's proposal: from then on it is in effect."""
    shown = queries.shown(queries.by_key(key))
    if not shown.waits_for_us:
        raise Http404
    problem = None
    if request.method == "POST":
        try:
            negotiating.accept(digest=bytes(shown.row.digest), officer=officer_of(request))
        except KouanError as error:
            problem = error
        else:
            messages.success(request, gettext("Signed by both sides. It is in effect."))
            return _back(key)
    return page(
        request,
        "sign",
        shown=shown,
        signer=officer_of(request),
        problem=problem,
        edition=None,
        digest=shown.key,
        back=reverse("programme:plan-version", args=[key]),
        status=200 if problem is None else problem.status,
    )


@_form
@require_role("programme")
def refuse(request: HttpRequest, key: str) -> HttpResponseBase:
    """Refuse the other side's proposal, with a reason."""
    shown = queries.shown(queries.by_key(key))
    if shown.ours or shown.row.state != State.PROPOSED:
        raise Http404
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        negotiating.refuse(digest=bytes(shown.row.digest), reason=form.cleaned_data["reason"])
        messages.success(request, gettext("Refused. The other side is told why."))
        return _back(key)
    return asked(
        request,
        form,
        title=gettext("Refuse the proposal"),
        lead=gettext("A counter-proposal says more: draft one from this version instead, if you can."),
        caption=shown.name,
        button=gettext("Refuse"),
        kind="warning",
        back=reverse("programme:plan-version", args=[key]),
    )


@_form
@require_role("programme")
def withdraw(request: HttpRequest, key: str) -> HttpResponseBase:
    """Take a proposal of this side off the table, with a reason."""
    shown = queries.shown(queries.by_key(key))
    if not shown.ours or shown.row.state != State.PROPOSED:
        raise Http404
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        negotiating.withdraw(digest=bytes(shown.row.digest), reason=form.cleaned_data["reason"])
        messages.success(request, gettext("Withdrawn. The other side is told why."))
        return _back(key)
    return asked(
        request,
        form,
        title=gettext("Withdraw the proposal"),
        lead=gettext("Should the other side have accepted it already, it is in effect all the same."),
        caption=shown.name,
        button=gettext("Withdraw"),
        kind="warning",
        back=reverse("programme:plan-version", args=[key]),
    )


@_form
@require_role("programme")
def report(  # noqa: PLR0913, PLR0917 - the parts of its address
    request: HttpRequest, peer: str, year: int, item: str, about: str, part: str = ""
) -> HttpResponseBase:
    """Report how an item stands, a measure's figure, or a milestone."""
    subject = queries.plan_subject(peer, year)
    board = queries.board(subject)
    card = board.card(item)
    title = None if card is None else _title_of(card, about, part)
    if card is None or title is None:
        raise Http404
    form = ReportForm(
        request.POST if request.method == "POST" else None,
        about=about,
        initial={"day": reporting.today()},
    )
    back = reverse("programme:plan-item", args=[peer, year, item])
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        note = form.words("note")
        try:
            reporting.report(
                subject=subject,
                item=item,
                about=about,
                part=part,
                value=given["value"],
                day=given["day"],
                source=given["source"],
                note=Passage.model_validate(note) if note["en"] else None,
            )
        except KouanError as error:
            form.refuse(error, "day" if error.code == "impossible-report-day" else "value")
        else:
            messages.success(request, gettext("Reported. The other side is told."))
            return HttpResponseRedirect(back)
    return asked(
        request,
        form,
        title=gettext("Report progress"),
        lead=gettext("A report is never changed; a later one takes its place. Everybody can read it."),
        caption=f"{card.item.title}: {title}",
        button=gettext("Report"),
        back=back,
    )


def _title_of(card: queries.Card, about: str, part: str) -> str | None:
    if about == "state":
        return gettext("how it stands")
    if about == "milestone":
        return next((str(each.milestone.title) for each in card.steps if each.milestone.id == part), None)
    if about == "measure":
        return next(
            (
                f"{each.measure.title} ({each.measure.unit})"
                for each in card.figures
                if each.measure.id == part
            ),
            None,
        )
    return None


def _back(key: str) -> HttpResponseBase:
    return HttpResponseRedirect(reverse("programme:plan-version", args=[key]))
