"""Erasing the contents of messages: what they said, on either side of the channel, and nothing else of them.

Header, fingerprint, ledger entry and receipt stay, so it stays provable that the message crossed, and
what its content was for whoever has kept it elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError
from kouan.core.exchange.models import InboxBody, InboxMessage, OutboxBody, OutboxMessage

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection

    from django.db.models import QuerySet

_LEFT = (
    OutboxMessage.State.ACCEPTED,
    OutboxMessage.State.HANDLED,
    OutboxMessage.State.REFUSED,
    OutboxMessage.State.EXPIRED,
    OutboxMessage.State.CANCELLED,
)
_HANDLED = (InboxMessage.State.HANDLED, InboxMessage.State.REFUSED)


class ContentErased(KouanError):
    """What the message said is no longer here."""

    code = "content-erased"
    status = 409
    message = _("The content of message %(message)s was erased, so it cannot be sent again. Put it away.")


def erase_received(peer: str, ids: Collection[uuid.UUID], *, kept: bool = False) -> int:
    """Erase what a peer's messages said that have been handled or refused; return how many bodies went.

    ``kept``: the caller's own records show that they have been handled. It may have been in this very
    transaction, as a group is handled: then their rows do not say so yet.
    """
    states = (*_HANDLED, InboxMessage.State.WAITING) if kept else _HANDLED
    with transaction.atomic():
        return erase(InboxMessage.objects.filter(peer=peer, message_id__in=ids, state__in=states))


def erase(rows: QuerySet[InboxMessage]) -> int:
    """Erase what these messages of peers said, in the caller's transaction; return how many bodies went."""
    keys = list(rows.values_list("pk", flat=True))
    gone, _each = InboxBody.objects.filter(pk__in=keys).delete()
    InboxMessage.objects.filter(pk__in=keys).update(size=None)
    return gone


def erase_sent(ids: Collection[uuid.UUID], *, arrived: bool = False) -> int:
    """Erase what messages of ours said that need not be posted any more; return how many bodies went.

    ``arrived``: the peer itself says that it has had them. Then the receipt may still be on its way; what
    is posted again until it comes is the sealed batch, which does not need the body.
    """
    states = (*_LEFT, OutboxMessage.State.SEALED) if arrived else _LEFT
    with transaction.atomic():
        rows = OutboxMessage.objects.filter(message_id__in=ids, state__in=states).order_by("pk")
        keys = list(rows.select_for_update().values_list("pk", flat=True))
        gone, _each = OutboxBody.objects.filter(pk__in=keys).delete()
        OutboxMessage.objects.filter(pk__in=keys).update(size=0)
    return gone
