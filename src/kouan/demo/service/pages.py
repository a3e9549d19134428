"""The service's pages: sign in, what it knows of you, sign out."""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from kouan.apps.identity import labels
from kouan.apps.identity.domain import CLAIMS, SCOPES, Level
from kouan.core.errors import KouanError
from kouan.demo import services
from kouan.web import oidc

if TYPE_CHECKING:
    from django.http import HttpRequest

_ATTEMPT: Final = "attempt"
_PERSON: Final = "person"
_LOCALES: Final = {"en": "en", "zh-hant": "zh-Hant", "zh-hans": "zh-Hans"}


class _Ended:
    """The sessions of which the node has said that they are over, the latest thousand."""

    MOST: Final = 1000

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sids: OrderedDict[str, None] = OrderedDict()
        self._seen: OrderedDict[str, None] = OrderedDict()

    def add(self, notice: oidc.LogoutNotice) -> None:
        """Remember a notice; one that was shown before changes nothing."""
        with self._lock:
            if notice.jti in self._seen:
                return
            for kept, value in ((self._seen, notice.jti), (self._sids, notice.sid)):
                kept[value] = None
                while len(kept) > self.MOST:
                    kept.popitem(last=False)

    def __contains__(self, sid: object) -> bool:
        with self._lock:
            return sid in self._sids


ended = _Ended()


@cache
def provider() -> oidc.Provider:
    """Return this side's node as the service knows it."""
    node, made = settings.NODE, services.made_for(settings.NODE.side)
    return oidc.Provider(
        issuer=node.portal_origin,
        client_id=made.id,
        redirect_uri=services.origin_of(node.home) + services.BACK,
        key_file=node.home / services.KEY_FILE,
        proof_key_file=node.home / services.PROOF_FILE if made.profile == services.FAPI2 else None,
        scopes=(
            "openid",
            *(scope for scope in SCOPES if scope in {CLAIMS[name].scope for name in made.claims}),
        ),
        acr_values=tuple(level.acr for level in Level if level >= made.level),
        demonstration=True,
    )


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Invite to sign in, or show what the service knows of who did."""
    person = request.session.get(_PERSON)
    if person is not None and person["sid"] in ended:
        request.session.flush()
        return _page(request, "left", by_itself=True)
    if person is None:
        return _page(request, "start")
    kind = person["claims"].get("document_type", "")
    rows = [
        (labels.claim_name(name), labels.claim_value(name, person["claims"][name], kind=kind))
        for name in CLAIMS
        if name in person["claims"]
    ]
    level = Level.of_acr(person["acr"])
    bound = provider().proof_key_file is not None
    return _page(request, "person", person=person, rows=rows, level=level, words=labels, bound=bound)


@require_safe
def sign_in(request: HttpRequest) -> HttpResponse:
    """Send the browser to this side's node."""
    try:
        url, attempt = oidc.begin(provider(), ui_locales=_LOCALES.get(get_language() or "en", "en"))
    except KouanError as error:
        return _page(request, "failed", status=error.status, error=error)
    request.session[_ATTEMPT] = attempt.stored()
    return _away(url)


@require_safe
def back(request: HttpRequest) -> HttpResponse:
    """Take the node's answer, once, in the browser that was sent there."""
    kept = request.session.pop(_ATTEMPT, None)
    if kept is None:
        return _away(reverse("start"))
    try:
        said = oidc.finish(provider(), oidc.Attempt.restored(kept), request.META.get("QUERY_STRING", ""))
    except oidc.SignInRefused as error:
        return _page(request, "refused", status=error.status)
    except KouanError as error:
        return _page(request, "failed", status=error.status, error=error)
    request.session.cycle_key()
    request.session[_PERSON] = {
        "subject": said.subject,
        "acr": said.acr,
        "sid": said.sid,
        "claims": {name: str(said.claims[name]) for name in CLAIMS if said.claims.get(name)},
        "id_token": said.id_token,
    }
    return _away(reverse("start"))


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session here, and offer to end it at the node too."""
    person = request.session.get(_PERSON)
    request.session.flush()
    if person is None:
        return _away(reverse("start"))
    there = oidc.logout_url(
        provider(),
        id_token_hint=person["id_token"],
        post_logout_redirect_uri=services.origin_of(settings.NODE.home) + services.LEFT,
    )
    return _page(request, "left", there=there)


@require_safe
def left(request: HttpRequest) -> HttpResponse:
    """Say that somebody has signed out, here and at the node."""
    return _page(request, "left")


# The node's own word carries no cookie and needs none: it is signed.
@csrf_exempt
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """Take the node's logout token (OpenID Connect Back-Channel Logout 1.0)."""
    try:
        ended.add(oidc.read_logout_token(provider(), request.POST.get("logout_token", "")))
    except KouanError as error:
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    return HttpResponse(status=200)


def _away(address: str) -> HttpResponse:
    response = HttpResponseRedirect(address)
    response.status_code = 303
    add_never_cache_headers(response)
    return response


def _page(request: HttpRequest, name: str, *, status: int = 200, **context: Any) -> HttpResponse:
    made = services.made_for(settings.NODE.side)
    context = {
        "service": made,
        "portal": settings.NODE.portal_origin,
        "there": "",
        "by_itself": False,
    } | context
    response = render(request, f"service/{name}.html", context, status=status)
    add_never_cache_headers(response)
    return response
