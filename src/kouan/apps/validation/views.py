"""The public pages: asking about a file, and how it ended. Nobody has to sign in."""

from __future__ import annotations

import contextlib
import math
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Final
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_http_methods, require_safe

from kouan.apps.validation import queries, services, shown, uploads, waiting
from kouan.apps.validation.errors import DifferentReference, NoMark, NoSignatureApart, NotAReference
from kouan.apps.validation.forms import ValidateForm
from kouan.apps.validation.labels import DOCUMENT_TYPES, OUTCOME_MEANINGS, OUTCOMES
from kouan.apps.validation.limits import take_one
from kouan.core.errors import KouanError
from kouan.core.sides import side_name
from kouan.web import papers, signatures
from kouan.web.throttle import TooManyTriesError

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable

_FIELDS: Final[dict[type[KouanError], str]] = {
    NotAReference: "reference", DifferentReference: "reference", NoSignatureApart: "signature",
}  # fmt: skip
"""Which field a refusal is about, where it is not the file."""
STOP_POLLING = 286
"""The status by which htmx stops asking again."""


@require_http_methods(["GET", "HEAD", "POST"])
@uploads.taking_signed_files
def start(request: HttpRequest) -> HttpResponseBase:
    """Ask for a file and put its question; then go on to the page that shows the answer."""
    if request.method != "POST":
        return render(request, "validation/start.html", {"form": ValidateForm(), "signatures": []})
    take_one(request)
    form = ValidateForm(request.POST)
    form.is_valid()
    examined: list[signatures.Examined] = []
    try:
        file = uploads.opened(uploads.taken_file(request.FILES, "file"))
        if (shown_itself := papers.answer(request, file)) is not None:
            return shown_itself
        examined = _examined(request, file)
        typed = request.POST.get("reference", "")
        try:
            validation = services.validate_file(source=file, typed=typed)
        except NoMark:
            if not examined:
                raise
            first, *others = examined
            address = first.address + _query("document", others)
            return HttpResponseRedirect(address, status=HTTPStatus.SEE_OTHER)
    except TooManyTriesError:
        raise
    except KouanError as error:
        return _again(request, error, examined)
    waiting.wait_for_answer(validation.pk)
    address = reverse("validation:result", args=[validation.pk]) + _query("signatures", examined)
    return HttpResponseRedirect(address, status=HTTPStatus.SEE_OTHER)


def _examined(request: HttpRequest, file: IO[bytes]) -> list[signatures.Examined]:
    """Return what the signature apart from the file comes to, if there is one, and those in the file.

    Raises ``NoSignatureApart``.
    """
    found = []
    apart = request.FILES.get("signature")
    if apart is not None:
        beside = signatures.examine(uploads.opened(uploads.checked(apart)), file)
        if beside is None:
            raise NoSignatureApart
        found.append(beside)
    within = signatures.examine(file)
    return found if within is None else [*found, within]


def _query(field: str, examined: Iterable[signatures.Examined]) -> str:
    """Return the query that names reports, empty for none."""
    named = urlencode([(field, each.key) for each in examined])
    return f"?{named}" if named else ""


def _again(request: HttpRequest, error: KouanError, examined: list[signatures.Examined]) -> HttpResponse:
    """Ask once more, and say why; what the signatures come to is said as well, by the report that is kept."""
    form = ValidateForm({"reference": request.POST.get("reference", "")}, request.FILES)
    form.full_clean()
    form.errors.clear()
    form.refuse(error, _FIELDS.get(type(error), "file"))
    context = {"form": form, "error": error, "signatures": examined}
    response = render(request, "validation/start.html", context, status=error.status)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(math.ceil(error.retry_after))
    return response


@require_safe
def result(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Show how far a question is and, once it is here, the answer. The page is nobody's to cache."""
    item = queries.validation(key)
    progress = queries.progress(item)
    context = {
        "item": item,
        "progress": progress,
        "crossed": progress.crossed,
        "failure": shown.failure(progress.failure, side=side_name(item.issuing_side)),
        "answer": queries.answer_of(item),
        "outcomes": OUTCOMES,
        "meanings": OUTCOME_MEANINGS,
        "types": DOCUMENT_TYPES,
        "steps": [] if item.local else shown.steps(item, progress),
        "messages_crossed": shown.crossed_messages(item),
        "issuing_side": side_name(item.issuing_side),
        "signatures": _signatures(request.GET.getlist("signatures")),
    }
    part = request.headers.get("HX-Request") == "true"
    status = STOP_POLLING if part and not progress.open else HTTPStatus.OK
    template = "validation/result_part.html" if part else "validation/result.html"
    response = render(request, template, context, status=status)
    add_never_cache_headers(response)
    response.headers["Vary"] = "HX-Request"
    return response


def _signatures(keys: list[str]) -> list[signatures.Examined]:
    """Return what the signatures of the document came to, whose reports are still here."""
    found = []
    for each in keys[:2]:
        with contextlib.suppress(ValueError):
            found.append(signatures.find(UUID(each)))
    return [each for each in found if each is not None]


@require_safe
def evidence(_request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Hand out the evidence bundle of the question and its answer."""
    item = queries.validation(key)
    return HttpResponse(
        waiting.evidence(item),
        content_type="application/vnd.kouan.evidence",
        headers={
            "Content-Disposition": 'attachment; filename="evidence.bundle"',
            "Cache-Control": "no-store",
        },
    )
