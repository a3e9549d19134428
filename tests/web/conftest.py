from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from django.urls import include, path

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def with_views(settings) -> Callable[..., None]:
    """Serve further views beside the base pages: ``with_views(broken=view)`` puts it at ``/broken``."""

    def add(**views: Callable[..., object]) -> None:
        urls = ModuleType("web_test_urls")
        urls.urlpatterns = [
            *(path(name, view, name=name) for name, view in views.items()),
            path("", include(settings.ROOT_URLCONF)),
        ]
        for status, name in {
            400: "bad_request",
            403: "forbidden",
            404: "not_found",
            500: "server_error",
        }.items():
            setattr(urls, f"handler{status}", f"kouan.web.errors.{name}")
        sys.modules[urls.__name__] = urls
        settings.ROOT_URLCONF = urls.__name__

    yield add
    sys.modules.pop("web_test_urls", None)
