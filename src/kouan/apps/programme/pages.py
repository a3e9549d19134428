"""What the pages of this app share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.shortcuts import render

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


def page(request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
    """Return a page (``records/…``, ``plan/…`` or ``look/…``) with the news that all of these show."""
    context |= {
        "said": list(messages.get_messages(request)),
        "own_side": settings.NODE.side,
        "here": request.path,
    }
    return render(request, f"programme/{template}.html", context, status=status)
