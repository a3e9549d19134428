"""Pages for the role publisher: what their departments offer, drafts to try, versions and what changed."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kouan.apps.services.catalogue import publishing, shown
from kouan.apps.services.catalogue.differences import differences
from kouan.apps.services.catalogue.errors import NoFolder, UnknownService
from kouan.apps.services.catalogue.queries import definition_in
from kouan.apps.services.catalogue.views import page
from kouan.apps.services.definition.checks import Fault, check_source
from kouan.apps.services.definition.reading import FORM, MAX_ZIP, SERVICE, Unreadable, from_zip
from kouan.apps.services.definition.writing import source_of
from kouan.apps.services.models import ServiceVersion
from kouan.core.errors import KouanError
from kouan.web.access import departments_of, known_departments, reach_of, require_role
from kouan.web.uploads import taking_file

if TYPE_CHECKING:
    from django.contrib.messages.storage.base import Message
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from kouan.apps.services.definition.model import Definition
    from kouan.web.access import Reach

State = ServiceVersion.State
PER_PAGE = 30


@dataclass(frozen=True, slots=True)
class _Line:
    row: ServiceVersion
    definition: Definition


def _departments(request: HttpRequest) -> Reach:
    """Return the departments for which the reader publishes; ``None`` for the whole side."""
    return reach_of(request.user, "publisher")


def _own(request: HttpRequest) -> QuerySet[ServiceVersion]:
    rows = ServiceVersion.objects.filter(side=settings.NODE.side)
    held = _departments(request)
    return rows if held is None else rows.filter(department__in=held)


def _versions(request: HttpRequest, service: str) -> list[ServiceVersion]:
    rows = list(_own(request).filter(service=service).order_by("-version")[:200])
    if not rows:
        raise UnknownService(service=service[:64])
    return rows


def version_of(request: HttpRequest, service: str, version: int) -> ServiceVersion:
    """Return a version of the reader's departments; raises ``Http404`` for any other."""
    row = _own(request).filter(service=service, version=version).first()
    if row is None:
        raise Http404
    return row


def _said(request: HttpRequest) -> list[Message]:
    return list(messages.get_messages(request))


@require_safe
@require_role("publisher")
def listed(request: HttpRequest) -> HttpResponse:
    """List the services of the reader's departments: what is published, and what is a draft."""
    newest = _own(request).order_by("service", "-version")
    rows: dict[str, ServiceVersion] = {}
    drafts: set[str] = set()
    for row in newest.defer("body").iterator(chunk_size=500):
        if row.state == State.DRAFT:
            drafts.add(row.service)
        if row.service not in rows or (
            row.state == State.PUBLISHED and rows[row.service].state == State.DRAFT
        ):
            rows[row.service] = row
    at = Paginator(list(rows.values()), PER_PAGE).get_page(request.GET.get("page", "1"))
    lines = [_Line(row, definition_in(row)) for row in at.object_list]
    held = departments_of(request.user, "publisher")
    return page(
        request, "publishing", at=at, lines=lines, drafts=drafts, held=held, faults=[], said=_said(request)
    )


@require_http_methods(["POST"])
@taking_file(MAX_ZIP, NoFolder)
@require_role("publisher")
def upload(request: HttpRequest) -> HttpResponse:
    """Take a folder as the draft of its service, or say all that is wrong with it."""
    faults: list[Fault] = []
    try:
        given = request.FILES.get("folder")
        data = given.read() if given is not None else b""
        if not data:
            raise NoFolder
        source = from_zip(data)
        faults = check_source(source, departments=known_departments())
        if not faults:
            row = publishing.draft(source, by=request.user.get_username(), departments=_departments(request))
            messages.success(request, _("The draft is kept. Look through it, then publish it."))
            return HttpResponseRedirect(reverse("services:publishing-service", args=[row.service]))
    except Unreadable as error:
        faults = [Fault(error.file, error.line, error.what)]
    except KouanError as error:
        faults = [Fault("", 0, str(error))]
    held = departments_of(request.user, "publisher")
    return page(request, "faults", faults=faults, held=held, status=422)


@require_safe
@require_role("publisher")
def versions(request: HttpRequest, service: str) -> HttpResponse:
    """Show a service's versions, newest first, and what can be done."""
    rows = _versions(request, service)
    drafted = next((row for row in rows if row.state == State.DRAFT), None)
    current = next((row for row in rows if row.state == State.PUBLISHED), None)
    return page(
        request, "versions", rows=rows, definition=definition_in(rows[0]), drafted=drafted, current=current,
        said=_said(request),
    )  # fmt: skip


@require_POST
@require_role("publisher")
def publish(request: HttpRequest, service: str) -> HttpResponse:
    """Publish the draft that the page showed."""
    _versions(request, service)
    try:
        digest = bytes.fromhex(request.POST.get("digest", ""))
    except ValueError:
        digest = b""
    try:
        row = publishing.publish(
            service, by=request.user.get_username(), departments=_departments(request), digest=digest
        )
    except KouanError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Version %(version)s is published.") % {"version": row.version})
    return HttpResponseRedirect(reverse("services:publishing-service", args=[service]))


@require_http_methods(["GET", "HEAD", "POST"])
@require_role("publisher")
def withdraw(request: HttpRequest, service: str) -> HttpResponse:
    """Ask once more, then offer it no longer."""
    rows = _versions(request, service)
    if request.method != "POST":
        return page(request, "withdraw", definition=definition_in(rows[0]), service=service)
    try:
        publishing.withdraw(service, by=request.user.get_username(), departments=_departments(request))
    except KouanError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("It is withdrawn. Cases that are under way go on."))
    return HttpResponseRedirect(reverse("services:publishing-service", args=[service]))


@require_safe
@require_role("publisher")
def preview(request: HttpRequest, service: str, version: int) -> HttpResponse:
    """Show a version as the catalogue will, and the questions of its form."""
    row = version_of(request, service, version)
    return page(
        request, "service", row=row, definition=definition_in(row), entry=shown.Entry("", ()), preview=True
    )


@require_safe
@require_role("publisher")
def changes(request: HttpRequest, service: str, version: int) -> HttpResponse:
    """Show what is different from the version before."""
    row = version_of(request, service, version)
    before = _own(request).filter(service=service, version__lt=version).order_by("-version").first()
    if before is None:
        raise Http404
    found = differences(definition_in(before), definition_in(row))
    return page(request, "changes", row=row, before=before, definition=definition_in(row), found=found)


@require_safe
@require_role("publisher")
def folder(request: HttpRequest, service: str, version: int) -> HttpResponse:
    """Give a version as the folder that it is written as, to change it and upload it again."""
    source = source_of(definition_in(version_of(request, service, version)))
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in ((SERVICE, source.service), (FORM, source.form)):
            archive.writestr(f"{service}/{name}", text)
    return HttpResponse(
        output.getvalue(),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{service}.zip"', "Cache-Control": "no-store"},
    )
