"""The pages of officers who keep this side's list (role ``signing``)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kouan.apps.signing.lists import changes, drafts, importing, labels, publishing, queries
from kouan.apps.signing.lists.domain import Status
from kouan.apps.signing.lists.entries import BadEntry, Problem, begins, contact_of, entry_of
from kouan.apps.signing.lists.errors import BadImport, IllFormedEntry, NoDraft, UnknownEntry
from kouan.apps.signing.lists.forms import EntryForm, ImportForm, NewEntryForm, StatusForm, SubmitForm
from kouan.apps.signing.lists.views.pages import account_of, page
from kouan.apps.signing.lists.views.public import shown_entry
from kouan.core.errors import KouanError
from kouan.web.access import came_from, has_role, require_role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kouan.apps.signing.lists.domain import Entry
    from kouan.apps.signing.models import ListDraft

_form = require_http_methods(["GET", "HEAD", "POST"])
_EVENTS: Final = 100


@require_safe
@require_role("signing")
def overview(request: HttpRequest) -> HttpResponse:
    """Show the draft of the next edition, and how it differs from the newest."""
    draft, edition = queries.draft(), queries.newest(settings.NODE.side)
    context: dict[str, Any] = {"draft": draft, "edition": edition}
    if draft is not None:
        listed = drafts.entries_of(draft)
        now = datetime.now(UTC)
        context |= {
            "entries": [shown_entry(each, now) for each in listed],
            "differences": changes.differences(edition.entries if edition is not None else (), listed),
            "events": draft.events.order_by("-at", "-pk")[:_EVENTS],
            "own_draft": draft.submitted_by == account_of(request).get_username(),
            "submit_form": SubmitForm(),
            "lacking": _lacking(listed),
        }
    return page(request, "draft", **context)


@require_safe
def exchange(request: HttpRequest) -> HttpResponseBase:
    """Show how far other sides were told of this side's list, and what of theirs was not taken."""
    if not request.user.is_authenticated:
        return redirect_to_login(came_from(request))
    if not (has_role(request.user, "signing") or has_role(request.user, "operator")):
        raise PermissionDenied
    return page(request, "exchange", told=queries.told(), refused=queries.refused())


@require_POST
@require_role("signing")
def act(request: HttpRequest, action: str) -> HttpResponse:
    """Begin a draft, submit it, take it back, put it away, or publish it."""
    account = account_of(request)
    by = account.get_username()
    try:
        match action:
            case "begin":
                drafts.begin(by=by)
            case "submit":
                return _submit(request, by)
            case "take-back":
                drafts.take_back(by=by)
            case "drop":
                drafts.drop(by=by)
            case _:
                row = publishing.publish(
                    by=by, officer=account.get_full_name() or by, version=_version(request) or 0
                )
                text = gettext(
                    "Edition %(number)s is signed and published. The other sides are told at once."
                )
                messages.success(request, text % {"number": row.sequence})
    except KouanError as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(reverse("signing:draft"))


@_form
@require_role("signing")
def new(request: HttpRequest) -> HttpResponse:
    """Add an entry to the draft."""
    draft = _draft()
    form = NewEntryForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            given = entry_of(form.said(), demonstration=settings.NODE.demonstration)
            taken = any(each.code == given.code for each in drafts.entries_of(draft))
            if taken:
                raise BadEntry("code", Problem.TWICE)  # noqa: TRY301 - as any other fault of the form
            drafts.put(given=[given], by=account_of(request).get_username(), version=_version(request))
        except BadEntry as error:
            form.add_error(
                error.field if error.field in form.fields else None, labels.fault_words(error.problem)
            )
        except KouanError as error:
            form.refuse(error)
        else:
            return _done(request, gettext("The entry is in the draft."))
    return page(request, "new", form=form, draft=draft, status=422 if form.errors else 200)


@_form
@require_role("signing")
def edit(request: HttpRequest, code: str) -> HttpResponse:
    """Change the names, the address, the last day and the policies of an entry."""
    draft, entry = _found(code)
    form = EntryForm.of(entry, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data

        def change() -> None:
            drafts.edit(
                code=code,
                name=form.localised("name"),
                provider=form.localised("provider"),
                last_day=begins(given["last_day"]),
                type_policies=given["type_policies"],
                contact=contact_of(form.contact()),
                by=account_of(request).get_username(),
                version=_version(request),
            )

        if _tried(form, change, "last_day"):
            return _done(request, gettext("The entry is changed in the draft."))
    return page(request, "edit", form=form, draft=draft, entry=entry, status=422 if form.errors else 200)


@_form
@require_role("signing")
def status(request: HttpRequest, code: str, status: str) -> HttpResponse:
    """Have an entry stand otherwise from a day on."""
    draft, entry = _found(code)
    form = StatusForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():

        def change() -> None:
            drafts.change_status(
                code=code,
                status=Status(status),
                since=begins(form.cleaned_data["since"]),
                reason=form.cleaned_data["reason"],
                by=account_of(request).get_username(),
                version=_version(request),
            )

        if _tried(form, change, "since"):
            return _done(request, gettext("The entry is changed in the draft."))
    return page(
        request, "status", form=form, draft=draft, entry=entry, wanted=status,
        status=422 if form.errors else 200,
    )  # fmt: skip


@require_POST
@require_role("signing")
def remove(request: HttpRequest, code: str) -> HttpResponse:
    """Take an entry out that was never published."""
    try:
        drafts.remove(code=code, by=account_of(request).get_username(), version=_version(request))
    except KouanError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("signing:draft"))
    return _done(request, gettext("The entry is out of the draft."))


@_form
@require_role("signing")
def import_(request: HttpRequest) -> HttpResponse:
    """Take many entries from pasted text."""
    draft = _draft()
    form = ImportForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data["entries"].encode()
        form_ = importing.sniff(data)
        try:
            found = importing.read(data, form_, demonstration=settings.NODE.demonstration)
            drafts.put(given=found, by=account_of(request).get_username(), version=_version(request))
        except importing.FaultyFile as error:
            faults = labels.faults_text(error.faults, lines=form_ == "csv")
            form.refuse(BadImport(faults=faults), "entries")
        except KouanError as error:
            form.refuse(error, "entries")
        else:
            return _done(request, gettext("The entries are in the draft."))
    return page(
        request, "import", form=form, draft=draft, needed=importing.NEEDED, optional=importing.OPTIONAL,
        status=422 if form.errors else 200,
    )  # fmt: skip


def _lacking(listed: Sequence[Entry]) -> list[str]:
    """Return whose addresses the XML form of the list would be without."""
    lacking = [
        gettext("the address of %(name)s") % {"name": name}
        for name in dict.fromkeys(str(each.provider) for each in listed if each.contact is None)
    ]
    if not settings.NODE.signing.publisher:
        lacking.append(gettext("this side's own address: the operator sets `signing.publisher` in node.toml"))
    return lacking


def _submit(request: HttpRequest, by: str) -> HttpResponse:
    form = SubmitForm(request.POST)
    if form.is_valid():
        drafts.submit(by=by, days=form.cleaned_data["days"], version=_version(request))
        return _done(request, gettext("The draft waits for a second officer."))
    messages.error(request, " ".join(str(each) for each in form.errors["days"]))
    return HttpResponseRedirect(reverse("signing:draft"))


def _tried(form: EntryForm | StatusForm, change: Callable[[], None], field: str) -> bool:
    try:
        change()
    except BadEntry as error:
        form.add_error(
            error.field if error.field.startswith("contact_") else field, labels.fault_words(error.problem)
        )
    except IllFormedEntry as error:
        form.refuse(error, field)
    except KouanError as error:
        form.refuse(error)
    else:
        return True
    return False


def _draft() -> ListDraft:
    draft = queries.draft()
    if draft is None:
        raise NoDraft
    return draft


def _found(code: str) -> tuple[ListDraft, Entry]:
    draft = _draft()
    found = next((each for each in drafts.entries_of(draft) if each.code == code), None)
    if found is None:
        raise UnknownEntry(entry=code[:40])
    return draft, found


def _version(request: HttpRequest) -> int | None:
    """Return the draft's version as the form was made with it: what changed meanwhile is not overwritten."""
    said = request.POST.get("version", "")
    return int(said) if said.isdecimal() and len(said) <= 9 else None  # noqa: PLR2004 - a small number


def _done(request: HttpRequest, text: str) -> HttpResponse:
    messages.success(request, text)
    return HttpResponseRedirect(reverse("signing:draft"))
