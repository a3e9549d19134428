"""The guided forms of minutes: when and where, who was there, what was said, what is to be done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from kouan.apps.programme.plan import drafting
from kouan.apps.programme.plan.forms import shown
from kouan.apps.programme.plan.meeting_forms import ActionForm, HeldForm, PointForm, lines_of, words_in
from kouan.apps.programme.plan.views.drafts import changed, putting, sides_of
from kouan.web.access import require_role

if TYPE_CHECKING:
    import uuid

    from django.http import HttpRequest, HttpResponseBase

_form = require_http_methods(["GET", "HEAD", "POST"])


@_form
@require_role("programme")
def held(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    """Ask when and where the meeting was held, and who was there."""
    row = drafting.find(key)
    content = row.content
    people = [[each["side"], each["name"], *words_in(each["office"])] for each in content["present"]]
    initial = {
        "held_on": content["held_on"],
        "mode": content["mode"],
        "present": lines_of(people),
        **shown("place", content["place"]),
    }
    form = HeldForm(request.POST if request.method == "POST" else None, initial=initial, sides=sides_of(row))

    def put(content: dict[str, Any]) -> None:
        content["held_on"] = form.cleaned_data["held_on"].isoformat()
        content["mode"] = form.cleaned_data["mode"]
        content["place"] = form.words("place")
        content["present"] = form.cleaned_data["present"]

    return changed(request, row, form, put, title=gettext("When and where, and who was there?"))


@_form
@require_role("programme")
def point(request: HttpRequest, key: uuid.UUID, part: str = "") -> HttpResponseBase:
    """Ask a point of the agenda, and what was said on it."""
    row = drafting.find(key)
    found = drafting.part_of(row.content, "points", part) if part else None
    initial = {} if found is None else shown("title", found["title"]) | shown("said", found["said"])
    form = PointForm(request.POST if request.method == "POST" else None, initial=initial)

    def said() -> dict[str, Any]:
        return {"title": form.words("title"), "said": form.words("said")}

    return changed(
        request, row, form, putting("", "points", part, said), title=gettext("Point of the agenda")
    )


@_form
@require_role("programme")
def action(request: HttpRequest, key: uuid.UUID, part: str = "") -> HttpResponseBase:
    """Ask an action item: what, who, until when, and how it stands."""
    row = drafting.find(key)
    found = drafting.part_of(row.content, "actions", part) if part else None
    initial: dict[str, Any] = {"state": "open"}
    if found is not None:
        initial = {
            "side": found["owner"]["side"],
            "due": found["due"],
            "state": found["state"],
            **shown("title", found["title"]),
            **shown("department", found["owner"]["department"]),
        }
    form = ActionForm(
        request.POST if request.method == "POST" else None, initial=initial, sides=sides_of(row)
    )

    def said() -> dict[str, Any]:
        return {
            "title": form.words("title"),
            "owner": {"side": form.cleaned_data["side"], "department": form.words("department")},
            "due": form.cleaned_data["due"].isoformat(),
            "state": form.cleaned_data["state"],
            "since": row.content["meeting"] if found is None else found["since"],
        }

    return changed(request, row, form, putting("", "actions", part, said), title=gettext("Action item"))
