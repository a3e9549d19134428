from __future__ import annotations

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """The operator's view of the node, and the public catalogue of what may cross."""

    name = "kouan.apps.operations"
    label = "operations"

    def ready(self) -> None:
        """Have the worker watch the node."""
        from django.conf import settings  # noqa: PLC0415 - settings and models are there by now

        from kouan.apps.operations.watching import watch  # noqa: PLC0415 - as above
        from kouan.core import chores  # noqa: PLC0415 - as above

        every = settings.NODE.watch.every_s
        chores.register("watch", every=every, run=watch, idle=every)
