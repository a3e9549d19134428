"""The provider's addresses at the portal: for programs of services, and for the browser of a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from kouan.apps.identity import keys, residents, signouts
from kouan.apps.identity.models import SigningKey
from kouan.apps.identity.provider import authorizing, finishing, interactions, leaving, limits, silent
from kouan.apps.identity.provider.metadata import metadata
from kouan.apps.identity.provider.parameters import read_form, read_query
from kouan.apps.identity.provider.portal import PROGRAMS, asked_of
from kouan.apps.identity.views.steps import address_of

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable

    from kouan.apps.identity.models import HomeSession, Interaction, SignIn
    from kouan.apps.identity.provider.asked import Answer
    from kouan.apps.identity.provider.leaving import Leaving

SEE_OTHER: Final = 303
KEYS_FOR: Final = 300
"""Seconds for which anybody may keep the list of keys: far less than a new one is published ahead."""
_LANGUAGES: Final = {
    **dict.fromkeys(("en", "en-hk", "en-gb"), "en"),
    **dict.fromkeys(("zh-hant", "zh-hk", "zh-mo", "zh-tw"), "zh-hant"),
    **dict.fromkeys(("zh", "zh-hans", "zh-cn"), "zh-hans"),
}
"""``ui_locales`` that name a language of these pages."""
_A_YEAR: Final = 365 * 24 * 3600
_NEVER_KEPT: Final = "max-age=0, no-cache, no-store, must-revalidate, private"


# For programs. No cookie says who they are, so none can be misused.


def _for_programs(address: str) -> Callable[[HttpRequest], HttpResponse]:
    program = PROGRAMS[address]

    @csrf_exempt
    @require_http_methods(program.methods)
    def view(request: HttpRequest) -> HttpResponse:
        return _response(program.endpoint(asked_of(request.META, request.body)))

    return view


# At the portal, ``kouan.node.programs`` answers most of these before Django does.
pushed = _for_programs("/oidc/par")
redeemed = _for_programs("/oidc/token")
told = _for_programs("/oidc/userinfo")


@require_safe
def discovery(_request: HttpRequest) -> HttpResponse:
    """Say what this provider offers."""
    return JsonResponse(metadata(), headers={"Cache-Control": f"public, max-age={KEYS_FOR}"})


@require_safe
def jwks(_request: HttpRequest) -> HttpResponse:
    """Publish the keys that sign tokens."""
    keys.current(SigningKey.Use.TOKEN)
    value = keys.jwks(keys.published(SigningKey.Use.TOKEN))
    return JsonResponse(value, headers={"Cache-Control": f"public, max-age={KEYS_FOR}"})


# For a person's browser


@csrf_exempt
@require_http_methods(["GET", "POST"])
def authorize(request: HttpRequest) -> HttpResponse:
    """Begin a sign-in for a client, or tell it why not."""
    limits.take_browser(_address(request))
    parameters = _parameters(request)
    if request.method == "POST":
        # A form of another site brings no cookie; going on by GET, the browser is the one that it was.
        return _away(f"{request.path}?{urlencode(parameters)}")
    with transaction.atomic():  # that a pushed request is used up, and what comes of it, are one
        try:
            client, asked = authorizing.asked(parameters)
        except authorizing.ToldToClient as told_to_client:
            return _away(told_to_client.location)
        if "none" in asked.prompt:
            return _away(silent.answer(client, asked, residents.of(request)))
        row = interactions.opened(client=client, request=asked, browser=interactions.browser_digest(request))
    response = _next(row)
    language = next((_LANGUAGES[tag] for tag in map(str.lower, asked.ui_locales) if tag in _LANGUAGES), None)
    if language is not None and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=_A_YEAR,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return response


@require_safe
def next_step(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Send the browser to the step that is to be taken."""
    return _next(interactions.current(key=key, browser=interactions.browser_digest(request)))


@require_safe
def done(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Send the browser back to the client with a code."""
    return _away(finishing.finish(key=key, browser=interactions.browser_digest(request)))


@csrf_exempt
@require_http_methods(["GET", "POST"])
def end_session(request: HttpRequest) -> HttpResponse:
    """Sign a person out at a service's wish: at once with an ID token of theirs, else after asking."""
    parameters = _parameters(request)
    wish = leaving.wished(parameters)
    if request.method == "POST" and "sign_out" in parameters:
        return _confirmed(request, wish)
    held = residents.of(request)
    if wish.sign_in is None and held is not None:
        kept = {name: parameters[name] for name in leaving.KEPT if name in parameters}
        return _seen(render(request, "identity/sign-out.html", {"kept": kept}))
    if wish.sign_in is not None:
        _end(request, wish.sign_in, held)
    return _away(wish.back_to) if wish.back_to else _left(request)


@csrf_protect
def _confirmed(request: HttpRequest, wish: Leaving) -> HttpResponse:
    """Sign out whoever said so on our own page; a link leads back, since no form leads elsewhere."""
    residents.leave(request)
    return _left(request, back_to=wish.back_to)


def _end(request: HttpRequest, sign_in: SignIn, held: HomeSession | None) -> None:
    """End what a sign-in rests on. The browser's own resident leaves only if the sign-in is theirs."""
    if sign_in.home_session is None:  # it rests on a session of another side
        signouts.end(sign_ins=[sign_in], by="service")
    elif held is not None and sign_in.resident_id == held.resident_id:
        residents.leave(request, by="service")
    else:
        residents.end(session=sign_in.home_session, by="service")


def _left(request: HttpRequest, *, back_to: str = "") -> HttpResponse:
    return _seen(render(request, "identity/left.html", {"there": "", "provider": None, "back_to": back_to}))


def _next(row: Interaction) -> HttpResponse:
    return _away(address_of(row))


def _away(location: str) -> HttpResponse:
    return _seen(HttpResponseRedirect(location, status=SEE_OTHER))


def _seen(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = _NEVER_KEPT
    return response


def _parameters(request: HttpRequest) -> dict[str, str]:
    if request.method == "POST":
        return read_form(request.body, {"content-type": request.META.get("CONTENT_TYPE", "")})
    return read_query(request.META.get("QUERY_STRING", ""))


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def _response(answer: Answer) -> HttpResponse:
    return HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))
