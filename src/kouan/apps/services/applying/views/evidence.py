"""Evidence: what departments hold that meets a requirement, shown and ticked, or a file instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from kouan.apps.services.applying import correcting, drafts, errors, uploads
from kouan.apps.services.applying.offers import offers_for
from kouan.apps.services.applying.views.pages import own, page
from kouan.apps.services.catalogue.errors import ServiceWithdrawn
from kouan.apps.services.definition.faults import MEDIA
from kouan.apps.services.domain import State
from kouan.core.errors import KouanError
from kouan.web.persons import identities

if TYPE_CHECKING:
    import uuid

    from kouan.apps.services.applying.drafts import Draft
    from kouan.apps.services.models import Application
    from kouan.web.persons import Person

_form = require_http_methods(["GET", "HEAD", "POST"])


@_form
@uploads.taking_files
def evidence(request: HttpRequest, key: uuid.UUID, requirement: str) -> HttpResponseBase:
    """Show what departments of this side hold that meets a requirement, claim by claim; take the choice."""
    return _evidence(request, key, requirement)


@own
def _evidence(request: HttpRequest, person: Person, key: uuid.UUID, requirement: str) -> HttpResponse:
    draft = drafts.opened(drafts.mine(key, person))
    need = next((each for each in draft.needs if each.requirement == requirement), None)
    if need is None:
        raise errors.UnknownApplication
    if not correcting.may_edit(draft, f"needs.{requirement}"):
        raise ServiceWithdrawn if draft.withdrawn else errors.NotEditable
    offers = offers_for(need, drafts.holder_of(person), to=draft.row.peer, acts_for=draft.row.acts_for)
    problem = ""
    if request.method == "POST":
        try:
            _pick(request, person, draft, need, offers)
        except errors.Stale as error:
            problem = str(error)
            draft = drafts.opened(drafts.mine(key, person))
        except KouanError as error:
            problem = str(error)
        else:
            return HttpResponseRedirect(_after_evidence(request, person, key, requirement))
    pick = draft.picks.get(requirement, {})
    return page(
        request,
        "evidence",
        draft=draft,
        need=need,
        offers=offers,
        pick=pick,
        uploaded=list(draft.row.files.filter(place=f"needs.{requirement}").defer("content")),
        problem=problem,
        posted=request.POST if problem else None,
        level=person.level,
        too_low=person.level < need.level,
        surer=identities().sign_in_url(request.path, level=need.level),
        accept=",".join(MEDIA),
        correcting=State(draft.row.state) is State.CORRECTION,
        status=422 if problem else 200,
    )


def _after_evidence(request: HttpRequest, person: Person, key: uuid.UUID, requirement: str) -> str:
    draft = drafts.opened(drafts.mine(key, person))
    if State(draft.row.state) is State.CORRECTION:
        return reverse("services:correct", args=[key])
    names = [need.requirement for need in draft.needs]
    later = names[names.index(requirement) + 1 :] if requirement in names else []
    if later and request.GET.get("back") != "check":
        return reverse("services:evidence", args=[key, later[0]])
    return reverse("services:check", args=[key])


def _pick(
    request: HttpRequest, person: Person, draft: Draft, need: Any, offers: list[dict[str, Any]]
) -> None:
    """Take a choice: evidence with the ticked claims, a file instead, or nothing where that may be."""
    requirement, key = need.requirement, draft.row.key
    choice, picks = request.POST.get("choice", ""), dict(draft.picks)
    place = f"needs.{requirement}"
    also = None
    chosen = next((each for each in offers if each["offer"].id == choice), None)
    if chosen is not None and request.POST.get(f"version-{choice}") != chosen["offer"].version:
        raise errors.EvidenceChanged  # since the page was made
    if choice != "upload" and request.FILES.get("file") is not None:
        raise errors.FileNotMeant  # else another thing would be shown than the person believes
    if chosen is not None:
        ticked = set(request.POST.getlist(f"claims-{choice}"))
        must = {claim.name for claim, needed in chosen["claims"] if needed}
        if not must <= ticked or not ticked:
            raise errors.ClaimsNeeded
        names = [claim.name for claim, _needed in chosen["claims"] if claim.name in ticked]
        picks[requirement] = {"offer": choice, "version": chosen["offer"].version, "claims": names}
    elif choice == "upload" and need.upload:
        file = request.FILES.get("file")
        if file is None and not draft.row.files.filter(place=place).exists():
            raise errors.FileEmpty
        picks[requirement] = {"upload": True}
        if file is not None:
            name, kind, data = uploads.taken(file, MEDIA)

            def also(row: Application) -> None:
                row.files.filter(place=place).delete()
                uploads.keep(row, place=place, name=name, media_type=kind, data=data)

    elif choice == "nothing" and not draft.must(need):
        picks.pop(requirement, None)
    else:
        raise errors.ChoiceNeeded
    drafts.change(key=key, person=person, seen=request.POST.get("seen", ""), picks=picks, also=also)
