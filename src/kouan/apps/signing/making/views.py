"""The pages on which documents are signed: by a resident's wallet, or with a key of this side's.

Both have the same pages, at addresses of their own; an order belongs to whoever made it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, cast

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kouan.apps.signing.making import labels, longterm, office, orders, renewal
from kouan.apps.signing.making.api import file_response, signed_file
from kouan.apps.signing.making.forms import WALLET, AnswerForm, KeepForm, SignForm
from kouan.apps.signing.making.pdf import Level
from kouan.apps.signing.making.simulator import SimulatedWallet
from kouan.apps.signing.validating.errors import FileForSignatures
from kouan.apps.signing.validating.uploads import MAX_TOTAL
from kouan.core.errors import KouanError
from kouan.web import persons
from kouan.web.access import require_role
from kouan.web.pages import to_sign_in
from kouan.web.uploads import taking_file

if TYPE_CHECKING:
    import uuid

    from django.contrib.auth.models import User

    from kouan.apps.signing.models import SigningOrder

_FORM: Final = require_http_methods(["GET", "HEAD", "POST"])


def _refusal() -> KouanError:
    return FileForSignatures(most=1, limit=MAX_TOTAL >> 20)


_taking: Final = taking_file(MAX_TOTAL, _refusal)


@dataclass(frozen=True, slots=True)
class Who:
    """Who signs, and where their pages are."""

    owner: str
    name: str
    office: bool

    def url(self, page: str, *given: object) -> str:
        """Return the address of one of their pages."""
        return reverse(f"signing:{'office' if self.office else 'person'}-{page}", args=given)


View = Callable[..., HttpResponseBase]
Guard = Callable[[View], Callable[..., Any]]


def by_officer(view: View) -> Callable[..., Any]:
    """Let signatories reach a view."""

    @wraps(view)
    def found(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = cast("User", request.user)
        name = user.get_full_name() or user.get_username()
        return view(request, Who(user.get_username(), name, office=True), *args, **kwargs)

    return require_role("signatory")(found)


def by_person(view: View) -> Callable[..., Any]:
    """Let residents reach a view; who is not signed in as one is sent to do so, and comes back."""

    @wraps(view)
    def found(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        person = persons.identities().person(request)
        if person is None:
            return to_sign_in(request)
        return view(request, Who(f"person:{person.key}", person.name, office=False), *args, **kwargs)

    return found


def start(request: HttpRequest, who: Who) -> HttpResponse:
    """Ask for a file and how it is signed; sign it, or have it wait for a wallet."""
    given = (request.POST, request.FILES) if request.method == "POST" else ()
    form = SignForm(*given, signers=who.office)
    if request.method == "POST" and form.is_valid():
        try:
            return HttpResponseRedirect(who.url("order", _begun(who, form.cleaned_data)))
        except KouanError as error:
            form.refuse(error, "file")
    return _page(
        request,
        who,
        "start",
        form=form,
        used=office.used(most=20) if who.office else (),
        status=422 if form.errors else 200,
    )


def _begun(who: Who, given: dict[str, Any]) -> uuid.UUID:
    name, content = _sent(given)
    form = {"beside": "cms", "jws": "jws"}.get(given["where"], "")
    if (signer := given.get("signer", WALLET)) != WALLET:
        row = office.sign(
            content,
            signer=signer,
            owner=who.owner,
            file_name=name,
            form=form,
            reason=given["reason"],
            level=Level(given.get("level", Level.B)),
        )
        return row.pk
    form = "pdf" if content.startswith(b"%PDF-") and not form else "cms"
    return orders.prepare(
        content, owner=who.owner, file_name=name, form=form, name=who.name, reason=given["reason"]
    ).order


def _sent(given: dict[str, Any]) -> tuple[str, bytes]:
    """Return name and content of the file in a form; raises ``FileForSignatures``."""
    with given["file"] as file:
        if file.size > MAX_TOTAL:  # no more than that was kept of it
            raise _refusal()
        return PurePath(file.name).name, file.read()


@require_safe
def order(request: HttpRequest, who: Who, order: uuid.UUID) -> HttpResponse:
    """Show how an order stands: what the wallet signs, or the signed file."""
    return _order(request, who, orders.find(order, owner=who.owner), AnswerForm())


@require_POST
def act(request: HttpRequest, who: Who, order: uuid.UUID, action: str) -> HttpResponse:
    """Ask the simulated wallet, take a wallet's answer, or give the order up."""
    form = AnswerForm(request.POST if action == "answer" else None)
    try:
        match action:
            case "wallet":
                asked = orders.sent(order, owner=who.owner)
                answer = SimulatedWallet(who.name or who.owner).sign(asked.hash)
                orders.complete(
                    order, owner=who.owner, signature=answer.signature, certificates=answer.certificates
                )
            case "answer":
                if not form.is_valid():
                    return _order(request, who, orders.find(order, owner=who.owner), form)
                orders.complete(order, owner=who.owner, **form.cleaned_data)
            case _:
                orders.refuse(order, owner=who.owner)
    except KouanError as error:
        if action == "answer":
            form.refuse(error, "signature")
            return _order(request, who, orders.find(order, owner=who.owner), form)
        messages.error(request, str(error))
    return HttpResponseRedirect(who.url("order", order))


@require_safe
def result(_request: HttpRequest, who: Who, order: uuid.UUID) -> HttpResponse:
    """Hand out the signed file."""
    row = orders.find(order, owner=who.owner)
    if not row.result:
        raise Http404
    return signed_file(row)


def archive(request: HttpRequest, who: Who) -> HttpResponse:
    """Show whose time-stamps are renewed when, and take a document in."""
    form = KeepForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    if request.method == "POST" and form.is_valid():
        try:
            name, content = _sent(form.cleaned_data)
            longterm.keep(content, file_name=name)
        except KouanError as error:
            form.refuse(error, "file")
        else:
            messages.success(
                request, _("The document is in the archive. Its time-stamps are renewed in time.")
            )
            return HttpResponseRedirect(reverse("signing:archive"))
    rows = [(each, renewal.state_of(each)) for each in renewal.kept()]
    return _page(
        request,
        who,
        "archive",
        form=form,
        rows=rows,
        stamping=settings.NODE.time is not None,
        status=422 if form.errors else 200,
    )


@require_POST
def keep_order(request: HttpRequest, who: Who, order: uuid.UUID) -> HttpResponse:
    """Put a PDF that was signed here into the archive, raised to LTA if it is not yet."""
    row = orders.find(order, owner=who.owner)
    if not row.result or row.form != "pdf":
        raise Http404
    try:
        longterm.keep(bytes(row.result), file_name=orders.result_name(row))
    except KouanError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(who.url("order", order))
    messages.success(request, _("The document is in the archive. Its time-stamps are renewed in time."))
    return HttpResponseRedirect(reverse("signing:archive"))


@require_safe
def archived(_request: HttpRequest, _who: Who, document: uuid.UUID) -> HttpResponse:
    """Hand out an archived document as it is now."""
    row = renewal.find(document)
    return file_response(bytes(row.content), row.file_name)


@require_POST
def again(request: HttpRequest, _who: Who, document: uuid.UUID) -> HttpResponse:
    """Have a renewal that failed tried again within a minute."""
    renewal.again(document)
    messages.success(request, _("It is tried again within a minute."))
    return HttpResponseRedirect(reverse("signing:archive"))


def guarded(guard: Guard) -> dict[str, Callable[..., Any]]:
    """Return the pages of signing behind a guard, by name."""
    return {
        "sign": _FORM(guard(_taking(start))),
        "order": guard(order),
        "result": guard(result),
        "act": guard(act),
    }


archive_page: Final = _FORM(by_officer(_taking(archive)))


def _order(request: HttpRequest, who: Who, row: SigningOrder, form: AnswerForm) -> HttpResponse:
    waits = orders.is_open(row)
    state = row.state if waits or row.state not in {"prepared", "sent"} else "expired"
    asked = orders.to_sign(row)
    return _page(
        request,
        who,
        "order",
        row=row,
        signer=office.holder_of(row.signer),
        state=state,
        waits=waits,
        form=form,
        hash=base64.b64encode(asked.hash).decode(),
        hash_hex=asked.hash.hex(),
        document_hash=asked.document_hash.hex(),
        name=orders.result_name(row),
        simulator=settings.NODE.demonstration,
        keepable=who.office and row.form == "pdf" and settings.NODE.time is not None,
        status=422 if form.errors else 200,
    )


def _page(
    request: HttpRequest, who: Who, template: str, *, status: int = 200, **context: Any
) -> HttpResponse:
    context |= {"who": who, "words": labels, "said": list(messages.get_messages(request))}
    response = render(request, f"signing/making/{template}.html", context, status=status)
    add_never_cache_headers(response)
    return response
