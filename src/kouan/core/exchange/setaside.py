"""What becomes of a peer's messages whose handlers broke again and again: an operator's, for a time.

An operator has one tried again. One that can count no more, as its app knows, or whose kind is not kept for
good and that has lain for ``KEPT``, is refused: what it said is erased and its sender told, so that neither
side keeps what it has no use for, or goes on waiting.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError
from kouan.core.exchange import bodies, wake
from kouan.core.exchange.crossing import Keep, registry
from kouan.core.exchange.models import InboxMessage

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from django.db.models import QuerySet

KEPT: Final = timedelta(days=14)
"""So long a message that may hold data about a person (``crossing.Keep``) waits for an operator."""
EVERY: Final = 60.0
"""Seconds between looks for those that have waited so long."""
_AT_ONCE: Final = 200
_FAILED: Final = InboxMessage.State.FAILED


class NotFailed(KouanError):
    """The message was not set aside, so there is nothing to try again."""

    code = "not-failed"
    status = 409
    message = _("Message %(message)s is not set aside (any more); look at its present state.")


class NotHandledInTime(KouanError):
    """Nobody could have the message handled while the receiving side might keep what it says."""

    code = "not-handled-in-time"
    status = 409
    message = _(
        "The receiving side could not handle it for so long that it has erased what it said. Ask its "
        "operator what was wrong, and send it again."
    )


def try_again(pk: int) -> None:
    """Hand a message that was set aside to its handler once more; raises ``NotFailed``."""
    with transaction.atomic():
        again = InboxMessage.objects.filter(pk=pk, state=_FAILED).update(
            state=InboxMessage.State.WAITING,
            attempts=0,
            code="",
            next_attempt_at=None,
            finished_at=None,
            notified=False,
        )
        if not again:
            raise NotFailed(message=pk)
        wake.ring_on_commit(wake.INBOX)


def refuse(rows: QuerySet[InboxMessage], *, code: str) -> list[uuid.UUID]:
    """Refuse for good those of ``rows`` that are set aside, and return their ids.

    What they said is erased, and their sender hears the code with the next batch.
    """
    refused: list[uuid.UUID] = []
    with transaction.atomic():
        held = rows.filter(state=_FAILED).order_by("pk").select_for_update()
        while found := dict(held.values_list("pk", "message_id")[:_AT_ONCE]):
            these = InboxMessage.objects.filter(pk__in=found)
            bodies.erase(these)
            these.update(
                state=InboxMessage.State.REFUSED, code=code, finished_at=timezone.now(), notified=False
            )
            refused += found.values()
        if refused:
            wake.ring_on_commit(wake.OUTBOX)
    return refused


def refuse_late() -> bool:
    """Refuse what is not kept for good and has waited for ``KEPT``; nothing is left over."""
    late = InboxMessage.objects.filter(state=_FAILED, finished_at__lt=timezone.now() - KEPT)
    for type_, version in late.values_list("type", "version").distinct().order_by("type"):
        if registry.kept(type_, version) is not Keep.ON_RECORD:
            refuse(late.filter(type=type_, version=version), code=NotHandledInTime.code)
    return False


def kept_until(type_: str, version: int, failed_at: datetime) -> datetime | None:
    """Return when a message that was set aside is refused at the latest; nothing for one that stays."""
    return None if registry.kept(type_, version) is Keep.ON_RECORD else failed_at + KEPT
