from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class ExchangeConfig(AppConfig):
    """The channel; imports every app's ``crossings.py`` so that what may cross is declared."""

    name = "kouan.core.exchange"
    label = "exchange"

    def ready(self) -> None:
        """Let the apps declare their crossings."""
        autodiscover_modules("crossings")
        from kouan.core import chores  # noqa: PLC0415 - needs the models, which are there by now
        from kouan.core.exchange import keynews  # noqa: PLC0415 - as above

        chores.register("keys", every=keynews.EVERY, run=keynews.look_after)
