from __future__ import annotations

from django.apps import AppConfig


class TrustConfig(AppConfig):
    name = "kouan.core.trust"
    label = "trust"
