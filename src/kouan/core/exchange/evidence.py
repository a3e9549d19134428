"""Making an evidence bundle from what this node keeps about a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from kouan.core import cbor
from kouan.core.errors import KouanError
from kouan.core.exchange import agreements, bundle, wire
from kouan.core.exchange.crossing import Keep, UndeclaredCrossing, registry
from kouan.core.exchange.models import InboxMessage, OutboxMessage, Stream
from kouan.core.exchange.times import milliseconds
from kouan.core.exchange.witnesses import verifier_keys
from kouan.core.ledger import queries as ledger
from kouan.core.ledger.merkle import batch_tree, split_hashes
from kouan.core.ledger.models import SignedCheckpoint, TimeStamp
from kouan.core.text import LANGUAGES
from kouan.core.trust import cose
from kouan.core.trust.queries import get_member, members, own

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence


_MAX_CHAIN: Final = 1 << 20
_LOOKED_AT: Final = 50
"""How many checkpoints are looked at, at most, for one that enough witnesses have co-signed."""


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
    body: bytes | None
    """None where a message was refused at our door and not kept, or erased since."""
    leaves: bytes
    position: int
    ledger_index: int
    erased: bool
    """Whether the body was here and is no longer."""


def evidence_bundle(message_ids: Sequence[uuid.UUID], *, sender: str = "", personal: bool = True) -> bytes:
    """Return a bundle that proves these messages to anybody, with no network and no database.

    Each side chooses its messages' ids: with ``sender`` only messages of that side are meant, else
    ours come first. Unless ``personal``, what was said about persons is withheld, as far as a declaration
    says that a message tells of them: it is proved by its fingerprint alone. Raises ``UnknownMessage`` or
    ``NotYetProvable``.
    """
    parts: dict[str, bytes] = {}
    for number, message_id in enumerate(message_ids, start=1):
        message = _kept(message_id, sender)
        header = wire.Header.decode(message.header)
        other = header.receiver if header.sender == settings.NODE.side else header.sender
        own_parts, cosigners = _parts(message, other)
        if not personal and "body" in own_parts and _about_persons(header):
            del own_parts["body"]
            own_parts["withheld"] = b"body"
        parts |= {f"{number}/{name}": part for name, part in own_parts.items()}
        for side in (header.sender, header.receiver):
            parts.setdefault(f"trust/{side}", _trust_document(side))
        if (text := agreements.text_of(header.agreement_digest)) is not None:
            parts[f"agreement/{text[0]}"] = text[1]
        parts |= _declaration(header.type, header.version)
        parts |= _witness_parts(cosigners, other)
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


def _about_persons(header: wire.Header) -> bool:
    """Whether a message may tell of a person, by its declaration: then its body does not stay here."""
    return registry.kept(header.type, header.version) is not Keep.ON_RECORD


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
            body=ours.body or None,
            leaves=bytes(batch.leaves),
            position=ours.position,
            ledger_index=ours.ledger_index,
            erased=ours.size == 0,
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
        body=theirs.body,
        leaves=bytes(theirs.batch.leaves),
        position=theirs.position,
        ledger_index=theirs.ledger_index,
        erased=theirs.size is None and _accepted(theirs),
    )


def _accepted(message: InboxMessage) -> bool:
    """Whether our receipt says that we took a message in."""
    outer = cose.read1(
        bytes(message.batch.receipt),
        content_type=wire.RECEIPT_TYPE,
        max_bytes=wire.MAX_RECEIPT + cose.OVERHEAD,
    )
    return wire.Receipt.decode(outer.payload).statuses[message.position] is None


def _parts(message: _Kept, other: str) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Return a message's parts, and who has co-signed the checkpoint in them: the ``other`` side has."""
    row = _checkpoint(message.ledger_index, get_member(other).witness_name)
    if row is None:
        raise NotYetProvable(message=str(message.id))
    checkpoint = ledger.checkpoint_record(row)
    entry = ledger.entry(message.ledger_index)
    leaves = split_hashes(message.leaves)
    parts = {
        "statement": message.statement,
        "receipt": message.receipt,
        "header": message.header,
        "sealed": message.ciphertext_digest,
        "path": b"".join(batch_tree(leaves).paths[message.position]),
        "ledger": ledger.proof(message.ledger_index, checkpoint).text().encode(),
        "entry": cbor.encode([entry.salt, entry.body]),
    }
    if message.body is not None:
        parts["body"] = message.body
    elif message.erased:
        parts["erased"] = b"body"
    stamp = TimeStamp.objects.filter(checkpoint=row).first()
    if stamp is not None:
        chain = cbor.decode(bytes(stamp.chain), max_bytes=_MAX_CHAIN, max_depth=1)
        parts["stamp"] = cbor.encode([bytes(stamp.token), chain])
    return parts, checkpoint.witnesses


def _checkpoint(index: int, witness: str) -> SignedCheckpoint | None:
    """Return the checkpoint that proves an entry best, of those that the ``witness`` has co-signed.

    The first that was stamped with the time after it, since its time is nearest; else the newest. With
    a quorum only one that so many have co-signed is good enough.
    """
    rows = SignedCheckpoint.objects.filter(size__gt=index, cosignatures__witness=witness)
    stamped = rows.filter(stamp__isnull=False).order_by("size")
    for row in [*stamped[:_LOOKED_AT], *rows.order_by("-size")[:_LOOKED_AT]]:
        if row.cosignatures.count() >= settings.NODE.quorum:
            return row
    return None


def _declaration(type_: str, version: int) -> dict[str, bytes]:
    """Return what this node declares of a type, in all three scripts; nothing if it declares none."""
    try:
        crossing = registry.get(type_, version)
    except UndeclaredCrossing:
        return {}
    words: dict[str, dict[str, str]] = {"title": {}, "purpose": {}}
    for language in LANGUAGES:
        with translation.override(language):
            words["title"][language], words["purpose"][language] = str(crossing.title), str(crossing.purpose)
    value = {
        "type": type_,
        "tv": version,
        "purpose_code": crossing.purpose_code,
        "legal_basis": crossing.legal_basis,
        **words,
    }
    return {f"declaration/{type_}.{version}": cbor.encode(value)}


def _witness_parts(cosigners: Sequence[str], other: str) -> dict[str, bytes]:
    """Return what the co-signatures of others than the ``other`` side are checked with."""
    sides = {member.witness_name: member.side for member in members() if member.side != other}
    keys = verifier_keys()
    parts = {}
    for name in cosigners:
        if name in sides:
            parts[f"trust/{sides[name]}"] = _trust_document(sides[name])
        elif name != get_member(other).witness_name and name in keys:
            parts[f"witness/{name}"] = str(keys[name]).encode()
    return parts


def _trust_document(side: str) -> bytes:
    return own().document if side == settings.NODE.side else get_member(side).document
