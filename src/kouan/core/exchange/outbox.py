"""The only way over: ``send`` declares, decides and queues in the caller's own transaction."""

from __future__ import annotations

import logging
import os
import time
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kouan.core.database.rows import insert_many, new_keys
from kouan.core.errors import KouanError
from kouan.core.exchange import refusals, wake, wire
from kouan.core.exchange.blobs import attaching
from kouan.core.exchange.bodies import ContentErased
from kouan.core.exchange.contents import OutboxBody
from kouan.core.exchange.crossing import Consent, Crossing, P, SentAgain, registry
from kouan.core.exchange.ids import new_id, new_ids
from kouan.core.exchange.models import OutboxMessage
from kouan.core.exchange.untold import UntoldFailure
from kouan.core.policy import Allowed, Denied, Proposal, policy_of
from kouan.core.sides import side_name
from kouan.core.trust.queries import get_member

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Sequence
    from datetime import datetime

log = logging.getLogger(__name__)

State = OutboxMessage.State
_SALT: Final = 16
_AT_ONCE: Final = 500


class OutboxFull(KouanError):
    """So much waits for a peer that no more is taken."""

    code = "outbox-full"
    status = 503
    message = _("%(waiting)s messages already wait for %(peer)s. Try again when the line is working.")
    words: ClassVar = {"peer": side_name}
    retry_after = 10


class NotInTransaction(RuntimeError):
    """``send`` outside ``transaction.atomic``: the business change and the message must be one."""


def send(  # noqa: PLR0913 - all that a message is, by name
    crossing: Crossing[P],
    *,
    to: str,
    payload: P,
    conversation: uuid.UUID | None = None,
    consent: str | None = None,
    under: str | None = None,
) -> uuid.UUID:
    """Queue one message for the side ``to`` and return its id; see ``send_many``."""
    return send_many(
        crossing, to=to, payloads=[payload], conversation=conversation, consent=consent, under=under
    )[0]


def send_if_it_can(
    crossing: Crossing[P], *, to: str, payload: P, conversation: uuid.UUID | None = None
) -> bool:
    """Queue a message of something that holds here either way; return whether it could be, and log why not.

    An agreement that lapsed, a full outbox or a side that left keeps nothing here from ending. Whoever has to
    tell it in the end tries again later.
    """
    try:
        with transaction.atomic():
            send(crossing, to=to, payload=payload, conversation=conversation)
    except KouanError as error:
        log.warning("%s is not sent %s (%s): %s", to, crossing.type, error.code, error)
        return False
    return True


def send_many(  # noqa: PLR0913 - as above
    crossing: Crossing[P],
    *,
    to: str,
    payloads: Sequence[P],
    conversation: uuid.UUID | None = None,
    consent: str | None = None,
    under: str | None = None,
    conversations: Sequence[uuid.UUID] | None = None,
    consents: Sequence[str] | None = None,
) -> list[uuid.UUID]:
    """Queue messages of one kind for one side and return their ids.

    Must run inside ``transaction.atomic``: they leave if, and only if, it commits. Without
    ``conversation`` each message begins one of its own; ``conversations`` and ``consents`` have one for each
    message. ``under`` names the agreement or contract that they
    rest on, where there may be several. Raises ``UndeclaredCrossing``,
    ``IllFormedPayload``, ``OversizedPayload``, a ``Denied`` that names the clause, ``UnknownMember``,
    ``OutboxFull``, or ``BlobNotAttached`` for a file that is not sealed for ``to``; then nothing is queued.
    """
    if not transaction.get_connection().in_atomic_block:
        raise NotInTransaction("exchange.send belongs inside the transaction of what it announces")
    registry.get(crossing.type, crossing.version)
    salts = os.urandom(_SALT * len(payloads))
    bodies = [
        wire.encode_body(salts[_SALT * at : _SALT * (at + 1)], crossing.encode(payload))
        for at, payload in enumerate(payloads)
    ]
    now = timezone.now()
    count = len(bodies)
    rests_on: Sequence[str | None] = [consent] * count if consents is None else consents
    decided = _decided(crossing, payloads, to=to, consents=rests_on, under=under, at=now)
    get_member(to)
    _bounded(to, count)
    if conversations is None:
        conversations = new_ids(count) if conversation is None else [conversation] * count
    rows = [
        _row(crossing, to, body, allowed, id_=id_, conversation=its, consent=theirs, now=now)
        for body, allowed, id_, its, theirs in zip(
            bodies, decided, new_ids(count), conversations, rests_on, strict=True
        )
    ]
    if crossing.blobs is not None:
        for row, payload in zip(rows, payloads, strict=True):
            attaching.claim(row["message_id"], payload, to=to, type_=crossing.type)
    _queue(rows, bodies, crossing)
    return [row["message_id"] for row in rows]


def decide(  # noqa: PLR0913 - all that a decision looks at, by name
    crossing: Crossing[Any],
    *,
    sender: str,
    receiver: str,
    consent: str | None,
    at: datetime,
    agreement_digest: bytes | None = None,
    agreement: str | None = None,
    payload: Any = None,
) -> Allowed:
    """Ask the node's policy about one message of this declaration; raises ``Denied``.

    Without a ``payload``, what one of this kind always may hold is what counts.
    """
    told = crossing.told(payload)
    return policy_of(settings.NODE.agreements).decide(
        Proposal(
            type=crossing.type,
            legal_basis=crossing.legal_basis,
            sender=sender,
            receiver=receiver,
            declared_senders=crossing.senders,
            declared_receivers=crossing.receivers,
            consent_required=crossing.consent is Consent.REQUIRED,
            consent_reference=consent,
            at=at,
            agreement_digest=agreement_digest,
            agreement=agreement,
            elements=told.elements,
            purpose=told.purpose,
            subject=told.subject,
        )
    )


def _decided(  # noqa: PLR0913 - what ``decide`` looks at
    crossing: Crossing[P],
    payloads: Sequence[P],
    *,
    to: str,
    consents: Sequence[str | None],
    under: str | None,
    at: datetime,
) -> list[Allowed]:
    """Decide about messages of one kind: once for all of them, unless each says what it holds."""
    ask = partial(decide, crossing, sender=settings.NODE.side, receiver=to, at=at, agreement=under)
    each: P | None = None
    consent: str | None = None
    decided: list[Allowed] = []
    try:
        if crossing.tells is None and len(set(consents)) == 1:
            consent = consents[0]
            return [ask(consent=consent)] * len(payloads)
        for payload, consent in zip(payloads, consents, strict=True):
            each = None if crossing.tells is None else payload
            decided.append(ask(consent=consent, payload=each))
    except Denied as denied:
        denied.place = len(decided)
        told = crossing.told(each)
        refusals.hold_back(
            refusals.HeldBack(crossing.type, crossing.version, to, told, under, consent, at, denied)
        )
        raise
    return decided


def _queue(rows: Sequence[dict[str, Any]], bodies: Sequence[bytes], crossing: Crossing[Any]) -> None:
    """Write messages and their bodies, and ring for the sender when they are committed."""
    if not rows:
        return
    keys = new_keys(OutboxMessage, len(rows))
    insert_many(
        OutboxMessage, ["id", *rows[0]], [(key, *row.values()) for key, row in zip(keys, rows, strict=True)]
    )
    keep = crossing.kept.stored
    contents = [(key, body, keep) for key, body in zip(keys, bodies, strict=True)]
    insert_many(OutboxBody, ["message_id", "body", "keep"], contents)
    wake.ring_on_commit(wake.OUTBOX)


def _row(  # noqa: PLR0913 - one value a column
    crossing: Crossing[Any],
    to: str,
    body: bytes,
    allowed: Allowed,
    *,
    id_: uuid.UUID,
    conversation: uuid.UUID,
    consent: str | None,
    now: datetime,
    retry_of: uuid.UUID | None = None,
) -> dict[str, Any]:
    return {
        "message_id": id_,
        "peer": to,
        "type": crossing.type,
        "version": crossing.version,
        "conversation": conversation,
        "agreement": allowed.agreement.id,
        "agreement_digest": allowed.agreement.digest,
        "clause": allowed.clause.id,
        "consent": consent,
        "size": len(body),
        "body_digest": wire.digest(body),
        "created_at": now,
        "expires_at": now + crossing.expires_after,
        "state": State.WAITING.value,
        "code": "",
        "reported": False,
        "dismissed": False,
        "retry_of": retry_of,
    }


class _Waiting:
    """How many messages wait for each peer: counted once a second in each process, and before a refusal."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[float, int]] = {}

    def add(self, peer: str, more: int, most: int) -> int:
        """Return how many wait, and count ``more`` with them unless that were more than ``most``."""
        counted_at, count = self._counts.get(peer, (0.0, 0))
        if time.monotonic() - counted_at > 1 or count + more > most:
            counted_at = time.monotonic()
            count = OutboxMessage.objects.filter(peer=peer, state=State.WAITING).count()
        self._counts[peer] = (counted_at, count + more if count + more <= most else count)
        return count


_waiting = _Waiting()


def _bounded(peer: str, more: int) -> None:
    most = settings.NODE.exchange.outbox_max
    waiting = _waiting.add(peer, more, most)
    if waiting + more > most:
        raise OutboxFull(waiting=waiting, peer=peer)


def expire_waiting(now: datetime, *, limit: int = 500) -> int:
    """Turn messages that waited past their expiry into dead letters; return how many.

    Only what was never sealed: what is under way has one truth, the peer's receipt.
    """
    late = OutboxMessage.objects.filter(state=State.WAITING, expires_at__lt=now)
    if not late.exists():
        return 0
    with transaction.atomic():
        # What a sender or an operator holds just now is theirs to end.
        held = late.select_for_update(skip_locked=True).order_by("pk")
        keys = list(held.values_list("pk", flat=True)[:limit])
        late.filter(pk__in=keys).update(state=State.EXPIRED, code="expired-before-sending", finished_at=now)
    return len(keys)


def retry(message_id: uuid.UUID) -> uuid.UUID:
    """Send a dead letter again, under a new id and a fresh decision; return the new id.

    Raises ``NotADeadLetter`` for any other message, ``ContentErased``, and whatever ``send`` may raise.
    """
    with transaction.atomic():
        old = _dead_letter(message_id)
        if not old.body:
            raise ContentErased(message=str(message_id))
        crossing = registry.get(old.type, old.version)
        now = timezone.now()
        payload = crossing.decode_bytes(wire.decode_body(old.body, max_bytes=crossing.max_bytes))
        # What chose its contract rests on that again; another agreement may serve anything else.
        under = None if crossing.tells is None else old.agreement
        (allowed,) = _decided(crossing, [payload], to=old.peer, consents=[old.consent], under=under, at=now)
        _bounded(old.peer, 1)
        row = _row(
            crossing,
            old.peer,
            old.body,
            allowed,
            id_=new_id(),
            conversation=old.conversation,
            consent=old.consent,
            now=now,
            retry_of=old.message_id,
        )
        _queue([row], [old.body], crossing)
        OutboxMessage.objects.filter(pk=old.pk).update(dismissed=True)
        UntoldFailure.objects.filter(pk=old.pk).delete()  # an app hears no more of a failure that is mended
        again: uuid.UUID = row["message_id"]
        if crossing.handle_sent_again is not None:
            crossing.handle_sent_again(SentAgain(id=again, before=old.message_id))
    return again


def cancel(message_id: uuid.UUID) -> None:
    """Withdraw a message that still waits, or put a dead letter away.

    Raises ``CannotCancel`` for one that is already under way: only its receipt tells how it ends.
    """
    with transaction.atomic():
        waiting = OutboxMessage.objects.filter(message_id=message_id, state=State.WAITING)
        if waiting.update(
            state=State.CANCELLED, code="cancelled", dismissed=True, finished_at=timezone.now()
        ):
            return
        try:
            old = _dead_letter(message_id)
        except NotADeadLetter:
            raise CannotCancel(message=str(message_id)) from None
        OutboxMessage.objects.filter(pk=old.pk).update(dismissed=True)


def withdraw(*, consent: str, code: str) -> int:
    """Withdraw what still waits and rests on a consent, in the caller's transaction; return how many.

    They become dead letters with that code, of which their app is told. What was sealed is on its way.
    """
    waiting = OutboxMessage.objects.filter(state=State.WAITING, consent=consent)
    return waiting.update(state=State.CANCELLED, code=code, finished_at=timezone.now())


def withdraw_under(digests: Collection[bytes], *, type_: str, code: str) -> list[uuid.UUID]:
    """Withdraw what still waits of one kind and rests on agreements with these digests; return their ids.

    As ``withdraw``, in the caller's transaction.
    """
    waiting = OutboxMessage.objects.filter(state=State.WAITING, type=type_, agreement_digest__in=digests)
    withdrawn: list[uuid.UUID] = []
    while rows := list(waiting.select_for_update().order_by("pk").values_list("pk", "message_id")[:_AT_ONCE]):
        keys = [key for key, _id in rows]
        OutboxMessage.objects.filter(pk__in=keys).update(
            state=State.CANCELLED, code=code, finished_at=timezone.now()
        )
        withdrawn += [id_ for _key, id_ in rows]
    return withdrawn


class NotADeadLetter(KouanError):
    """The message is not one that failed, so there is nothing to retry."""

    code = "not-a-dead-letter"
    status = 409
    message = _("Message %(message)s is not a dead letter (any more); look at its present state.")


class CannotCancel(KouanError):
    """The message has left; it can no longer be withdrawn."""

    code = "cannot-cancel"
    status = 409
    message = _("Message %(message)s has already been sealed or delivered and cannot be withdrawn.")


def _dead_letter(message_id: uuid.UUID) -> OutboxMessage:
    row = (
        OutboxMessage.objects.select_for_update()
        .filter(message_id=message_id, state__in=[State.REFUSED, State.EXPIRED], dismissed=False)
        .first()
    )
    if row is None:
        raise NotADeadLetter(message=str(message_id))
    return row
