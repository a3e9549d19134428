from __future__ import annotations

from django.apps import AppConfig

from kouan.core import chores
from kouan.core.watch import concerns, deadlines


class SigningConfig(AppConfig):
    """Electronic signatures that both sides recognise: trust lists, validation, signing."""

    name = "kouan.apps.signing"
    label = "signing"

    def ready(self) -> None:
        """Name who validates signatures, what the worker does by itself, and who keeps days."""
        from kouan.apps.signing.lists import hearing, telling  # noqa: PLC0415 - models are ready now
        from kouan.apps.signing.validating import examining, services  # noqa: PLC0415 - as above
        from kouan.web import signatures  # noqa: PLC0415 - as above

        chores.register("signing-lists", every=1.0, run=telling.tell)
        from kouan.apps.signing.making import orders, renewal, results  # noqa: PLC0415 - as above
        from kouan.core.trust import offices  # noqa: PLC0415 - as above

        chores.register("signing-orders", every=30.0, run=orders.tidy)
        chores.register("signing-renewal", every=60.0, run=renewal.renew_due)
        offices.kept_by(results.OfficeKeys())
        deadlines.register("trust-lists", hearing.overdue)
        concerns.register("signing-archive", renewal.late)
        signatures.examined_by(signatures.Examiner(examining.examine, examining.report, examining.find))
        chores.register("signing-reports", every=3600, run=services.forget)
