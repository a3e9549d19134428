"""Beginning an application, its list of what is to be done, whom it is for, and putting it away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_http_methods

from kouan.apps.services.applying import drafts, errors, mailing, queries, sending
from kouan.apps.services.applying.fields import page_names
from kouan.apps.services.applying.views.pages import own, page
from kouan.apps.services.catalogue import shown
from kouan.apps.services.domain import State
from kouan.apps.services.models import Application
from kouan.web.pages import to_sign_in
from kouan.web.persons import identities

if TYPE_CHECKING:
    import uuid

    from kouan.apps.services.applying.drafts import Draft
    from kouan.core.errors import KouanError
    from kouan.web.persons import Person

_form = require_http_methods(["GET", "HEAD", "POST"])


@dataclass(frozen=True, slots=True)
class Task:
    """One line of what is to be done."""

    title: str
    href: str
    done: bool
    begun: bool = True
    optional: bool = False


@_form
def apply(request: HttpRequest, side: str, service: str) -> HttpResponse:
    """Say what applying needs, have the person sign in surely enough, and begin or go on."""
    definition = drafts.offered(side, service)
    person = identities().person(request)
    level = max([definition.level, *(need.level for need in definition.needs)])
    if request.method == "POST":
        if person is None or person.level < definition.level:
            return to_sign_in(request, level=level)
        row = drafts.begin(
            person=person,
            side=side,
            service=service,
            language=get_language() or "en",
            attributes=identities().attributes(request),
        )
        return HttpResponseRedirect(reverse("services:application", args=[row.key]))
    draft = None
    if person is not None:
        draft = Application.objects.filter(
            person=person.key, peer=side, service=service, state__in=drafts.OPEN
        ).first()
    return page(
        request,
        "apply",
        definition=definition,
        person=person,
        draft=draft,
        fee=shown.fee(definition),
        enough=person is not None and person.level >= definition.level,
        level=level,
        sign_in=identities().sign_in_url(request.path, level=level),
    )


def tasks(draft: Draft, person: Person) -> list[tuple[str, list[Task]]]:
    """Return what is to be done, in groups."""
    key, form = draft.row.key, draft.definition.form
    missing = sending.missing(draft, person)
    wrong = {each.place for each in missing if each.what == "answers"}
    lacking = {each.place for each in missing if each.what == "evidence"}
    questions = [
        Task(
            queries.page_title(draft, name),
            reverse("services:answer", args=[key, name]),
            done=name not in wrong and name in draft.answers,
            begun=name in draft.answers,
            optional=name not in wrong and name not in draft.answers,
        )
        for name in page_names(form, draft.answers)
    ]
    groups = []
    if len(draft.definition.acts_for) > 1:
        for_whom = Task(gettext("For whom you apply"), reverse("services:for", args=[key]), done=True)
        questions.insert(0, for_whom)
    groups.append((gettext("Your answers"), questions))
    if draft.needs:
        groups.append(
            (
                gettext("What is to be shown"),
                [
                    Task(
                        str(need.title.text),
                        reverse("services:evidence", args=[key, need.requirement]),
                        done=need.requirement in draft.picks and need.requirement not in lacking,
                        begun=need.requirement in draft.picks,
                        optional=not draft.must(need) and need.requirement not in draft.picks,
                    )
                    for need in draft.needs
                ],
            )
        )
    if draft.definition.cosigners.most:
        signed, open_ = sending.cosigned(draft)
        href = reverse("services:cosigners", args=[key])
        enough = len(signed) >= draft.definition.cosigners.least and not open_
        task = Task(
            gettext("Who signs with you"),
            href,
            done=enough and bool(signed),
            begun=bool(signed or open_),
            optional=enough and not signed,
        )
        groups.append((gettext("Cosigners"), [task]))
    check = Task(gettext("Check your answers and send"), reverse("services:check", args=[key]), done=False)
    groups.append((gettext("Send"), [check]))
    return groups


def overview(
    request: HttpRequest, person: Person, row: Application, problem: KouanError | None = None
) -> HttpResponse:
    """Show what is to be done with a draft, and where news of it goes."""
    draft = drafts.opened(row)
    return page(
        request,
        "tasks",
        draft=draft,
        groups=tasks(draft, person),
        mine=queries.Mine(draft.row, draft.definition),
        events={each.kind for each in draft.row.events.all()},
        email=request.POST.get("email", mailing.address_of(draft.row)),
        problem=problem,
        status=problem.status if problem else 200,
    )


@_form
@own
def news_to(request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Keep where news of a draft goes: that it is erased soon, that somebody signed."""
    row = drafts.mine(key, person)
    if request.method == "POST" and State(row.state) in drafts.OPEN:
        try:
            mailing.write_to(key=key, person=person, text=request.POST.get("email", ""))
        except errors.BadEmail as error:
            return overview(request, person, row, error)
        messages.success(request, gettext("Saved. You can go on later, on any device."))
    return HttpResponseRedirect(reverse("services:application", args=[key]))


@_form
@own
def for_whom(request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Ask for whom it is."""
    draft = drafts.opened(drafts.mine(key, person))
    if State(draft.row.state) not in drafts.OPEN:
        raise errors.NotEditable
    wrong = ""
    if request.method == "POST":
        chosen = request.POST.get("acts_for", "")
        if chosen in draft.definition.acts_for:
            drafts.change(key=key, person=person, seen=request.POST.get("seen", ""), acts_for=chosen)
            return HttpResponseRedirect(reverse("services:application", args=[key]))
        wrong = gettext("Choose for whom you apply.")
    return page(request, "for", draft=draft, wrong=wrong, status=422 if wrong else 200)


@_form
@own
def discard(request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Ask, then erase a draft."""
    row = drafts.mine(key, person)
    if State(row.state) not in drafts.OPEN:
        raise errors.NotEditable
    if request.method != "POST":
        return page(request, "discard", mine=queries.shown(row).mine)
    drafts.discard(key=key, person=person)
    messages.success(request, gettext("Your draft is erased. Nothing of it was sent."))
    return HttpResponseRedirect(reverse("services:mine"))


@require_http_methods(["POST"])
@own
def again(_request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Begin anew with the answers of one that came to nothing."""
    row = drafts.again(key=key, person=person, language=get_language() or "en")
    return HttpResponseRedirect(reverse("services:application", args=[row.key]))
