"""The page of statistics, for an institution's officers and for the node's operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kouan.apps.validation import queries
from kouan.apps.validation.charts import charts
from kouan.apps.validation.forms import StatisticsFilter
from kouan.apps.validation.statistics import FEW, Asked, By, statistics
from kouan.web.access import came_from, has_role

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

_DAYS: Final = 14


@require_safe
def show(request: HttpRequest) -> HttpResponseBase:
    """Show how often documents were asked about.

    An operator sees the whole node, an officer the documents of the institutions that the officer works for.
    """
    if not request.user.is_authenticated:
        return redirect_to_login(came_from(request))
    whole = has_role(request.user, "operator")
    if not whole and not has_role(request.user, "issuer"):
        raise PermissionDenied
    institutions = None if whole else queries.institutions_of(request.user)
    form = StatisticsFilter(request.GET or None)
    chosen = form.cleaned_data if form.is_valid() else {}
    by = cast("By", chosen.get("by") or "outcome")
    asked = cast("Asked", chosen.get("asked") or "across")
    found = statistics(of=institutions, by=by, days=int(chosen.get("days") or _DAYS), asked=asked)
    context = {
        "form": form,
        "whole": whole,
        "institutions": institutions or [],
        "found": found,
        "charts": charts(found),
        "few": FEW,
    }
    return render(request, "validation/statistics.html", context)
