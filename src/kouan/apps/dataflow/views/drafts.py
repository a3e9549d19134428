"""The guided form: five steps, the answers in one list, and then a draft. Nothing is sent by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from kouan.apps.dataflow import checks, contracts, drafting, errors
from kouan.apps.dataflow.domain import State
from kouan.apps.dataflow.forms import FORMS, AssessmentForm, PartiesForm, Step
from kouan.apps.dataflow.queries.contracts import before, by_key
from kouan.apps.dataflow.uploads import seen_in, taking_digest
from kouan.apps.dataflow.views.pages import department_of, page, reach_of
from kouan.apps.dataflow.wording import differences, in_words
from kouan.core.errors import KouanError
from kouan.web.access import require_role

if TYPE_CHECKING:
    from kouan.apps.dataflow.domain import Terms

_KEPT: Final = "dataflow_draft"
_form = require_http_methods(["GET", "HEAD", "POST"])


@require_POST
@require_role("data")
def begin(request: HttpRequest) -> HttpResponseBase:
    """Begin a new contract; what was answered for another is forgotten."""
    return _on(request, drafting.begin())


@require_POST
@require_role("data")
def change(request: HttpRequest, key: str) -> HttpResponseBase:
    """Begin with the answers of a draft, or of a signed contract for its next version."""
    row = by_key(key, reach_of(request))
    if row.state not in {State.DRAFT, State.SIGNED}:
        raise errors.NotInThisState(contract=str(row.contract), state=row.state)
    return _on(request, drafting.of_terms(contracts.terms_of(row), amend=row.state == State.SIGNED))


@taking_digest
@_form
@require_role("data")
def step(request: HttpRequest, name: str) -> HttpResponseBase:
    """Ask one step."""
    answers = _answers(request)
    if answers is None:
        return HttpResponseRedirect(reverse("dataflow:contracts"))
    if name not in FORMS:
        raise Http404
    form = _form_of(request, name, answers)
    if request.method == "POST" and form.is_valid():
        answers.steps[name] = form.answer()
        return _on(request, answers)
    at = drafting.STEPS.index(name)
    back = reverse("dataflow:draft-step", args=[drafting.STEPS[at - 1]]) if at else ""
    return page(
        request,
        f"draft-{name}",
        form=form,
        answers=answers,
        number=at + 1,
        most=len(drafting.STEPS),
        back=back or reverse("dataflow:contracts"),
        status=422 if form.errors else 200,
    )


@_form
@require_role("data")
def check(request: HttpRequest) -> HttpResponseBase:
    """Show all answers, say what could never be in force, and keep the draft."""
    answers = _answers(request)
    if answers is None:
        return HttpResponseRedirect(reverse("dataflow:contracts"))
    if answers.next_step:
        return _on(request, answers)
    terms, problem = _made(answers)
    if request.method == "POST" and terms is not None and problem is None:
        try:
            row = contracts.draft(terms, department=department_of(request))
        except KouanError as error:
            problem = error
        else:
            del request.session[_KEPT]
            messages.success(request, gettext("The draft is kept. The other side sees it once you sign it."))
            return HttpResponseRedirect(reverse("dataflow:contract", args=[bytes(row.digest).hex()]))
    old = before(terms) if terms is not None else None
    return page(
        request,
        "draft-check",
        answers=answers,
        terms=terms,
        lines=_lines(terms),
        differences=differences(old, terms) if old is not None and terms is not None else [],
        problem=problem,
        back=reverse("dataflow:draft-step", args=[drafting.STEPS[-1]]),
        status=422 if problem is not None else 200,
    )


def _made(answers: drafting.Answers) -> tuple[Terms | None, KouanError | None]:
    try:
        terms = drafting.terms_from(answers)
    except KouanError as error:
        return None, error
    try:
        checks.check(terms, contracts.today())
        checks.agrees_with_others(terms)
    except KouanError as error:
        return terms, error
    return terms, None


_STEP_OF: Final = (
    "parties",
    "parties",
    "data",
    "data",
    "term",
    "term",
    "term",
    "term",
    "onward",
    "assessment",
    "assessment",
)
"""Which step asks each line of ``in_words``; the last one is there only where the terms name a ground."""


def _lines(terms: Terms | None) -> list[tuple[str, list[str], str]]:
    if terms is None:
        return []
    return [(what, values, step_) for (what, values), step_ in zip(in_words(terms), _STEP_OF, strict=False)]


def _form_of(request: HttpRequest, name: str, answers: drafting.Answers) -> Step:
    made = FORMS[name]
    before_ = answers.steps.get(name, {})
    given = request.POST if request.method == "POST" else None
    initial = made.initial_of(before_)
    if issubclass(made, AssessmentForm):
        return made(given, initial=initial, seen=seen_in(request), digest=before_.get("digest", ""))
    if issubclass(made, PartiesForm):
        return made(given, initial=initial, amends=answers.amends)
    return made(given, initial=initial)


def _answers(request: HttpRequest) -> drafting.Answers | None:
    kept = request.session.get(_KEPT)
    return None if kept is None else drafting.Answers.from_json(kept)


def _on(request: HttpRequest, answers: drafting.Answers) -> HttpResponseBase:
    """Keep the answers and go to the first step without one, or to the list of all."""
    request.session[_KEPT] = answers.to_json()
    if answers.next_step:
        return HttpResponseRedirect(reverse("dataflow:draft-step", args=[answers.next_step]))
    return HttpResponseRedirect(reverse("dataflow:draft-check"))
