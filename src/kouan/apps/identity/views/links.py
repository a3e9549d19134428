"""“My linked accounts”: an account here and one on another side, as one person's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kouan.apps.identity import linking, queries
from kouan.apps.identity.nodes.errors import NotFreshEnough
from kouan.apps.identity.provider import interactions
from kouan.apps.identity.views.pages import onward
from kouan.apps.identity.views.resident import enter, own, page_of
from kouan.core.errors import KouanError
from kouan.core.sides import side_name

if TYPE_CHECKING:
    import uuid

    from kouan.apps.identity.models import HomeSession


@require_safe
@own
def links(request: HttpRequest, held: HomeSession) -> HttpResponse:
    """List the resident's links, and the sides with which one can be made."""
    rows = queries.my_links(held.resident)
    linked = {each.side for each in rows if each.can_end}
    return page_of(
        request,
        "links",
        rows=rows,
        sides=[code for code in queries.linkable_sides() if code not in linked],
    )


@require_POST
@own
def link_begin(request: HttpRequest, held: HomeSession) -> HttpResponse:
    """Begin a link: the other side's sign-in comes next, in the same browser."""
    peer = request.POST.get("side", "")
    if peer not in queries.linkable_sides():
        return HttpResponseRedirect(reverse("identity:my-links"))
    try:
        row = linking.begin(session=held, browser=interactions.browser_digest(request), peer=peer)
    except NotFreshEnough:
        again = enter(reverse("identity:my-links"), level=int(linking.LEVEL), fresh="1")
        return onward(request, again, gettext("First sign in afresh, to show that it is you"))
    except KouanError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("identity:my-links"))
    words = gettext("Going on to sign in in %(side)s") % {"side": side_name(peer)}
    return onward(request, reverse("identity:next", args=[row.key]), words)


@require_http_methods(["GET", "HEAD", "POST"])
@own
def link_end(request: HttpRequest, held: HomeSession, key: uuid.UUID) -> HttpResponse:
    """Ask, then stop a link that is being made or end one that counts."""
    shown = queries.my_link(held.resident, key)
    if request.method != "POST":
        return page_of(request, "link-end", link=shown)
    try:
        linking.unlink(resident=held.resident, key=key)
    except KouanError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext("The link has ended, on both sides."))
    return HttpResponseRedirect(reverse("identity:my-links"))
