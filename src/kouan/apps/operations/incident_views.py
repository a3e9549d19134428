"""The operator's page of what peers did and should never do."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from kouan.apps.operations import queries
from kouan.apps.operations.views import page_of
from kouan.core.exchange import incidents as exchange_incidents
from kouan.web.access import require_role


@require_safe
@require_role("operator")
def incidents(request: HttpRequest) -> HttpResponse:
    """Show what peers did and should never do."""
    rows = queries.recent_incidents()
    most = queries.INCIDENTS_MOST
    return page_of(request, "incidents", rows=rows, most=most, more=len(rows) == most)


@require_safe
@require_role("operator")
def incident_evidence(request: HttpRequest, number: int) -> HttpResponse:
    """Hand out what proves an incident to others."""
    del request
    name = f"incident-{settings.NODE.side}-{number}.zip"
    return HttpResponse(
        exchange_incidents.evidence_file(number),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_http_methods(["POST"])
@require_role("operator")
def incident_settle(request: HttpRequest, number: int) -> HttpResponseBase:
    """Acknowledge an incident with a note."""
    try:
        done = exchange_incidents.settle(
            number, operator=request.user.get_username(), remark=request.POST.get("remark", "")
        )
    except exchange_incidents.RemarkMissing as error:
        messages.error(request, str(error))
    else:
        if done:
            messages.success(request, gettext("The incident is acknowledged. It stays on record."))
        else:
            messages.info(request, gettext("The incident had already been acknowledged."))
    return HttpResponseRedirect(reverse("operations:incidents"))
