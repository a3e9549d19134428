"""What the ledger answers: entries, roots, proofs, checkpoints. Nothing here writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db.models import Count

from kouan.core.ledger import merkle
from kouan.core.ledger.checkpoint import LedgerProof
from kouan.core.ledger.errors import EntryMissingError, LedgerRangeError
from kouan.core.ledger.models import (
    Cosignature,
    Entry,
    Equivocation,
    LedgerHead,
    SignedCheckpoint,
    Tile,
    TimeStamp,
    WitnessedLog,
)
from kouan.core.ledger.witness import format_add_checkpoint

if TYPE_CHECKING:
    from datetime import datetime

TILE_LEVELS: Final = 8
TILE_WIDTH: Final = 1 << TILE_LEVELS


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """An entry as it stands; ``salt`` and ``body`` are ``None`` once erased."""

    index: int
    kind: str
    leaf_hash: bytes
    salt: bytes | None
    body: bytes | None
    at: datetime


@dataclass(frozen=True, slots=True)
class CheckpointRecord:
    """A checkpoint of this node's ledger and who has co-signed it."""

    size: int
    root: bytes
    note: str
    """With this log's signature and all cosignatures."""
    published_at: datetime
    cosigned_at: datetime | None
    witnesses: tuple[str, ...]
    """The key names of those who co-signed."""


@dataclass(frozen=True, slots=True)
class StampRecord:
    """A time-stamp on a checkpoint of ours."""

    size: int
    at: datetime
    authority: str


@dataclass(frozen=True, slots=True)
class WitnessedRecord:
    """Another side's ledger as this node last co-signed it."""

    origin: str
    size: int
    root: bytes
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class EquivocationRecord:
    """Two checkpoints of another side's ledger that do not go together."""

    origin: str
    finding: str
    size: int
    kept_note: str
    offered_note: str
    at: datetime


class TreeReader:
    """Reads nodes of the tree of ``size`` entries from tiles, and from entries not yet in a tile.

    Call it with ``(level, index)``. Tiles are kept for the reader's life, which is one question.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def __call__(self, level: int, index: int) -> bytes:
        """Return the root over the ``2**level`` entries from ``index * 2**level`` on."""
        height, within = divmod(level, TILE_LEVELS)
        tile, offset = divmod(index << within, TILE_WIDTH)
        return merkle.root_of(self.tile(height, tile)[offset : offset + (1 << within)])

    def tile(self, level: int, index: int) -> list[bytes]:
        """Return a tile's hashes: 256, or fewer at the right edge of the tree."""
        place = (level, index)
        if place not in self._tiles:
            self._tiles[place] = self._read(level, index)
        return self._tiles[place]

    def _read(self, level: int, index: int) -> list[bytes]:
        start = index * TILE_WIDTH
        width = min(TILE_WIDTH, (self.size >> TILE_LEVELS * level) - start)
        if width <= 0:
            raise LedgerRangeError(asked=f"tile {level}/{index}", size=self.size)
        stored = Tile.objects.filter(level=level, index=index).values_list("hashes", flat=True).first()
        if stored is not None:
            data = bytes(stored)
            return [
                data[at : at + merkle.HASH_BYTES]
                for at in range(0, width * merkle.HASH_BYTES, merkle.HASH_BYTES)
            ]
        if level == 0:
            return leaf_hashes(start, start + width)
        # A hash of this tile is the root of a tile below, stored with it as soon as that is complete.
        below = dict(
            Tile.objects.filter(level=level - 1, index__gte=start, index__lt=start + width).values_list(
                "index", "root"
            )
        )
        return [
            bytes(below[child]) if child in below else merkle.root_of(self.tile(level - 1, child))
            for child in range(start, start + width)
        ]


def leaf_hashes(start: int, end: int) -> list[bytes]:
    """Return the leaf hashes of the entries ``[start, end)``; raises ``LedgerRangeError`` on a gap."""
    rows = Entry.objects.filter(index__gte=start, index__lt=end).order_by("index")
    hashes = [bytes(item) for item in rows.values_list("leaf_hash", flat=True)]
    if len(hashes) != end - start:
        raise LedgerRangeError(asked=f"entries {start} to {end}", size=start + len(hashes))
    return hashes


def size() -> int:
    """Return the number of entries."""
    return LedgerHead.objects.filter(pk=1).values_list("size", flat=True).first() or 0


def root_at(size: int) -> bytes:
    """Return the root when the ledger had ``size`` entries; raises ``LedgerRangeError``."""
    _check_size(size)
    return merkle.range_root(TreeReader(size), 0, size)


def tile(level: int, index: int, *, at_size: int) -> bytes:
    """Return a tile of the tree of ``at_size`` entries (C2SP tlog-tiles), partial at its right edge.

    Raises ``LedgerRangeError`` when the tree has no such tile.
    """
    _check_size(at_size)
    if level < 0 or index < 0:
        raise LedgerRangeError(asked=f"tile {level}/{index}", size=at_size)
    return b"".join(TreeReader(at_size).tile(level, index))


def inclusion_proof(index: int, size: int) -> list[bytes]:
    """Return the path of entry ``index`` in the tree of ``size`` entries; raises ``LedgerRangeError``."""
    _check_size(size)
    if not 0 <= index < size:
        raise LedgerRangeError(asked=f"entry {index} of {size}", size=size)
    return merkle.inclusion_path(TreeReader(size), index, size)


def consistency_proof(old: int, new: int) -> list[bytes]:
    """Return the proof that the tree of ``new`` entries continues that of ``old``.

    Raises ``LedgerRangeError``.
    """
    _check_size(new)
    if not 0 <= old <= new:
        raise LedgerRangeError(asked=f"{old} to {new}", size=new)
    return merkle.consistency_path(TreeReader(new), old, new)


def entry(index: int) -> EntryRecord:
    """Return one entry; raises ``EntryMissingError``."""
    row = Entry.objects.filter(pk=index).first()
    if row is None:
        raise EntryMissingError(index=index, size=size())
    return _entry(row)


def entries(*, before: int | None = None, limit: int = 50) -> list[EntryRecord]:
    """Return the newest entries first, those below index ``before`` if given."""
    rows = Entry.objects.order_by("-index")
    if before is not None:
        rows = rows.filter(index__lt=before)
    return [_entry(row) for row in rows[:limit]]


def latest_checkpoint() -> CheckpointRecord | None:
    """Return the newest checkpoint that this node has signed."""
    row = SignedCheckpoint.objects.order_by("-size").first()
    return None if row is None else checkpoint_record(row)


def latest_cosigned(*, covering: int = 0) -> CheckpointRecord | None:
    """Return the newest co-signed checkpoint, if it holds the first ``covering`` entries."""
    row = SignedCheckpoint.objects.filter(cosigned_at__isnull=False).order_by("-size").first()
    return checkpoint_record(row) if row is not None and row.size >= covering else None


def newest_final(*, quorum: int, after: int = 0) -> SignedCheckpoint | None:
    """Return the newest checkpoint beyond size ``after`` that ``quorum`` witnesses have co-signed.

    Looks back over the newest thousand that have any co-signature.
    """
    rows = SignedCheckpoint.objects.filter(cosigned_at__isnull=False, size__gt=after).order_by("-size")
    if quorum > 1:
        newest = list(rows.values_list("pk", flat=True)[:1000])
        rows = (
            SignedCheckpoint.objects.filter(pk__in=newest)
            .annotate(witnesses=Count("cosignatures"))
            .filter(witnesses__gte=quorum)
            .order_by("-size")
        )
    return rows.first()


def newest_stamp() -> StampRecord | None:
    """Return the time-stamp on the largest checkpoint that has one."""
    row = TimeStamp.objects.select_related("checkpoint").order_by("-checkpoint__size").first()
    return None if row is None else StampRecord(row.checkpoint.size, row.at, row.authority)


def cosigned_size(witness: str) -> int:
    """Return the size of the newest checkpoint that a witness, by key name, has co-signed, or 0."""
    sizes = Cosignature.objects.filter(witness=witness).order_by("-checkpoint_id")
    return sizes.values_list("checkpoint__size", flat=True).first() or 0


def newest_cosigned_by(witness: str) -> CheckpointRecord | None:
    """Return the newest checkpoint that a witness, by key name, has co-signed."""
    rows = Cosignature.objects.select_related("checkpoint").filter(witness=witness)
    line = rows.order_by("-checkpoint_id").first()
    return None if line is None else checkpoint_record(line.checkpoint)


def proof(index: int, checkpoint: CheckpointRecord) -> LedgerProof:
    """Return an entry's proof under a checkpoint, to keep or to hand out; raises ``LedgerRangeError``."""
    return LedgerProof(index, tuple(inclusion_proof(index, checkpoint.size)), checkpoint.note)


def add_checkpoint_request(*, old_size: int) -> tuple[int, bytes] | None:
    """Return the newest checkpoint's size and the request that asks a witness to co-sign it.

    ``old_size`` is the size that the witness knows (``cosigned_size``, or what its 409 said);
    ``None`` when nothing is published. Raises ``LedgerRangeError`` when the witness knows a longer
    ledger than this one: then this node has lost entries and must not go on.
    """
    row = SignedCheckpoint.objects.order_by("-size").first()
    if row is None:
        return None
    return row.size, format_add_checkpoint(old_size, consistency_proof(old_size, row.size), row.note)


def witnessed_checkpoint(origin: str) -> str | None:
    """Return the newest checkpoint of another side that this node co-signed, as a note."""
    return WitnessedLog.objects.filter(origin=origin).values_list("note", flat=True).first() or None


def witnessed_logs() -> list[WitnessedRecord]:
    """Return what this node knows of the ledgers it co-signs."""
    rows = WitnessedLog.objects.exclude(note="").order_by("origin")
    return [WitnessedRecord(row.origin, row.size, bytes(row.root), row.note, row.at) for row in rows]


def equivocations(*, limit: int = 50, origin: str | None = None) -> list[EquivocationRecord]:
    """Return the newest evidence against ledgers that contradicted themselves."""
    found = Equivocation.objects.select_related("log").order_by("-pk")
    rows = (found if origin is None else found.filter(log__origin=origin))[:limit]
    return [
        EquivocationRecord(row.log.origin, row.finding, row.size, row.kept_note, row.offered_note, row.at)
        for row in rows
    ]


def checkpoint_record(row: SignedCheckpoint) -> CheckpointRecord:
    """Return a row with the cosignatures under it."""
    lines = list(row.cosignatures.order_by("pk").values_list("witness", "line"))
    return CheckpointRecord(
        size=row.size,
        root=bytes(row.root),
        note=row.note + "".join(line for _, line in lines),
        published_at=row.published_at,
        cosigned_at=row.cosigned_at,
        witnesses=tuple(witness for witness, _ in lines),
    )


def _entry(row: Entry) -> EntryRecord:
    return EntryRecord(
        index=row.index,
        kind=row.kind,
        leaf_hash=bytes(row.leaf_hash),
        salt=None if row.salt is None else bytes(row.salt),
        body=None if row.record is None else bytes(row.record),
        at=row.at,
    )


def _check_size(asked: int) -> None:
    held = size()
    if not 0 <= asked <= held:
        raise LedgerRangeError(asked=asked, size=held)
