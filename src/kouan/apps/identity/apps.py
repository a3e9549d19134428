from __future__ import annotations

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    """The Identity app; keeps the consents for what crosses on its legal basis."""

    name = "kouan.apps.identity"
    label = "identity"

    def ready(self) -> None:
        """Name who keeps the consents."""
        from kouan.apps.identity.consents import ConsentRegister  # noqa: PLC0415 - needs the models
        from kouan.apps.identity.crossings import LEGAL_BASIS  # noqa: PLC0415 - as above
        from kouan.core.policy.decide import register_consents  # noqa: PLC0415 - as above

        register_consents(LEGAL_BASIS, ConsentRegister())
