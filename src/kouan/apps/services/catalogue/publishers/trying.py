"""Trying the form of a version before it is published: filled in and checked, and nothing is kept or sent."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods

from kouan.apps.services.applying import fields, uploads
from kouan.apps.services.applying.fields import Filled
from kouan.apps.services.catalogue.publishers.views import version_of
from kouan.apps.services.catalogue.queries import definition_in
from kouan.apps.services.catalogue.views import page
from kouan.apps.services.definition.faults import MEDIA
from kouan.apps.services.definition.form import clean, in_words, wrong
from kouan.apps.services.definition.shapes import Kind
from kouan.core.errors import KouanError
from kouan.web.access import require_role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest, HttpResponse

    from kouan.apps.services.applying.fields import Node
    from kouan.apps.services.definition.shapes import Form


@require_http_methods(["GET", "HEAD", "POST"])
@uploads.taking_files
@require_role("publisher")
def try_form(request: HttpRequest, service: str, version: int) -> HttpResponse:
    """Show all questions on one page; when they are checked, say what an applicant would be told."""
    row = version_of(request, service, version)
    definition = definition_in(row)
    form = definition.form
    answers, errors = _read(request, form) if request.method == "POST" else ({}, {})
    growing = request.POST.get("add") or request.POST.get("remove")
    if request.method == "POST" and not growing:
        found = wrong(form, clean(form, answers))
        errors = {each.path: each.message for each in found} | errors
    filled = Filled(answers, errors, request.POST if errors else None)
    nodes = [fields.node_of(form, name, filled) for name in fields.page_names(form, answers)]
    good = request.method == "POST" and not growing and not errors
    return page(
        request,
        "try",
        row=row,
        definition=definition,
        nodes=nodes,
        found=errors,
        dates={path for node in nodes for path in _dates(node)},
        good=good,
        passages=in_words(form, clean(form, answers), get_language() or "en") if good else [],
        status=422 if errors else 200,
    )


def _read(request: HttpRequest, form: Form) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the answers that were posted, those that others raise too, and what is wrong with files."""
    answers: dict[str, Any] = {}
    errors: dict[str, str] = {}

    def attach(path: str, question: Form) -> str | None:
        file = request.FILES.get(path)
        if file is None:
            return None
        try:
            _name, _kind, data = uploads.taken(file, question.get("x-media", MEDIA))
        except KouanError as error:
            errors[path] = str(error)
            return None
        return hashlib.sha256(data).hexdigest()

    while new := [name for name in fields.page_names(form, answers) if name not in answers]:
        for name in new:
            value = fields.read(form, name, request.POST, before=None, attach=attach)
            answers[name] = _grown(request, name, value)
    return answers, errors


def _grown(request: HttpRequest, name: str, value: Any) -> Any:
    """Return an answer with an item more or less, where a button says so."""
    for button, change in (("add", fields.added), ("remove", fields.removed)):
        path = request.POST.get(button, "")
        if path.split(".")[0] == name:
            return change(value, path.split(".")[1:])
    return value


def _dates(node: Node) -> Iterator[str]:
    """Yield the paths of dates: an error there leads to the first of three boxes."""
    if node.kind is Kind.DATE:
        yield node.path
    for child in node.children:
        yield from _dates(child)
