"""The last check, sending, a copy, and the files that are attached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import get_language, gettext, pgettext
from django.views.decorators.http import require_http_methods, require_safe

from kouan.apps.services.applying import (
    copies,
    drafts,
    errors,
    fields,
    mailing,
    queries,
    sending,
    uploads,
)
from kouan.apps.services.applying.offers import standing
from kouan.apps.services.applying.views.pages import download, own, page
from kouan.apps.services.definition.form import in_words, kinds
from kouan.apps.services.domain import State
from kouan.apps.services.papers import paper
from kouan.apps.services.payloads import FILE_KIND
from kouan.core.errors import KouanError
from kouan.core.policy.elements import elements_of
from kouan.web.filters import datetime_long
from kouan.web.persons import identities

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection

    from kouan.apps.services.applying.drafts import Draft
    from kouan.apps.services.definition.shapes import Passage
    from kouan.web.persons import Person

_Passage = tuple[str, list[tuple[str, str]]]
_form = require_http_methods(["GET", "HEAD", "POST"])


def summary(draft: Draft, person: Person, places: Collection[str] | None = None) -> dict[str, Any]:
    """Return all that goes over, as the check page and the copy show it.

    With ``places`` only the evidence and the files of those do: the answers always go as a whole.
    """
    form, language = draft.definition.form, get_language() or "en"
    files = sending.going(draft)
    names = {place.removeprefix("answers."): file.name for place, file in files}
    shown = []
    elements = set(kinds(form, draft.answers))
    for need in draft.needs:
        if not sending.among(f"needs.{need.requirement}", places):
            continue
        pick = draft.picks.get(need.requirement, {})
        if pick.get("offer"):
            how, found = standing(
                pick, need, drafts.holder_of(person), to=draft.row.peer, acts_for=draft.row.acts_for
            )
            claims = found["claims"] if found else ()
            ticked = [claim for claim, _must in claims if claim.name in pick["claims"]]
            lines = [(str(claim.title), claim.value) for claim in ticked]
            elements |= {claim.element for claim in ticked}
            shown.append((need, how.value, lines, found["offer"] if found else None))
        elif pick.get("upload"):
            uploaded = [file for place, file in files if place == f"needs.{need.requirement}"]
            shown.append((need, "upload", [(file.name, file) for file in uploaded], None))
        else:
            shown.append((need, "nothing", [], None))
    if sending.going(draft, places):
        elements.add(FILE_KIND)
    return {
        "answers_": in_words(form, draft.answers, language, names=names),
        "shown": shown,
        "files": files,
        "kinds": [str(each.title) for each in elements_of(sorted(elements))],
        "pages": {name: queries.page_title(draft, name) for name in fields.page_names(form, draft.answers)},
    }


@_form
@own
def check(request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Show all of it once more, and exactly what crosses to whom; take the consent and send."""
    row = drafts.mine(key, person)
    if State(row.state) not in drafts.OPEN:
        return HttpResponseRedirect(reverse("services:application", args=[key]))
    problem: KouanError | None = None
    if request.method == "POST":
        try:
            sending.submit(
                key=key,
                person=person,
                seen=request.POST.get("seen", ""),
                agreed=request.POST.get("agree") == "yes",
                email=request.POST.get("email", ""),
            )
        except KouanError as error:
            problem = error
        else:
            messages.success(request, gettext("Your application is on its way. You can follow it here."))
            return HttpResponseRedirect(reverse("services:application", args=[key]))
    draft = drafts.opened(drafts.mine(key, person))
    missing = sending.missing(draft, person)
    signed, open_ = sending.cosigned(draft)
    return page(
        request,
        "check",
        draft=draft,
        mine=queries.Mine(draft.row, draft.definition),
        missing=missing,
        problem=problem,
        signed=signed,
        waiting=open_,
        email=request.POST.get(
            "email", mailing.address_of(draft.row) or identities().attributes(request).get("email", "")
        ),
        surer=identities().sign_in_url(
            request.path, level=max([draft.definition.level, *(need.level for need in draft.needs)])
        ),
        **summary(draft, person),
        status=problem.status if problem else 200,
    )


@require_safe
@own
def copy(request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Hand out a copy as PDF."""
    draft = drafts.opened(drafts.mine(key, person))
    language = get_language() or "en"
    sent = draft.row.sent_at
    answers, passages = _of_draft(draft, person) if sent is None else _of_sent(draft)
    lead = (
        gettext(
            "Sent on %(at)s",
        )
        % {"at": datetime_long(sent)}
        if sent
        else gettext("Draft, not sent.")
    )
    data = paper(
        title=str(draft.definition.title.text),
        lead=f"{draft.definition.department.name.text}\n{lead}",
        passages=passages,
        foot=f"{draft.row.reference or draft.row.key} · {sending.fingerprint(answers)}",
        language=language,
        subject=str(draft.row.key),
    )
    _ = request
    return download(
        data, name=f"application-{draft.row.reference or key}.pdf", content_type="application/pdf"
    )


def _of_draft(draft: Draft, person: Person) -> tuple[dict[str, Any], list[_Passage]]:
    """Return a draft's answers, and what a copy of it says: what departments hold as they hold it now."""
    seen = summary(draft, person)
    passages = _in_rows(seen["answers_"])
    for need, how, lines, _offer in seen["shown"]:
        if how in {"offer", "upload"}:
            rows = [(what, value) if how == "offer" else (gettext("File"), what) for what, value in lines]
            passages.append((str(need.title.text), rows))
    return draft.answers, passages


def _of_sent(draft: Draft) -> tuple[dict[str, Any], list[_Passage]]:
    """Return what was sent: answers, evidence and files as they went, whatever has been changed since."""
    sent = copies.sent_of(draft.row)
    language = get_language() or "en"
    if sent is None:  # before what went was kept
        words = in_words(draft.definition.form, draft.answers, language)
        said = [(pgettext("application", "Evidence"), gettext("What was shown then was not kept."))]
        shown = [need for need in draft.needs if need.requirement in draft.picks]
        return draft.answers, _in_rows(words) + [(str(need.title.text), said) for need in shown]
    names = {place.removeprefix("answers."): name for place, (name, _digest) in sent.files.items()}
    passages = _in_rows(in_words(draft.definition.form, sent.answers, language, names=names))
    for need in draft.definition.needs:
        rows = [(str(title), value) for title, value in sent.evidence.get(need.requirement, ())]
        if (file_ := sent.files.get(f"needs.{need.requirement}")) is not None:
            rows.append((gettext("File"), file_[0]))
        if rows:
            passages.append((str(need.title.text), rows))
    return sent.answers, passages


def _in_rows(passages: list[Passage]) -> list[_Passage]:
    return [
        (str(passage.title), [(str(line.title), line.value) for line in passage.lines])
        for passage in passages
    ]


@require_safe
@own
def file(_request: HttpRequest, person: Person, key: uuid.UUID, which: uuid.UUID) -> HttpResponse:
    """Hand out a file that the person attached."""
    row = drafts.mine(key, person)
    found = row.files.filter(key=which).first()
    if found is None:
        raise errors.UnknownApplication
    return download(uploads.content_of(found), name=found.name, content_type=found.media_type)
