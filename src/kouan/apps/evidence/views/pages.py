"""What the pages of this app share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kouan.apps.evidence import labels
from kouan.web import pages
from kouan.web.access import reach_of
from kouan.web.pages import download, own

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from kouan.web.access import Reach

__all__ = ["departments_in", "download", "own", "page"]


def page(request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
    """Return a page with the words and the news that all of these show."""
    return pages.shown(request, f"evidence/{template}.html", context, words=labels, status=status)


def departments_in(request: HttpRequest) -> Reach:
    """Return the departments whose records an officer keeps; ``None`` for who does so for the whole side."""
    return reach_of(request.user, "evidence")
