"""The tree, against published vectors and against RFC 6962's own recursive definition."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kouan.core.ledger import merkle
from kouan.core.ledger.errors import ProofError

# The eight leaves and their roots, as in Certificate Transparency's reference tests (RFC 6962's
# authors) and in transparency-dev/merkle, testonly/constants.go.
LEAVES = [
    bytes.fromhex(item)
    for item in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAF_HASHES = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
    "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
    "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
    "46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1",
]

# transparency-dev/merkle, testdata/inclusion/{1..4}/happy-path.json: index, size, path.
INCLUSION = [
    (
        0,
        8,
        [
            "lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=",
            "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
            "a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ=",
        ],
    ),
    (
        5,
        8,
        [
            "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=",
            "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=",
            "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=",
        ],
    ),
    (2, 3, ["+sVCA+fMaWzw38tCySodnbr3CtnmIfS9jZhmLwDjwSU="]),
    (
        1,
        5,
        [
            "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=",
            "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
            "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=",
        ],
    ),
]

# transparency-dev/merkle, testdata/consistency/{0..4}/happy-path.json: old size, new size, path.
CONSISTENCY = [
    (1, 1, []),
    (
        1,
        8,
        [
            "lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=",
            "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
            "a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ=",
        ],
    ),
    (
        6,
        8,
        [
            "DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o=",
            "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=",
            "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=",
        ],
    ),
    (
        2,
        5,
        [
            "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
            "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=",
        ],
    ),
    (
        6,
        7,
        [
            "DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o=",
            "sIaT7C5yFZcTBkHoIR5+7cy0wmQTlj7ubB4u0W/7Gl8=",
            "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=",
        ],
    ),
]

# The same set's testdata/consistency/additional: old size, new size, whether the roots are equal,
# the path's length. All of them must be refused, and so must a consistency "proof" from nothing.
REFUSED = [
    (0, 1, True, 1),
    (0, 0, False, 0),
    (1, 1, False, 0),
    (2, 1, False, 0),
    (1, 0, False, 0),
    (0, 1, False, 0),
    (0, 0, True, 0),
    (1, 2, False, 0),
    (1, 1, True, 1),
    (0, 0, True, 1),
]


def decoded(path: list[str]) -> list[bytes]:
    return [base64.b64decode(item) for item in path]


def tree_hash(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, over leaf hashes, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + tree_hash(leaves[:k]) + tree_hash(leaves[k:])).digest()


def leaves_of(count: int) -> list[bytes]:
    return [merkle.leaf_hash(at.to_bytes(4, "big")) for at in range(count)]


def reader(leaves: list[bytes]) -> merkle.NodeReader:
    return lambda level, index: tree_hash(leaves[index << level : (index + 1) << level])


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(changed)


def test_the_leaf_hashes_of_the_reference_vectors() -> None:
    assert [merkle.leaf_hash(leaf).hex() for leaf in LEAVES] == LEAF_HASHES


@pytest.mark.parametrize("size", range(9))
def test_the_roots_of_the_reference_vectors(size: int) -> None:
    hashes = [merkle.leaf_hash(leaf) for leaf in LEAVES[:size]]
    assert merkle.root_of(hashes).hex() == ROOTS[size]
    assert merkle.batch_tree(hashes).root.hex() == ROOTS[size]
    assert merkle.range_root(reader(hashes), 0, size).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "path"), INCLUSION)
def test_the_inclusion_vectors(index: int, size: int, path: list[str]) -> None:
    hashes = [merkle.leaf_hash(leaf) for leaf in LEAVES[:size]]
    assert merkle.inclusion_path(reader(hashes), index, size) == decoded(path)
    assert merkle.batch_tree(hashes).paths[index] == decoded(path)
    merkle.verify_inclusion(hashes[index], index, size, decoded(path), bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new", "path"), CONSISTENCY)
def test_the_consistency_vectors(old: int, new: int, path: list[str]) -> None:
    hashes = [merkle.leaf_hash(leaf) for leaf in LEAVES[:new]]
    assert merkle.consistency_path(reader(hashes), old, new) == decoded(path)
    merkle.verify_consistency(old, new, bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new]), decoded(path))


@pytest.mark.parametrize(("old", "new", "same", "length"), REFUSED)
def test_the_refused_consistency_vectors(old: int, new: int, *, same: bool, length: int) -> None:
    other = merkle.EMPTY_ROOT if same else sha256(b"another").digest()
    with pytest.raises(ProofError):
        merkle.verify_consistency(old, new, merkle.EMPTY_ROOT, other, [merkle.EMPTY_ROOT] * length)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 0), (1, 1), (2, 1), (-1, 5)])
def test_an_index_outside_the_tree_is_refused(index: int, size: int) -> None:
    with pytest.raises(ProofError):
        merkle.verify_inclusion(merkle.EMPTY_ROOT, index, size, [], merkle.EMPTY_ROOT)
    with pytest.raises(ValueError, match="no leaf"):
        merkle.inclusion_path(reader([]), index, size)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_hash_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ProofError, match="32 bytes"):
        merkle.verify_inclusion(leaves_of(1)[0], 0, 2, [bytes(length)], merkle.EMPTY_ROOT)
    with pytest.raises(ProofError, match="32 bytes"):
        merkle.verify_consistency(1, 2, merkle.EMPTY_ROOT, merkle.EMPTY_ROOT, [bytes(length)])


def test_a_consistency_path_backwards_is_refused() -> None:
    with pytest.raises(ValueError, match="does not begin"):
        merkle.consistency_path(reader([]), 5, 4)


@given(st.integers(1, 300), st.data())
def test_every_inclusion_proof_holds_and_no_changed_one(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    root = merkle.root_of(leaves)
    assert root == tree_hash(leaves)
    path = merkle.inclusion_path(reader(leaves), index, size)
    merkle.verify_inclusion(leaves[index], index, size, path, root)

    bit = data.draw(st.integers(0, 255))
    spoilt = [
        (flipped(leaves[index], bit), index, size, path, root),
        (leaves[index], index, size, path, flipped(root, bit)),
        (leaves[index], index, size, [*path, root], root),
        (leaves[index], index, size, [root, *path], root),
        (leaves[index], index + size, size, path, root),
    ]
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        changed = [flipped(item, bit) if here == at else item for here, item in enumerate(path)]
        spoilt += [
            (leaves[index], index, size, changed, root),
            (leaves[index], index, size, path[:-1], root),
            (leaves[index], index, size, path[1:], root),
            (leaves[index], (index + 1) % size, size, path, root),
        ]
    for arguments in spoilt:
        with pytest.raises(ProofError):
            merkle.verify_inclusion(*arguments)


@given(st.integers(1, 300), st.data())
def test_every_consistency_proof_holds_and_no_changed_one(new: int, data: st.DataObject) -> None:
    leaves = leaves_of(new)
    old = data.draw(st.integers(1, new))
    roots = tree_hash(leaves[:old]), tree_hash(leaves)
    path = merkle.consistency_path(reader(leaves), old, new)
    merkle.verify_consistency(old, new, *roots, path)

    bit = data.draw(st.integers(0, 255))
    spoilt = [
        (old, new, flipped(roots[0], bit), roots[1], path),
        (old, new, roots[0], flipped(roots[1], bit), path),
        (old, new, *roots, [*path, roots[0]]),
        (old, new, *roots, [roots[0], *path]),
        (new + 1, new, *roots, path),
    ]
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        changed = [flipped(item, bit) if here == at else item for here, item in enumerate(path)]
        spoilt += [(old, new, *roots, changed), (old, new, *roots, path[:-1]), (old, new, *roots, path[1:])]
    for arguments in spoilt:
        with pytest.raises(ProofError):
            merkle.verify_consistency(*arguments)


@given(st.integers(0, 200), st.integers(0, 200))
def test_a_frontier_goes_on_where_it_was_stored(first: int, more: int) -> None:
    leaves = leaves_of(first + more)
    frontier = merkle.Frontier()
    for leaf in leaves[:first]:
        frontier.append(leaf)
    again = merkle.Frontier.from_bytes(frontier.size, frontier.to_bytes())
    again.extend(leaves[first:])
    assert (again.size, again.root()) == (first + more, tree_hash(leaves))


@pytest.mark.parametrize(
    ("size", "data"), [(1, b""), (0, bytes(32)), (3, bytes(32)), (1, bytes(31)), (-1, b"")]
)
def test_a_frontier_of_another_size_is_refused(size: int, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"frontier|peaks"):
        merkle.Frontier.from_bytes(size, data)


@given(st.integers(0, 130))
def test_a_batch_gives_every_path(size: int) -> None:
    leaves = leaves_of(size)
    batch = merkle.batch_tree(leaves)
    assert batch.root == tree_hash(leaves)
    assert batch.paths == [merkle.inclusion_path(reader(leaves), index, size) for index in range(size)]


def test_an_entry_hash_is_the_leaf_hash_of_the_salted_digest() -> None:
    assert merkle.entry_hash(b"s" * 16, b"body") == merkle.leaf_hash(sha256(b"s" * 16 + b"body").digest())
