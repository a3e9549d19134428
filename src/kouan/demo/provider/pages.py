"""The provider's pages: who are you today, sign out, and what this is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from django import forms
from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kouan.demo.provider import client, people
from kouan.demo.provider.desk import Asked, Visit, desk
from kouan.web.middleware import CONTENT_SECURITY_POLICY

if TYPE_CHECKING:
    from django.http import HttpRequest

_VISIT: Final = "visit"
_FIELDS: Final = (
    "client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge",
    "code_challenge_method", "acr_values", "max_age", "prompt", "ui_locales", "login_hint",
)  # fmt: skip
_LONGEST: Final = 2000


class Who(forms.Form):
    """Who somebody is today, and how they sign in."""

    person = forms.ChoiceField(
        label=_("Who are you today?"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose who you are."), "invalid_choice": _("Choose one of these.")},
    )
    strength = forms.ChoiceField(
        label=_("How do you sign in?"),
        widget=forms.RadioSelect,
        choices=[("app", _("With the provider's app")), ("password", _("With a password alone"))],
        initial="app",
        error_messages={"required": _("Choose how you sign in.")},
    )
    request = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type] # Django's own signature
        self.fields["person"].choices = [  # type: ignore[attr-defined] # a ChoiceField
            (person.subject, person.name) for person in people.of_side(settings.NODE.side)
        ]


@require_safe
def authorize(request: HttpRequest) -> HttpResponse:
    """Answer the node's request at once where the person is known here, else ask who it is."""
    asked = _asked(request)
    if asked is None:
        return _page(request, "wrong", status=400)
    visit = _visit(request)
    if visit is not None and _suits(visit, asked):
        return _back(asked, code=desk.codes.keep((asked, visit)))
    if "none" in asked.prompt:
        return _back(asked, error="login_required")
    form = Who(initial={"request": desk.requests.keep(asked)})
    return _who(request, form)


@require_POST
def who(request: HttpRequest) -> HttpResponse:
    """Take the person's choice, or that they cancel, and go back to the node."""
    name = request.POST.get("request", "")
    if desk.requests.see(name) is None:
        return _page(request, "wrong", status=400)
    form = Who(request.POST)
    cancelled = "cancel" in request.POST
    if not cancelled and not form.is_valid():
        return _who(request, form, status=422)
    asked = desk.requests.take(name)
    if asked is None:
        return _page(request, "wrong", status=400)
    if cancelled:
        return _back(asked, error="access_denied")
    person = people.find(settings.NODE.side, form.cleaned_data["person"])
    assert person is not None  # noqa: S101 - one of the form's choices
    visit = Visit.begun(person.subject, person.acr, people.STRENGTHS[form.cleaned_data["strength"]])
    request.session.cycle_key()
    request.session[_VISIT] = visit.stored()
    return _back(asked, code=desk.codes.keep((asked, visit)))


@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest) -> HttpResponse:
    """Ask, end the session here, tell the node, and go back (OpenID Connect RP-Initiated Logout 1.0)."""
    back_to = request.GET.get("post_logout_redirect_uri", "")
    known = back_to == client.after_logout()
    visit = _visit(request)
    if request.method == "POST" or visit is None:
        request.session.flush()
        if visit is not None:
            client.tell_of_end(visit)
        if known:
            return _away(back_to)
        return _page(request, "left")
    return _page(request, "leave", person=people.find(settings.NODE.side, visit.subject))


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Say what this is."""
    visit = _visit(request)
    person = people.find(settings.NODE.side, visit.subject) if visit is not None else None
    return _page(request, "start", person=person, portal=settings.NODE.portal_origin)


def _asked(request: HttpRequest) -> Asked | None:
    """Return a sound request of the node's; nothing for any other, which gets no redirect."""
    given = {name: request.GET.getlist(name) for name in _FIELDS}
    if any(len(values) > 1 or len("".join(values)) > _LONGEST for values in given.values()):
        return None
    said = {name: values[0] if values else "" for name, values in given.items()}
    sound = (
        said["client_id"] == client.home().client_id
        and said["redirect_uri"] == client.callback()
        and said["response_type"] == "code"
        and "openid" in said["scope"].split()
        and said["code_challenge_method"] == "S256"
        and bool(said["code_challenge"] and said["state"] and said["nonce"])
        and (not said["max_age"] or (said["max_age"].isascii() and said["max_age"].isdecimal()))
    )
    if not sound:
        return None
    return Asked(
        redirect_uri=said["redirect_uri"],
        state=said["state"],
        nonce=said["nonce"],
        challenge=said["code_challenge"],
        acr_values=tuple(said["acr_values"].split()),
        max_age=int(said["max_age"]) if said["max_age"] else None,
        prompt=tuple(said["prompt"].split()),
    )


def _suits(visit: Visit, asked: Asked) -> bool:
    """Say whether somebody who is signed in here goes on without being asked."""
    if {"login", "select_account"} & set(asked.prompt):
        return False
    young = asked.max_age is None or time.time() - visit.auth_time <= asked.max_age
    return young and (not asked.acr_values or visit.acr in asked.acr_values)


def _visit(request: HttpRequest) -> Visit | None:
    held = request.session.get(_VISIT)
    return Visit.restored(held) if held is not None else None


def _who(request: HttpRequest, form: Who, *, status: int = 200) -> HttpResponse:
    side = settings.NODE.side
    levels = people.levels_of(side)
    hints = {
        person.subject: gettext("%(words)s; counts as level %(level)s")
        % {"words": people.WORDS[person.acr], "level": levels[person.acr]}
        for person in people.of_side(side)
    }
    return _page(request, "who", status=status, form=form, hints=hints)


def _back(asked: Asked, **fields: str) -> HttpResponse:
    """Go back to the node with a code or an error (RFC 6749 section 4.1.2, RFC 9207)."""
    query = urlencode({**fields, "state": asked.state, "iss": client.issuer()})
    return _away(f"{asked.redirect_uri}?{query}")


def _away(address: str) -> HttpResponse:
    response = HttpResponseRedirect(address)
    response.status_code = 303
    add_never_cache_headers(response)
    return response


def _page(request: HttpRequest, name: str, *, status: int = 200, **context: object) -> HttpResponse:
    response = render(request, f"provider/{name}.html", {"provider": client.name(), **context}, status=status)
    # A form's answer leads back to the node, which is another origin.
    parts = urlsplit(settings.NODE.portal_origin)
    node = f"{parts.scheme}://{parts.netloc}"
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.replace(
        "form-action 'self'", f"form-action 'self' {node}"
    )
    add_never_cache_headers(response)
    return response
