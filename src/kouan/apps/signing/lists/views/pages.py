"""What the pages of trust lists share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.shortcuts import render

from kouan.apps.signing.lists import labels
from kouan.web.access import has_role

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


def page(request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
    """Return a page with the words and the news that all of these show."""
    context |= {
        "words": labels,
        "said": list(messages.get_messages(request)),
        "own_side": settings.NODE.side,
        "is_officer": has_role(request.user, "signing"),
    }
    return render(request, f"signing/lists/{template}.html", context, status=status)


def account_of(request: HttpRequest) -> User:
    """Return the account of an officer."""
    assert isinstance(request.user, User)  # noqa: S101 - who holds no role does not come here
    return request.user
