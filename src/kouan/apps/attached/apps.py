from __future__ import annotations

from django.apps import AppConfig

from kouan.core import chores


class AttachedConfig(AppConfig):
    """The Attached systems app."""

    name = "kouan.apps.attached"
    label = "attached"

    def ready(self) -> None:
        """Name what the worker does for attached systems."""
        from kouan.apps.attached import bridge, hooks  # noqa: PLC0415 - they need the models to be loaded

        chores.register("attached-changes", every=0.5, run=hooks.note_changes)
        chores.register("attached-webhooks", every=0.5, run=hooks.deliver)
        chores.register("attached-nats", every=0.5, run=bridge.run, idle=bridge.IDLE)
