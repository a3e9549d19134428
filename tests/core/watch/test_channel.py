"""What a batch is counted as, and how little that costs."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import generate_latest

from kouan.core.watch import channel, meters
from kouan.core.watch.spread import Spread


def value(name, **labels):
    return meters.REGISTRY.get_sample_value(f"kouan_{name}", labels) or 0


@pytest.fixture
def peer():
    """A side of this test alone, so that its counts begin at nothing."""
    return f"t{uuid.uuid4().hex[:8]}"


def test_a_batch_is_counted_from_its_sealing_to_its_receipt(peer):
    made = datetime.now(UTC) - timedelta(seconds=2)
    messages = [(uuid.uuid4(), made)] * 3
    channel.batch_sealed(peer, 71, messages=messages, size=5000, began=time.time())
    channel.batch_receipted(peer, 71, accepted=2, refused=1)
    channel.post_failed(peer)
    assert value("messages_sent_total", peer=peer) == 3
    assert value("messages_receipted_total", peer=peer, result="accepted") == 2
    assert value("messages_receipted_total", peer=peer, result="refused") == 1
    assert value("posts_failed_total", peer=peer) == 1
    assert value("batch_sent_messages_bucket", peer=peer, le="2.0") == 0
    assert value("batch_sent_messages_bucket", peer=peer, le="5.0") == 1
    assert value("send_to_receipt_seconds_count", peer=peer) == 3
    assert value("send_to_receipt_seconds_bucket", peer=peer, le="1.0") == 0
    assert value("send_to_receipt_seconds_sum", peer=peer) >= 6


def test_a_receipt_for_a_batch_of_an_earlier_process_counts_without_a_time(peer):
    channel.batch_receipted(peer, 4711, accepted=4, refused=0)
    assert value("messages_receipted_total", peer=peer, result="accepted") == 4
    assert value("send_to_receipt_seconds_count", peer=peer) == 0


def test_receipts_that_never_come_are_forgotten(peer):
    for batch in range(100_000, 101_000):
        channel.batch_sealed(peer, batch, messages=[], size=1, began=time.time())
    assert len(channel._under_way) <= 256


def test_what_comes_in_is_counted_apart(peer):
    ids = [uuid.uuid4() for _ in range(10)]
    channel.batch_received(
        peer,
        messages=ids,
        refused=2,
        repeated=1,
        ended=[(one, True) for one in ids[:4]] + [(ids[4], False)],
        size=9,
        began=time.time(),
    )
    arrived = datetime.now(UTC) - timedelta(seconds=1)
    ended = [(peer, one, arrived, "handled") for one in ids[:6]] + [(peer, ids[6], arrived, "failed")]
    channel.group_handled(ended, began=time.time())
    received = {
        result: value("messages_received_total", peer=peer, result=result)
        for result in ("accepted", "refused", "repeated")
    }
    assert received == {"accepted": 7, "refused": 2, "repeated": 1}
    assert value("messages_ended_total", peer=peer, result="handled") == 4
    assert value("messages_ended_total", peer=peer, result="refused") == 1
    assert value("messages_handled_total", peer=peer, result="handled") == 6
    assert value("messages_handled_total", peer=peer, result="failed") == 1
    assert value("receipt_to_handled_seconds_count", peer=peer) == 7


def test_an_address_that_the_door_does_not_have_makes_no_series():
    channel.door_answered("/A123456(7)", 404, seconds=0.1)
    assert value("door_requests_total", route="other", status="404") >= 1
    assert b"A123456" not in generate_latest(meters.REGISTRY)


def test_a_spread_is_a_histogram_as_prometheus_has_it():
    spread = Spread("kouan_trial", "A trial.", "peer", (1, 2.5))
    spread.add("gd", [0.5, 1, 1.5, 2.5, 99])
    (family,) = spread.collect()
    assert {(sample.name, sample.labels.get("le")): sample.value for sample in family.samples} == {
        ("kouan_trial_bucket", "1.0"): 2,
        ("kouan_trial_bucket", "2.5"): 4,
        ("kouan_trial_bucket", "+Inf"): 5,
        ("kouan_trial_count", None): 5,
        ("kouan_trial_sum", None): 104.5,
    }


def test_counting_costs_little_beside_a_message(peer):
    """Ten times what it takes on a slow core; a message costs the channel a hundred microseconds."""
    now = datetime.now(UTC)
    messages = [(uuid.uuid4(), now) for _ in range(200)]
    ids = [one for one, _ in messages]
    best = min(_batch_microseconds(peer, messages, ids, now) for _ in range(20))
    assert best / 200 < 10


def _batch_microseconds(peer, messages, ids, now):
    ended = [(one, True) for one in ids]
    began = time.perf_counter()
    channel.batch_sealed(peer, 1, messages=messages, size=300_000, began=now.timestamp())
    channel.batch_receipted(peer, 1, accepted=200, refused=0)
    channel.batch_received(peer, messages=ids, refused=0, repeated=0, ended=ended, size=1, began=1.0)
    channel.group_handled([(peer, one, now, "handled") for one in ids], began=1.0)
    return (time.perf_counter() - began) * 1e6
