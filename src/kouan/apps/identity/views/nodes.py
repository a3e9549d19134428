"""The way to another side's provider and back."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_safe

from kouan.apps.identity.models import Interaction
from kouan.apps.identity.nodes import asking, relay
from kouan.apps.identity.provider import finishing, interactions, limits
from kouan.apps.identity.provider.authorizing import deny
from kouan.apps.identity.views.steps import address_of
from kouan.core.errors import KouanError

if TYPE_CHECKING:
    import uuid

log = logging.getLogger(__name__)


@require_safe
def peer(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Send the browser to the provider of the side that the person has chosen."""
    row = interactions.current(key=key, browser=interactions.browser_digest(request))
    if row.stage != Interaction.Stage.PEER:
        return _on(address_of(row))
    limits.take_relay(str(request.META.get("REMOTE_ADDR", "")))
    return _on(relay.begin(interaction=row))


@require_safe
def callback(request: HttpRequest) -> HttpResponse:
    """Take what that provider answered, once, in the browser that was sent there."""
    answer = relay.Answer.of_query(dict(request.GET.lists()))
    browser = interactions.browser_digest(request)
    try:
        row = relay.returned(answer=answer, browser=browser)
    except relay.Refused as refused:
        return _refused(refused, browser)
    if interactions.request_of(row).link:
        return _on(reverse("identity:my-links"))
    try:
        return _on(finishing.finish(key=row.key, browser=browser))
    except KouanError:
        raise
    except Exception:
        # The answer counts once; the step that is left has an address that can be asked for again.
        log.exception("the last step of a sign-in failed; the browser tries it again")
        return _on(address_of(row))


def _refused(refused: relay.Refused, browser: bytes) -> HttpResponse:
    """Tell the service what it has to know of; whoever can try again reads why."""
    row = refused.interaction
    error = relay.for_client(refused.error)
    if interactions.request_of(row).link:
        relay.give_up(interaction=row, browser=browser)
        return _on(reverse("identity:my-links"))
    if error is None:
        raise asking.refusal(row.side, refused.error)
    return _on(deny(relay.give_up(interaction=row, browser=browser), error))


def _on(address: str) -> HttpResponse:
    response = HttpResponseRedirect(address, status=HTTPStatus.SEE_OTHER)
    add_never_cache_headers(response)
    return response
