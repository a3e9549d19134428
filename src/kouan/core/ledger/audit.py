"""Recomputing a whole ledger of one's own: every hash from its record, every tile, root and signature.

One pass in the order of the entries, in bounded memory: leaves make tiles, tiles make the tree, and each
signed checkpoint is held against the tree at its size as the pass goes by.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from django.db import connection

from kouan.core.errors import KouanError
from kouan.core.ledger.checkpoint import open_checkpoint
from kouan.core.ledger.merkle import HASH_BYTES, Frontier, node_hash, split_hashes
from kouan.core.ledger.models import Cosignature, Entry, LedgerHead, SignedCheckpoint, Tile
from kouan.core.ledger.notes import parse_note, verify_note
from kouan.core.ledger.queries import TILE_LEVELS, TILE_WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kouan.core.ledger.findings import Findings, Progress
    from kouan.core.ledger.notes import Note, VerifierKey

Observer = Callable[[str, bytes], None]
"""Given the kind and the record of each entry whose kind is wanted."""
Second = Callable[["Note", datetime], bool]
"""Says whether a checkpoint of a time carries a second signature, and holds; raises ``KouanError`` if not.

A lack of one that there had to be has the code ``second-signature-missing``.
"""
_Due = tuple[int, int, bytes, str, datetime]
"""A checkpoint: key, size, root, note, and when it was signed."""

_TILES_AT_ONCE: Final = 32
_ENTRIES_SQL: Final = (
    'SELECT "index", kind, leaf_hash, salt, record '  # noqa: S608 - the table's own name
    f'FROM {Entry._meta.db_table} WHERE "index" >= %s AND "index" < %s ORDER BY "index"'
)


class LedgerAudit:
    """One pass over the ledger; what is wrong goes into ``findings``."""

    def __init__(  # noqa: PLR0913 - what it is held against, by name
        self,
        findings: Findings,
        *,
        log_keys: Sequence[VerifierKey],
        witness_keys: Mapping[str, Sequence[VerifierKey]],
        wanted: Collection[str] = (),
        observe: Observer = lambda _kind, _record: None,
        second: Second = lambda _note, _at: False,
    ) -> None:
        self._findings = findings
        self._log_keys = log_keys
        self._witness_keys = witness_keys
        self._wanted = frozenset(wanted)
        self._observe = observe
        self._second = second
        self._levels: list[list[bytes]] = [[] for _ in range(TILE_LEVELS + 1)]
        """For each level, the hashes of the tile that is being filled."""
        self._numbers = [0] * (TILE_LEVELS + 1)
        self._tree = Frontier()
        """The tree over the complete tiles of the lowest level."""

    def run(self, progress: Progress) -> None:
        """Look at everything; ``progress`` is told of entries."""
        head = LedgerHead.objects.filter(pk=1).first() or LedgerHead(pk=1)
        bounds = Entry.objects.order_by("-index").values_list("index", flat=True).first()
        size = 0 if bounds is None else bounds + 1
        checkpoints = self._checkpoints()
        due = next(checkpoints, None)
        stored = _Tiles(0)
        step = TILE_WIDTH * _TILES_AT_ONCE
        for start in range(0, size, step):
            hashes = self._leaves(start, min(start + step, size))
            for at in range(0, len(hashes), TILE_WIDTH):
                leaves = hashes[at : at + TILE_WIDTH]
                due = self._roots(leaves, checkpoints, due)
                if len(leaves) == TILE_WIDTH:
                    self._tile(leaves, stored)
                else:
                    self._tree.extend(leaves)
            progress(min(start + step, size), size)
        while due is not None:
            self._findings.check(due[1] == 0, f"checkpoint {due[1]}", "root")
            due = next(checkpoints, None)
        self._upper_tiles(stored)
        self._findings.check(head.size == self._tree.size, "head", "size")
        self._findings.check(bytes(head.frontier) == self._tree.to_bytes(), "head", "frontier")

    def _leaves(self, start: int, end: int) -> list[bytes]:
        """Return the leaf hashes of a stretch, each recomputed where its record is still there."""
        findings, wanted = self._findings, self._wanted
        with connection.cursor() as cursor:
            cursor.execute(_ENTRIES_SQL, (start, end))
            rows = cursor.fetchall()
        if len(rows) != end - start:
            rows = self._filled(rows, start, end)
        hashes = []
        expected = start
        for index, kind, kept, salt, record in rows:
            if index != expected:
                findings.wrong(f"entry {index}", "surplus")
            expected += 1
            if record is None or salt is None:
                findings.erased += 1
                if (record is None) != (salt is None):
                    findings.wrong(f"entry {index}", "missing" if not kept else "hash")
                hashes.append(bytes(kept))
                continue
            leaf = sha256(b"\x00" + sha256(salt + record).digest()).digest()
            if leaf != kept:
                findings.wrong(f"entry {index}", "hash")
            if kind in wanted:
                self._observe(kind, bytes(record))
            hashes.append(leaf if leaf == kept else bytes(kept))
        findings.entries += len(rows)
        return hashes

    def _filled(self, rows: Sequence[Any], start: int, end: int) -> list[Any]:
        """Name the entries that are missing, and put an empty hash in their place."""
        found = {row[0]: row for row in rows}
        filled = []
        for index in range(start, end):
            if index not in found:
                self._findings.wrong(f"entry {index}", "missing")
            filled.append(found.get(index, (index, "", bytes(HASH_BYTES), None, None)))
        return filled

    def _tile(self, leaves: list[bytes], stored: _Tiles) -> None:
        """Hold a complete tile of the lowest level against the one stored, and add it to the tree."""
        root = _root(leaves)
        self._compare(0, leaves, root, stored)
        peaks, bits = _peaks(self._tree), self._tree.size >> TILE_LEVELS
        self._levels[1].append(root)
        carry = root
        while bits & 1:
            carry = node_hash(peaks.pop(), carry)
            bits >>= 1
        peaks.append(carry)
        self._tree = Frontier(self._tree.size + TILE_WIDTH, peaks)

    def _compare(self, level: int, hashes: Sequence[bytes], root: bytes, stored: _Tiles) -> None:
        number = self._numbers[level]
        self._numbers[level] += 1
        self._findings.tiles += 1
        where = f"tile {level}/{number}"
        kept = stored.take(number, self._findings)
        if kept is None:
            # Tiles are stored with the checkpoints: the newest entries may not be in any yet.
            self._findings.check(self._untiled(level, number), where, "missing")
            return
        self._findings.check(kept[0] == b"".join(hashes), where, "tile-hashes")
        self._findings.check(kept[1] == root, where, "tile-root")

    def _untiled(self, level: int, number: int) -> bool:
        """Whether a tile is beyond the newest checkpoint, so that nothing has asked for it yet."""
        newest = SignedCheckpoint.objects.order_by("-size").values_list("size", flat=True).first() or 0
        return bool(newest < (number + 1) << TILE_LEVELS * (level + 1))

    def _upper_tiles(self, stored: _Tiles) -> None:
        """Hold the tiles above the lowest level against those stored."""
        stored.end(self._findings)
        for level in range(1, TILE_LEVELS):
            hashes = self._levels[level]
            kept = _Tiles(level)
            for at in range(0, len(hashes) - TILE_WIDTH + 1, TILE_WIDTH):
                group = hashes[at : at + TILE_WIDTH]
                root = _root(group)
                self._compare(level, group, root, kept)
                self._levels[level + 1].append(root)
            kept.end(self._findings)

    # Checkpoints

    @staticmethod
    def _checkpoints() -> Iterator[_Due]:
        """Return our checkpoints in order."""
        after = -1
        while True:
            rows = SignedCheckpoint.objects.filter(size__gt=after).order_by("size")[:500]
            found = list(rows.values_list("pk", "size", "root", "note", "published_at"))
            if not found:
                return
            yield from ((key, size, bytes(root), note, at) for key, size, root, note, at in found)
            after = found[-1][1]

    def _roots(
        self,
        leaves: Sequence[bytes],
        checkpoints: Iterator[_Due],
        due: _Due | None,
    ) -> _Due | None:
        """Look at the checkpoints whose sizes lie in a tile; return the first one beyond."""
        base = self._tree.size
        if due is None or due[1] > base + len(leaves):
            return due
        tree = Frontier(base, _peaks(self._tree))
        while due is not None and due[1] <= base + len(leaves):
            key, size, root, note, at = due
            where = f"checkpoint {size}"
            tree.extend(leaves[tree.size - base : size - base])
            self._findings.checkpoints += 1
            self._findings.check(size == tree.size and root == tree.root(), where, "root")
            if self._note(where, size, root, note):
                self._beside(where, note, at)
            self._cosignatures(key, size, note)
            due = next(checkpoints, None)
        return due

    def _note(self, where: str, size: int, root: bytes, note: str) -> bool:
        """Look at the log's own signature; return whether it holds."""
        try:
            opened = open_checkpoint(note.encode(), log_keys=self._log_keys)
        except KouanError:
            self._findings.wrong(where, "signature")
            return False
        said = opened.checkpoint
        self._findings.check((said.size, said.root) == (size, root), where, "note")
        return True

    def _beside(self, where: str, note: str, at: datetime) -> None:
        """Look at the second signature of a checkpoint."""
        try:
            self._findings.signed_twice += self._second(parse_note(note.encode()), at)
        except KouanError as error:
            missing = error.code == "second-signature-missing"
            self._findings.wrong(where, error.code if missing else "second-signature")

    def _cosignatures(self, key: int, size: int, note: str) -> None:
        lines = Cosignature.objects.filter(checkpoint=key).values_list("witness", "line", "at")
        for witness, line, at in lines:
            where = f"cosignature {size} {witness}"
            self._findings.cosignatures += 1
            keys = self._witness_keys.get(witness)
            if keys is None:
                self._findings.unknown_keys += 1
                continue
            try:
                text = parse_note(note.encode()).text
                (verified, *_others) = verify_note(parse_note(f"{text}\n{line}".encode()), keys)
            except KouanError:
                self._findings.wrong(where, "signature")
                continue
            self._findings.check(verified.timestamp == int(at.timestamp()), where, "note")


class _Tiles:
    """The stored tiles of one level, in order."""

    def __init__(self, level: int) -> None:
        self._level = level
        self._rows = self._read()
        self._next = next(self._rows, None)

    def take(self, number: int, findings: Findings) -> tuple[bytes, bytes] | None:
        """Return hashes and root of a tile, if it is there; any before it should not be."""
        while self._next is not None and self._next[0] < number:
            findings.wrong(f"tile {self._level}/{self._next[0]}", "surplus")
            self._next = next(self._rows, None)
        if self._next is None or self._next[0] != number:
            return None
        _number, hashes, root = self._next
        self._next = next(self._rows, None)
        return hashes, root

    def end(self, findings: Findings) -> None:
        """Name the tiles beyond the ledger's end."""
        while self._next is not None:
            findings.wrong(f"tile {self._level}/{self._next[0]}", "surplus")
            self._next = next(self._rows, None)

    def _read(self) -> Iterator[tuple[int, bytes, bytes]]:
        after = -1
        while True:
            rows = Tile.objects.filter(level=self._level, index__gt=after).order_by("index")[:_TILES_AT_ONCE]
            found = list(rows.values_list("index", "hashes", "root"))
            if not found:
                return
            yield from ((index, bytes(hashes), bytes(root)) for index, hashes, root in found)
            after = found[-1][0]


def _peaks(tree: Frontier) -> list[bytes]:
    return split_hashes(tree.to_bytes())


def _root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over a complete tile: the loop that an audit spends most of its time in."""
    level = list(hashes)
    digest = hashlib.sha256
    while len(level) > 1:
        level = [digest(b"\x01" + level[at] + level[at + 1]).digest() for at in range(0, len(level), 2)]
    return level[0]
