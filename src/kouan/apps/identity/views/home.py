"""A resident's way to the home provider and back: for a service, or for the pages of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeGuard
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from kouan.apps.identity import residents
from kouan.apps.identity.domain import FRESH, Level
from kouan.apps.identity.errors import LevelNotReached
from kouan.apps.identity.home import attempts, registry
from kouan.apps.identity.home.adapter import AFTER_LOGOUT, Asked
from kouan.apps.identity.home.errors import AnotherPerson
from kouan.apps.identity.provider import interactions, limits
from kouan.apps.identity.provider.authorizing import deny
from kouan.apps.identity.provider.errors import AccessDenied
from kouan.apps.identity.views.steps import address_of
from kouan.core.errors import KouanError

if TYPE_CHECKING:
    import uuid

    from kouan.apps.identity.home.adapter import HomeSignIn
    from kouan.apps.identity.home.attempts import Attempt
    from kouan.apps.identity.models import HomeSession, Interaction, Resident
    from kouan.apps.identity.provider.errors import OAuthError
    from kouan.apps.identity.provider.requests import Request

_LONGEST_TOKEN: Final = 16_384
_LONGEST_ADDRESS: Final = 500


@require_safe
def home(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Take a resident who is signed in already, or send the browser to the home provider."""
    browser = interactions.browser_digest(request)
    row = interactions.current(key=key, browser=browser)
    if row.stage != interactions.Stage.HOME:
        return _seen(HttpResponseRedirect(address_of(row)))
    wanted = interactions.request_of(row)
    held = residents.of(request)
    again = "again" in request.GET
    if not again and _suits(held, wanted):
        row = interactions.authenticated(key=key, browser=browser, session=residents.settled(held))
        return _seen(HttpResponseRedirect(address_of(row)))
    # The highest level says that the person has just authenticated. Who is here already, but not as surely as
    # is asked for, would be sent back from the provider as they are.
    new = bool({"login", "select_account"} & set(wanted.prompt))
    fresh = again or new or held is not None or wanted.level is Level.HIGH
    asked = Asked(
        level=wanted.level,
        fresh=fresh,
        max_age=0 if fresh else wanted.max_age,
        language=get_language() or "en",
    )
    return _seen(_send(request, browser, asked, interaction=row))


@require_safe
def stop(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Send a person who does not want to go on back to the service."""
    browser = interactions.browser_digest(request)
    return _denied(key, browser, AccessDenied())


@require_safe
def enter(request: HttpRequest) -> HttpResponse:
    """Let a resident into the pages of their own, at a ``level`` and ``fresh`` if a page asks for that."""
    back_to = _own_page(request.GET.get("next", ""))
    level = _level(request.GET.get("level", ""))
    fresh = "fresh" in request.GET
    held = residents.of(request)
    longest = int(FRESH.total_seconds()) if fresh else None
    if held is not None and residents.suits(held, level=level, max_age=longest):
        return _seen(HttpResponseRedirect(back_to))
    must_be = held.resident if held is not None and fresh else None
    fresh = fresh or held is not None or level is Level.HIGH
    asked = Asked(level=level, fresh=fresh, max_age=0 if fresh else None, language=get_language() or "en")
    browser = interactions.browser_digest(request)
    return _seen(_send(request, browser, asked, resident=must_be, back_to=back_to))


@require_safe
def callback(request: HttpRequest, provider: str) -> HttpResponse:
    """Take a home provider's answer, once, in the browser that was sent there."""
    adapter = registry.get(provider)
    browser = interactions.browser_digest(request)
    attempt = attempts.take(browser=browser, provider=provider, state=request.GET.get("state", ""))
    try:
        said = adapter.finish(attempt.kept, request.META.get("QUERY_STRING", ""))
        if attempt.resident is not None and not residents.is_of(
            attempt.resident, provider=provider, subject=said.subject
        ):
            raise AnotherPerson
        onward = _entered(request, attempt, browser, provider, said)
    except KouanError as error:
        return _seen(_failed(request, attempt, error))
    return _seen(HttpResponseRedirect(onward))


def _entered(request: HttpRequest, attempt: Attempt, browser: bytes, provider: str, said: HomeSignIn) -> str:
    """Recognise whoever signed in from now on, and return where they go on to: one transaction.

    Raises what keeps them from going on; they are signed in all the same.
    """
    with transaction.atomic():
        session = residents.signed_in(provider=provider, said=said)
        residents.enter(request, session)
        try:
            if attempt.interaction is None:
                interactions.require_level(attempt.level, Level(session.level))
                return attempt.back_to
            key = attempt.interaction.key
            return address_of(interactions.authenticated(key=key, browser=browser, session=session))
        except KouanError as error:
            refused = error
    raise refused


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Sign the resident out here and at every service, and say how to sign out at the provider too."""
    held = residents.of(request)
    there, name = "", None
    if held is not None:
        try:
            adapter = registry.get(held.provider)
            name = adapter.name
            there = adapter.logout_url(back_to=settings.NODE.portal_origin + AFTER_LOGOUT)
        except KouanError:
            there = ""  # the provider does not answer, or is no longer there: what is ours ends all the same
    residents.leave(request)
    return _seen(render(request, "identity/left.html", {"there": there, "provider": name, "back_to": ""}))


@require_safe
def left(request: HttpRequest) -> HttpResponse:
    """Say that the resident is signed out here and there."""
    return _seen(render(request, "identity/left.html", {"there": "", "provider": None, "back_to": ""}))


# The provider's own word carries no cookie and needs none: it is signed.
@csrf_exempt
@require_POST
def ended(request: HttpRequest, provider: str) -> HttpResponse:
    """Take a provider's logout token (OpenID Connect Back-Channel Logout 1.0 section 2.5)."""
    adapter = registry.get(provider)
    token = request.POST.get("logout_token", "")
    try:
        notice = adapter.ended(token) if 0 < len(token) <= _LONGEST_TOKEN else None
    except KouanError as error:
        return _seen(JsonResponse({"error": "invalid_request", "error_description": str(error)}, status=400))
    if notice is None:
        return _seen(JsonResponse({"error": "invalid_request"}, status=400))
    residents.ended_at_provider(provider=provider, notice=notice)
    return _seen(HttpResponse(status=200))


def _suits(held: HomeSession | None, wanted: Request) -> TypeGuard[HomeSession]:
    return held is not None and residents.suits(
        held, level=wanted.level, max_age=wanted.max_age, prompt=wanted.prompt
    )


def _send(  # noqa: PLR0913 - what an attempt is about
    request: HttpRequest,
    browser: bytes,
    asked: Asked,
    *,
    interaction: Interaction | None = None,
    resident: Resident | None = None,
    back_to: str = "",
) -> HttpResponse:
    """Send the browser to the one provider, or to the one that the person chooses."""
    offered = registry.offered(asked.level)
    chosen = request.GET.get("with", "") if len(offered) > 1 else offered[0].id
    if not chosen:
        return render(
            request,
            "identity/home-choose.html",
            {"providers": offered, "interaction": interaction, "query": _without(request, "with")},
        )
    adapter = next((each for each in offered if each.id == chosen), None)
    if adapter is None:
        raise Http404
    limits.take_home(str(request.META.get("REMOTE_ADDR", "")))
    url = attempts.begin(
        browser=browser,
        adapter=adapter,
        asked=asked,
        interaction=interaction,
        resident=resident,
        back_to=back_to,
    )
    return HttpResponseRedirect(url)


def _denied(key: uuid.UUID, browser: bytes, error: OAuthError) -> HttpResponse:
    """End an interaction and take the news to the client."""
    return _seen(HttpResponseRedirect(deny(interactions.abandoned(key=key, browser=browser), error)))


def _failed(request: HttpRequest, attempt: Attempt, error: KouanError) -> HttpResponse:
    """Say what is the matter, and how to go on: once more, more strongly, or back to the service."""
    if attempt.interaction is not None:
        again = reverse("identity:home", args=[attempt.interaction.key]) + "?again=1"
    else:
        query = {"next": attempt.back_to, "level": int(attempt.level)}
        again = f"{reverse('identity:enter')}?{urlencode(query)}"
    context = {
        "error": error,
        "stronger": isinstance(error, LevelNotReached),
        "again": again,
        "interaction": attempt.interaction,
        "service": interactions.request_of(attempt.interaction).service if attempt.interaction else None,
    }
    return render(request, "identity/home-failed.html", context, status=error.status)


def _own_page(address: str) -> str:
    """Return an address of this portal; anything else is ours to choose."""
    if (
        address.startswith("/")
        and len(address) <= _LONGEST_ADDRESS
        and url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    ):
        return address
    return reverse("web:home")


def _level(text: str) -> Level:
    return Level(int(text)) if text in {"1", "2", "3", "4"} else Level.SELF_ASSERTED


def _without(request: HttpRequest, name: str) -> str:
    query = request.GET.copy()
    query.pop(name, None)
    return query.urlencode()


def _seen(response: HttpResponse) -> HttpResponse:
    """Let nobody keep an answer that belongs to one sign-in."""
    add_never_cache_headers(response)
    return response
