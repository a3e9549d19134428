from __future__ import annotations

from django.apps import AppConfig

from kouan.core import chores


class IdentityConfig(AppConfig):
    """The Identity app."""

    name = "kouan.apps.identity"
    label = "identity"

    def ready(self) -> None:
        """Check which home providers the settings name, and name what the worker does."""
        from kouan.apps.identity import residents  # noqa: PLC0415 - they need the models to be loaded
        from kouan.apps.identity.home import registry  # noqa: PLC0415 - as above

        registry.check()
        chores.register("identity-sessions", every=5.0, run=residents.expire)
