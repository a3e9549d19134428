"""“My evidence”: what departments hold of a person, taking it out, and whom it was shown to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import segno
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_POST, require_safe

from kouan.apps.evidence import queries, taking
from kouan.apps.evidence.errors import EvidenceLevelTooLow, NotAHoldersKey
from kouan.apps.evidence.views.pages import download, own, page
from kouan.web.persons import identities
from kouan.web.throttle import Throttle

if TYPE_CHECKING:
    import uuid

    from django.http import HttpRequest, HttpResponse

    from kouan.web.persons import Person

HIGHEST: Final = 3
"""The level that some types of evidence ask for."""
_TAKEN: Final = Throttle("take-evidence", 30, timedelta(hours=1))
MOST_IN_A_CODE: Final = 2300
"""Characters that a code still holds which a telephone can read from a screen."""


@require_safe
@own
def overview(request: HttpRequest, person: Person) -> HttpResponse:
    """Show a person's evidence, department by department."""
    surer = identities().sign_in_url(request.path, level=HIGHEST) if person.level < HIGHEST else ""
    return page(request, "mine", cards=queries.my_cards(person), person=person, surer=surer)


@require_safe
@own
def shown(request: HttpRequest, person: Person) -> HttpResponse:
    """Show whom a person's evidence was shown to."""
    return page(request, "shown", showings=queries.my_showings(person))


@require_safe
@own
def piece(request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Show one piece of evidence."""
    return _piece(request, person, key)


@require_POST
@own
def take(request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Issue the person's own copy: as a file, or on a page with a code to be read by a telephone.

    Raises ``TooManyTriesError``: each copy takes a place in a status list for as long as it counts.
    """
    _TAKEN.take(queries.holder_of(person).key)
    try:
        text = taking.take_out(holder=queries.holder_of(person), key=key, jwk=request.POST.get("jwk", ""))
    except NotAHoldersKey as error:
        return _piece(request, person, key, refused=error)
    if request.POST.get("as") != "code":
        return download(text.encode(), name=f"evidence-{key}.sd-jwt", content_type=taking.MEDIA_TYPE)
    card, _row, _type = queries.my_card(person, key)
    code = None
    if len(text) <= MOST_IN_A_CODE:
        drawn = segno.make_qr(text, error="l", boost_error=False)
        code = mark_safe(drawn.svg_inline(scale=4, border=4, dark="#10181f", light="#ffffff"))  # noqa: S308 - squares
    return page(request, "taken", card=card, text=text, code=code)


def _piece(
    request: HttpRequest, person: Person, key: uuid.UUID, *, refused: NotAHoldersKey | None = None
) -> HttpResponse:
    try:
        card, row, type_ = queries.my_card(person, key)
    except EvidenceLevelTooLow as low:
        return page(
            request,
            "too_low",
            needed=low.params["needed"],
            surer=identities().sign_in_url(request.path, level=int(low.params["needed"] or 1)),
            status=low.status,
        )
    return page(
        request,
        "piece",
        card=card,
        type=type_,
        showings=queries.my_showings(person, row),
        error="" if refused is None else str(refused),
        jwk=request.POST.get("jwk", ""),
        status=200 if refused is None else refused.status,
    )
