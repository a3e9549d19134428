"""The receiver's side of a message that names files: whether there is room, and whether they are here."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils import timezone

from kouan.core.errors import KouanError
from kouan.core.exchange import wake
from kouan.core.exchange.blobs import room, stream
from kouan.core.exchange.blobs.errors import BlobDamaged, BlobLate, BlobUnavailable
from kouan.core.exchange.blobs.models import ReceivedBlob
from kouan.core.exchange.models import InboxMessage
from kouan.core.trust import sealing
from kouan.core.trust.errors import CannotOpen, UnknownKey
from kouan.core.trust.queries import own

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kouan.core.exchange.blobs.reference import Blob
    from kouan.core.exchange.opening import Opened

State = ReceivedBlob.State
_FAILURES: Final[dict[str, type[KouanError]]] = {
    error.code: error for error in (BlobDamaged, BlobUnavailable, BlobLate)
}


def admit(opened: Sequence[Opened], now: datetime) -> None:
    """Promise room for the files that a batch's messages name; one without room is refused alone."""
    for item in opened:
        if item.blobs and item.header is not None and item.code is None and not item.duplicate:
            header = item.header
            try:
                item.held_until = expect(
                    item.blobs, peer=header.sender, message_id=header.id, type_=header.type, now=now
                )
            except KouanError as error:
                item.code = error.code


def expect(blobs: Sequence[Blob], *, peer: str, message_id: uuid.UUID, type_: str, now: datetime) -> datetime:
    """Promise room for the files of a message that is being accepted; return when to give up on them.

    Until then, or until they are here, the message's ``next_attempt_at`` keeps it from its handler and
    the rest of its conversation behind it. Raises ``NoRoomForBlob``, ``DiskLow`` or ``CannotOpen``:
    then the message is refused, and nothing was promised.
    """
    keys = [_unwrapped(blob, peer) for blob in blobs]
    room.room_to_receive(peer, sum(stream.sealed_size(blob.size) for blob in blobs))
    until = now + timedelta(seconds=settings.NODE.blobs.fetch_within_s)
    ReceivedBlob.objects.bulk_create(
        ReceivedBlob(
            peer=peer,
            message_id=message_id,
            blob_id=uuid.UUID(bytes=blob.id),
            file=uuid.uuid4(),
            type=type_,
            size=blob.size,
            sealed_size=stream.sealed_size(blob.size),
            sha256=blob.sha256,
            key=key,
            next_attempt_at=now,
            until=until,
            created_at=now,
        )
        for blob, key in zip(blobs, keys, strict=True)
    )
    return until


def require(peer: str, message_id: uuid.UUID) -> None:
    """Raise why a message's handler cannot be called, if one of its files is not here.

    ``BlobDamaged``, ``BlobUnavailable`` or ``BlobLate``: each refuses the message for good.
    """
    missing = ReceivedBlob.objects.filter(peer=peer, message_id=message_id).exclude(state=State.HERE).first()
    if missing is not None:
        raise _FAILURES.get(missing.code, BlobLate)


def arrived(blob: ReceivedBlob) -> None:
    """Mark a file as here, and its message as free to be handled if it was the last one; in a transaction."""
    now = timezone.now()
    ReceivedBlob.objects.filter(pk=blob.pk, state=State.FETCHING).update(
        state=State.HERE,
        chunks=stream.chunks_of(blob.size),
        finished_at=now,
        error="",
        attempts=0,
    )
    others = ReceivedBlob.objects.filter(peer=blob.peer, message_id=blob.message_id)
    if not others.exclude(state=State.HERE).exists():
        _release(blob)


def failed(blob: ReceivedBlob, code: str) -> None:
    """Give a file up, and let its message be refused with this code; in a transaction."""
    ReceivedBlob.objects.filter(pk=blob.pk, state=State.FETCHING).update(
        state=State.FAILED, code=code, finished_at=timezone.now()
    )
    _release(blob)


def _release(blob: ReceivedBlob) -> None:
    waiting = InboxMessage.objects.filter(
        peer=blob.peer, message_id=blob.message_id, state=InboxMessage.State.WAITING
    )
    waiting.update(next_attempt_at=None)
    wake.ring_on_commit(wake.INBOX)


def _unwrapped(blob: Blob, peer: str) -> bytes:
    info = stream.key_info(
        sender=peer, receiver=settings.NODE.side, blob_id=blob.id, size=blob.size, sha256=blob.sha256
    )
    try:
        private = own().decryption_key(blob.kid)
    except UnknownKey:
        raise CannotOpen from None
    return sealing.unwrap_batch_key(blob.key, private, info=info)
