"""Making an evidence bundle from what this node keeps about a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kouan.core import cbor
from kouan.core.errors import KouanError
from kouan.core.exchange import bundle, wire
from kouan.core.exchange.models import InboxMessage, OutboxMessage, Stream
from kouan.core.exchange.times import milliseconds
from kouan.core.ledger import queries as ledger
from kouan.core.ledger.merkle import batch_tree
from kouan.core.ledger.models import SignedCheckpoint
from kouan.core.policy import policy_of
from kouan.core.trust import cose
from kouan.core.trust.queries import get_member, own

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence


class UnknownMessage(KouanError):
    """No message with this id has crossed."""

    code = "unknown-message"
    status = 404
    message = _("This node has no message %(message)s.")


class NotYetProvable(KouanError):
    """The message has no receipt yet, or no co-signed checkpoint holds it yet."""

    code = "not-yet-provable"
    status = 409
    message = _(
        "Message %(message)s cannot be proved yet: its receipt or the other side's co-signature is still "
        "to come. Try again in a few seconds."
    )


@dataclass(frozen=True, slots=True)
class _Kept:
    """What both directions have in common."""

    id: uuid.UUID
    statement: bytes
    receipt: bytes
    header: bytes
    ciphertext_digest: bytes
    body: bytes
    leaves: bytes
    position: int
    ledger_index: int


def evidence_bundle(message_ids: Sequence[uuid.UUID], *, sender: str = "") -> bytes:
    """Return a bundle that proves these messages to anybody, with no network and no database.

    Each side chooses its messages' ids: with ``sender`` only messages of that side are meant, else
    ours come first. Raises ``UnknownMessage`` or ``NotYetProvable``.
    """
    kept = [_kept(message_id, sender) for message_id in message_ids]
    parts: dict[str, bytes] = {}
    for number, message in enumerate(kept, start=1):
        header = wire.Header.decode(message.header)
        other = header.receiver if header.sender == settings.NODE.side else header.sender
        parts |= {f"{number}/{name}": part for name, part in _parts(message, other).items()}
        for side in (header.sender, header.receiver):
            parts.setdefault(f"trust/{side}", _trust_document(side))
        for agreement in policy_of(settings.NODE.agreements).agreements:
            if agreement.digest == header.agreement_digest:
                parts[f"agreement/{agreement.id}"] = agreement.source
    contents = cose.sign1(
        bundle.encode_contents(
            side=settings.NODE.side,
            made=milliseconds(timezone.now()),
            digests={name: wire.digest(part) for name, part in parts.items()},
        ),
        own().signer(timezone.now()),
        content_type=bundle.CONTENTS_TYPE,
    )
    return bundle.Bundle(contents, parts).encode()


def _kept(message_id: uuid.UUID, sender: str) -> _Kept:
    ours = OutboxMessage.objects.select_related("batch").filter(message_id=message_id).first()
    if ours is not None and sender in ("", settings.NODE.side):
        batch = ours.batch
        if batch is None or batch.receipt is None or ours.position is None or ours.ledger_index is None:
            raise NotYetProvable(message=str(message_id))
        return _Kept(
            id=message_id,
            statement=bytes(batch.statement),
            receipt=bytes(batch.receipt),
            header=bytes(ours.header or b""),
            ciphertext_digest=bytes(ours.ciphertext_digest or b""),
            body=bytes(ours.body),
            leaves=bytes(batch.leaves),
            position=ours.position,
            ledger_index=ours.ledger_index,
        )
    peers = [sender] if sender else list(Stream.objects.values_list("peer", flat=True))
    theirs = (
        InboxMessage.objects.select_related("batch").filter(peer__in=peers, message_id=message_id).first()
    )
    if theirs is None:
        raise UnknownMessage(message=str(message_id))
    return _Kept(
        id=message_id,
        statement=bytes(theirs.batch.statement),
        receipt=bytes(theirs.batch.receipt),
        header=bytes(theirs.header),
        ciphertext_digest=bytes(theirs.ciphertext_digest),
        body=bytes(theirs.body or b""),
        leaves=bytes(theirs.batch.leaves),
        position=theirs.position,
        ledger_index=theirs.ledger_index,
    )


def _parts(message: _Kept, other: str) -> dict[str, bytes]:
    """Return a message's parts; the checkpoint is one that the ``other`` side of it has co-signed."""
    size = ledger.cosigned_size(get_member(other).witness_name)
    if size <= message.ledger_index:
        raise NotYetProvable(message=str(message.id))
    checkpoint = ledger.checkpoint_record(SignedCheckpoint.objects.get(size=size))
    entry = ledger.entry(message.ledger_index)
    leaves = [message.leaves[at : at + bundle.HASH] for at in range(0, len(message.leaves), bundle.HASH)]
    return {
        "statement": message.statement,
        "receipt": message.receipt,
        "header": message.header,
        "sealed": message.ciphertext_digest,
        "body": message.body,
        "path": b"".join(batch_tree(leaves).paths[message.position]),
        "ledger": ledger.proof(message.ledger_index, checkpoint).text().encode(),
        "entry": cbor.encode([entry.salt, entry.body]),
    }


def _trust_document(side: str) -> bytes:
    return own().document if side == settings.NODE.side else get_member(side).document
