"""Erasing the contents of messages: what they said, on either side of the channel, and nothing else of them.

Header, fingerprint, ledger entry and receipt stay, so it stays provable that the message crossed, and
what its content was for whoever has kept it elsewhere. Each declaration says how long they are kept
(``crossing.Keep``); apps erase sooner what they may not keep so long.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError
from kouan.core.exchange.blobs import cleaning
from kouan.core.exchange.contents import InboxBody, OutboxBody
from kouan.core.exchange.crossing import Keep
from kouan.core.exchange.models import InboxMessage, OutboxMessage

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection
    from datetime import datetime

    from django.db.models import QuerySet

_LEFT = (
    OutboxMessage.State.ACCEPTED,
    OutboxMessage.State.HANDLED,
    OutboxMessage.State.REFUSED,
    OutboxMessage.State.EXPIRED,
    OutboxMessage.State.CANCELLED,
)
_HANDLED = (InboxMessage.State.HANDLED, InboxMessage.State.REFUSED)
EVERY: Final = 1.0
EVERY_OVER: Final = 5.0
"""Seconds between two portions of what was handled, and of what is over."""
AT_ONCE: Final = 500
"""How many bodies a portion has, at most: between two, messages on their way have the database alone."""


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
    return _forget(InboxBody, list(rows.values_list("pk", flat=True)))


def erase_sent(ids: Collection[uuid.UUID], *, arrived: bool = False) -> int:
    """Erase what messages of ours said that need not be posted any more; return how many bodies went.

    ``arrived``: the peer itself says that it has had them. Then the receipt may still be on its way; what
    is posted again until it comes is the sealed batch, which does not need the body.
    """
    states = (*_LEFT, OutboxMessage.State.SEALED) if arrived else _LEFT
    with transaction.atomic():
        return _erase(OutboxMessage.objects.filter(message_id__in=ids, state__in=states), OutboxBody)


def erase_conversation(peer: str, conversation: uuid.UUID) -> int:
    """Erase what both sides said in a conversation; return how many bodies went.

    For what must not stay until its term: its consent was withdrawn, or its matter is over. What still waits
    to leave or to be handled stays. Files that came with it go too.
    """
    with transaction.atomic():
        sealed = (*_LEFT, OutboxMessage.State.SEALED)  # what is posted until it is there is the sealed batch
        ours = OutboxMessage.objects.filter(conversation=conversation, peer=peer, state__in=sealed)
        theirs = InboxMessage.objects.filter(conversation=conversation, peer=peer, state__in=_HANDLED)
        cleaning.forget(peer, list(theirs.values_list("message_id", flat=True)))
        return _erase(ours, OutboxBody) + _erase(theirs, InboxBody)


def erase_handled() -> bool:
    """Erase a portion of what was kept until its handler had run (a chore); the next comes after a pause."""
    ended = InboxBody.objects.filter(keep=Keep.UNTIL_HANDLED.value, message__state__in=_HANDLED)
    _erase_portion(InboxBody, list(ended.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]))
    return False


def erase_over() -> bool:
    """Erase a portion of what has been kept for its term (a chore); the next comes after a pause."""
    over = timezone.now() - timedelta(days=settings.NODE.exchange.keep_bodies_days)
    _erase_portion(InboxBody, _over(InboxBody, Keep.TERM, "received_at", over))
    for keep in (Keep.TERM, Keep.UNTIL_HANDLED):
        _erase_portion(OutboxBody, _over(OutboxBody, keep, "created_at", over))
    return False


def _over(contents: type[InboxBody | OutboxBody], keep: Keep, came: str, over: datetime) -> list[int]:
    """Return the keys of bodies whose messages ended before ``over``, the oldest first.

    They are in the order in which they came, or nearly: so this ends at the first that came later, and passes
    only those that take long to end.
    """
    names = ["pk", "message__state", "message__finished_at", f"message__{came}"]
    ended = _LEFT if contents is OutboxBody else _HANDLED
    due: list[int] = []
    after = 0
    while len(due) < AT_ONCE:
        rows = contents.objects.filter(keep=keep.value, pk__gt=after).order_by("pk")
        page = list(rows.values_list(*names)[:AT_ONCE])
        for key, state, finished, since in page:
            # One that was accepted, and of whose end nobody tells, is over as if it had ended when it came.
            if state in ended and (finished or since) < over:
                due.append(key)
        if len(page) < AT_ONCE or page[-1][-1] >= over:
            break
        after = page[-1][0]
    return due[:AT_ONCE]


def _erase_portion(contents: type[InboxBody | OutboxBody], keys: list[int]) -> None:
    """Erase bodies of messages that nobody else holds just now."""
    if not keys:
        return
    with transaction.atomic():
        if contents is OutboxBody:
            ours = OutboxMessage.objects.filter(pk__in=keys, state__in=_LEFT)
            _erase(ours, contents, skip_locked=True)
        else:
            theirs = InboxMessage.objects.filter(pk__in=keys, state__in=_HANDLED)
            _erase(theirs, contents, skip_locked=True)


def _erase(
    rows: QuerySet[InboxMessage] | QuerySet[OutboxMessage],
    contents: type[InboxBody | OutboxBody],
    *,
    skip_locked: bool = False,
) -> int:
    held = rows.select_for_update(skip_locked=skip_locked).order_by("pk")
    return _forget(contents, list(held.values_list("pk", flat=True)))


def _forget(contents: type[InboxBody | OutboxBody], keys: list[int]) -> int:
    gone, _each = contents.objects.filter(pk__in=keys).delete()
    if contents is OutboxBody:
        OutboxMessage.objects.filter(pk__in=keys).update(size=0)
    else:
        InboxMessage.objects.filter(pk__in=keys).update(size=None)
    return gone
