from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings


class ServicesConfig(AppConfig):
    """Public services of both sides: found, applied for at home, decided by the side that offers them."""

    name = "kouan.apps.services"
    label = "services"

    def ready(self) -> None:
        """Name who keeps the consents, and what the worker does."""
        from kouan.apps.services import chores, concerns, figures  # noqa: PLC0415 - needs the models to be loaded
        from kouan.apps.services.cases import payments  # noqa: PLC0415 - as above
        from kouan.apps.services.crossings import APPLICATION_BASIS  # noqa: PLC0415 - as above
        from kouan.apps.services.register import ApplicationConsents  # noqa: PLC0415 - as above
        from kouan.core.policy import register_consents  # noqa: PLC0415 - as above
        from kouan.core.watch import concerns as watch  # noqa: PLC0415 - as above

        register_consents(APPLICATION_BASIS, ApplicationConsents())
        chores.register_all()
        payments.load(settings.NODE.payments)
        watch.register("services", concerns.find)
        figures.offer()
