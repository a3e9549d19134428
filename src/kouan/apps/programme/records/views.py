"""The pages of officers who keep the records (role ``programme``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kouan.apps.programme import errors
from kouan.apps.programme.domain import Act, State
from kouan.apps.programme.models import Claim
from kouan.apps.programme.pages import page
from kouan.apps.programme.records import deciding, importing, labels, queries, rereading, showing
from kouan.apps.programme.records.forms import JudgeForm, RecordForm
from kouan.apps.programme.records.reading.files import MOST_BYTES
from kouan.apps.programme.records.rules import rules_now
from kouan.core.errors import KouanError
from kouan.web.access import require_role
from kouan.web.uploads import taking_file

if TYPE_CHECKING:
    import uuid

    from django.http import HttpRequest, HttpResponse

_form = require_http_methods(["GET", "HEAD", "POST"])
_ON_A_PAGE = 50


@_form
@taking_file(MOST_BYTES, lambda: errors.RecordNotArrived(limit=MOST_BYTES >> 20))
@require_role("programme")
def listed(request: HttpRequest) -> HttpResponse:
    """List the records, and read another one in."""
    form = RecordForm(request.POST or None, request.FILES or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            upload = form.cleaned_data["file"]
            try:
                done = importing.import_file(
                    name=upload.name, data=upload.read(MOST_BYTES + 1), by=officer(request)
                )
            except KouanError as error:
                form.refuse(error, "file")
                status = error.status
            else:
                text = gettext("This record is here already; nothing is changed.")
                if not done.again:
                    text = ngettext(
                        "%(count)s value was read and waits for you.",
                        "%(count)s values were read and wait for you.",
                        done.claims,
                    ) % {"count": done.claims}
                messages.success(request, text)
                return HttpResponseRedirect(reverse("programme:record", args=[done.record.key]))
    found = Paginator(queries.records(), _ON_A_PAGE).get_page(request.GET.get("page"))
    odd = [
        (name, labels.ODDITIES[each.code] % {"numbers": ", ".join(map(str, each.numbers))})
        for name, each in queries.odd()
    ]
    conflicts = [
        (
            showing.title_of(row.group, row.group_name, row.number),
            [(each, showing.main_of(each)) for each in queries.disputed(row)],
        )
        for row in queries.conflicts()
    ]
    return page(
        request,
        "records/list",
        form=form,
        found=found,
        odd=odd,
        conflicts=conflicts,
        words=labels,
        status=status,
        outdated=len(rereading.outdated()),
    )


@require_safe
@require_role("programme")
def record(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Show a record beside what was read in it."""
    row = queries.record(key)
    parts = showing.parts_of(row)
    claims = [each.claim for part in parts for each in part.rows]
    waiting = sum(each.state == State.PROPOSED and each.counts for each in claims)
    gone = sum(each.state == State.PROPOSED and each.reread == Claim.Reread.GONE for each in claims)
    warnings = [
        labels.WARNINGS[each["code"]] % each for each in row.warnings if each["code"] in labels.WARNINGS
    ]
    return page(
        request, "records/record", row=row, parts=parts, lines=showing.lines_of(row, claims), waiting=waiting,
        warnings=warnings, words=labels, gone=gone, outdated=row.rules != rules_now(),
    )  # fmt: skip


@_form
@require_role("programme")
def claim(request: HttpRequest, key: uuid.UUID, claim: uuid.UUID) -> HttpResponse:
    """Confirm, correct or reject one value, beside its sentence."""
    row = queries.record(key)
    value = Claim.objects.select_related("meeting").filter(record=row, key=claim).first()
    if value is None:
        raise errors.UnknownClaim
    form = JudgeForm(request.POST or None, claim=value)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                deciding.judge(
                    claim=value.key, act=Act(form.cleaned_data["act"]), by=officer(request),
                    seen=State(form.cleaned_data["seen"]), value=form.cleaned_data["value"],
                    office=form.cleaned_data.get("office"), reason=form.cleaned_data["reason"],
                )  # fmt: skip
            except KouanError as error:
                form.refuse(error, "value" if isinstance(error, errors.BadCorrection) else "act")
                status = error.status
            else:
                messages.success(request, gettext("Your decision is kept."))
                return HttpResponseRedirect(reverse("programme:record", args=[key]) + f"#v{value.pk}")
    same = (
        Claim.objects.select_related("record")
        .filter(meeting=value.meeting, field=value.field)
        .exclude(pk=value.pk)
        if value.meeting and value.field in value.meeting.conflicts
        else Claim.objects.none()
    )
    return page(
        request, "records/claim", row=row, claim=value, form=form, status=status, words=labels,
        main=showing.main_of(value), more=showing.more_of(value), other=showing.other_of(value),
        others=[(each, showing.main_of(each)) for each in same],
        lines=showing.lines_of(row, [value], value), judgements=list(value.judgements.order_by("at", "id")),
    )  # fmt: skip


@require_POST
@require_role("programme")
def confirm(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Confirm every value of a record that still waits."""
    count = deciding.confirm_all(record=queries.record(key).key, by=officer(request))
    text = ngettext("%(count)s value is confirmed.", "%(count)s values are confirmed.", count)
    messages.success(request, text % {"count": count})
    return HttpResponseRedirect(reverse("programme:record", args=[key]))


def officer(request: HttpRequest) -> str:
    """Return the name of the officer who asks."""
    assert isinstance(request.user, User)  # noqa: S101 - who holds no role does not come here
    return request.user.get_username()
