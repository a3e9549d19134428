"""The Merkle tree of RFC 6962 and RFC 9162, section 2.1, over SHA-256.

Pure: nothing here reads or stores. A *node* is named by its level and its index: node ``(level,
index)`` is the root over the ``2**level`` leaves from ``index * 2**level`` on, and exists only when
all of these leaves do. Hashes are 32 bytes throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Final, NamedTuple, TypeAlias

from kouan.core.ledger.errors import ProofError

HASH_BYTES: Final = 32
SALT_BYTES: Final = 16
EMPTY_ROOT: Final = sha256(b"").digest()
"""The root of a tree without leaves (RFC 9162 section 2.1.1)."""

NodeReader: TypeAlias = Callable[[int, int], bytes]
"""Reads the node at ``(level, index)``."""


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256(0x00 ‖ data)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


def entry_hash(salt: bytes, body: bytes) -> bytes:
    """Return the leaf hash of a ledger entry, whose leaf data is SHA-256(salt ‖ body).

    The tree thus holds nothing of the body: once salt and body are erased, the hash that stays
    cannot be tried against guessed bodies, and every proof still stands. ``salt`` is 16 bytes.
    """
    return sha256(b"\x00" + sha256(salt + body).digest()).digest()


def split_hashes(data: bytes) -> list[bytes]:
    """Return the hashes that stand one behind the other in ``data``; the last may be short."""
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


class Frontier:
    """The right edge of a growing tree: all that is needed to append to it and to know its root.

    Holds the roots of the complete subtrees that make up the tree, largest first: as many as
    ``size`` has one bits.
    """

    __slots__ = ("_peaks", "size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        """Raise ``ValueError`` when the peaks are not those of a tree of ``size`` leaves."""
        self.size = size
        self._peaks = list(peaks)
        if size < 0 or len(self._peaks) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves does not have {len(self._peaks)} peaks")

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> Frontier:
        """Read what ``to_bytes`` wrote for a tree of ``size`` leaves; raises ``ValueError``."""
        if len(data) % HASH_BYTES:
            raise ValueError("a frontier is a sequence of 32-byte hashes")
        return cls(size, (data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)))

    def to_bytes(self) -> bytes:
        """Return the peaks, largest subtree first, 32 bytes each."""
        return b"".join(self._peaks)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash; amortised one node hash."""
        self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes in order."""
        peaks, size = self._peaks, self.size
        for leaf in leaves:
            carry, bits = leaf, size
            while bits & 1:
                carry = node_hash(peaks.pop(), carry)
                bits >>= 1
            peaks.append(carry)
            size += 1
        self.size = size

    def root(self) -> bytes:
        """Return the root of the tree."""
        return _fold(self._peaks)


def _fold(peaks: Sequence[bytes]) -> bytes:
    """Join complete subtrees, largest first, into the root over all of them."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier.root()


class BatchTree(NamedTuple):
    """A small tree computed at once."""

    root: bytes
    paths: list[list[bytes]]
    """For each leaf, its inclusion path, from its sibling upwards."""


def batch_tree(leaves: Sequence[bytes]) -> BatchTree:
    """Return the root and every inclusion path of a short list of leaf hashes.

    Meant for the batches of the channel (up to some thousand leaves, all in memory).
    """
    paths: list[list[bytes]] = [[] for _ in leaves]
    level, shift = list(leaves), 0
    while len(level) > 1:
        last = len(level) - 1
        for leaf, path in enumerate(paths):
            # A node without a sibling moves up as it is (RFC 9162 section 2.1.1 splits so).
            if (sibling := leaf >> shift ^ 1) <= last:
                path.append(level[sibling])
        parents = [node_hash(level[at], level[at + 1]) for at in range(0, last, 2)]
        if not last & 1:
            parents.append(level[last])
        level, shift = parents, shift + 1
    return BatchTree(level[0] if level else EMPTY_ROOT, paths)


def _split(width: int) -> int:
    """Return the largest power of two below ``width`` (RFC 9162's k), for ``width`` > 1."""
    return 1 << (width - 1).bit_length() - 1


def range_root(node: NodeReader, start: int, end: int) -> bytes:
    """Return the root over the leaves ``[start, end)``, where ``start`` begins a subtree.

    Reads at most one node for each one bit of ``end - start``.
    """
    peaks = []
    while start < end:
        level = (end - start).bit_length() - 1
        peaks.append(node(level, start >> level))
        start += 1 << level
    return _fold(peaks)


def inclusion_path(node: NodeReader, index: int, size: int) -> list[bytes]:
    """Return the inclusion path of leaf ``index`` in the tree of ``size`` (RFC 9162 section 2.1.3.1).

    The leaf's sibling comes first, the root's child last. ``ValueError`` if there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    path = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(range_root(node, middle, end))
            end = middle
        else:
            path.append(range_root(node, start, middle))
            start = middle
    return path[::-1]


def consistency_path(node: NodeReader, first: int, second: int) -> list[bytes]:
    """Return the proof that the tree of ``first`` leaves begins that of ``second`` (section 2.1.4.1).

    It is empty when both are the same or ``first`` is 0. ``ValueError`` when ``first`` > ``second``.
    """
    if not 0 <= first <= second:
        raise ValueError(f"a tree of {first} leaves does not begin one of {second}")
    if first == 0:
        return []
    path = []
    start, end = 0, second
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            path.append(range_root(node, middle, end))
            end = middle
        else:
            path.append(range_root(node, start, middle))
            start = middle
    if start:
        # The old tree's last subtree; when it is the whole old tree, the verifier has its root already.
        path.append(range_root(node, start, end))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Check that leaf hash ``leaf`` stands at ``index`` in the tree ``(size, root)``.

    RFC 9162 section 2.1.3.2. Raises ``ProofError`` with what is wrong.
    """
    if not 0 <= index < size:
        raise ProofError(detail=f"a tree of {size} entries has no entry {index}")
    _check_hashes([leaf, *path])
    reached = leaf
    for sibling, on_left in _climb(index, size - 1, path):
        reached = node_hash(sibling, reached) if on_left else node_hash(reached, sibling)
    if reached != root:
        raise ProofError(detail="the path leads to another root")


def verify_consistency(
    first: int, second: int, first_root: bytes, second_root: bytes, path: Sequence[bytes]
) -> None:
    """Check that the tree ``(second, second_root)`` continues ``(first, first_root)``.

    RFC 9162 section 2.1.4.2, for 0 < ``first`` <= ``second``: every tree continues the empty one,
    so there is nothing to check and a caller decides that case. Raises ``ProofError``.
    """
    if not 0 < first <= second:
        raise ProofError(detail=f"a tree of {second} entries cannot be shown to continue one of {first}")
    _check_hashes(path)
    if first == second:
        _check_same(first_root, second_root, path)
        return
    if not path:
        raise ProofError(detail="the path is empty")
    hashes = list(path)
    if first & (first - 1) == 0:
        hashes.insert(0, first_root)
    position, last = first - 1, second - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = hashes[0]
    for sibling, on_left in _climb(position, last, hashes[1:]):
        if on_left:
            old = node_hash(sibling, old)
        new = node_hash(sibling, new) if on_left else node_hash(new, sibling)
    if old != first_root:
        raise ProofError(detail="the path does not lead to the old root")
    if new != second_root:
        raise ProofError(detail="the path does not lead to the new root")


def _check_same(first_root: bytes, second_root: bytes, path: Sequence[bytes]) -> None:
    if path:
        raise ProofError(detail="two trees of one size need no path")
    if first_root != second_root:
        raise ProofError(detail="two trees of one size have different roots")


def _climb(position: int, last: int, path: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Walk a path upwards: each hash, and whether it stands to the left of what was reached.

    ``position`` and ``last`` are the RFC's fn and sn. Raises ``ProofError`` unless the path ends at
    the root.
    """
    for sibling in path:
        if last == 0:
            raise ProofError(detail="the path is too long")
        on_left = bool(position & 1) or position == last
        while on_left and position and not position & 1:
            # A node without a sibling has moved up as it is.
            position, last = position >> 1, last >> 1
        yield sibling, on_left
        position, last = position >> 1, last >> 1
    if last:
        raise ProofError(detail="the path is too short")


def _check_hashes(hashes: Sequence[bytes]) -> None:
    # Of another length, two hashes joined could be read as two others.
    if any(len(item) != HASH_BYTES for item in hashes):
        raise ProofError(detail="a hash is not 32 bytes long")
