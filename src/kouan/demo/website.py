"""A website of its own beside a demonstration node: the portal's look, nothing in a database."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import django
import uvicorn
from django.conf import settings
from django.http import HttpResponse
from django.utils.translation import gettext

if TYPE_CHECKING:
    from typing import Any

    from django.http import HttpRequest

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "kouan.web.middleware.SecurityHeadersMiddleware",
    "kouan.web.statics.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


def configure(*, app: str, name: str, origin: str) -> None:
    """Set Django up for a website: the node's settings, the pages of ``app``, sessions in memory."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    from kouan import settings as node  # noqa: PLC0415 - reads the node's settings, which may be wrong

    own: dict[str, Any] = {key: getattr(node, key) for key in dir(node) if key.isupper()}
    side = node.NODE.side
    own |= {
        "ROOT_URLCONF": f"{app}.urls",
        "INSTALLED_APPS": [*node.INSTALLED_APPS, app],
        "MIDDLEWARE": MIDDLEWARE,
        "SESSION_ENGINE": "django.contrib.sessions.backends.cache",
        # A browser keeps one jar of cookies for all ports of a host.
        "SESSION_COOKIE_NAME": f"kouan_{side}_{name}_session",
        "CSRF_COOKIE_NAME": f"kouan_{side}_{name}_csrf",
        "CSRF_TRUSTED_ORIGINS": [origin],
        "CSRF_FAILURE_VIEW": "kouan.demo.website.refused",
    }
    settings.configure(**own)
    django.setup()


def refused(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django calls it so
    """Answer a form that did not come from a page of the website's own."""
    text = gettext("This form did not come from a page of this website, or that page had grown too old.")
    return HttpResponse(text, status=403, content_type="text/plain; charset=utf-8")


def serve(origin: str) -> None:
    """Serve the website that was set up at its origin, until SIGTERM."""
    from django.core.asgi import get_asgi_application  # noqa: PLC0415 - needs Django's set-up

    where = urlsplit(origin)
    uvicorn.run(
        get_asgi_application(),
        host=where.hostname or "",
        port=where.port or 80,
        log_level="warning",
        access_log=False,
        server_header=False,
    )
