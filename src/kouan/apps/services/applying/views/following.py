"""My applications: the list, one with its story, what the applicant does, the result, who has read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext, pgettext
from django.views.decorators.http import require_http_methods, require_safe

from kouan.apps.services import receipts
from kouan.apps.services.applying import acting, correcting, drafts, errors, news, queries, sending
from kouan.apps.services.applying.views import beginning
from kouan.apps.services.applying.views.checking import summary
from kouan.apps.services.applying.views.pages import download, own, page
from kouan.apps.services.domain import State
from kouan.apps.services.models import Cosignature
from kouan.apps.services.payloads import MAX_WORDS
from kouan.core.errors import KouanError
from kouan.core.exchange.evidence import evidence_bundle
from kouan.web import readings
from kouan.web.persons import identities

if TYPE_CHECKING:
    import uuid

    from kouan.apps.services.models import Application
    from kouan.web.persons import Person

_form = require_http_methods(["GET", "HEAD", "POST"])
_PLACES = {"answers": "answers", "evidence": "needs"}
"""Where what is lacking (``sending.Missing.what``) stands among the places that are asked about."""
_WAY = (State.SENT, State.RECEIVED, State.IN_REVIEW, State.GRANTED)


@require_safe
@own
def mine(request: HttpRequest, person: Person) -> HttpResponse:
    """List a person's applications."""
    found = queries.listed(person)
    return page(
        request,
        "mine",
        open=[each for each in found if not each.ended],
        ended=[each for each in found if each.ended],
        news=queries.news(person),
    )


@require_safe
@own
def application(request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Show one: what is to be done with a draft, or how it stands."""
    row = drafts.mine(key, person)
    if State(row.state) in drafts.OPEN:
        response = beginning.overview(request, person, row)
        news.read(row)
        return response
    shown = queries.shown(row)
    draft = drafts.opened(row)
    response = page(
        request,
        "application",
        shown=shown,
        mine=shown.mine,
        way=_way(shown),
        may=acting.allowed(row),
        asked=queries.asked_in_words(draft, correcting.places(draft)),
        again=State(row.state) in {State.NOT_TAKEN, State.LAPSED, State.WITHDRAWN, State.REFUSED},
        most=MAX_WORDS,
        verdict=queries.verdict_of(row),
    )
    news.read(row)
    return response


def _way(shown: queries.Shown) -> list[dict[str, object]]:
    """Return the picture of the way: the usual stations, how far it has come, and how it ended."""
    state = shown.mine.state
    at = {each.state: each.at for each in reversed(shown.story)}  # when each began
    if shown.decision is not None:
        at[State.GRANTED] = shown.decision.at
    titles = {
        State.SENT: pgettext("application", "Sent"),
        State.RECEIVED: pgettext("application", "Received"),
        State.IN_REVIEW: gettext("Worked on"),
        State.GRANTED: pgettext("application", "Decided"),
    }
    reached = {
        State.SENT: 0,
        State.RECEIVED: 1,
        State.IN_REVIEW: 2,
        State.CORRECTION: 2,
        State.PAYMENT: 2,
        State.APPEALED: 2,
        State.NOT_TAKEN: 0,
        State.WITHDRAWN: 3,
        State.LAPSED: 3,
        State.REFUSED: 3,
        State.GRANTED: 3,
    }[state]
    if state is State.WITHDRAWN and not shown.mine.row.seen_seq:
        reached, at = 0, {}  # it never left
    failed = (reached == 0 and shown.mine.ended) or state in {State.REFUSED, State.LAPSED}
    found: list[dict[str, object]] = []
    for number, station in enumerate(_WAY):
        done = number < reached or (number == reached and shown.mine.ended)
        how = "done" if done else "current" if number == reached else "waiting"
        if failed and number == reached:
            how = "failed"
        found.append({"state": how, "title": titles[station], "at": at.get(station) if done else None})
    return found


@_form
@own
def act(request: HttpRequest, person: Person, key: uuid.UUID, action: str) -> HttpResponse:
    """Write to the department, appeal, take the application back, or withdraw the consent after its end."""
    row = drafts.mine(key, person)
    if action not in {"message", "appeal", "withdraw", "withdraw-consent"}:
        raise errors.NotYourTurn
    problem = None
    if request.method == "POST":
        words = request.POST.get("words", "").replace("\r\n", "\n")
        try:
            told = acting.act(key=key, person=person, action=action, words=words)
        except KouanError as error:
            problem = error
        else:
            messages.success(
                request,
                gettext("It is on its way to the department.")
                if told
                else gettext("Taken back before it had left: the department has received nothing."),
            )
            return HttpResponseRedirect(reverse("services:application", args=[key]))
    elif action not in acting.allowed(row):
        raise errors.NotYourTurn
    about = queries.shown(row).mine
    return page(
        request,
        "act",
        mine=about,
        action=action,
        problem=problem,
        value=request.POST.get("words", ""),
        most=MAX_WORDS,
        too_low=action != acting.ANY_SIGN_IN and person.level < about.definition.level,
        surer=identities().sign_in_url(request.path, level=about.definition.level),
        status=problem.status if problem else 200,
    )


@_form
@own
def correct(request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Show what the department asked to have corrected, and send the correction."""
    row = drafts.mine(key, person)
    if State(row.state) is not State.CORRECTION or "correct" not in acting.allowed(row):
        return HttpResponseRedirect(reverse("services:application", args=[key]))
    problem = None
    if request.method == "POST":
        try:
            acting.act(
                key=key,
                person=person,
                action="correct",
                seen=request.POST.get("seen", ""),
                words=request.POST.get("words", "").replace("\r\n", "\n"),
                agreed=request.POST.get("agree") == "yes",
            )
        except KouanError as error:
            problem = error
        else:
            messages.success(request, gettext("Your correction is on its way to the department."))
            return HttpResponseRedirect(reverse("services:application", args=[key]))
    draft, shown = drafts.opened(drafts.mine(key, person)), queries.shown(row)
    places = correcting.places(draft)
    lacking = sending.missing(draft, person, places)
    level = max([draft.definition.level, *(int(each.place) for each in lacking if each.what == "sign-in")])
    return page(
        request,
        "correct",
        draft=draft,
        mine=shown.mine,
        last=shown.last,
        asked=queries.asked_in_words(draft, places),
        lacking={f"{_PLACES[each.what]}.{each.place}" for each in lacking if each.what in _PLACES},
        problem=problem,
        value=request.POST.get("words", ""),
        most=MAX_WORDS,
        signed=list(row.cosignatures.filter(state=Cosignature.State.SIGNED).values_list("name", flat=True)),
        too_low=person.level < level,
        surer=identities().sign_in_url(request.path, level=level),
        **summary(draft, person, places),
        status=problem.status if problem else 200,
    )


# What came of it


@require_safe
@own
def result(_request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Hand out the signed PDF."""
    row = drafts.mine(key, person)
    return download(
        queries.result_of(row), name=f"{row.reference or key}.pdf", content_type="application/pdf"
    )


@require_safe
@own
def credential(_request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Hand out the result as a credential."""
    row = drafts.mine(key, person)
    return download(
        queries.credential_of(row).encode(),
        name=f"{row.reference or key}.sd-jwt",
        content_type="application/dc+sd-jwt",
    )


@require_safe
@own
def receipt(_request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Hand out the receipt of the consent, as it was signed."""
    data = _receipt_of(drafts.mine(key, person))
    return download(data, name=f"consent-{key}.cose", content_type="application/cose")


def _receipt_of(row: Application) -> bytes:
    if not row.receipt:
        raise errors.UnknownApplication
    return bytes(row.receipt)


@require_safe
@own
def readers(request: HttpRequest, person: Person) -> HttpResponse:
    """Show who has read what: each reading that any app knows of, and each crossing with its proof."""
    crossed = queries.all_crossings(person)
    return page(request, "readers", crossed=crossed, every=readings.known(person), readings=[], only=None)


@require_safe
@own
def readers_of(request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Show the same of one application."""
    shown = queries.shown(drafts.mine(key, person))
    told = [(shown.mine, each) for each in reversed(shown.story) if each.kind == "read" and not each.ours]
    crossed = list(reversed(queries.crossings(shown.mine)))
    said = receipts.content(bytes(shown.mine.row.receipt)) if shown.mine.row.receipt else None
    return page(request, "readers", crossed=crossed, readings=told, only=shown.mine, receipt=said)


@require_safe
@own
def proof(_request: HttpRequest, person: Person, key: uuid.UUID, message: uuid.UUID) -> HttpResponse:
    """Hand out the proof of one crossing, which anybody can check (``kouan verify``)."""
    message_id, sender = queries.message_of(drafts.mine(key, person), message)
    data = evidence_bundle([message_id], sender=sender)
    return download(data, name=f"{message_id}.kouan", content_type="application/zip")
