"""The bridge to a real NATS JetStream server on this machine; the streams are the test's own."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import uuid
from dataclasses import replace
from datetime import timedelta

import nats
import pytest
from django.utils import timezone

from apps.attached.conftest import TYPE
from kouan.apps.attached import bridge, services
from kouan.apps.attached.models import Received, Sent
from kouan.core.exchange.models import OutboxMessage

URL = "nats://127.0.0.1:4222"


def _listens():
    try:
        socket.create_connection(("127.0.0.1", 4222), 1).close()
    except OSError:
        return False
    return True


@pytest.fixture
def made(settings, desk):
    """Return a bridge with streams of its own."""
    if not _listens():
        pytest.skip("no NATS server listens on 127.0.0.1:4222")
    services.allow(system=desk, by_nats=True)
    prefix = f"test-{secrets.token_hex(4)}"
    settings.NODE = replace(
        settings.NODE, attached=replace(settings.NODE.attached, nats=URL, nats_prefix=prefix)
    )
    made = bridge.Bridge(settings.NODE.attached, "hk")
    yield made
    made.close()

    async def remove(stream):
        for name in (made.names.stream_in, made.names.stream_out):
            await stream.delete_stream(name)

    _with_nats(remove)


def _with_nats(work):
    async def run():
        client = await nats.connect(URL)
        try:
            return await work(client.jetstream())
        finally:
            await client.close()

    return asyncio.run(run())


def publish(made, document, *, key, system="vessel-desk"):
    async def work(stream):
        headers = {"Nats-Msg-Id": key} if key else None
        await stream.publish(made.names.outward(system), json.dumps(document).encode(), headers=headers)

    _with_nats(work)


def read(made, subject, count):
    """Return what is in the stream under a subject: ``(subject, headers, document)`` each."""

    async def work(stream):
        subscription = await stream.pull_subscribe(subject, stream=made.names.stream_in)
        try:
            messages = await subscription.fetch(count, timeout=5)
        except TimeoutError:
            return []
        return [(each.subject, each.headers, json.loads(each.data)) for each in messages]

    return _with_nats(work)


def outcomes(made, count=1):
    return [document for _, _, document in read(made, made.names.outcome("vessel-desk"), count)]


def step_until(made, done):
    for _ in range(20):
        made.step()
        if done():
            return
    raise AssertionError("the bridge did not get there")


def test_a_message_is_published_and_again_only_if_nobody_acknowledges_it(made, arrive):
    message = arrive()
    made.step()
    ((subject, headers, document),) = read(made, f"{made.names.base}.in.>", 5)
    assert subject == f"{made.names.base}.in.vessel-desk.{TYPE}"
    assert headers["Nats-Msg-Id"] == headers["Kouan-Id"] == document["id"] == str(message)
    assert document["payload"]["name"] == "Pearl Star"
    assert Received.objects.get().state == "waiting", "the database stays the truth"
    publish(made, {"ack": str(message)}, key="ack-1")
    step_until(made, lambda: Received.objects.get().state == "acknowledged")
    assert outcomes(made) == [{"key": "ack-1", "ok": True, "ended": str(message)}]
    Received.objects.update(leased_until=timezone.now() - timedelta(hours=1))
    made.step()
    assert Received.objects.get().handed_out == 1


def test_what_a_system_publishes_is_sent_once_and_its_outcome_told(made, request_body):
    made.step()
    for _ in range(2):
        publish(made, request_body(), key="voyage-1")
    step_until(made, OutboxMessage.objects.exists)
    made.step()
    assert OutboxMessage.objects.count() == 1
    (outcome,) = outcomes(made)
    assert outcome["ok"]
    assert outcome["message"]["id"] == str(Sent.objects.get().message_id)


def test_what_cannot_be_is_refused_in_words_and_not_brought_again(made, arrive, request_body):
    made.step()
    publish(made, request_body(payload={"imo": "1"}), key="bad")
    publish(made, {"refuse": str(uuid.uuid4()), "code": "no"}, key="whose")
    publish(made, ["nonsense"], key="what")
    publish(made, request_body(), key=None)
    for _ in range(4):
        made.step()
    codes = {each["key"]: each["problem"]["code"] for each in outcomes(made, 4)}
    assert codes == {
        "bad": "ill-formed-payload",
        "whose": "no-such-message",
        "what": "bad-message",
        None: "no-idempotency-key",
    }
    assert not OutboxMessage.objects.exists()


def test_a_system_that_does_not_speak_nats_is_not_heard(made, other, request_body):
    made.step()
    publish(made, request_body(), key="x", system="other-desk")
    made.step()
    made.step()
    assert not OutboxMessage.objects.exists()


def test_a_redelivery_after_a_kill_between_commit_and_acknowledgement_sends_nothing_twice(desk, request_body):
    services.allow(system=desk, by_nats=True)
    data = json.dumps(request_body()).encode()
    first = bridge.carry_out("vessel-desk", "voyage-1", data)
    assert bridge.carry_out("vessel-desk", "voyage-1", data) == first
    assert OutboxMessage.objects.count() == 1


def test_a_full_outbox_leaves_the_message_with_nats(desk, request_body, settings):
    services.allow(system=desk, by_nats=True)
    settings.NODE = replace(settings.NODE, exchange=replace(settings.NODE.exchange, outbox_max=0))
    assert bridge.carry_out("vessel-desk", "k", json.dumps(request_body()).encode()) is None


def test_no_server_is_said_and_nothing_breaks(settings, desk, caplog, arrive):
    services.allow(system=desk, by_nats=True)
    attached = replace(settings.NODE.attached, nats="nats://127.0.0.1:9")
    made = bridge.Bridge(attached, "hk")
    arrive()
    assert made.step() is False
    assert made.step() is False
    made.close()
    assert caplog.text.count("cannot be used") == 1
    assert Received.objects.get().handed_out == 0
