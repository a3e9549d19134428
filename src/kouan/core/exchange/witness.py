"""Each side's ledger is witnessed by the others: both roles of C2SP's tlog-witness between nodes."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.utils import timezone

from kouan.core.errors import KouanError
from kouan.core.exchange import incidents, twice
from kouan.core.exchange.epochs import epoch_origin, own_origin
from kouan.core.exchange.pressure import check_sender
from kouan.core.exchange.recovery.halts import channel, we_are_restored
from kouan.core.exchange.reported import log_keys, witness_keys
from kouan.core.ledger import queries, services
from kouan.core.ledger.notes import Ed25519Cosigner, Ed25519NoteSigner, verify_note
from kouan.core.ledger.witness import AddCheckpoint, WitnessAnswer
from kouan.core.trust.queries import get_member, members, own

if TYPE_CHECKING:
    from datetime import datetime

    from kouan.core.ledger.notes import NoteVerifier
    from kouan.core.trust.member import MemberKeys


def add_checkpoint(body: bytes, caller: str | None = None) -> WitnessAnswer:
    """Answer the ``add-checkpoint`` of ``caller``: co-sign its log if it only grew since we last saw it.

    Raises ``OtherSender`` when it is the log of another member: only that one may bring its checkpoints.
    """
    now = timezone.now()
    logs: dict[str, list[NoteVerifier]] = {}
    sides: dict[str, MemberKeys] = {}
    for member in members():
        origin = epoch_origin(member.log_origin, channel(member.side).log_epoch)
        logs[origin] = [
            *log_keys(member, origin=origin, at=now),
            *twice.second_keys(member, origin=origin, at=now),
        ]
        sides[origin] = member
    offered = body.partition(b"\n\n")[2].partition(b"\n")[0].decode("utf-8", "replace")
    if offered in sides:
        check_sender(sides[offered].side, caller, body)
        if (refused := _not_signed(sides[offered], offered, body, now)) is not None:
            return refused
    keys = own()
    answer = services.witness_add_checkpoint(
        body, find_log=logs.get, cosigner=Ed25519Cosigner(keys.public.witness_name, keys.witness_key)
    )
    if answer.status in {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY} and offered in sides:
        _tell_of_contradictions(sides[offered].side, offered)
    return answer


def _not_signed(member: MemberKeys, origin: str, body: bytes, now: datetime) -> WitnessAnswer | None:
    """Return the refusal of a checkpoint that lacks the log's first signature, or a second that it needs."""
    try:
        note = AddCheckpoint.parse(body).note
        verify_note(note, log_keys(member, origin=origin, at=now))
        with incidents.noting_once("checkpoint", str(note).encode()):
            twice.check_note(member, note, origin=origin, at=now)
    except KouanError as error:
        return WitnessAnswer.refused(error.status, error.code)
    return None


def _tell_of_contradictions(side: str, origin: str) -> None:
    """Have the operator see each proof that a ledger was signed in two versions."""
    for found in queries.equivocations(origin=origin):
        if found.finding == "same-size":
            incidents.note(
                side,
                incidents.EQUIVOCATION,
                f"{found.size} entries, {found.at.isoformat()}",
                found.offered_note.encode(),
                found.kept_note.encode(),
                now=found.at,
            )


def publish() -> bool:
    """Sign a new checkpoint if the ledger grew; return whether it did."""
    newest = queries.latest_checkpoint()
    if newest is not None and newest.size == queries.size():
        return False
    if we_are_restored():
        return False  # under its name another ledger was co-signed
    keys = own()
    origin = own_origin(keys.public.log_origin)
    signer, second = Ed25519NoteSigner(origin, keys.log_key), keys.second_log_signer
    beside = None
    if second is not None:
        beside = twice.Sm2NoteSigner(origin, second, twice.spki_of_log(keys.public, second.kid))
    return services.publish_checkpoint(log_signer=signer, second=beside) is not None


def request_for(peer: str, *, known_size: int | None = None) -> tuple[int, bytes] | None:
    """Return our newest checkpoint's size and the request for the witness ``peer`` to co-sign it.

    ``known_size`` is what the witness said that it knows; without it, what it co-signed last. None
    when the witness has co-signed the newest already. Raises ``LedgerRangeError`` when the witness
    knows a longer ledger than ours: this node has lost entries.
    """
    if known_size is None:
        known_size = queries.cosigned_size(get_member(peer).witness_name)
        newest = queries.latest_checkpoint()
        if newest is None or newest.size == known_size:
            return None
    return queries.add_checkpoint_request(old_size=known_size)


def take_cosignature(peer: str, size: int, answer: bytes) -> None:
    """Keep the peer's co-signature of our checkpoint of ``size``; raises when it does not verify."""
    member = get_member(peer)
    keys = witness_keys(member, at=timezone.now())
    services.store_cosignature(size=size, answer=answer, witness_keys=keys)
