"""The pages of files of many rows: send one, see how far it is, read what is wrong with it."""

from __future__ import annotations

import csv
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from django.core.paginator import Paginator
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from kouan.apps.validation import queries, uploads
from kouan.apps.validation.bulk import progress
from kouan.apps.validation.bulk.rows import COLUMNS
from kouan.apps.validation.bulk.starting import start
from kouan.apps.validation.domain import JobKind
from kouan.apps.validation.forms import BulkForm
from kouan.apps.validation.labels import JOB_KINDS, JOB_STATES
from kouan.apps.validation.sizes import MAX_BULK
from kouan.core.errors import KouanError
from kouan.web.access import require_role

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterator

    from django.contrib.auth.models import User

    from kouan.apps.validation.bulk.progress import Problem

STOP_POLLING = 286
"""The status by which htmx stops asking again."""
_WORDS = {
    "kinds": JOB_KINDS,
    "states": JOB_STATES,
    "columns": {kind.value: ", ".join(names) for kind, names in COLUMNS.items()},
}


@require_http_methods(["GET", "HEAD", "POST"])
@require_role("issuer")
@uploads.taking_large_files
def files(request: HttpRequest) -> HttpResponseBase:
    """Take a file of many rows, and go on to the page that shows how far it is."""
    institutions = queries.institutions_of(request.user)
    if request.method != "POST":
        return _shown(request, BulkForm(institutions=institutions))
    form = BulkForm(request.POST, request.FILES, institutions=institutions)
    try:
        file = uploads.taken_file(request.FILES, "file", limit=MAX_BULK)
        if not form.is_valid():
            return _shown(request, form, HTTPStatus.UNPROCESSABLE_ENTITY)
        chosen = form.cleaned_data.get("institution")
        made = start(
            institution=next((item for item in institutions if item.code == chosen), institutions[0]),
            kind=JobKind(form.cleaned_data["kind"]),
            pieces=file.chunks(),
            take_good="good" in form.cleaned_data["options"],
            by=cast("User", request.user),
        )
    except KouanError as error:
        form.is_valid()
        form.errors.pop("file", None)
        form.refuse(error, "file")
        return _shown(request, form, error.status)
    return HttpResponseRedirect(reverse("validation:job", args=[made.key]), status=HTTPStatus.SEE_OTHER)


def _shown(request: HttpRequest, form: BulkForm, status: int = 200) -> HttpResponse:
    found = progress.jobs(of=queries.institutions_of(request.user))
    return render(request, "validation/bulk.html", {"form": form, "jobs": found, **_WORDS}, status=status)


@require_safe
@require_role("issuer")
def job(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Show how far a file is and, once it has ended, what came of it."""
    found = progress.job(key, of=queries.institutions_of(request.user))
    page = Paginator(progress.problem_rows(key), progress.PAGE).get_page(request.GET.get("page"))
    problems = [progress.in_words(row) for row in page]
    context = {"job": found, "page": page, "problems": problems, **_WORDS}
    part = request.headers.get("HX-Request") == "true"
    status = STOP_POLLING if part and not found.open else HTTPStatus.OK
    template = "validation/job_part.html" if part else "validation/job.html"
    response = render(request, template, context, status=status)
    add_never_cache_headers(response)
    response.headers["Vary"] = "HX-Request"
    return response


@require_safe
@require_role("issuer")
def problems(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    """Hand out what is wrong with a file as CSV, in the reader's language."""
    progress.job(key, of=queries.institutions_of(request.user))
    head = [gettext("Line"), gettext("Column"), gettext("What to do")]
    found = [progress.in_words(row) for row in progress.problem_rows(key)]
    return StreamingHttpResponse(
        _lines(head, found),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": 'attachment; filename="problems.csv"',
            "Cache-Control": "no-store",
        },
    )


class _Echo:
    """A file whose ``write`` returns what it is given."""

    def write(self, text: str) -> str:
        return text


def _lines(head: list[str], found: list[Problem]) -> Iterator[bytes]:
    """Yield lines of CSV, with the mark by which Excel knows UTF-8."""
    writer = csv.writer(_Echo())
    yield b"\xef\xbb\xbf"
    yield str(writer.writerow(head)).encode()
    for one in found:
        yield str(writer.writerow([one.line, one.column, one.text])).encode()
