from __future__ import annotations

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """The operator's view of the node, and the public catalogue of what may cross."""

    name = "kouan.apps.operations"
    label = "operations"
