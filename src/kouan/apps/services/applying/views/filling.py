"""Filling in: a page of the form at a time."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_http_methods

from kouan.apps.services.applying import correcting, drafts, errors, fields, prefilling, sending, uploads
from kouan.apps.services.applying.fields import Filled
from kouan.apps.services.applying.views.pages import own, page
from kouan.apps.services.catalogue.errors import ServiceWithdrawn
from kouan.apps.services.definition.answers import files as files_in
from kouan.apps.services.definition.faults import MEDIA
from kouan.apps.services.definition.form import clean, in_words, wrong
from kouan.apps.services.definition.shapes import Kind, Passage
from kouan.apps.services.domain import State
from kouan.core.errors import KouanError
from kouan.web.persons import identities

if TYPE_CHECKING:
    import uuid

    from kouan.apps.services.applying.drafts import Draft
    from kouan.apps.services.definition.shapes import Form
    from kouan.apps.services.models import Application
    from kouan.web.persons import Person

_form = require_http_methods(["GET", "HEAD", "POST"])


class _Attaching:
    """Takes the files of one posted page; keeps them in the transaction that keeps the answers."""

    def __init__(self, request: HttpRequest) -> None:
        self._files = request.FILES
        self.errors: dict[str, str] = {}
        self._taken: list[tuple[str, str, str, bytes]] = []

    def take(self, path: str, question: Form) -> str | None:
        """Return the digest of the file that came for a path, if one did and is of the right kind."""
        file = self._files.get(path)
        if file is None:
            return None
        try:
            name, kind, data = uploads.taken(file, question.get("x-media", MEDIA))
        except KouanError as error:
            self.errors[path] = str(error)
            return None
        self._taken.append((f"answers.{path}", name, kind, data))
        return hashlib.sha256(data).hexdigest()

    def keep(self, row: Application) -> None:
        """Seal what was taken."""
        for place, name, kind, data in self._taken:
            uploads.keep(row, place=place, name=name, media_type=kind, data=data)


@_form
@uploads.taking_files
def answer(request: HttpRequest, key: uuid.UUID, name: str) -> HttpResponseBase:
    """Show one page of the form, and take it."""
    return _answer(request, key, name)


@own
def _answer(request: HttpRequest, person: Person, key: uuid.UUID, name: str) -> HttpResponse:
    draft = drafts.opened(drafts.mine(key, person))
    if not correcting.may_edit(draft, f"answers.{name}"):
        raise ServiceWithdrawn if draft.withdrawn else errors.NotEditable
    if name not in fields.page_names(draft.definition.form, draft.answers):
        return HttpResponseRedirect(reverse("services:application", args=[key]))
    if request.method != "POST":
        return _page(request, person, draft, name, draft.answers)
    attaching = _Attaching(request)
    value = fields.read(
        draft.definition.form,
        name,
        request.POST,
        before=draft.answers.get(name),
        attach=attaching.take,
    )
    answers = {**draft.answers, name: _grown(request, name, value)}
    did = request.POST.get("do", "")
    found = {
        each.path: each.message
        for each in wrong(draft.definition.form, clean(draft.definition.form, answers))
        if each.path.split(".")[0] == name
    }
    if did == "later" or request.POST.get("add") or request.POST.get("remove"):
        found = {}  # what is not finished yet is kept as it is
    found |= attaching.errors
    if found:
        return _page(request, person, draft, name, answers, errors_=found, status=422)
    return _kept(request, person, draft, name, answers, attaching)


def _grown(request: HttpRequest, name: str, value: Any) -> Any:
    """Return a page's answer with an item more or less, where a button says so."""
    for button, change in (("add", fields.added), ("remove", fields.removed)):
        path = request.POST.get(button, "")
        if path.split(".")[0] == name:
            return change(value, path.split(".")[1:])
    return value


def _kept(  # noqa: PLR0913, PLR0917 - all that a page was
    request: HttpRequest,
    person: Person,
    draft: Draft,
    name: str,
    answers: dict[str, Any],
    attaching: _Attaching,
) -> HttpResponse:
    form, key = draft.definition.form, draft.row.key
    growing = request.POST.get("add") or request.POST.get("remove")
    before = _asked(fields.node_of(form, name, Filled(draft.answers)))

    def also(row: Application) -> None:
        attaching.keep(row)
        uploads.prune(row, files_in(form, answers))

    try:
        saved = drafts.change(
            key=key, person=person, seen=request.POST.get("seen", ""), answers=answers, also=also
        )
    except errors.Stale:
        now = drafts.opened(drafts.mine(key, person))
        return _page(request, person, now, name, now.answers, other=answers, status=409)
    except (errors.TooManyFiles, errors.TooMuchKept) as error:
        return _page(request, person, draft, name, answers, errors_={name: str(error)}, status=422)
    if growing:
        shown = {**saved.answers, name: answers[name]}
        return _page(request, person, saved, name, shown)
    if request.POST.get("do") == "later":
        messages.success(request, gettext("Saved. You can go on later, on any device."))
        return HttpResponseRedirect(reverse("services:mine"))
    names = fields.page_names(form, saved.answers)
    if name in names and _asked(fields.node_of(form, name, Filled(saved.answers))) - before:
        return _page(request, person, saved, name, saved.answers, more=True)
    return HttpResponseRedirect(_next(request, person, saved, name, names))


def _next(request: HttpRequest, person: Person, draft: Draft, name: str, names: list[str]) -> str:
    """Return where a person goes after a page: back to the check if they came from there, else on."""
    key = draft.row.key
    if State(draft.row.state) is State.CORRECTION:
        return reverse("services:correct", args=[key])
    if request.GET.get("back") == "check":
        return reverse("services:check", args=[key])
    later = names[names.index(name) + 1 :] if name in names else []
    if later:
        return reverse("services:answer", args=[key, later[0]])
    lacking = [each.place for each in sending.missing(draft, person) if each.what == "evidence"]
    if lacking:
        return reverse("services:evidence", args=[key, lacking[0]])
    return reverse("services:check", args=[key])


def _asked(node: fields.Node) -> set[str]:
    return {node.path}.union(*(_asked(child) for child in node.children))


def _page(  # noqa: PLR0913 - all that the page may show, by name
    request: HttpRequest,
    person: Person,
    draft: Draft,
    name: str,
    answers: dict[str, Any],
    *,
    errors_: dict[str, str] | None = None,
    other: dict[str, Any] | None = None,
    more: bool = False,
    status: int = 200,
) -> HttpResponse:
    form = draft.definition.form
    filled = Filled(
        answers,
        errors_ or {},
        request.POST if errors_ else None,
        {bytes(each.sha256).hex(): each for each in draft.row.files.defer("content")},
        prefilling.sources(draft.definition, drafts.holder_of(person), identities().attributes(request)),
    )
    names = fields.page_names(form, answers)
    language = get_language() or "en"
    node = fields.node_of(form, name, filled)
    return page(
        request,
        "answer",
        draft=draft,
        node=node,
        number=names.index(name) + 1,
        count=len(names),
        found=errors_ or {},
        dates=_dates(node),
        other=[] if other is None else _of_page(in_words(form, other, language), name),
        stored=[] if other is None else _of_page(in_words(form, answers, language), name),
        more=more,
        back=names[names.index(name) - 1] if names.index(name) else "",
        correcting=State(draft.row.state) is State.CORRECTION,
        status=status,
    )


def _of_page(passages: list[Passage], name: str) -> list[Passage]:
    """Return what of the answers belongs to one page."""
    mine = [
        Passage(each.title, tuple(line for line in each.lines if line.path.split(".")[0] == name))
        for each in passages
    ]
    return [each for each in mine if each.lines]


def _dates(node: fields.Node) -> set[str]:
    """Return the paths of dates: an error there leads to the first of three boxes."""
    own_ = {node.path} if node.kind is Kind.DATE else set[str]()
    return own_.union(*(_dates(child) for child in node.children))
