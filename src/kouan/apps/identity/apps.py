from __future__ import annotations

from django.apps import AppConfig

from kouan.core import chores
from kouan.core.policy.decide import register_consents


class IdentityConfig(AppConfig):
    """The Identity app; keeps the consents for what crosses on its legal basis."""

    name = "kouan.apps.identity"
    label = "identity"

    def ready(self) -> None:
        """Check which home providers the settings name, and name what the worker does."""
        from kouan.apps.identity import residents  # noqa: PLC0415 - they need the models to be loaded
        from kouan.apps.identity.consents import ConsentRegister  # noqa: PLC0415 - as above
        from kouan.apps.identity.crossings import LEGAL_BASIS  # noqa: PLC0415 - as above
        from kouan.apps.identity.home import registry  # noqa: PLC0415 - as above

        register_consents(LEGAL_BASIS, ConsentRegister())
        registry.check()
        chores.register("identity-sessions", every=5.0, run=residents.expire)
