"""What officers do to have records read again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST

from kouan.apps.programme.records import deciding, queries, rereading
from kouan.apps.programme.records.labels import said_of
from kouan.apps.programme.records.views import officer
from kouan.web.access import require_role

if TYPE_CHECKING:
    import uuid

    from django.http import HttpRequest, HttpResponse

_AT_ONCE = 20
"""Records that one press of the button reads again; the command reads them all."""
_LONG_ENOUGH = 20.0
"""Seconds after which no further one is begun: a model may take its time with each."""


@require_POST
@require_role("programme")
def again(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Read one record again."""
    done = rereading.reread(record=queries.record(key).key, by=officer(request))
    messages.success(request, said_of(done))
    return HttpResponseRedirect(reverse("programme:record", args=[key]))


@require_POST
@require_role("programme")
def outdated(request: HttpRequest) -> HttpResponse:
    """Read those records again that were read with other rules than there are now."""
    began = time.monotonic()
    done: list[rereading.Reread] = []
    for each in rereading.outdated()[:_AT_ONCE]:
        if time.monotonic() - began > _LONG_ENOUGH:
            break
        done.append(rereading.reread(record=each, by=officer(request)))
    different = sum(not each.same for each in done)
    text = ngettext("%(count)s record was read again.", "%(count)s records were read again.", len(done))
    more = gettext("In %(count)s of them there is something for you to look at.") % {"count": different}
    messages.success(request, f"{text % {'count': len(done)}} {more}")
    return HttpResponseRedirect(reverse("programme:records"))


@require_POST
@require_role("programme")
def reject_gone(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Reject what is no longer read in a record."""
    count = deciding.reject_gone(record=queries.record(key).key, by=officer(request))
    text = ngettext("%(count)s value is rejected.", "%(count)s values are rejected.", count)
    messages.success(request, text % {"count": count})
    return HttpResponseRedirect(reverse("programme:record", args=[key]))
