"""What a key has signed that this node holds: looked through when a key was reported compromised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError
from kouan.core.exchange import wire
from kouan.core.exchange.models import Batch, ReceivedBatch
from kouan.core.exchange.twice import log_verifier
from kouan.core.ledger.models import SignedCheckpoint, WitnessedCheckpoint
from kouan.core.ledger.notes import VerifierKey, origin_in, parse_note, witness_name
from kouan.core.trust import cose
from kouan.core.trust.document import Revocation, log_origin
from kouan.core.trust.keys import KeyUse
from kouan.core.trust.queries import get_member, members, own, reports

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from kouan.core.ledger.notes import NoteVerifier
    from kouan.core.trust.document import ListedKey
    from kouan.core.trust.member import MemberKeys

LISTED: Final = 1000
"""The most that is listed; the count goes on."""


class NotReported(KouanError):
    """A key that nobody has reported compromised."""

    code = "not-reported"
    status = 404
    message = _("No key %(kid)s was reported compromised, by this side or by a member.")


@dataclass(frozen=True, slots=True)
class Signed:
    """One thing that the key signed, and what shows when it was there."""

    kind: str
    """``batch-sent``, ``batch-received``, ``receipt-given``, ``receipt-received``, ``checkpoint`` or
    ``cosignature``."""
    peer: str
    name: str
    """What it is about: the numbers of the messages, or a ledger's size."""
    at: datetime
    """When this node had it: its own clock, not the signer's word."""


@dataclass(frozen=True, slots=True)
class Found:
    """Everything signed with a reported key since it was exposed, newest first."""

    side: str
    report: Revocation
    count: int
    listed: tuple[Signed, ...]


def reported() -> list[tuple[str, Revocation]]:
    """Return every report: the side and what it said, newest first."""
    ours = [(settings.NODE.side, item) for item in own().public.revoked.values()]
    theirs = [(member.side, item) for member in members() for item in reports(member.side)]
    return sorted([*ours, *theirs], key=lambda pair: pair[1].at, reverse=True)


def signed_since(kid: str) -> Found:
    """Return what this node holds that a reported key signed since its exposure.

    ``kid`` is the key's id in hex or the beginning of it. Raises ``NotReported``.
    """
    wanted = kid.strip().lower()
    match = [pair for pair in reported() if wanted and pair[1].kid.hex().startswith(wanted)]
    if len(match) != 1:
        raise NotReported(kid=wanted[:40])
    side, report = match[0]
    member = own().public if side == settings.NODE.side else get_member(side)
    found = sorted(_look(side, member, report), key=lambda one: one.at, reverse=True)
    return Found(side, report, len(found), tuple(found[:LISTED]))


def _look(side: str, member: MemberKeys, report: Revocation) -> Iterator[Signed]:
    if report.use in {KeyUse.SIGN, KeyUse.SIGN_SM2}:
        ours = side == settings.NODE.side
        yield from _batches(side, report, ours=ours)
        yield from _receipts(side, report, ours=ours)
    elif report.use in {KeyUse.LOG, KeyUse.WITNESS, KeyUse.LOG_SM2}:
        public = [key for key in member.of_use(report.use) if key.kid == report.kid]
        if public:
            yield from _notes(side, report, public[0])


def _batches(side: str, report: Revocation, *, ours: bool) -> Iterator[Signed]:
    if ours:
        rows: Iterable[tuple[str, int, int, Any, datetime]] = Batch.objects.filter(
            sealed_at__gte=report.since
        ).values_list("peer", "first", "count", "statement", "sealed_at")
    else:
        rows = ReceivedBatch.objects.filter(peer=side, received_at__gte=report.since).values_list(
            "peer", "first", "count", "statement", "received_at"
        )
    for peer, first, count, statement, at in rows:
        if report.kid in _signers(bytes(statement), wire.BATCH_TYPE):
            yield Signed(
                "batch-sent" if ours else "batch-received",
                peer,
                _numbers(first, count),
                at,
            )


def _receipts(side: str, report: Revocation, *, ours: bool) -> Iterator[Signed]:
    if ours:
        rows: Iterable[tuple[str, int, int, Any, datetime | None]] = ReceivedBatch.objects.filter(
            received_at__gte=report.since
        ).values_list("peer", "first", "count", "receipt", "received_at")
    else:
        rows = Batch.objects.filter(peer=side, receipted_at__gte=report.since).values_list(
            "peer", "first", "count", "receipt", "receipted_at"
        )
    for peer, first, count, receipt, at in rows:
        if (
            receipt is not None
            and at is not None
            and report.kid in _signers(bytes(receipt), wire.RECEIPT_TYPE)
        ):
            yield Signed(
                "receipt-given" if ours else "receipt-received",
                peer,
                _numbers(first, count),
                at,
            )


def _notes(side: str, report: Revocation, key: ListedKey) -> Iterator[Signed]:
    """Look through checkpoints for a log's line, or for a witness's."""
    kind = "cosignature" if report.use is KeyUse.WITNESS else "checkpoint"
    for peer, size, note, at in _checkpoints(side, report):
        parsed = parse_note(note)
        line: NoteVerifier
        if report.use is KeyUse.WITNESS:
            line = VerifierKey.for_witness(witness_name(side), cast("Ed25519PublicKey", key.public))
        else:
            line = log_verifier(key, origin_in(parsed.text, log_origin(side)))
        if any((each.name, each.key_id) == (line.name, line.key_id) for each in parsed.signatures):
            yield Signed(kind, peer, str(size), at)


def _checkpoints(side: str, report: Revocation) -> Iterator[tuple[str, int, bytes, datetime]]:
    """Return the checkpoints on which the key may stand: ours, or those of others that we co-signed."""
    ours = SignedCheckpoint.objects.filter(published_at__gte=report.since).prefetch_related("cosignatures")
    theirs = WitnessedCheckpoint.objects.filter(at__gte=report.since).select_related("log")
    of_log = report.use is not KeyUse.WITNESS
    if of_log and side != settings.NODE.side:
        theirs = theirs.filter(log__origin__startswith=log_origin(side))
    if not of_log or side == settings.NODE.side:
        for row in ours:
            note = row.note + "".join(each.line for each in row.cosignatures.all())
            yield settings.NODE.side, row.size, note.encode(), row.published_at
    if of_log != (side == settings.NODE.side):
        for seen in theirs:
            yield seen.log.origin.partition(".")[0], seen.size, seen.note.encode(), seen.at


def _signers(data: bytes, content_type: str) -> frozenset[bytes]:
    return cose.read1(data, content_type=content_type, max_bytes=len(data)).kids


def _numbers(first: int, count: int) -> str:
    return f"{first}–{first + count - 1}" if count > 1 else str(first) if count else "—"


def as_json(found: Found) -> dict[str, object]:
    """Return what was found as JSON's types."""
    return {
        "side": found.side,
        "use": found.report.use.value,
        "kid": found.report.kid.hex(),
        "since": _text(found.report.since),
        "reported": _text(found.report.at),
        "reason": found.report.reason,
        "count": found.count,
        "signed": [
            {"kind": one.kind, "peer": one.peer, "name": one.name, "at": _text(one.at)}
            for one in found.listed
        ],
    }


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
