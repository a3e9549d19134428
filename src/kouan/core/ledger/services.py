"""What writes the ledger: appending, tiles, checkpoints, cosignatures, and the witness's part."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from kouan.core.database.rows import fetch, insert_many, update_many
from kouan.core.errors import KouanError
from kouan.core.ledger import queries
from kouan.core.ledger.checkpoint import Checkpoint
from kouan.core.ledger.errors import EntryMissingError, LedgerRangeError, ProofError
from kouan.core.ledger.merkle import EMPTY_ROOT, SALT_BYTES, Frontier, entry_hash, root_of
from kouan.core.ledger.models import (
    Cosignature,
    Entry,
    Equivocation,
    LedgerHead,
    SignedCheckpoint,
    Tile,
    WitnessedCheckpoint,
    WitnessedLog,
)
from kouan.core.ledger.notes import (
    Cosigner,
    Note,
    NoteSigner,
    NoteVerifier,
    VerifierKey,
    cosign_note,
    parse_note,
    verify_note,
)
from kouan.core.ledger.queries import TILE_LEVELS, TILE_WIDTH, CheckpointRecord
from kouan.core.ledger.witness import AddCheckpoint, WitnessAnswer, check_growth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_TILES_AT_ONCE: Final = 64
EQUIVOCATIONS_MOST: Final = 100
"""Contradictions of one ledger that are kept."""
"""How many tiles (half a megabyte of hashes) are in memory at a time while catching up."""


@dataclass(frozen=True, slots=True)
class Record:
    """Something to put on record: what it is, and its bytes."""

    kind: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Appended:
    """Where records stand now: the first at ``first_index``, the others after it without a gap."""

    first_index: int
    salts: tuple[bytes, ...]
    leaf_hashes: tuple[bytes, ...]


class Appender:
    """Takes records for the ledger in the order in which they will stand; ``appending`` writes them."""

    def __init__(self, frontier: Frontier) -> None:
        self._frontier = frontier
        self._rows: list[tuple[int, str, bytes, bytes, bytes]] = []

    def append(self, records: Sequence[Record]) -> Appended:
        """Give the records their places."""
        first = self._frontier.size
        randomness = os.urandom(SALT_BYTES * len(records))
        salts = [randomness[at : at + SALT_BYTES] for at in range(0, len(randomness), SALT_BYTES)]
        hashes = [entry_hash(salt, record.body) for salt, record in zip(salts, records, strict=True)]
        self._frontier.extend(hashes)
        self._rows += [
            (first + offset, record.kind, hashes[offset], salts[offset], record.body)
            for offset, record in enumerate(records)
        ]
        return Appended(first, tuple(salts), tuple(hashes))

    def write(self, now: datetime) -> None:
        """Insert what was taken and move the head."""
        if not self._rows:
            return
        insert_many(
            Entry,
            ("index", "kind", "leaf_hash", "salt", "record", "at"),
            [(*row, now) for row in self._rows],
        )
        update_many(LedgerHead, ["size", "frontier"], [(self._frontier.size, self._frontier.to_bytes(), 1)])


@contextmanager
def appending(*, now: datetime | None = None) -> Iterator[Appender]:
    """Append to the ledger inside the caller's transaction; the records stand or fall with it.

    Takes the ledger's head, so that appends of all processes queue for as long as the caller's
    transaction lasts: enter late. What was appended is written when the block ends without an error.
    Raises ``TransactionManagementError`` outside a transaction.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("ledger.append belongs inside transaction.atomic()")
    head = _locked_head()
    appender = Appender(Frontier.from_bytes(head.size, bytes(head.frontier)))
    yield appender
    appender.write(now or timezone.now())


def append(records: Sequence[Record], *, now: datetime | None = None) -> Appended:
    """Append records that are known at once; see ``appending``."""
    with appending(now=now) as appender:
        return appender.append(records)


def erase(*, index: int) -> None:
    """Erase an entry's body and salt; its hash and every proof over it stay.

    Raises ``EntryMissingError``; erasing again changes nothing.
    """
    if not Entry.objects.filter(pk=index).update(record=None, salt=None):
        raise EntryMissingError(index=index, size=queries.size())


def build_tiles() -> int:
    """Store the tiles that are complete since the last call, and return how many those were."""
    built = 0
    with transaction.atomic():
        head = _locked_head()
        for level in range(TILE_LEVELS):
            complete = head.size >> TILE_LEVELS * (level + 1)
            if not complete:
                break
            last = Tile.objects.filter(level=level).aggregate(last=Max("index"))["last"]
            start = 0 if last is None else last + 1
            for at in range(start, complete, _TILES_AT_ONCE):
                _store_tiles(level, at, min(at + _TILES_AT_ONCE, complete))
            built += max(0, complete - start)
    return built


def publish_checkpoint(
    *, log_signer: NoteSigner, second: NoteSigner | None = None, now: datetime | None = None
) -> CheckpointRecord | None:
    """Sign the ledger's size and root if it has grown since the last checkpoint, else return ``None``.

    The signers' name is the ledger's origin. Must not run inside another transaction: it could sign
    entries that are then rolled back, and a signed checkpoint cannot be taken back.
    """
    with transaction.atomic(durable=True):
        head = _locked_head()
        last = SignedCheckpoint.objects.aggregate(last=Max("size"))["last"] or 0
        if head.size <= last:
            return None
        build_tiles()
        root = Frontier.from_bytes(head.size, bytes(head.frontier)).root()
        signers = [log_signer] if second is None else [log_signer, second]
        note = Checkpoint(log_signer.name, head.size, root).sign(*signers)
        row = SignedCheckpoint.objects.create(
            size=head.size, root=root, note=str(note), published_at=now or timezone.now()
        )
        return queries.checkpoint_record(row)


def store_cosignature(
    *, size: int, answer: bytes, witness_keys: Sequence[VerifierKey], now: datetime | None = None
) -> CheckpointRecord:
    """Keep a witness's answer to ``add-checkpoint`` under the checkpoint of ``size`` entries.

    ``answer`` holds signature lines; those of keys not in ``witness_keys`` are passed over. Raises
    ``LedgerRangeError`` (no such checkpoint), ``MalformedNoteError``, ``NoteSignatureError`` or
    ``UntrustedNoteError`` (no line of a known witness).
    """
    with transaction.atomic():
        row = SignedCheckpoint.objects.select_for_update().filter(size=size).first()
        if row is None:
            raise LedgerRangeError(asked=f"checkpoint {size}", size=queries.size())
        text = parse_note(row.note.encode()).text
        verified = verify_note(parse_note(text.encode() + b"\n" + answer), witness_keys)
        Cosignature.objects.bulk_create(
            [
                Cosignature(
                    checkpoint=row,
                    witness=each.key.name,
                    line=str(each.line),
                    at=datetime.fromtimestamp(each.timestamp or 0, UTC),
                )
                for each in verified
            ],
            ignore_conflicts=True,
        )
        if row.cosigned_at is None:
            row.cosigned_at = now or timezone.now()
            row.save(update_fields=["cosigned_at"])
        return queries.checkpoint_record(row)


def witness_add_checkpoint(
    body: bytes,
    *,
    find_log: Callable[[str], Sequence[NoteVerifier] | None],
    cosigner: Cosigner,
    now: datetime | None = None,
) -> WitnessAnswer:
    """Answer another side's request to co-sign its checkpoint (C2SP tlog-witness, ``add-checkpoint``).

    ``find_log`` gives the keys of the log with an origin, or ``None`` if this node does not witness
    it. What was co-signed is on disk before the answer is returned; an offer that contradicts what
    was co-signed before is kept as evidence. Never raises for what ``body`` holds: 400 malformed,
    404 unknown log, 403 not signed by it, 409 another size is known here, 422 not a continuation.
    """
    try:
        request = AddCheckpoint.parse(body)
        keys = find_log(request.checkpoint.origin)
        if not keys:
            return WitnessAnswer.refused(404, "this log is not witnessed here")
        verified = verify_note(request.note, keys)
    except KouanError as error:
        return WitnessAnswer.refused(error.status, error.code)
    if request.old_size > request.checkpoint.size:
        return WitnessAnswer.refused(400, "the old size is beyond the checkpoint")
    # Signatures of keys unknown here are not kept: anybody could have put them there.
    note = Note(request.note.text, tuple(each.line for each in verified))
    with transaction.atomic(durable=True):
        return _witness(request, note, cosigner, now or timezone.now())


def _witness(request: AddCheckpoint, note: Note, cosigner: Cosigner, now: datetime) -> WitnessAnswer:
    offered = request.checkpoint
    blank = WitnessedLog(origin=offered.origin, root=EMPTY_ROOT, at=now)
    WitnessedLog.objects.bulk_create([blank], ignore_conflicts=True)
    log = WitnessedLog.objects.select_for_update().get(origin=offered.origin)
    seen = log.history.filter(size=offered.size).first()
    if seen is not None and bytes(seen.root) != offered.root:
        _keep_evidence(log, Equivocation.Finding.SAME_SIZE, seen.note, note, now)
    if request.old_size != log.size:
        return WitnessAnswer.conflict(log.size)
    try:
        check_growth(log.size, bytes(log.root), request)
    except ProofError as error:
        if log.note and seen is None:
            _keep_evidence(log, Equivocation.Finding.INCONSISTENT, log.note, note, now)
        return WitnessAnswer.refused(422, error.code)
    line = cosign_note(note.text, cosigner, int(now.timestamp()))
    log.size, log.root, log.at = offered.size, offered.root, now
    log.note = f"{note}{line}"
    log.save()
    # An offer that was refused for its proof alone is no contradiction once its proof has come.
    log.equivocations.filter(finding=Equivocation.Finding.INCONSISTENT, size=log.size, root=log.root).delete()
    if seen is None:
        WitnessedCheckpoint.objects.create(log=log, size=log.size, root=log.root, note=log.note, at=now)
    return WitnessAnswer.cosigned([line])


def _keep_evidence(
    log: WitnessedLog, finding: Equivocation.Finding, kept_note: str, offered_note: Note, now: datetime
) -> None:
    offered = Checkpoint.parse(offered_note.text)
    if log.equivocations.count() >= EQUIVOCATIONS_MOST:
        return  # the case is proven; whoever signs on and on fills no table
    row = Equivocation(
        log=log,
        finding=finding,
        size=offered.size,
        root=offered.root,
        kept_note=kept_note,
        offered_note=str(offered_note),
        at=now,
    )
    Equivocation.objects.bulk_create([row], ignore_conflicts=True)


def _locked_head() -> LedgerHead:
    """Return the head, locked until the transaction ends (on SQLite the transaction is the lock)."""
    found = fetch(LedgerHead, "id = %s", (1,), lock=True)
    if not found:
        LedgerHead.objects.bulk_create([LedgerHead(pk=1)], ignore_conflicts=True)
        found = fetch(LedgerHead, "id = %s", (1,), lock=True)
    return found[0]


def _store_tiles(level: int, start: int, end: int) -> None:
    """Store the complete tiles ``[start, end)`` of a level from the hashes below."""
    first, last = start * TILE_WIDTH, end * TILE_WIDTH
    if level == 0:
        hashes = queries.leaf_hashes(first, last)
    else:
        below = Tile.objects.filter(level=level - 1, index__gte=first, index__lt=last).order_by("index")
        hashes = [bytes(root) for root in below.values_list("root", flat=True)]
    groups = [hashes[at : at + TILE_WIDTH] for at in range(0, len(hashes), TILE_WIDTH)]
    Tile.objects.bulk_create(
        Tile(level=level, index=start + at, root=root_of(group), hashes=b"".join(group))
        for at, group in enumerate(groups)
    )
