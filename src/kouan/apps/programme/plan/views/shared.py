"""What the pages of this part share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from kouan.apps.programme.plan import labels
from kouan.core.trust.queries import members
from kouan.web.access import departments_of, has_role

if TYPE_CHECKING:
    from django import forms


def page(request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
    """Return a page with the words and the news that all of these show."""
    context |= {
        "words": labels,
        "said": list(messages.get_messages(request)),
        "own_side": settings.NODE.side,
        "officer": has_role(request.user, "programme"),
    }
    return render(request, f"programme/plan/{template}.html", context, status=status)


def asked(  # noqa: PLR0913 - all that a page with a form shows, by name
    request: HttpRequest,
    form: forms.Form,
    *,
    title: str,
    button: str,
    back: str,
    lead: str = "",
    caption: str = "",
    edition: int | None = None,
    kind: str = "",
    facts: list[dict[str, str]] | None = None,
) -> HttpResponse:
    """Return a page with one form; answered wrongly, with what is wrong above it."""
    return page(
        request,
        "form",
        form=form,
        title=title,
        lead=lead,
        caption=caption,
        button=button,
        kind=kind,
        back=back,
        edition=edition,
        facts=facts or [],
        status=422 if form.errors else 200,
    )


def officer_of(request: HttpRequest) -> str:
    """Return who signs: the officer's name, and the post in which they do."""
    assert isinstance(request.user, User)  # noqa: S101 - who holds no role does not come here
    name = request.user.get_full_name() or request.user.get_username()
    posts = [held.name.en for held in departments_of(request.user, "programme")]
    return ", ".join([name, *posts])[:200]


def peers() -> list[str]:
    """Return the other sides that this node knows."""
    return [each.side for each in members()]


def edition_of(request: HttpRequest) -> int:
    """Return the edition of the draft that the officer has read; 0, which is none, for anything else."""
    given = request.POST.get("edition", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else 0  # noqa: PLR2004 - digits


def download(data: bytes, *, name: str, content_type: str, inline: bool = False) -> HttpResponse:
    """Return bytes for the reader to keep."""
    how = "inline" if inline else "attachment"
    return HttpResponse(
        data,
        content_type=content_type,
        headers={"Content-Disposition": f'{how}; filename="{name}"', "Cache-Control": "no-store"},
    )
