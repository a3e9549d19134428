"""The ledger in the database: appending, erasing, tiles, proofs, checkpoints, cosignatures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeAlias

import pytest
from django.db import connection, transaction

from databases import statements
from kouan.core.ledger import merkle, queries, services
from kouan.core.ledger.checkpoint import open_checkpoint
from kouan.core.ledger.errors import (
    EntryMissingError,
    LedgerRangeError,
    NoteSignatureError,
    UntrustedNoteError,
)
from kouan.core.ledger.models import Entry, LedgerHead, Tile
from kouan.core.ledger.notes import Ed25519Cosigner, Ed25519NoteSigner, cosign_note, parse_note

Recorder: TypeAlias = Callable[[int], services.Appended]


def every_leaf() -> list[bytes]:
    return [bytes(item) for item in Entry.objects.order_by("index").values_list("leaf_hash", flat=True)]


def check_proofs(size: int, indices: list[int], older: list[int]) -> None:
    leaves = every_leaf()[:size]
    root = merkle.root_of(leaves)
    assert queries.root_at(size) == root
    for index in indices:
        path = queries.inclusion_proof(index, size)
        merkle.verify_inclusion(leaves[index], index, size, path, root)
    for old in older:
        path = queries.consistency_proof(old, size)
        merkle.verify_consistency(old, size, merkle.root_of(leaves[:old]), root, path)


@pytest.mark.django_db
def test_records_stand_one_after_the_other(record: Recorder, now: datetime) -> None:
    first = record(3)
    with transaction.atomic():
        second = services.append([services.Record("receipt", b"signed")], now=now)
    assert (first.first_index, second.first_index, queries.size()) == (0, 3, 4)
    stored = queries.entry(3)
    assert stored == queries.EntryRecord(3, "receipt", second.leaf_hashes[0], second.salts[0], b"signed", now)
    assert stored.leaf_hash == merkle.entry_hash(second.salts[0], b"signed")
    assert len(set(first.salts + second.salts)) == 4
    assert [item.index for item in queries.entries(limit=2)] == [3, 2]
    assert [item.index for item in queries.entries(before=2)] == [1, 0]


@pytest.mark.django_db
def test_nothing_to_append_changes_nothing() -> None:
    with transaction.atomic():
        assert services.append([]) == services.Appended(0, (), ())
    assert queries.size() == 0
    assert queries.root_at(0) == merkle.EMPTY_ROOT


@pytest.mark.django_db
def test_a_transaction_that_fails_leaves_no_gap(record: Recorder) -> None:
    record(2)
    with transaction.atomic():
        services.append([services.Record("test", b"lost")])
        transaction.set_rollback(True)
    assert record(1).first_index == 2
    check_proofs(3, [0, 1, 2], [1, 2])


@pytest.mark.django_db(transaction=True)
def test_appending_belongs_inside_a_transaction() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        services.append([services.Record("test", b"alone")])


@pytest.mark.django_db(transaction=True)
def test_a_checkpoint_is_not_signed_inside_another_transaction(log_signer: Ed25519NoteSigner) -> None:
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        services.publish_checkpoint(log_signer=log_signer)


@pytest.mark.django_db
def test_an_erased_body_is_gone_and_its_proof_stands(record: Recorder) -> None:
    record(5)
    services.erase(index=2)
    services.erase(index=2)
    erased = queries.entry(2)
    assert (erased.salt, erased.body) == (None, None)
    check_proofs(5, [0, 1, 2, 3, 4], [3])
    with pytest.raises(EntryMissingError, match="number 5"):
        services.erase(index=5)
    with pytest.raises(EntryMissingError):
        queries.entry(5)


@pytest.mark.django_db
@pytest.mark.parametrize("size", [1, 255, 256, 257, 511, 513])
@pytest.mark.parametrize("tiled", [True, False], ids=["tiles", "no tiles"])
def test_proofs_hold_around_the_edge_of_a_tile(record: Recorder, size: int, *, tiled: bool) -> None:
    record(size)
    if tiled:
        assert services.build_tiles() == size // 256
        assert services.build_tiles() == 0
    check_proofs(size, sorted({0, size // 2, size - 1}), sorted({1, size // 2 or 1, size - 1 or 1, size}))


@pytest.mark.django_db
def test_proofs_hold_over_two_levels_of_tiles(record: Recorder) -> None:
    size = 256 * 256 + 1
    record(size - 1)
    assert services.build_tiles() == 256 + 1
    record(1)
    assert services.build_tiles() == 0
    check_proofs(size, [0, 255, 256, size // 2, size - 2, size - 1], [1, 256, 65_535, size - 1])
    check_proofs(65_000, [0, 64_999], [257, 40_000])
    # A tile of the second level lost: the first level still carries the proofs.
    Tile.objects.filter(level=1).delete()
    check_proofs(size, [70], [65_535])
    assert Tile.objects.get(level=0, index=255).root == queries.TreeReader(size)(8, 255)


@pytest.mark.django_db
def test_tiles_are_those_of_the_specification(record: Recorder) -> None:
    record(600)
    services.build_tiles()
    leaves = every_leaf()
    assert queries.tile(0, 1, at_size=600) == b"".join(leaves[256:512])
    assert queries.tile(0, 2, at_size=600) == b"".join(leaves[512:])
    assert queries.tile(0, 1, at_size=300) == b"".join(leaves[256:300])
    assert queries.tile(1, 0, at_size=600) == merkle.root_of(leaves[:256]) + merkle.root_of(leaves[256:512])
    for level, index in [(0, 3), (1, 1), (2, 0), (-1, 0), (0, -1)]:
        with pytest.raises(LedgerRangeError):
            queries.tile(level, index, at_size=600)


@pytest.mark.django_db
def test_what_the_ledger_does_not_hold_is_not_proved(record: Recorder) -> None:
    record(4)
    for ask in (
        lambda: queries.root_at(5),
        lambda: queries.root_at(-1),
        lambda: queries.inclusion_proof(4, 4),
        lambda: queries.inclusion_proof(-1, 4),
        lambda: queries.inclusion_proof(0, 5),
        lambda: queries.consistency_proof(3, 5),
        lambda: queries.consistency_proof(4, 3),
    ):
        with pytest.raises(LedgerRangeError):
            ask()
    assert queries.consistency_proof(0, 4) == []


@pytest.mark.django_db
def test_a_missing_entry_is_noticed(record: Recorder) -> None:
    record(4)
    Entry.objects.filter(index=2).delete()
    with pytest.raises(LedgerRangeError):
        queries.root_at(4)


@pytest.mark.django_db
def test_an_append_asks_the_database_the_same_at_any_size(record: Recorder) -> None:
    def asked() -> list[str]:
        with statements() as sent:
            record(2)
        return [each[:20] for each in sent if "SAVEPOINT" not in each]

    record(1)
    small = asked()
    record(2000)
    assert asked() == small
    inserts = 2 if connection.vendor == "sqlite" else 1  # one a row, or all rows in one
    assert [each.partition(" ")[0] for each in small] == ["SELECT", *["INSERT"] * inserts, "UPDATE"]


@pytest.mark.django_db
def test_a_checkpoint_is_published_when_the_ledger_has_grown(
    record: Recorder, log_signer: Ed25519NoteSigner, now: datetime
) -> None:
    assert services.publish_checkpoint(log_signer=log_signer) is None
    assert queries.latest_checkpoint() is None
    record(300)
    published = services.publish_checkpoint(log_signer=log_signer, now=now)
    assert published is not None
    assert published == queries.latest_checkpoint()
    assert (published.size, published.root) == (300, queries.root_at(300))
    assert (published.published_at, published.cosigned_at, published.witnesses) == (now, None, ())
    opened = open_checkpoint(published.note.encode(), log_keys=[log_signer.verifier])
    assert opened.checkpoint.root == published.root
    assert Tile.objects.count() == 1
    assert services.publish_checkpoint(log_signer=log_signer) is None
    record(1)
    again = services.publish_checkpoint(log_signer=log_signer)
    assert again is not None
    assert again.size == 301


@pytest.mark.django_db
def test_a_cosignature_is_kept_under_its_checkpoint(
    record: Recorder, log_signer: Ed25519NoteSigner, cosigner: Ed25519Cosigner, now: datetime
) -> None:
    record(3)
    published = services.publish_checkpoint(log_signer=log_signer, now=now)
    assert published is not None
    assert queries.latest_cosigned() is None
    assert queries.cosigned_size(cosigner.name) == 0
    text = parse_note(published.note.encode()).text
    line = str(cosign_note(text, cosigner, int(now.timestamp())))
    stranger = f"— someone.else {'AAAA' * 20}\n"
    for _ in range(2):
        cosigned = services.store_cosignature(
            size=3, answer=(stranger + line).encode(), witness_keys=[cosigner.verifier], now=now
        )
    assert cosigned == queries.latest_cosigned() == queries.latest_cosigned(covering=3)
    assert (cosigned.note, cosigned.cosigned_at) == (published.note + line, now)
    assert cosigned.witnesses == (cosigner.name,)
    assert queries.latest_cosigned(covering=4) is None
    assert queries.cosigned_size(cosigner.name) == 3
    assert queries.cosigned_size("mo.kouan/witness") == 0


@pytest.mark.django_db
def test_a_cosignature_that_does_not_hold_is_not_kept(
    record: Recorder, log_signer: Ed25519NoteSigner, cosigner: Ed25519Cosigner, now: datetime
) -> None:
    record(3)
    published = services.publish_checkpoint(log_signer=log_signer)
    assert published is not None
    keys = [cosigner.verifier]
    wrong = str(cosign_note("another\n", cosigner, int(now.timestamp()))).encode()
    with pytest.raises(NoteSignatureError):
        services.store_cosignature(size=3, answer=wrong, witness_keys=keys)
    with pytest.raises(UntrustedNoteError):
        services.store_cosignature(size=3, answer=wrong, witness_keys=[])
    with pytest.raises(LedgerRangeError):
        services.store_cosignature(size=2, answer=wrong, witness_keys=keys)
    assert queries.latest_cosigned() is None


@pytest.mark.django_db
def test_there_is_one_head(record: Recorder) -> None:
    record(1)
    assert list(LedgerHead.objects.values_list("pk", "size")) == [(1, 1)]


@pytest.mark.django_db
def test_the_times_are_those_given(record: Recorder, now: datetime) -> None:
    later = now + timedelta(microseconds=1)
    with transaction.atomic():
        services.append([services.Record("test", b"")], now=later)
    assert queries.entry(0).at == later
