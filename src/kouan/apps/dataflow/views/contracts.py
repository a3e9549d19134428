"""The officers' pages: contracts from draft to end, and what is filed with which authority."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from kouan.apps.dataflow import consents, contracts, erasing, exporting, filings, odrl
from kouan.apps.dataflow.act_forms import AskForm, ErasureForm, FilingForm, ReasonForm
from kouan.apps.dataflow.domain import State
from kouan.apps.dataflow.papers import pack, paper
from kouan.apps.dataflow.queries import contracts as queries
from kouan.apps.dataflow.queries.contracts import within
from kouan.apps.dataflow.queries.erasures import waiting
from kouan.apps.dataflow.queries.flows import denied_under
from kouan.apps.dataflow.views.pages import (
    department_of,
    download,
    officer_of,
    page,
    reach_of,
    require_any,
    sight_of,
)
from kouan.apps.dataflow.wording import differences, in_words
from kouan.core.errors import KouanError
from kouan.web.access import has_role, require_role

if TYPE_CHECKING:
    from kouan.apps.dataflow.forms import Step


class _Signing(TypedDict):
    digest: bytes
    officer: str
    department: str


_form = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@require_role("data")
def listed(request: HttpRequest) -> HttpResponse:
    """List the contracts, with what is due."""
    reach = reach_of(request)
    rows = queries.listed(reach)
    due, ending = queries.due(reach)
    return page(request, "contracts", rows=rows, due=due, ending=ending, asked=waiting(reach))


@require_safe
@require_any("data", "auditor")
def contract(request: HttpRequest, key: str) -> HttpResponse:
    """Show one version: its terms, what differs from the one before, who signed, what is to be filed."""
    row = queries.by_key(key, sight_of(request))
    shown = queries.shown(row)
    signed = queries.signatures(row)
    old = queries.before(shown.terms)
    return page(
        request,
        "contract",
        shown=shown,
        lines=in_words(shown.terms),
        differences=[] if old is None else differences(old, shown.terms),
        compared=old is not None,
        signatures=signed,
        steps=queries.history(shown, signed),
        versions=queries.versions(row),
        acts=has_role(request.user, "data") and within(reach_of(request)).filter(pk=row.pk).exists(),
        denied=denied_under(row.contract),
        untold=queries.untold(row),
    )


@_form
@require_role("data")
def sign(request: HttpRequest, key: str) -> HttpResponseBase:
    """Ask, then sign: a draft goes to the other side, and what the other side proposed binds both."""
    shown = queries.shown(queries.by_key(key, reach_of(request)))
    if not (shown.state is State.DRAFT or shown.theirs):
        raise Http404
    if request.method != "POST":
        return page(request, "sign", shown=shown, officer=officer_of(request))
    signing = _Signing(
        digest=bytes(shown.row.digest), officer=officer_of(request), department=department_of(request)
    )
    try:
        if shown.theirs:
            contracts.sign(**signing)
            messages.success(request, gettext("Signed by both sides. The clocks of the filings run."))
        else:
            contracts.propose(**signing)
            messages.success(request, gettext("Signed, and put before the other side."))
    except KouanError as error:
        return page(
            request, "sign", shown=shown, officer=officer_of(request), problem=error, status=error.status
        )
    return _back(key)


@_form
@require_role("data")
def refuse(request: HttpRequest, key: str) -> HttpResponseBase:
    """Refuse what the other side proposed, with a reason."""
    shown = queries.shown(queries.by_key(key, reach_of(request)))
    if not shown.theirs:
        raise Http404
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        contracts.refuse(digest=bytes(shown.row.digest), reason=form.cleaned_data["reason"])
        messages.success(request, gettext("Refused. The other side is told why."))
        return _back(key)
    return _ask(request, "refuse", shown, form)


@_form
@require_role("data")
def end(request: HttpRequest, key: str) -> HttpResponseBase:
    """End a contract before its term, with a reason."""
    shown = queries.shown(queries.by_key(key, reach_of(request)))
    if not shown.counts:
        raise Http404
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        contracts.end(digest=bytes(shown.row.digest), reason=form.cleaned_data["reason"])
        messages.success(request, gettext("The contract has ended. Nothing crosses under it any more."))
        return _back(key)
    return _ask(request, "end", shown, form)


@_form
@require_role("data")
def file(request: HttpRequest, key: str) -> HttpResponseBase:
    """Note that this side's party has filed."""
    shown = queries.shown(queries.by_key(key, reach_of(request)))
    if not any(each.ours and each.filed_on is None for each in shown.filings):
        raise Http404
    form = FilingForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["filed_on"] > contracts.today():
            form.add_error("filed_on", gettext("This day has not come yet."))
        else:
            filings.filed(
                digest=bytes(shown.row.digest),
                filed_on=form.cleaned_data["filed_on"],
                reference=form.cleaned_data["reference"],
            )
            messages.success(request, gettext("The filing is noted, and the other side is told."))
            return _back(key)
    return _ask(request, "file", shown, form)


@_form
@require_role("data")
def erase(request: HttpRequest, key: str) -> HttpResponseBase:
    """Erase at the importer's side what one person asked to have erased."""
    shown = queries.shown(queries.by_key(key, reach_of(request)))
    if shown.terms.importer.side != settings.NODE.side:
        raise Http404
    form = ErasureForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            count = erasing.erase_asked(contract=shown.row.contract, consent=form.cleaned_data["consent"])
        except KouanError as error:
            form.refuse(error, "consent")
        else:
            said = ngettext("%(count)s record is erased.", "%(count)s records are erased.", count)
            messages.success(request, said % {"count": count})
            return _back(key)
    return _ask(request, "erase", shown, form)


@_form
@require_role("data")
def ask(request: HttpRequest, key: str) -> HttpResponseBase:
    """Ask a customer of the exporter for their consent, and show the address to give to them."""
    shown = queries.shown(queries.by_key(key, reach_of(request)))
    ours = shown.terms.exporter.side == settings.NODE.side
    if not ours or not shown.in_force or shown.state is not State.SIGNED:
        raise Http404
    form = AskForm(request.POST if request.method == "POST" else None, terms=shown.terms)
    if request.method == "POST" and form.is_valid():
        try:
            made = consents.ask(contract=shown.row, terms=shown.terms, **form.cleaned_data)
        except KouanError as error:
            form.refuse(error, "document_number")
        else:
            at = settings.NODE.portal_origin + reverse("dataflow:request", args=[made.key])
            return page(request, "asked", shown=shown, made=made, at=at)
    return _ask(request, "ask", shown, form)


@require_safe
@require_role("data")
def filing_pack(request: HttpRequest, key: str) -> HttpResponse:
    """Show which documents each authority wants, and hand out those that this node has."""
    shown = queries.shown(queries.by_key(key, reach_of(request)))
    if not shown.filings:
        raise Http404
    return page(request, "pack", shown=shown)


@require_safe
@require_role("data")
def pack_file(request: HttpRequest, key: str) -> HttpResponse:
    """Hand out the pack: the contract as PDF and as signed, and the receipts."""
    row = queries.by_key(key, reach_of(request))
    return download(pack(row), name=f"filing-{row.contract}.zip", content_type="application/zip")


@require_safe
@require_any("data", "auditor")
def pdf(request: HttpRequest, key: str) -> HttpResponse:
    """Hand out the contract as a PDF file in the three scripts."""
    row = queries.by_key(key, sight_of(request))
    return download(paper(row), name=f"contract-{row.contract}.pdf", content_type="application/pdf")


@require_safe
@require_any("data", "auditor")
def policy(request: HttpRequest, key: str) -> HttpResponse:
    """Hand out the contract as an ODRL policy: an Agreement once both sides have signed it."""
    row = queries.by_key(key, sight_of(request))
    text = exporting.written(queries.policy_of(row))
    return download(text.encode(), name=f"contract-{row.contract}.jsonld", content_type=odrl.MEDIA_TYPE)


def _ask(request: HttpRequest, action: str, shown: queries.Shown, form: Step) -> HttpResponse:
    return page(request, "act", action=action, shown=shown, form=form, status=422 if form.errors else 200)


def _back(key: str) -> HttpResponse:
    return HttpResponseRedirect(reverse("dataflow:contract", args=[key]))
