"""Several writers at one ledger, each with its own connection, over a database of this test's own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction

import databases
from kouan.core.ledger import merkle, queries, services
from kouan.core.ledger.models import Entry
from own_node import SERVER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_django.plugin import DjangoDbBlocker

    from kouan.core.ledger.notes import Ed25519NoteSigner


@pytest.fixture
def database(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Give the connections of new threads a database of their own, with the ledger's tables."""
    before = connections.settings["default"]
    url = databases.create() if SERVER else f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    name = url.rpartition("/")[2] if SERVER else url.removeprefix("sqlite:///")
    connections.settings["default"] = {**before, "NAME": name}
    try:
        with django_db_blocker.unblock():
            in_thread(lambda: call_command("migrate", "ledger", verbosity=0))
            yield
    finally:
        connections.settings["default"] = before
        if SERVER:
            databases.drop(url)


def in_thread(work):
    return all_at_once([work])[0]


def all_at_once(works):
    def closing(work):
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return [each.result() for each in [pool.submit(closing, work) for work in works]]


@pytest.mark.usefixtures("database")
def test_two_writers_and_a_publisher_leave_no_gap(log_signer: Ed25519NoteSigner) -> None:
    def write(name: bytes) -> list[range]:
        taken = []
        for turn in range(1, 21):
            with transaction.atomic():
                appended = services.append([services.Record("test", name)] * turn)
            taken.append(range(appended.first_index, appended.first_index + turn))
        return taken

    def publish() -> list[queries.CheckpointRecord]:
        published = [services.publish_checkpoint(log_signer=log_signer) for _ in range(20)]
        return [each for each in published if each]

    def check(published: list[queries.CheckpointRecord]) -> list[int]:
        leaves = [bytes(item) for item in Entry.objects.order_by("index").values_list("leaf_hash", flat=True)]
        assert queries.size() == len(leaves) == 420
        assert queries.root_at(420) == merkle.root_of(leaves)
        for each in published:
            assert each.root == merkle.root_of(leaves[: each.size])
        return list(Entry.objects.order_by("index").values_list("index", flat=True))

    one, other, published = all_at_once([lambda: write(b"one"), lambda: write(b"other"), publish])
    taken = sorted(index for part in [*one, *other] for index in part)
    assert taken == list(range(420))
    assert in_thread(lambda: check(published)) == taken
