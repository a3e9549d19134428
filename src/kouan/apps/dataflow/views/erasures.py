"""The officers' pages: what persons of the other side ask to have erased here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from kouan.apps.dataflow import erasing, errors
from kouan.apps.dataflow.act_forms import AnswerForm
from kouan.apps.dataflow.contracts import today
from kouan.apps.dataflow.queries import erasures as queries
from kouan.apps.dataflow.views.pages import page, reach_of
from kouan.core.errors import KouanError
from kouan.web.access import require_role

if TYPE_CHECKING:
    import uuid

_form = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@require_role("data")
def listed(request: HttpRequest) -> HttpResponse:
    """List what persons ask, what is due first before the rest, and what was answered."""
    return page(request, "erasures", rows=queries.listed(reach_of(request)))


@_form
@require_role("data")
def answer(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    """Erase, or refuse for one of the reasons that the rules of this side name."""
    shown = queries.asked(key, reach_of(request))
    rules = erasing.rules_here(today())
    if rules is None:
        raise errors.NoRightToErasure
    form = AnswerForm(request.POST if request.method == "POST" else None, rules=rules)
    if request.method == "POST" and form.is_valid():
        try:
            done = erasing.answer(key=key, **form.answer())
        except KouanError as error:
            form.refuse(error)
        else:
            text = ngettext("%(count)s record is erased.", "%(count)s records are erased.", done.records)
            said = text % {"count": done.records} if done.state == erasing.ERASED else gettext("Refused.")
            messages.success(request, f"{said} {gettext('The person is told, with a signed receipt.')}")
            return HttpResponseRedirect(reverse("dataflow:erasures"))
    return page(
        request, "answer-erasure", shown=shown, form=form, rules=rules, status=422 if form.errors else 200
    )
