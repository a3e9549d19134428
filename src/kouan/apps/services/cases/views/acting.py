"""What an officer does to a case: one page for each action, and what it brings about is said on it first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_http_methods

from kouan.apps.services.cases import access, granting, queries, versions, working
from kouan.apps.services.cases.errors import CaseChanged
from kouan.apps.services.cases.forms import (
    Act,
    AssignForm,
    CorrectionForm,
    FeeForm,
    GrantForm,
    NoteForm,
    WordsForm,
)
from kouan.apps.services.cases.views.pages import officer_of, on_case, page
from kouan.apps.services.models import Case, CaseResult
from kouan.core.errors import KouanError

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

Made = Callable[[Case, Any], Act]
Done = Callable[[Case, User, Any], object]


@dataclass(frozen=True, slots=True)
class Doing:
    """One action: its words, its form and what it calls."""

    title: _StrPromise
    lead: _StrPromise
    button: _StrPromise
    said: _StrPromise
    form: Made
    act: Done
    warning: bool = False


def _plain(kind: type[Act]) -> Made:
    return lambda _case, given: kind(given)


def _assign(case: Case, officer: User, form: AssignForm) -> None:
    to = User.objects.filter(username=form.cleaned_data["to"]).first()
    if to is None:
        raise Http404
    working.assign(case=case, officer=officer, changed=form.cleaned_data["changed"], to=to)


def _worded(call: Callable[..., object]) -> Done:
    def act(case: Case, officer: User, form: Any) -> object:
        given = form.cleaned_data
        return call(case=case, officer=officer, changed=given["changed"], words=given["words"])

    return act


def _correction(case: Case, officer: User, form: CorrectionForm) -> None:
    given = form.cleaned_data
    working.ask_correction(
        case=case,
        officer=officer,
        changed=given["changed"],
        ask=given["ask"],
        words=given["words"],
        due_on=given["due_on"],
    )


def _grant(case: Case, officer: User, form: GrantForm) -> None:
    given = form.cleaned_data
    granting.grant(
        case=case, officer=officer, changed=given["changed"], given=form.given(), words=given["words"]
    )


_DOINGS: Final[dict[str, Doing]] = {
    "take-up": Doing(
        _("Take the case up"),
        _("The case is then yours, and the applicant is told that the department works on it."),
        _("Take it up"),
        _("The case is yours."),
        _plain(Act),
        lambda case, officer, form: working.take_up(
            case=case, officer=officer, changed=form.cleaned_data["changed"]
        ),
    ),
    "assign": Doing(
        _("Hand the case to a colleague"),
        _("The applicant is not told whose work it is."),
        _("Hand it over"),
        _("The case is handed over."),
        lambda case, given: AssignForm(given, officers=access.colleagues(case)),
        _assign,
    ),
    "ask-correction": Doing(
        _("Ask for a correction"),
        _(
            "The applicant's form opens again at these places alone. Your department's time stands still "
            "meanwhile."
        ),
        _("Ask the applicant"),
        _("The applicant is asked. Your time stands still until the answer is here."),
        lambda case, given: CorrectionForm(given, places=queries.places(case, versions.of_case(case))),
        _correction,
    ),
    "ask-payment": Doing(
        _("Ask for the fee"),
        _("The applicant gets the address at which to pay. The case goes on by itself once it is paid."),
        _("Ask for the fee"),
        _("The applicant is asked for the fee."),
        _plain(FeeForm),
        _worded(working.ask_payment),
    ),
    "message": Doing(
        _("Write to the applicant"),
        _("They read it at their own side, beside their application."),
        pgettext_lazy("message", "Send"),
        _("The message is on its way."),
        _plain(WordsForm),
        _worded(working.message),
    ),
    "note": Doing(
        _("Make a note"),
        _("For your colleagues, and for the audit trail."),
        _("Keep the note"),
        _("The note is kept."),
        _plain(NoteForm),
        _worded(working.note),
    ),
    "grant": Doing(
        _("Grant the application"),
        _(
            "The result is made, signed with this side's key, put on the register of documents, and sent to "
            "the applicant."
        ),
        _("Grant and sign"),
        _("Granted. The signed result is on its way to the applicant."),
        lambda case, given: GrantForm(given, definition=versions.of_case(case)),
        _grant,
    ),
    "refuse": Doing(
        _("Refuse the application"),
        _("The applicant is told why, and may appeal."),
        _("Refuse"),
        _("Refused. The applicant is told why."),
        _plain(WordsForm),
        _worded(working.refuse),
        warning=True,
    ),
    "reopen": Doing(
        _("Open the case again"),
        _("You look at the case anew and decide again; the applicant is told why."),
        _("Open it again"),
        _("The case is open again, and yours."),
        _plain(WordsForm),
        _worded(working.reopen),
    ),
    "uphold": Doing(
        _("Uphold the decision"),
        _("The appeal changes nothing. The applicant is told why; there is no further appeal here."),
        _("Uphold"),
        _("The decision stands. The applicant is told why."),
        _plain(WordsForm),
        _worded(working.uphold),
        warning=True,
    ),
    "revoke": Doing(
        _("Take the result back"),
        _(
            "From now on both sides answer that the paper and the credential were revoked. This cannot be "
            "undone."
        ),
        _("Revoke it"),
        _("The result is revoked, and the applicant is told why."),
        _plain(WordsForm),
        _worded(granting.revoke),
        warning=True,
    ),
}
_DIGITS: Final = 10
"""Of a count of changes; no case comes near."""
_ALWAYS: Final = frozenset({"assign", "message", "note"})


def possible(case: Case, name: str) -> bool:
    """Whether an action's page has a purpose now."""
    if name in _ALWAYS:
        return True
    if name == "revoke":
        return CaseResult.objects.filter(case=case, revoked_at__isnull=True).exists()
    return name in queries.actions(case, versions.of_case(case))


@require_http_methods(["GET", "HEAD", "POST"])
@on_case
def act(request: HttpRequest, case: Case, name: str) -> HttpResponseBase:
    """Ask, then do: on the case as its page showed it, which the link to here names.

    If anybody has changed it since, nothing is asked for, and what they did is said.
    """
    doing = _DOINGS.get(name)
    if doing is None:
        raise Http404
    posted = request.method == "POST"
    form = doing.form(case, request.POST if posted else None)
    seen = _count_of(request.POST if posted else request.GET)
    if seen is None:
        return _back(case)
    changed: KouanError | None = None
    if not posted:
        changed = working.changed_since(case, seen)
        if changed is None and not possible(case, name):
            return _back(case)
    elif form.is_valid():
        try:
            doing.act(case, officer_of(request), form)
        except CaseChanged as error:
            changed = error
        except KouanError as error:
            form.refuse(error)
        else:
            messages.success(request, str(doing.said))
            return _back(case)
    status = 409 if changed else 422 if posted else 200
    return page(
        request,
        "act",
        case=case,
        name=name,
        doing=doing,
        form=form,
        changed=changed,
        seen=seen,
        title=queries.title_of(case),
        status=status,
    )


def _count_of(given: QueryDict) -> int | None:
    """Return the count of changes that the officer saw; nothing where none is named: they read it first."""
    text = given.get("changed", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < _DIGITS else None


def _back(case: Case) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("services:case", args=[case.reference]))
