from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class WebConfig(AppConfig):
    """What pages share; imports every app's ``portal.py`` so that its entries are registered."""

    name = "kouan.web"
    label = "web"

    def ready(self) -> None:
        """Let the apps register their navigation entries and home cards."""
        autodiscover_modules("portal")
