"""The guided forms: a draft part by part, and at its end the signature. Nothing is sent before that."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kouan.apps.programme.plan import differing, drafting, errors, labels, lacking, negotiating, queries
from kouan.apps.programme.plan.domain import MAX_TEXT, Plan
from kouan.apps.programme.plan.forms import (
    AreaForm,
    FileForm,
    ItemForm,
    MeasureForm,
    MilestoneForm,
    Step,
    TermForm,
    shown,
)
from kouan.apps.programme.plan.uploads import taking_a_file
from kouan.apps.programme.plan.views.shared import asked, download, edition_of, officer_of, page
from kouan.core.errors import KouanError
from kouan.web.access import require_role

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from kouan.apps.programme.models import Draft

_form = require_http_methods(["GET", "HEAD", "POST"])
Kind = Literal["milestones", "measures", "points", "actions"]
"""Which of a draft's lists a part is in."""
_PREFIX: Final = {"milestones": "step", "measures": "measure", "points": "point", "actions": "action"}


@require_safe
@require_role("programme")
def draft(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Show a draft: its parts, what is missing, and what differs from what it answers or replaces."""
    row = drafting.find(key)
    problems = drafting.problems(row)
    base = negotiating.in_effect(row.subject)
    standing = [queries.shown(each) for each in row.subject.versions.filter(state="proposed")]
    answered = next((each for each in standing if not each.ours), None)
    changes: list[differing.Difference] = []
    countered: list[differing.Difference] = []
    if not problems:
        text = negotiating.final(row)
        changes = [] if base is None else differing.differences(negotiating.text_of(base), text)
        countered = [] if answered is None else differing.differences(answered.text, text)
    return page(
        request,
        "draft" if row.subject.kind == Plan.kind else "draft-minutes",
        draft=row,
        content=row.content,
        problems=[lacking.in_words(each, row.content) for each in problems],
        changes=changes,
        compared=base is not None,
        countered=countered,
        answered=answered,
        replaced=next((each for each in standing if each.ours), None),
        sides=sides_of(row),
    )


@_form
@require_role("programme")
def term(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    """Ask from when until when the plan is."""
    row = drafting.find(key)
    form = TermForm(request.POST if request.method == "POST" else None, initial=row.content)

    def put(content: dict[str, Any]) -> None:
        content["first_day"] = form.cleaned_data["first_day"].isoformat()
        content["last_day"] = form.cleaned_data["last_day"].isoformat()

    return changed(request, row, form, put, title=gettext("From when until when?"))


@_form
@require_role("programme")
def area(request: HttpRequest, key: uuid.UUID, area: str = "") -> HttpResponseBase:
    """Ask an area's title; without an area, of a new one."""
    row = drafting.find(key)
    found = drafting.area_of(row.content, area) if area else None
    initial = {} if found is None else shown("title", found["title"])
    form = AreaForm(request.POST if request.method == "POST" else None, initial=initial)

    def put(content: dict[str, Any]) -> None:
        if area:
            drafting.area_of(content, area)["title"] = form.words("title")
        else:
            content["areas"].append(
                {"id": drafting.new_id("area"), "title": form.words("title"), "items": []}
            )

    return changed(request, row, form, put, title=gettext("Area"))


@_form
@require_role("programme")
def item(request: HttpRequest, key: uuid.UUID, area: str = "", item: str = "") -> HttpResponseBase:
    """Ask an item: title, deliverable, and who answers for it; without an item, of a new one in an area."""
    row = drafting.find(key)
    sides = sides_of(row)
    initial: dict[str, str] = {}
    if item:
        found = drafting.item_of(row.content, item)
        initial = shown("title", found["title"]) | shown("deliverable", found["deliverable"])
        for owner in found["owners"]:
            initial |= shown(f"department_{owner['side']}", owner["department"])
    else:
        drafting.area_of(row.content, area)
    form = ItemForm(request.POST if request.method == "POST" else None, initial=initial, sides=sides)

    def put(content: dict[str, Any]) -> None:
        said = {
            "title": form.words("title"),
            "deliverable": form.words("deliverable"),
            "owners": [{"side": side, "department": form.words(f"department_{side}")} for side in sides],
        }
        if item:
            drafting.item_of(content, item).update(said)
        else:
            drafting.area_of(content, area)["items"].append(
                {"id": drafting.new_id("item"), "milestones": [], "measures": [], **said}
            )

    return changed(request, row, form, put, title=gettext("Item"))


@_form
@require_role("programme")
def milestone(request: HttpRequest, key: uuid.UUID, item: str, part: str = "") -> HttpResponseBase:
    """Ask a milestone of an item."""
    row = drafting.find(key)
    found = _part(row.content, item, "milestones", part)
    initial = {} if found is None else {"due": found["due"], **shown("title", found["title"])}
    form = MilestoneForm(request.POST if request.method == "POST" else None, initial=initial)

    def said() -> dict[str, Any]:
        return {"title": form.words("title"), "due": form.cleaned_data["due"].isoformat()}

    return changed(request, row, form, putting(item, "milestones", part, said), title=gettext("Milestone"))


@_form
@require_role("programme")
def measure(request: HttpRequest, key: uuid.UUID, item: str, part: str = "") -> HttpResponseBase:
    """Ask a measure of an item."""
    row = drafting.find(key)
    sides = sides_of(row)
    found = _part(row.content, item, "measures", part)
    initial: dict[str, Any] = {"baseline": "0", "reported_by": sides, "combined": "sum"}
    if found is not None:
        initial = {**found, **shown("title", found["title"]), **shown("unit", found["unit"])}
    form = MeasureForm(request.POST if request.method == "POST" else None, initial=initial, sides=sides)

    def said() -> dict[str, Any]:
        plain = {key: form.cleaned_data[key] for key in ("baseline", "target", "combined", "feed")}
        return {
            "title": form.words("title"),
            "unit": form.words("unit"),
            "reported_by": sorted(form.cleaned_data["reported_by"]),
            **plain,
        }

    return changed(request, row, form, putting(item, "measures", part, said), title=gettext("Measure"))


@require_POST
@require_role("programme")
def remove(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    """Remove an area, an item, or a part of one."""
    row = drafting.find(key)
    gone = request.POST.get("part", "")

    def take_out(content: dict[str, Any]) -> None:
        lists = [content.get(kind, []) for kind in ("areas", "points", "actions")]
        for each in content.get("areas", []):
            lists.append(each["items"])
            for one in each["items"]:
                lists += [one["milestones"], one["measures"]]
        for parts in lists:
            parts[:] = [each for each in parts if each["id"] != gone]

    drafting.change(
        subject=row.subject, edition=edition_of(request), officer=officer_of(request), by=take_out
    )
    messages.success(request, gettext("Removed from the draft."))
    return _to(row)


# The whole


@taking_a_file
@_form
@require_role("programme")
def file(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    """Take a whole text in the draft's place, from a file."""
    row = drafting.find(key)
    form = FileForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["file"]
        try:
            data = given.read(MAX_TEXT * 2) if given else b""
            value = json.loads(data)
        except (ValueError, RecursionError):
            form.refuse(errors.IllFormedText(detail="JSON"), "file")
        else:
            try:
                drafting.read_in(
                    subject=row.subject, edition=edition_of(request), officer=officer_of(request), value=value
                )
            except KouanError as error:
                form.refuse(error, "file")
            else:
                messages.success(request, gettext("The file's text is the draft now."))
                return _to(row)
    return _ask(request, row, form, title=gettext("Take a text from a file"))


@require_safe
@require_role("programme")
def draft_json(_request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Hand out a draft's text as a file."""
    data = json.dumps(drafting.find(key).content, ensure_ascii=False, indent=2).encode()
    return download(data, name="draft.json", content_type="application/json")


@_form
@require_role("programme")
def sign(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    """Ask, then sign the draft and put it before the other side."""
    row = drafting.find(key)
    problem: KouanError | None = None
    try:
        text = negotiating.final(row)
    except KouanError:
        return _to(row)
    if request.method == "POST":
        try:
            done = negotiating.propose(
                subject=row.subject, edition=edition_of(request), officer=officer_of(request)
            )
        except KouanError as error:
            problem = error
        else:
            messages.success(request, gettext("Signed, and put before the other side."))
            return HttpResponseRedirect(reverse("programme:plan-version", args=[bytes(done.digest).hex()]))
    return page(
        request,
        "sign",
        shown=None,
        name=text.name if isinstance(text, Plan) else str(text.title),
        signer=officer_of(request),
        problem=problem,
        edition=row.edition,
        digest=text.digest().hex(),
        back=reverse("programme:plan-draft", args=[key]),
        status=200 if problem is None else problem.status,
    )


@require_POST
@require_role("programme")
def throw_away(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    """Throw a draft away."""
    drafting.throw_away(subject=drafting.find(key).subject, edition=edition_of(request))
    messages.success(request, gettext("The draft is gone."))
    return HttpResponseRedirect(reverse("programme:plan-office"))


def changed(
    request: HttpRequest, row: Draft, form: Step, put: Callable[[dict[str, Any]], None], *, title: str
) -> HttpResponseBase:
    """Put an answer into the draft, or ask for it."""
    if request.method == "POST" and form.is_valid():
        try:
            drafting.change(
                subject=row.subject, edition=edition_of(request), officer=officer_of(request), by=put
            )
        except KouanError as error:
            form.refuse(error)
        else:
            return _to(row)
    return _ask(request, row, form, title=title)


def _ask(request: HttpRequest, row: Draft, form: Step, *, title: str) -> HttpResponse:
    # What was answered wrongly is asked again for the edition that the officer had read.
    edition = edition_of(request) if request.method == "POST" and not form.non_field_errors() else row.edition
    return asked(
        request,
        form,
        title=title,
        caption=_caption(row),
        button=gettext("Put into the draft"),
        back=reverse("programme:plan-draft", args=[row.subject.key]),
        edition=edition,
    )


def _caption(row: Draft) -> str:
    if row.subject.kind == Plan.kind:
        return gettext("Draft of the plan %(year)s") % {"year": row.content["year"]}
    return gettext("Draft of the minutes: %(meeting)s") % {"meeting": labels.words(row.content["title"])}


def _part(content: dict[str, Any], item: str, kind: Kind, part: str) -> dict[str, Any] | None:
    found = drafting.item_of(content, item)
    return drafting.part_of(found, kind, part) if part else None


def putting(
    item: str, kind: Kind, part: str, said: Callable[[], dict[str, Any]]
) -> Callable[[dict[str, Any]], None]:
    """Return what puts an answer in the place of a part, or adds it."""

    def put(content: dict[str, Any]) -> None:
        holder = drafting.item_of(content, item) if item else content
        if part:
            drafting.part_of(holder, kind, part).update(said())
        else:
            holder[kind].append({"id": drafting.new_id(_PREFIX[kind]), **said()})

    return put


def sides_of(row: Draft) -> list[str]:
    """Return the two sides of a draft, in their order."""
    return sorted([settings.NODE.side, row.subject.peer])


def _to(row: Draft) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("programme:plan-draft", args=[row.subject.key]))
