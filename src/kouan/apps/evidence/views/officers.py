"""The pages of officers who keep their department's records (role ``evidence``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from kouan.apps.evidence import queries, records, tables
from kouan.apps.evidence.domain import NEXT, Change, State
from kouan.apps.evidence.errors import FileNotRead, IllFormedRecord
from kouan.apps.evidence.forms import FileForm, FindForm, ReasonForm, record_form
from kouan.apps.evidence.kinds import catalogue
from kouan.apps.evidence.views.pages import departments_in, page
from kouan.core.errors import KouanError
from kouan.web.access import require_role
from kouan.web.uploads import taking_file

if TYPE_CHECKING:
    import uuid

_form = require_http_methods(["GET", "HEAD", "POST"])
_ACTIONS: Final = {"suspend": Change.SUSPENDED, "resume": Change.RESUMED, "revoke": Change.REVOKED}


@require_safe
@require_role("evidence")
def listed(request: HttpRequest) -> HttpResponse:
    """List the records of an officer's departments, found by reference and type."""
    own = departments_in(request)
    types = queries.types_for(own)
    form = FindForm(types, request.GET)
    form.is_valid()
    asked = form.cleaned_data
    found = queries.records(
        own,
        reference=asked.get("reference") or "",
        type_=asked.get("type") or "",
        page=request.GET.get("page", ""),
    )
    query = request.GET.copy()
    query.pop("page", None)
    return page(
        request,
        "records",
        form=form,
        found=found,
        query=query.urlencode(),
        types=types,
        titles={each.code: each.title for each in catalogue().types.values()},
    )


@_form
@require_role("evidence")
def new(request: HttpRequest, code: str) -> HttpResponse:
    """Put a record of one type in, or replace it."""
    own = departments_in(request)
    type_ = next((each for each in queries.types_for(own) if each.code == code), None)
    if type_ is None:
        return HttpResponseRedirect(reverse("evidence:records"))
    form = record_form(type_, request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return page(request, "record_new", form=form, type=type_)
    if form.is_valid():
        try:
            row = records.put(entry=form.entry(), by=_officer(request), departments=own)
        except KouanError as error:
            form.refuse(error, form.field_of(error) if isinstance(error, IllFormedRecord) else None)
        else:
            messages.success(request, gettext("The record is kept."))
            return HttpResponseRedirect(reverse("evidence:record", args=[row.key]))
    return page(request, "record_new", form=form, type=type_, status=422)


@_form
@taking_file(tables.MOST_BYTES, lambda: FileNotRead(limit=tables.MOST_BYTES >> 20))
@require_role("evidence")
def file(request: HttpRequest) -> HttpResponse:
    """Take a file of records."""
    own = departments_in(request)
    form = FileForm(request.POST or None, request.FILES or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            upload = form.cleaned_data["file"]
            try:
                data = upload.read(tables.MOST_BYTES + 1)
                count = tables.take(data, by=_officer(request), departments=own)
            except KouanError as error:
                form.refuse(error, "file")
                status = error.status
            else:
                text = ngettext("%(count)s record is kept.", "%(count)s records are kept.", count)
                messages.success(request, text % {"count": count})
                return HttpResponseRedirect(reverse("evidence:records"))
    return page(
        request, "file", form=form, types=queries.types_for(own), columns=tables.COLUMNS,
        last=tables.LAST_DAY, status=status,
    )  # fmt: skip


@require_safe
@require_role("evidence")
def record(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Show a record, what was done to it, and what was issued from it."""
    return page(request, "record", **_shown(request, key))


@_form
@require_role("evidence")
def change(request: HttpRequest, key: uuid.UUID, action: str) -> HttpResponse:
    """Ask why, then suspend, resume or revoke a record."""
    own = departments_in(request)
    row = queries.record(own, key)
    wanted = _ACTIONS[action]
    form = ReasonForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                records.change(
                    record=row,
                    change=wanted,
                    by=_officer(request),
                    reason=form.cleaned_data["reason"],
                    departments=own,
                )
            except KouanError as error:
                form.refuse(error)
                status = error.status
            else:
                messages.success(request, gettext("The record is changed. The other sides are told at once."))
                return HttpResponseRedirect(reverse("evidence:record", args=[key]))
    return page(request, "change", form=form, action=action, status=status, **_shown(request, key))


def _shown(request: HttpRequest, key: uuid.UUID) -> dict[str, Any]:
    row = queries.record(departments_in(request), key)
    type_ = catalogue().types.get(row.type)
    said = records.claims_of(row)
    names = {} if type_ is None else {each.name: str(each.title) for each in type_.claims}
    return {
        "row": row,
        "type": type_,
        "claims": [(names.get(name, name), value) for name, value in said.items()],
        "changes": list(row.changes.order_by("at", "id")),
        "issued": queries.issued(row),
        "actions": [name for name, each in _ACTIONS.items() if each in NEXT[State(row.state)]],
    }


def _officer(request: HttpRequest) -> str:
    assert isinstance(request.user, User)  # noqa: S101 - who holds no role does not come here
    return request.user.get_username()
