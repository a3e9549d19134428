"""Rows are stored and found again with the values that Django itself would have stored, on every database."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from databases import statements
from kouan.apps.dataflow.models import Decision
from kouan.core.database.rows import (
    among,
    execute,
    fetch,
    insert,
    insert_many,
    keepable,
    new_keys,
    select,
    stored,
    update_many,
)
from kouan.core.database.values import Written
from kouan.core.exchange.models import Channel, OutboxMessage, ReceivedBatch, Stream

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 1, 23, 59, 59, 123456, tzinfo=UTC)


def values(number, **more):
    return {
        "message_id": uuid.UUID(int=number),
        "peer": "gd",
        "type": "測試 \\ , \" { } '",
        "version": number,
        "conversation": uuid.UUID(int=1000 + number),
        "agreement": "a",
        "agreement_digest": bytes(range(256)),
        "clause": "1",
        "consent": None,
        "size": number,
        "body_digest": b"\x00\xff" * number,
        "created_at": AT + timedelta(microseconds=number),
        "expires_at": AT,
        "state": "waiting",
        "code": "",
        "reported": bool(number % 2),
        "dismissed": False,
        "retry_of": None,
        **more,
    }


def insert_rows(*numbers, **more):
    rows = [values(number, **more) for number in numbers]
    insert_many(OutboxMessage, list(rows[0]), [list(row.values()) for row in rows])
    return rows


@pytest.mark.parametrize("count", [1, 2, 700])
def test_what_is_inserted_is_found_by_both_ways_of_reading(count):
    rows = insert_rows(*range(count))
    by_hand = fetch(OutboxMessage, "peer = %s ORDER BY id", ("gd",))
    by_django = list(OutboxMessage.objects.order_by("pk"))
    for ours, theirs, row in zip(by_hand, by_django, rows, strict=True):
        assert ours == theirs
        for name, value in row.items():
            assert getattr(ours, name) == value, name
            found = getattr(theirs, name)
            assert (bytes(found) if isinstance(found, memoryview) else found) == value, name
    assert [row.pk for row in by_hand] == sorted(row.pk for row in by_hand)
    assert [row.version for row in by_hand] == list(range(count)), "keys grow in the order of the rows"


def test_nothing_to_insert_is_nothing():
    insert_many(OutboxMessage, ["peer"], [])
    update_many(OutboxMessage, ["peer"], [])
    assert not OutboxMessage.objects.exists()


@pytest.mark.parametrize("count", [1, 2, 600])
def test_each_row_gets_its_own_new_values(count):
    insert_rows(*range(count))
    keys = list(OutboxMessage.objects.order_by("pk").values_list("pk", flat=True))
    news = [
        ("sealed", number, bytes([number % 256]), None if number % 3 else AT, number == 0, key)
        for number, key in enumerate(keys)
    ]
    names = ["state", "sequence", "header", "finished_at", "dismissed"]
    update_many(OutboxMessage, names, news)
    found = OutboxMessage.objects.order_by("pk").values_list(*names, "pk")
    assert [(*row[:2], bytes(row[2]), *row[3:]) for row in found] == news


def test_a_column_may_be_null_in_every_row():
    insert_rows(1, 2, 3)
    keys = list(OutboxMessage.objects.values_list("pk", flat=True))
    update_many(
        OutboxMessage, ["finished_at", "header", "retry_of"], [(None, None, None, key) for key in keys]
    )
    update_many(OutboxMessage, ["sequence"], [(1 << 40, key) for key in keys[:1]] + [(None, keys[1])])
    assert set(OutboxMessage.objects.values_list("sequence", flat=True)) == {1 << 40, None}


def test_rows_are_named_by_another_field_than_the_key():
    Stream.objects.create(peer="gd")
    Stream.objects.create(peer="mo")
    update_many(Stream, ["credits", "last_error"], [(5, "x", "mo"), (6, "y", "gd")], key="peer")
    assert list(Stream.objects.order_by("peer").values_list("credits", "last_error")) == [(6, "y"), (5, "x")]


def test_one_row_under_a_new_key():
    (key,) = new_keys(ReceivedBatch, 1)
    values = {
        "id": key, "peer": "gd", "first": 1, "count": 2, "root": b"r", "statement": b"s",
        "statement_digest": b"d", "leaves": b"", "wire_bytes": 3, "receipt": b"x", "received_at": AT,
    }  # fmt: skip
    insert_many(ReceivedBatch, list(values), [list(values.values())])
    assert ReceivedBatch.objects.get(pk=key).received_at == AT
    assert execute("UPDATE exchange_receivedbatch SET count = %s WHERE id = %s", (9, key)) == 1
    assert select("SELECT count FROM exchange_receivedbatch WHERE received_at = %s", (stored(AT),)) == [(9,)]


def test_one_of_many_values():
    insert_rows(*range(10))
    wanted = [uuid.UUID(int=3), uuid.UUID(int=5), uuid.UUID(int=77)]
    condition, params = among("message_id", [stored(each) for each in wanted])
    found = fetch(OutboxMessage, f"peer = %s AND {condition} ORDER BY id", ("gd", *params), names=["version"])
    assert [row.version for row in found] == [3, 5]


def test_many_rows_are_one_statement_where_the_database_takes_arrays():
    with statements() as sent:
        insert_rows(*range(50))
        keys = list(OutboxMessage.objects.values_list("pk", flat=True))
        update_many(OutboxMessage, ["code"], [("x", key) for key in keys])
    count = sum(each.startswith(("INSERT", "UPDATE")) for each in sent)
    assert count == (100 if connection.vendor == "sqlite" else 2)


def test_a_broken_rule_is_djangos_error_and_changes_nothing():
    insert_rows(1)
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(2, 3, 1)
    assert OutboxMessage.objects.count() == 1


@pytest.mark.parametrize("text", ["", "plain", "a\0b", "\0" * 9, "漢字\0"])
def test_any_text_of_a_peer_can_be_kept(text):
    kept = keepable(text, 5)
    assert len(kept) <= 5
    assert "\0" not in kept
    Stream.objects.create(peer="gd", last_error=kept)
    assert Stream.objects.get().last_error == kept


DETAIL = {"size": 7, "text": "測試 \\ ' \"", "list": [1, None, {"deep": True}], "none": None}


@pytest.mark.parametrize("count", [1, 3])
def test_json_is_kept_and_found_as_django_does(count):
    peers = [f"peer-{number}" for number in range(count)]
    for number, peer in enumerate(peers):
        Channel.objects.create(peer=peer, detail=DETAIL | {"size": number})
    found = fetch(Channel, "peer LIKE %s ORDER BY id", ("peer-%",))
    assert [row.detail for row in found] == [DETAIL | {"size": number} for number in range(count)]
    update_many(Channel, ["detail"], [({"new": peer}, peer) for peer in peers], key="peer")
    assert [row.detail for row in Channel.objects.order_by("pk")] == [{"new": peer} for peer in peers]


def test_a_row_is_inserted_with_all_its_values_and_gets_its_key():
    made = insert(Channel(peer="gd", detail=DETAIL, since=AT, evidence=b"\x00\xff"))
    found = Channel.objects.get(peer="gd")
    assert made == found
    assert (found.detail, found.since, bytes(found.evidence), found.log_epoch) == (DETAIL, AT, b"\x00\xff", 1)
    made.cause = "asked"
    made.save()
    assert Channel.objects.get().cause == "asked"
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(Channel(peer="gd"))


@pytest.mark.parametrize("count", [1, 2, 40])
def test_json_that_is_written_already_is_kept_as_it_is(count):
    said = {"words": ["測試", "\\ \" '"], "none": None, "number": 1}
    rows = [
        ("test", uuid.UUID(int=number), AT, said if number % 2 else Written(json.dumps(said)))
        for number in range(count)
    ]
    insert_many(
        Decision, ("type", "message_id", "at", "case", *EMPTY), [(*row, *EMPTY.values()) for row in rows]
    )
    assert [row.case for row in Decision.objects.order_by("pk")] == [said] * count


EMPTY = {
    "outgoing": True, "sender": "hk", "receiver": "gd", "allowed": True, "code": "", "clause": "",
    "rules": Written("[]"),
}  # fmt: skip
