from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.utils.module_loading import autodiscover_modules

from kouan.core import chores


class ExchangeConfig(AppConfig):
    """The channel; imports every app's ``crossings.py`` so that what may cross is declared."""

    name = "kouan.core.exchange"
    label = "exchange"

    def ready(self) -> None:
        """Let the apps declare their crossings, and name what the channel does now and then."""
        autodiscover_modules("crossings")
        from kouan.core.exchange import (  # noqa: PLC0415 - models are ready now
            agreements,
            bodies,
            figures,
            keynews,
            reconciling,
            setaside,
            stamping,
            witnesses,
        )
        from kouan.core.exchange.recovery import chore  # noqa: PLC0415 - as above

        figures.offer()
        chores.register("agreements", every=agreements.KEEP_EVERY, run=agreements.keep_all)
        chores.register("bodies-handled", every=bodies.EVERY, run=bodies.erase_handled)
        chores.register("bodies-over", every=bodies.EVERY_OVER, run=bodies.erase_over)
        chores.register("channels", every=chore.EVERY, run=chore.look_after, idle=chore.IDLE)
        chores.register("keys", every=keynews.EVERY, run=keynews.look_after, idle=keynews.IDLE)
        chores.register("reconciliation", every=reconciling.LOOK_EVERY, run=reconciling.work)
        chores.register("set-aside", every=setaside.EVERY, run=setaside.refuse_late)
        if settings.NODE.time is not None:
            every = stamping.LOOK_EVERY
            chores.register(stamping.NAME, every=every, run=stamping.stamp_due, idle=every)
        for number, witness in enumerate(settings.NODE.witnesses, start=1):
            ask = witnesses.asker(witness)
            chores.register(f"witness-{number}", every=witnesses.ASK_EVERY, run=ask, idle=witnesses.IDLE)
