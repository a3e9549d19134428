"""What the pages of applicants share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kouan.apps.services.applying import labels
from kouan.web import pages
from kouan.web.pages import download, own

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

__all__ = ["download", "own", "page"]


def page(request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
    """Return a page with the words and the news that all of these show."""
    return pages.shown(request, f"services/applying/{template}.html", context, words=labels, status=status)
