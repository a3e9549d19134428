from __future__ import annotations

from django.apps import AppConfig

from kouan.core import chores


class ProgrammeConfig(AppConfig):
    """The co-operation itself: what was agreed since its beginning, what is under way, what came of it."""

    name = "kouan.apps.programme"
    label = "programme"

    def ready(self) -> None:
        """Name what the worker does by itself."""
        from kouan.apps.programme.plan import mailing, reporting  # noqa: PLC0415 - needs the models to be loaded

        chores.register("programme-figures", every=reporting.EVERY, run=reporting.feed)
        chores.register("programme-invitations", every=mailing.EVERY, run=mailing.run)
