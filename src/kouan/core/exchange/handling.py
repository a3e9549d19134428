"""From the inbox to the apps: each message's effects and its mark "handled" are one transaction."""

from __future__ import annotations

import logging
import random
import uuid
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone

from kouan.core import cbor
from kouan.core.database.gathered import gathering
from kouan.core.database.rows import among, engine, fetch, select, stored, update_many
from kouan.core.errors import KouanError
from kouan.core.exchange import refusals, wake, wire
from kouan.core.exchange.blobs import expecting
from kouan.core.exchange.contents import InboxBody
from kouan.core.exchange.crossing import LATER, Basis, Received, Undelivered, registry
from kouan.core.exchange.models import InboxMessage, OutboxMessage
from kouan.core.exchange.times import milliseconds
from kouan.core.exchange.untold import UntoldFailure
from kouan.core.ledger import services as ledger
from kouan.core.policy import Denied
from kouan.core.watch import channel, logs

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 8
"""After so many tries a message whose handler breaks is set aside for the operator (``setaside``)."""
LONGEST_PAUSE: Final = timedelta(minutes=1)
LONGEST_UNTOLD: Final = timedelta(hours=6)
"""The longest pauses between tries of a handler, and between those to tell an app of a failure."""
_HANDLED: Final = (
    "id", "peer", "message_id", "type", "version", "conversation", "created_at", "received_at", "attempts",
    "state", "header",
)  # fmt: skip
GROUP: Final = 200
"""How many messages share one commit; each keeps a savepoint of its own."""


class NoHandler(RuntimeError):
    """A declared message arrived for which this node's apps name no handler."""


def handle_waiting(*, now: datetime | None = None) -> int:
    """Handle what waits in the inbox, in order within each conversation; return how many ended.

    Messages that fail for a passing reason are tried again later, and the rest of their conversation
    waits behind them; the rest of the inbox does not.
    """
    now = now or timezone.now()
    due = len(_due(now, limit=2, names=("id",)))
    if due < 2:  # noqa: PLR2004 - one alone needs no group
        return _handle_each(now) if due else 0
    try:
        with logs.about_messages(), transaction.atomic(), gathering():
            rows = taken(now, limit=GROUP)
            for row in rows:
                _run(row)
            _mark_handled([row.pk for row in rows])
    except Exception:  # noqa: BLE001 - which one it was shows when each has a savepoint of its own
        rows = []
    _count([(row, InboxMessage.State.HANDLED.value) for row in rows], now)
    return len(rows) or _handle_each(now)


def _count(ended: Sequence[tuple[InboxMessage, str]], began: datetime) -> None:
    channel.group_handled(
        [(row.peer, row.message_id, row.received_at, state) for row, state in ended], began=began.timestamp()
    )


def _handle_each(now: datetime) -> int:
    """Handle a group in which something goes wrong: each message in a savepoint, so that it fails alone."""
    held: set[uuid.UUID] = set()
    done: list[int] = []
    ended: list[tuple[InboxMessage, str]] = []
    with logs.about_messages(), transaction.atomic():
        for row in taken(now, limit=GROUP):
            if row.conversation in held:
                continue
            if not _handle_one(row, now):
                held.add(row.conversation)
                continue
            ended.append((row, str(row.state)))
            if row.state == InboxMessage.State.HANDLED:
                done.append(row.pk)
        _mark_handled(done)
    _count(ended, now)
    return len(ended)


def _mark_handled(keys: Sequence[int]) -> None:
    finished = timezone.now()
    update_many(
        InboxMessage,
        ["state", "finished_at"],
        [(InboxMessage.State.HANDLED.value, finished, key) for key in keys],
    )


def taken(now: datetime, *, limit: int) -> list[InboxMessage]:
    """Return what this worker handles now, oldest first, held until its transaction ends.

    What other workers hold is passed over, and so is what stands behind it in its conversation.
    """
    rows = _due(now, limit=limit, names=_HANDLED, lock=True)
    if not rows or engine() == "sqlite":  # there a transaction that writes is alone
        return rows
    # A statement of its own sees what other workers ended while the first one looked. Whatever is still
    # waiting before a message of ours, and not ours, is another's or has to wait itself.
    these, conversations = among("conversation", list({row.conversation for row in rows}))
    ours, elsewhere = {row.pk for row in rows}, dict[uuid.UUID, int]()
    for key, conversation in select(
        f"SELECT id, conversation FROM {InboxMessage._meta.db_table} "  # noqa: S608 - the table's own name
        f"WHERE {these} AND state = 'waiting' AND id < %s",
        (*conversations, rows[-1].pk),
    ):
        if key not in ours:
            elsewhere[conversation] = min(key, elsewhere.get(conversation, key))
    return [row for row in rows if row.pk < elsewhere.get(row.conversation, row.pk + 1)]


def _due(now: datetime, *, limit: int, names: Sequence[str], lock: bool = False) -> list[InboxMessage]:
    """Return what may be handled now, oldest first: not postponed, nor behind what is in its conversation."""
    table = InboxMessage._meta.db_table
    at = stored(now)
    # What is held is looked up once. As a join, a server that has not counted its rows yet would read all
    # that waits for each row; and SQLite never counts: there the index has to be named.
    held = f"{table} INDEXED BY inbox_held" if engine() == "sqlite" else table
    return fetch(
        InboxMessage,
        "state = 'waiting' AND (next_attempt_at IS NULL OR next_attempt_at <= %s) AND NOT EXISTS ("  # noqa: S608 - the table's own name
        f"WITH held AS MATERIALIZED (SELECT conversation, id FROM {held} "
        "WHERE state = 'waiting' AND next_attempt_at > %s) "
        f"SELECT 1 FROM held WHERE held.conversation = {table}.conversation AND held.id < {table}.id) "
        "ORDER BY id LIMIT %s",
        (at, at, limit),
        names=names,
        beside=(InboxBody, "body") if lock else None,
        lock=lock,
        skip_locked=True,
    )


def _handle_one(row: InboxMessage, now: datetime) -> bool:
    """Run the handler in a savepoint and set the row's new state; return whether it ended."""
    try:
        with transaction.atomic():
            _run(row)
    except KouanError as error:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:  # a full outbox, say: not the message's fault
            log.warning("message %s of type %s has to wait: %s", row.message_id, row.type, error)
            return _try_later(row, error, now)
        row.state, row.code, row.finished_at = InboxMessage.State.REFUSED, error.code[:64], now
        row.save(update_fields=["state", "code", "finished_at"])
        if isinstance(error, Denied):
            refusals.tell(_header(row), row.body or b"", error)
        return True
    except Exception as error:  # whatever a handler raises must not stop the others
        log.exception("the handler of %s failed on message %s", row.type, row.message_id)
        return _try_later(row, error, now)
    row.state = InboxMessage.State.HANDLED
    return True


def _run(row: InboxMessage) -> None:
    logs.message.set(row.message_id)
    crossing = registry.get(row.type, row.version)
    if crossing.handle is None:
        raise NoHandler(str(crossing))
    payload: Any = crossing.decode_bytes(wire.decode_body(row.body or b"", max_bytes=crossing.max_bytes))
    if crossing.blobs is not None:
        expecting.require(row.peer, row.message_id)
    ended = crossing.handle(
        Received(
            id=row.message_id,
            sender=row.peer,
            conversation=row.conversation,
            sent_at=row.created_at,
            payload=payload,
            basis=None if crossing.tells is None else _basis(row),
        )
    )
    if ended is LATER:  # nothing to tell the sender yet: see ``finish``
        InboxMessage.objects.filter(pk=row.pk).update(notified=True)


def _header(row: InboxMessage) -> wire.Header:
    return wire.Header.decode(bytes(row.header))


def _basis(row: InboxMessage) -> Basis:
    header = _header(row)
    return Basis(header.agreement, header.agreement_digest, header.consent)


def finish(*, peer: str, message_id: uuid.UUID, code: str = "") -> None:
    """Have the sender told how a message ended whose handler said ``LATER``: handled, or refused with a code.

    Call it once for a message, in the transaction in which its end is written down.
    """
    states = InboxMessage.State
    kept = InboxMessage.objects.filter(peer=peer, message_id=message_id, state=states.HANDLED, notified=True)
    kept.update(
        state=states.REFUSED if code else states.HANDLED,
        code=code[:64],
        finished_at=timezone.now(),
        notified=False,
    )
    wake.ring_on_commit(wake.OUTBOX)


def _try_later(row: InboxMessage, error: Exception, now: datetime) -> bool:
    row.attempts = _tried(row.attempts, error)
    row.code = type(error).__name__[:64]
    if row.attempts >= MAX_ATTEMPTS:
        row.state, row.finished_at = InboxMessage.State.FAILED, now
    else:
        row.next_attempt_at = now + _pause(row.attempts)
    row.save(update_fields=["attempts", "code", "state", "finished_at", "next_attempt_at"])
    return row.state == InboxMessage.State.FAILED


def _tried(attempts: int, error: Exception) -> int:
    """Return how many tries there were with the one that has just ended in an error."""
    if isinstance(error, KouanError) and error.retry_after is not None:
        return min(attempts + 1, MAX_ATTEMPTS - 1)  # waiting is all that helps, however long
    return attempts + 1


def _pause(attempts: int, *, longest: timedelta = LONGEST_PAUSE) -> timedelta:
    doubled = 0.25 * 2 ** min(attempts, 32)
    jitter = random.uniform(0.75, 1.25)  # noqa: S311 - jitter keeps no secret
    return timedelta(seconds=min(doubled, longest.total_seconds()) * jitter)


def report_undelivered(*, limit: int = 50) -> int:
    """Tell the apps of their messages that failed, and log each as a dead letter; return how many.

    An app whose handler breaks is told again by ``report_again``; the log does not wait for it.
    """
    reported = 0
    states = OutboxMessage.State
    failed = OutboxMessage.objects.filter(
        state__in=[states.REFUSED, states.EXPIRED, states.CANCELLED], reported=False
    ).order_by("pk")
    if not failed.exists():
        return 0
    with transaction.atomic():
        ledger.append([])  # the head first, then rows: the order in which senders take them
        for row in failed.select_for_update(skip_locked=True)[:limit]:
            ledger.append([ledger.Record("dead-letter", _dead_letter_record(row))])
            if (error := _told(row)) is not None:
                _tell_later(UntoldFailure(message=row, attempts=0), error, timezone.now())
            OutboxMessage.objects.filter(pk=row.pk).update(reported=True)
            reported += 1
    return reported


def report_again(*, now: datetime | None = None, limit: int = 50) -> int:
    """Tell the apps once more whose handlers broke on the news, after a pause; return how many took it.

    The pauses grow up to ``LONGEST_UNTOLD``, and it ends when the app has taken it. What a handler writes and
    the end of the telling are one transaction, so that each takes effect once.
    """
    now = now or timezone.now()
    due = UntoldFailure.objects.filter(next_attempt_at__lte=now).order_by("pk")
    if not due.exists():
        return 0
    told = 0
    with transaction.atomic():
        ledger.append([])  # the head first, as above
        held = due.select_related("message").select_for_update(skip_locked=True)
        for untold in held[:limit]:
            if (error := _told(untold.message)) is None:
                untold.delete()
                told += 1
            else:
                _tell_later(untold, error, now)
    return told


def _told(row: OutboxMessage) -> Exception | None:
    """Tell an app of its message in a savepoint; return what its handler raised, all of it then undone."""
    try:
        with transaction.atomic():
            _tell(row)
    except Exception as error:  # the fact is logged and shown to the operator all the same
        log.exception("telling %s of the undelivered message %s failed", row.type, row.message_id)
        return error
    return None


def _tell_later(untold: UntoldFailure, error: Exception, now: datetime) -> None:
    untold.attempts = _tried(untold.attempts, error)
    untold.next_attempt_at = now + _pause(untold.attempts, longest=LONGEST_UNTOLD)
    untold.save()
    if untold.attempts == MAX_ATTEMPTS:
        row = untold.message
        log.error("%s still cannot be told of the undelivered message %s", row.type, row.message_id)


def _tell(row: OutboxMessage) -> None:
    crossing = registry.get(row.type, row.version)
    if crossing.handle_undelivered is not None:
        crossing.handle_undelivered(
            Undelivered(id=row.message_id, receiver=row.peer, conversation=row.conversation, code=row.code)
        )


def _dead_letter_record(row: OutboxMessage) -> bytes:
    return cbor.encode(
        {
            "id": row.message_id.bytes,
            "to": row.peer,
            "type": row.type,
            "code": row.code,
            "body": bytes(row.body_digest),
            "at": milliseconds(row.finished_at or timezone.now()),
        }
    )
