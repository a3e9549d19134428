from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from django.apps import AppConfig
from django.utils import timezone

from kouan.core import chores
from kouan.core.watch import concerns, deadlines

if TYPE_CHECKING:
    import uuid

    from kouan.core.trust.offices import Wanted
    from kouan.web.signatures import Examined


class SigningConfig(AppConfig):
    """Electronic signatures that both sides recognise: trust lists, validation, signing."""

    name = "kouan.apps.signing"
    label = "signing"

    def ready(self) -> None:
        """Name who validates signatures, what the worker does by itself, and who keeps days.

        What signs or validates stands on libraries that take a third of a second to load, and few processes
        do either: it is loaded when it is first asked for, or for all of a node's processes at once.
        """
        from kouan.apps.signing.lists import hearing, telling  # noqa: PLC0415 - models are ready now
        from kouan.apps.signing.making import overdue  # noqa: PLC0415 - as above
        from kouan.core.trust import offices  # noqa: PLC0415 - as above
        from kouan.web import signatures  # noqa: PLC0415 - as above

        chores.register("signing-lists", every=1.0, run=telling.tell)
        chores.register("signing-orders", every=30.0, run=_tidy)
        chores.register("signing-renewal", every=60.0, run=_renew_due)
        offices.kept_by(_OfficeKeys())
        deadlines.register("trust-lists", hearing.overdue)
        concerns.register("signing-archive", overdue.late)
        signatures.examined_by(signatures.Examiner(_examine, _report, _find))
        chores.register("signing-reports", every=3600, run=_forget)


class _OfficeKeys:
    def signed(self, paper: bytes, wanted: Wanted, *, department: str) -> bytes | None:
        from kouan.apps.signing.making import results  # noqa: PLC0415 - heavy, and few processes sign

        return results.OfficeKeys().signed(paper, wanted, department=department)


def _tidy() -> bool:
    from kouan.apps.signing.making import orders  # noqa: PLC0415 - as above

    return orders.tidy()


def _renew_due() -> bool:
    from kouan.apps.signing.making import overdue  # noqa: PLC0415 - as above

    if not overdue.due(timezone.now()).exists():
        return False
    from kouan.apps.signing.making import renewal  # noqa: PLC0415 - as above

    return renewal.renew_due()


def _examine(file: IO[bytes], document: IO[bytes] | None = None) -> Examined | None:
    from kouan.apps.signing.validating import examining  # noqa: PLC0415 - heavy, and few processes validate

    return examining.examine(file, document)


def _report(file: IO[bytes], document: IO[bytes] | None = None) -> dict[str, Any] | None:
    from kouan.apps.signing.validating import examining  # noqa: PLC0415 - as above

    return examining.report(file, document)


def _find(key: uuid.UUID) -> Examined | None:
    from kouan.apps.signing.validating import examining  # noqa: PLC0415 - as above

    return examining.find(key)


def _forget() -> bool:
    from kouan.apps.signing.validating import services  # noqa: PLC0415 - as above

    return services.forget()
