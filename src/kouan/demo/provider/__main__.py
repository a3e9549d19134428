"""Runs a side's demonstration provider where its ``[[home]]`` says that it is."""

from __future__ import annotations

import os
import sys
from urllib.parse import urlsplit

import django
import uvicorn
from django.conf import settings

from kouan.config import ConfigError, NodeConfig, load_from_environment
from kouan.sections import DEMONSTRATION_KIND, HomeSettings


def main() -> int:
    """Serve until SIGTERM; returns the exit status."""
    try:
        home = demonstration_home(load_from_environment())
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    configure(home)
    from django.core.asgi import get_asgi_application  # noqa: PLC0415 - needs Django's set-up

    where = urlsplit(home.issuer)
    uvicorn.run(
        get_asgi_application(),
        host=where.hostname or "",
        port=where.port or 80,
        log_level="warning",
        access_log=False,
        server_header=False,
    )
    return 0


def demonstration_home(node: NodeConfig) -> HomeSettings:
    """Return the provider that this node's settings name; raises ``ConfigError`` where there must be none."""
    if not node.demonstration:
        raise ConfigError(
            "This node is not a demonstration: a provider that lets anybody be anybody does not start for it."
        )
    for home in node.homes:
        if home.kind == DEMONSTRATION_KIND:
            return home
    raise ConfigError(f"No [[home]] of {node.home / 'node.toml'} is of the kind {DEMONSTRATION_KIND!r}.")


def configure(home: HomeSettings) -> None:
    """Set Django up for the provider: the node's settings, its own pages, and nothing in a database."""
    from kouan import settings as node  # noqa: PLC0415 - reads the node's settings, which may be wrong

    own = {name: getattr(node, name) for name in dir(node) if name.isupper()}
    origin = home.issuer.rstrip("/")
    side = node.NODE.side
    own |= {
        "ROOT_URLCONF": "kouan.demo.provider.urls",
        "INSTALLED_APPS": [*node.INSTALLED_APPS, "kouan.demo.provider"],
        "MIDDLEWARE": [
            "django.middleware.security.SecurityMiddleware",
            "kouan.web.middleware.SecurityHeadersMiddleware",
            "kouan.web.statics.StaticFilesMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.locale.LocaleMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        "SESSION_ENGINE": "django.contrib.sessions.backends.cache",
        # A browser keeps one jar of cookies for all ports of a host.
        "SESSION_COOKIE_NAME": f"kouan_{side}_provider_session",
        "CSRF_COOKIE_NAME": f"kouan_{side}_provider_csrf",
        "CSRF_TRUSTED_ORIGINS": [origin],
        "CSRF_FAILURE_VIEW": "kouan.demo.provider.pages.refused",
    }
    settings.configure(**own)
    django.setup()


if __name__ == "__main__":
    sys.exit(main())
