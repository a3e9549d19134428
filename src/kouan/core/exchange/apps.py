from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class ExchangeConfig(AppConfig):
    """The channel; imports every app's ``crossings.py`` so that what may cross is declared."""

    name = "kouan.core.exchange"
    label = "exchange"

    def ready(self) -> None:
        """Let the apps declare their crossings, and have the worker look after the channels."""
        from kouan.core import chores  # noqa: PLC0415 - models are not there before
        from kouan.core.exchange.recovery import chore  # noqa: PLC0415 - as above

        autodiscover_modules("crossings")
        chores.register("channels", every=chore.EVERY, run=chore.look_after)
