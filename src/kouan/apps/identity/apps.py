from __future__ import annotations

from django.apps import AppConfig

from kouan.core import chores
from kouan.core.policy.decide import register_consents
from kouan.core.watch import missing
from kouan.web import portals
from kouan.web.persons import kept_by


class IdentityConfig(AppConfig):
    """The Identity app; keeps the consents for what crosses on its legal basis."""

    name = "kouan.apps.identity"
    label = "identity"

    def ready(self) -> None:
        """Check which home providers the settings name, and name what the worker does."""
        from kouan.apps.identity import figures, residents  # noqa: PLC0415 - they need the models to be loaded
        from kouan.apps.identity.consents import ConsentRegister  # noqa: PLC0415 - as above
        from kouan.apps.identity.crossings import LEGAL_BASIS  # noqa: PLC0415 - as above
        from kouan.apps.identity.home import registry  # noqa: PLC0415 - as above
        from kouan.apps.identity.nodes import record  # noqa: PLC0415 - as above
        from kouan.apps.identity.persons import Residents  # noqa: PLC0415 - as above
        from kouan.apps.identity.provider import calls, housekeeping  # noqa: PLC0415 - as above
        from kouan.apps.identity.queries import portal_of  # noqa: PLC0415 - as above

        kept_by(Residents())
        portals.known_by(portal_of)
        missing.register("identity-records", record.awaited)
        register_consents(LEGAL_BASIS, ConsentRegister())
        registry.check()
        calls.register()
        figures.offer()
        chores.register("identity-provider", every=30.0, run=housekeeping.tidy)
        chores.register("identity-sessions", every=5.0, run=residents.expire)
        self._name_chores()

    def _name_chores(self) -> None:
        from kouan.apps.identity import linking  # noqa: PLC0415 - needs the models
        from kouan.apps.identity.nodes import announcing, logouts, matching, record  # noqa: PLC0415 - as above

        chores.register("identity-announcing", every=2, run=announcing.announce)
        chores.register("identity-links", every=5, run=linking.settle)
        chores.register("identity-logouts", every=0.5, run=logouts.deliver)
        chores.register("identity-matches", every=0.5, run=matching.answer_questions)
        chores.register("identity-matches-over", every=300, run=matching.forget)
        chores.register("identity-records", every=1, run=record.match_records)
