"""Asking others to sign, and the page on which they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_http_methods, require_safe

from kouan.apps.services.applying import cosigning, drafts, errors, queries, sending, uploads
from kouan.apps.services.applying.views.pages import download, own, page
from kouan.apps.services.definition.form import in_words
from kouan.apps.services.models import Cosignature
from kouan.core.errors import KouanError
from kouan.core.sides.recognising import kinds
from kouan.web.persons import identities

if TYPE_CHECKING:
    import uuid

    from kouan.web.persons import Person

_form = require_http_methods(["GET", "HEAD", "POST"])


@_form
@own
def cosigners(request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Show who is asked, and ask one more."""
    draft = drafts.opened(drafts.mine(key, person))
    if draft.row.state not in drafts.OPEN or not draft.definition.cosigners.most:
        raise errors.NotEditable
    problem = None
    if request.method == "POST":
        try:
            cosigning.ask(
                key=key,
                person=person,
                name=request.POST.get("name", ""),
                document_number=request.POST.get("number", "")[:64],
                document=request.POST.get("document", "")[:32],
            )
        except KouanError as error:
            problem = error
        else:
            messages.success(
                request, gettext("Give them the link below. They sign in with their own identity.")
            )
            return HttpResponseRedirect(reverse("services:cosigners", args=[key]))
    signed, _open = sending.cosigned(draft)
    rows = draft.row.cosignatures.exclude(state=Cosignature.State.REPLACED).order_by("pk")
    return page(
        request,
        "cosigners",
        draft=draft,
        mine=queries.Mine(draft.row, draft.definition),
        rows=[(row, row in signed, _link(row)) for row in rows],
        room=rows.exclude(state=Cosignature.State.DECLINED).count() < draft.definition.cosigners.most,
        kinds=kinds(settings.NODE.side),
        problem=problem,
        posted=request.POST if problem else None,
        status=problem.status if problem else 200,
    )


def _link(row: Cosignature) -> str:
    return settings.NODE.portal_origin + reverse("services:cosign", args=[row.key])


@require_http_methods(["POST"])
@own
def take_back(request: HttpRequest, person: Person, key: uuid.UUID, cosigner: uuid.UUID) -> HttpResponse:
    """Ask somebody no more."""
    cosigning.take_back(key=key, person=person, cosigner=cosigner)
    messages.success(request, gettext("They are not asked any more. You can ask somebody else."))
    return HttpResponseRedirect(reverse("services:cosigners", args=[key]))


@_form
@own
def cosign(request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Show a cosigner what they are to sign, and take their answer."""
    row, draft = cosigning.open_request(key, person)
    problem = None
    if request.method == "POST":
        sign = request.POST.get("answer") == "sign"
        try:
            if sign and request.POST.get("agree") != "yes":
                raise errors.ConsentNeeded
            cosigning.answer(key=key, person=person, sign=sign, digest=request.POST.get("digest", ""))
        except KouanError as error:
            problem = error
        else:
            return page(request, "cosigned", signed=sign, mine=queries.Mine(draft.row, draft.definition))
        row, draft = cosigning.open_request(key, person)
    files = sending.going(draft)
    names = {place.removeprefix("answers."): file.name for place, file in files}
    return page(
        request,
        "cosign",
        cosigner=row,
        draft=draft,
        mine=queries.Mine(draft.row, draft.definition),
        answers_=in_words(draft.definition.form, draft.answers, get_language() or "en", names=names),
        needs=[need for need in draft.needs if need.requirement in draft.picks],
        files=[file for _place, file in files],
        already=row.state == Cosignature.State.SIGNED,
        problem=problem,
        too_low=person.level < draft.definition.level,
        surer=identities().sign_in_url(request.path, level=draft.definition.level),
        status=problem.status if problem else 200,
    )


@require_safe
@own
def file(_request: HttpRequest, person: Person, key: uuid.UUID, which: uuid.UUID) -> HttpResponse:
    """Hand a cosigner a file that goes over under their name too."""
    _row, draft = cosigning.open_request(key, person)
    found = next((each for _place, each in sending.going(draft) if each.key == which), None)
    if found is None:
        raise errors.UnknownApplication
    return download(uploads.content_of(found), name=found.name, content_type=found.media_type)
