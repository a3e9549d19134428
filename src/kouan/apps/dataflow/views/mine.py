"""“My data”: what a person is asked, what they agreed to, who has read it, and how to stop it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_http_methods, require_safe

from kouan.apps.dataflow import consents, erasing, erasure_receipts, errors, exporting, notices, odrl
from kouan.apps.dataflow.contracts import terms_of
from kouan.apps.dataflow.queries import mine as queries
from kouan.apps.dataflow.views.pages import download, own, page
from kouan.core.errors import KouanError
from kouan.core.policy.decide import term_day
from kouan.web import readings
from kouan.web.persons import identities

if TYPE_CHECKING:
    import uuid

    from kouan.apps.dataflow.models import DataConsent
    from kouan.web.persons import Person

_form = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@own
def overview(request: HttpRequest, person: Person) -> HttpResponse:
    """List what the person agreed to."""
    standing, over = queries.my_consents(person)
    return page(request, "mine", standing=standing, over=over)


@_form
@own
def request_(request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Show what an institution asks, and take the person's answer, kind by kind. Nothing is ticked before."""
    row, contract = consents.open_request(key, person)
    asked = queries.Asked(row, terms_of(contract))
    if request.method != "POST":
        return _asked(request, asked, person)
    if request.POST.get("terms") != asked.digest:
        return _changed(request, key, person)
    ticked = request.POST.getlist("elements") if request.POST.get("answer") == "agree" else []
    if request.POST.get("answer") == "agree" and not set(ticked) & set(row.elements):
        return _asked(request, asked, person, nothing=True, status=422)
    try:
        given = consents.give(
            key=key, person=person, ticked=ticked, terms=asked.terms, language=get_language() or "en"
        )
    except errors.TermsChanged:
        return _changed(request, key, person)
    except errors.LevelTooLow as error:
        return _asked(request, asked, person, ticked=ticked, problem=error, status=error.status)
    return _answered(request, given)


def _answered(request: HttpRequest, given: DataConsent | None) -> HttpResponse:
    if given is None:
        messages.success(request, gettext("You did not agree. Nothing is sent."))
        return HttpResponseRedirect(reverse("dataflow:mine"))
    messages.success(
        request, gettext("You agreed. Your receipt is below; you can withdraw your consent at any time.")
    )
    return HttpResponseRedirect(reverse("dataflow:consent", args=[given.key]))


def _changed(request: HttpRequest, key: uuid.UUID, person: Person) -> HttpResponse:
    """Show a request as it stands now to a person who answered what stood there before."""
    row, contract = consents.open_request(key, person)
    problem = errors.TermsChanged()
    return _asked(
        request, queries.Asked(row, terms_of(contract)), person, problem=problem, status=problem.status
    )


def _asked(  # noqa: PLR0913 - all that the page may say, by name
    request: HttpRequest,
    asked: queries.Asked,
    person: Person,
    *,
    ticked: list[str] | None = None,
    nothing: bool = False,
    problem: errors.LevelTooLow | errors.TermsChanged | None = None,
    status: int = 200,
) -> HttpResponse:
    needed = consents.level_for(asked.terms, asked.row.elements)
    plain = consents.level_for(asked.terms, asked.plain) if asked.plain else needed
    return page(
        request,
        "request",
        asked=asked,
        ticked=ticked or [],
        nothing=nothing,
        problem=problem,
        changed=isinstance(problem, errors.TermsChanged),
        level=person.level,
        plain_level=plain,
        needed=needed,
        surer=identities().sign_in_url(request.path, level=needed) if person.level < needed else "",
        status=status,
    )


@require_safe
@own
def consent(request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Show one consent and what crossed under it."""
    shown = queries.my_consent(person, key)
    crossings = queries.my_crossings(person, under=shown)
    return page(request, "consent", consent=shown, crossings=crossings, kept=queries.kept_there(shown))


@require_safe
@own
def receipt(_request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Hand out a consent's receipt as it was signed."""
    shown = queries.my_consent(person, key)
    return download(bytes(shown.row.receipt), name=f"consent-{key}.cose", content_type="application/cose")


@require_safe
@own
def receipt_json(_request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Hand out what a consent's receipt says."""
    shown = queries.my_consent(person, key)
    text = exporting.written(queries.receipt_of(shown))
    return download(text.encode(), name=f"consent-{key}.json", content_type="application/json")


@_form
@own
def withdraw(request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Ask, then take a consent back."""
    shown = queries.my_consent(person, key)
    if shown.row.notice:  # nothing was agreed to
        raise errors.UnknownConsent
    if request.method != "POST":
        return page(request, "withdraw", consent=shown)
    consents.withdraw(key=key, person=person.key)
    messages.success(
        request,
        gettext(
            "Your consent is withdrawn. Nothing crosses under it any more; what had crossed is erased there."
        ),
    )
    return HttpResponseRedirect(reverse("dataflow:consent", args=[key]))


@_form
@own
def ask_erasure(request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Ask, then put the request to erase before the other side."""
    shown = queries.my_consent(person, key)
    problem: KouanError | None = None
    if request.method == "POST":
        try:
            erasing.ask(key=key, persons=notices.names_of(person))
        except KouanError as error:
            problem = error
        else:
            messages.success(
                request, gettext("Your request goes to the other side. What it answers is shown below.")
            )
            return HttpResponseRedirect(reverse("dataflow:erasure"))
    return page(
        request,
        "ask-erasure",
        consent=shown,
        kept=queries.kept_there(shown),
        problem=problem,
        status=200 if problem is None else problem.status,
    )


@require_safe
@own
def erasure_receipt(_request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Hand out the answer to a request to erase, as the other side signed it."""
    row = queries.my_erasure(person, key)
    return download(bytes(row.receipt or b""), name=f"erasure-{key}.cose", content_type="application/cose")


@require_safe
@own
def erasure_receipt_json(_request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Hand out what the answer to a request to erase says."""
    row = queries.my_erasure(person, key)
    text = exporting.written(erasure_receipts.content(bytes(row.receipt or b"")))
    return download(text.encode(), name=f"erasure-{key}.json", content_type="application/json")


@require_safe
@own
def policy(_request: HttpRequest, person: Person, key: uuid.UUID) -> HttpResponse:
    """Hand out a consent or a notice as an ODRL policy."""
    shown = queries.my_consent(person, key)
    day = term_day(shown.row.given_at)
    basis = notices.basis_of(shown.terms, settings.NODE.side, day) if shown.row.notice else "dpv:Consent"
    text = exporting.written(odrl.of_consent(shown.row, shown.terms, basis=basis))
    return download(text.encode(), name=f"consent-{key}.jsonld", content_type=odrl.MEDIA_TYPE)


@require_safe
@own
def readers(request: HttpRequest, person: Person) -> HttpResponse:
    """Show who has read the person's data: when, for what, under which contract."""
    crossings = queries.my_crossings(person)
    return page(
        request,
        "readers",
        crossings=crossings,
        events=queries.events(crossings)[: queries.LATEST],
        all_at=readings.all_at(),
    )


@require_safe
@own
def erasure(request: HttpRequest, person: Person) -> HttpResponse:
    """Say plainly how to have it erased, and hand out all of it."""
    standing, _over = queries.my_consents(person)
    return page(
        request,
        "erasure",
        standing=[(each, queries.kept_there(each)) for each in standing],
        asked=queries.my_erasures(person),
    )


@require_safe
@own
def export_json(_request: HttpRequest, person: Person) -> HttpResponse:
    """Hand out everything as JSON."""
    text = exporting.written(exporting.as_json(person))
    return download(text.encode(), name="my-data.json", content_type="application/json")


@require_safe
@own
def export_zip(_request: HttpRequest, person: Person) -> HttpResponse:
    """Hand out everything with the receipts and the proofs."""
    return download(exporting.as_zip(person), name="my-data.zip", content_type="application/zip")
