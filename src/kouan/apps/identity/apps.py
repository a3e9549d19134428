from __future__ import annotations

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    """The Identity app."""

    name = "kouan.apps.identity"
    label = "identity"
