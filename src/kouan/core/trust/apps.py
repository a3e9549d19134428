from __future__ import annotations

from django.apps import AppConfig


class TrustConfig(AppConfig):
    """Keys, members and trust documents."""

    name = "kouan.core.trust"
    label = "trust"
