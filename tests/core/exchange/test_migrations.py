"""Tables of nodes that have lived are changed with what is in them."""

import uuid
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from kouan.core.exchange.models import InboxMessage, OutboxMessage

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


def migrate(name):
    executor = MigrationExecutor(connection)
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
        migrate("0006_bodies")
        sent = [(row.body, row.size) for row in OutboxMessage.objects.order_by("pk")]
        assert sent == [(b"one", 3), (b"\x00" * 3000, 3000)]
        taken = [(row.body, row.size) for row in InboxMessage.objects.order_by("pk")]
        assert taken == [(b"other", 5), (None, None)]
        before = migrate("0005_incidents_and_times")
        rows = before.get_model("exchange", "OutboxMessage").objects.order_by("pk")
        assert [bytes(row.body) for row in rows] == [b"one", b"\x00" * 3000]
        rows = before.get_model("exchange", "InboxMessage").objects.order_by("pk")
        assert [row.body and bytes(row.body) for row in rows] == [b"other", None]
    finally:
        migrate("0006_bodies")
