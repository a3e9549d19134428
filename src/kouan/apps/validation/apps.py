from __future__ import annotations

from django.apps import AppConfig


class ValidationConfig(AppConfig):
    """The Validation app."""

    name = "kouan.apps.validation"
    label = "validation"
