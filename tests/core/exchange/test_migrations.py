"""Tables of nodes that have lived are changed with what is in them."""

import uuid
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from kouan.core.exchange.crossing import Keep, registry

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 3, 1, tzinfo=UTC)
COMMON = {
    "peer": "gd",
    "type": "test.note",
    "version": 1,
    "conversation": uuid.UUID(int=9),
    "agreement": "a",
    "clause": "1",
    "created_at": AT,
}


def migrate(name=None):
    """Bring the tables to where a migration left them, the newest if none is named."""
    executor = MigrationExecutor(connection)
    if name is None:
        ((_app, name),) = executor.loader.graph.leaf_nodes("exchange")
    executor.migrate([("exchange", name)])
    return executor.loader.project_state([("exchange", name)]).apps


def fill(apps):
    batch = apps.get_model("exchange", "ReceivedBatch").objects.create(
        peer="gd", first=1, count=2, root=b"", statement=b"", statement_digest=b"", leaves=b"",
        wire_bytes=0, receipt=b"", received_at=AT,
    )  # fmt: skip
    for number, body in enumerate((b"one", b"\x00" * 3000), 1):
        apps.get_model("exchange", "OutboxMessage").objects.create(
            message_id=uuid.UUID(int=number), agreement_digest=b"", body=body, body_digest=b"", expires_at=AT,
            **COMMON,
        )  # fmt: skip
    for number, body in enumerate((b"other", None), 1):
        apps.get_model("exchange", "InboxMessage").objects.create(
            message_id=uuid.UUID(int=number), header=b"", header_digest=b"", ciphertext_digest=b"", body=body,
            received_at=AT, batch=batch, position=number, sequence=number, ledger_index=number, **COMMON,
        )  # fmt: skip


def test_bodies_move_to_tables_of_their_own_and_back():
    try:
        fill(migrate("0005_incidents_and_times"))
        after = migrate("0006_bodies")
        sent = after.get_model("exchange", "OutboxMessage").objects.order_by("pk")
        sizes = [(bytes(row.content.body), row.size) for row in sent]
        assert sizes == [(b"one", 3), (b"\x00" * 3000, 3000)]
        taken, empty = after.get_model("exchange", "InboxMessage").objects.order_by("pk")
        assert (bytes(taken.content.body), taken.size, empty.size) == (b"other", 5, None)
        assert not hasattr(empty, "content")
        before = migrate("0005_incidents_and_times")
        rows = before.get_model("exchange", "OutboxMessage").objects.order_by("pk")
        assert [bytes(row.body) for row in rows] == [b"one", b"\x00" * 3000]
        rows = before.get_model("exchange", "InboxMessage").objects.order_by("pk")
        assert [row.body and bytes(row.body) for row in rows] == [b"other", None]
    finally:
        migrate()


def kept_after(types):
    """Have a body of each of these types in the tables of before terms; return what is said of them after."""
    apps = migrate("0008_untold_failures")
    batch = apps.get_model("exchange", "ReceivedBatch").objects.create(
        peer="gd", first=1, count=2, root=b"", statement=b"", statement_digest=b"", leaves=b"",
        wire_bytes=0, receipt=b"", received_at=AT,
    )  # fmt: skip
    for number, type_ in enumerate(types, 1):
        ours = apps.get_model("exchange", "OutboxMessage").objects.create(
            message_id=uuid.UUID(int=number), agreement_digest=b"", size=3, body_digest=b"", expires_at=AT,
            **COMMON | {"type": type_},
        )  # fmt: skip
        theirs = apps.get_model("exchange", "InboxMessage").objects.create(
            message_id=uuid.UUID(int=number), header=b"", header_digest=b"", ciphertext_digest=b"", size=3,
            received_at=AT, batch=batch, position=number, sequence=number, ledger_index=number,
            **COMMON | {"type": type_},
        )  # fmt: skip
        apps.get_model("exchange", "OutboxBody").objects.create(message=ours, body=b"one")
        apps.get_model("exchange", "InboxBody").objects.create(message=theirs, body=b"one")
    now = migrate()
    ours, theirs = (
        dict(now.get_model("exchange", name).objects.values_list("message__type", "keep"))
        for name in ("OutboxBody", "InboxBody")
    )
    assert ours == theirs
    return ours


def test_bodies_that_are_here_get_the_term_that_their_declaration_names():
    declared = {each.type: each.kept.stored for each in registry.all()}
    try:
        assert kept_after([*declared, "other.type"]) == {**declared, "other.type": Keep.TERM.value}
    finally:
        migrate()
