"""Webhooks: what is told, how it is signed, and what happens while nobody listens."""

from __future__ import annotations

import json
import threading
import time
import uuid
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import standardwebhooks
from django.utils import timezone

from kouan.apps.attached import hooks, queries, services
from kouan.apps.attached.domain import DISABLE_AFTER, GIVE_UP_AFTER
from kouan.apps.attached.errors import BadWebhookAddress, NoSuchDelivery, NoWebhook
from kouan.apps.attached.models import Delivery, System, Try
from kouan.client import BadSignature, verify_webhook
from kouan.core.exchange import posting
from kouan.core.exchange.models import OutboxMessage
from pace import patience

TYPE = "vessel.arrival-notice"


class Server:
    """A receiver that answers what it is told to."""

    def __init__(self):
        self.status, self.requests, self.headers, self.slow = 204, [], {}, 0.0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.requests.append((self.path, dict(self.headers), body))
                self.send_response(server.status)
                for name, value in server.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                until = time.monotonic() + server.slow
                try:
                    while time.monotonic() < until:
                        self.wfile.write(b".")
                        self.wfile.flush()
                        time.sleep(0.05)
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/kouan?x=1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


@pytest.fixture
def hooked(desk, server):
    desk.secret = services.set_webhook(system=desk, url=server.url)
    return desk


def due():
    Delivery.objects.update(next_at=timezone.now())


def fail_since(system, long):
    System.objects.filter(pk=system.pk).update(webhook_failing_since=timezone.now() - long)


def test_an_arrival_is_told_and_its_signature_holds_for_an_independent_library(hooked, server, arrive):
    message = arrive()
    hooks.deliver()
    ((path, headers, body),) = server.requests
    assert path == "/kouan?x=1"
    event = standardwebhooks.Webhook(hooked.secret).verify(body, {k.lower(): v for k, v in headers.items()})
    assert event["type"] == "message.received"
    assert event["data"]["id"] == str(message)
    assert "Pearl" not in body.decode()
    assert verify_webhook(hooked.secret, headers, body) == event
    delivery = Delivery.objects.get()
    assert delivery.state == "delivered"
    assert headers["webhook-id"] == delivery.webhook_id


def test_what_anybody_changed_is_not_the_nodes(hooked, server, arrive):
    arrive()
    hooks.deliver()
    ((_, headers, body),) = server.requests
    old = {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 400)}
    for wrong_headers, wrong_body in ((headers, body + b" "), (old, body), ({}, body)):
        with pytest.raises(BadSignature):
            verify_webhook(hooked.secret, wrong_headers, wrong_body)
    with pytest.raises(BadSignature):
        verify_webhook("whsec_" + "A" * 44, headers, body)


def test_each_change_of_a_sent_message_is_told_once(hooked, server, api, request_body):
    sent = api(hooked, "POST", "/messages", request_body(), key="1").json()["id"]
    hooks.note_changes()
    assert not Delivery.objects.exists()
    for state, code in (("accepted", ""), ("refused", "wrong-berth")):
        OutboxMessage.objects.update(state=state, code=code)
        hooks.note_changes()
        hooks.note_changes()
    hooks.deliver()
    events = sorted((json.loads(body) for _, _, body in server.requests), key=lambda each: each["type"])
    assert [each["type"] for each in events] == ["message.accepted", "message.refused"]
    assert events[1]["data"] == {
        "id": sent,
        "to": "gd",
        "type": TYPE,
        "state": "refused",
        "code": "wrong-berth",
    }


def test_what_happened_before_there_was_a_webhook_is_no_news(desk, server, api, request_body):
    api(desk, "POST", "/messages", request_body(), key="1")
    OutboxMessage.objects.update(state="handled")
    services.set_webhook(system=desk, url=server.url)
    hooks.note_changes()
    assert not Delivery.objects.exists()


def test_a_failed_try_is_repeated_under_the_same_id_with_growing_pauses(hooked, server, arrive):
    server.status = 500
    arrive()
    pauses = []
    for _ in range(4):
        due()
        hooks.deliver()
        pauses.append(Delivery.objects.get().next_at - timezone.now())
    assert pauses == sorted(pauses)
    assert timedelta(seconds=300) < pauses[-1] < timedelta(seconds=800)
    assert not hooks.deliver(), "nothing is due before its time"
    assert len(server.requests) == 4
    server.status = 200
    due()
    hooks.deliver()
    assert len({headers["webhook-id"] for _, headers, _ in server.requests}) == 1
    assert len({body for _, _, body in server.requests}) == 1
    assert Delivery.objects.get().state == "delivered"
    assert [each.status for each in Try.objects.order_by("pk")] == [500] * 4 + [200]
    hooked.refresh_from_db()
    assert hooked.webhook_failing_since is None


def test_a_worker_killed_after_it_took_a_delivery_leaves_it_to_be_tried_again(hooked, server, arrive):
    arrive()
    now = timezone.now()
    assert len(hooks._take(now)) == 1
    assert hooks._take(now) == []  # another worker does not take it as well
    assert len(hooks._take(now + hooks.TAKEN_FOR)) == 1


def test_a_redirection_is_a_failure_and_is_not_followed(hooked, server, arrive):
    server.status, server.headers = 307, {"Location": server.url.replace("/kouan", "/elsewhere")}
    arrive()
    hooks.deliver()
    assert [path for path, _, _ in server.requests] == ["/kouan?x=1"]
    assert Try.objects.get().status == 307


def test_after_days_of_silence_the_webhook_is_off_and_the_operator_told(hooked, server, arrive, caplog):
    server.status = 503
    arrive()
    fail_since(hooked, DISABLE_AFTER + timedelta(minutes=1))
    hooks.deliver()
    (alarm,) = queries.alarms()
    assert (alarm, alarm.webhook_disabled_why) == (hooked, "failing")
    assert "switched off" in caplog.text
    due()
    hooks.deliver()
    assert len(server.requests) == 1
    server.status = 200
    services.enable_webhook(system=alarm)
    hooks.deliver()
    assert Delivery.objects.get().state == "delivered"
    assert queries.alarms() == []


def test_gone_switches_it_off_at_once(hooked, server, arrive):
    server.status = 410
    arrive()
    hooks.deliver()
    assert queries.alarms()[0].webhook_disabled_why == "gone"


def test_an_event_too_old_is_given_up_and_can_be_posted_by_hand(hooked, server, arrive):
    server.status = 500
    arrive()
    Delivery.objects.update(created_at=timezone.now() - GIVE_UP_AFTER - timedelta(hours=1), failures=9)
    hooks.deliver()
    delivery = Delivery.objects.get()
    assert delivery.state == "given-up"
    server.status = 200
    hooked.refresh_from_db()
    services.redeliver(system=hooked, key=delivery.key)
    hooks.deliver()
    assert Delivery.objects.get().state == "delivered"


def test_another_systems_delivery_is_not_posted(hooked, other, arrive):
    arrive()
    key = Delivery.objects.get().key
    with pytest.raises(NoWebhook):
        services.redeliver(system=other, key=key)
    services.set_webhook(system=other, url="https://example.org/")
    other.refresh_from_db()
    with pytest.raises(NoSuchDelivery):
        services.redeliver(system=other, key=key)


def test_a_failing_receiver_does_not_hold_up_the_others(hooked, server, other, arrive):
    silent = services.set_webhook(system=other, url="http://127.0.0.1:9/")
    assert silent
    fail_since(other, timedelta(minutes=1))
    for _ in range(3 * hooks.AT_ONCE):
        now = timezone.now()
        Delivery.objects.create(
            system=other,
            event="message.received",
            message_id=uuid.uuid4(),
            body=b"{}",
            created_at=now,
            next_at=now,
        )
    arrive()
    while hooks.deliver():
        pass
    assert len(server.requests) == 1


def test_a_secret_is_not_readable_in_the_database_and_dies_with_the_nodes(hooked, server, arrive, settings):
    secret = standardwebhooks.Webhook(hooked.secret)._whsecret
    hooked.refresh_from_db()
    assert secret not in bytes(hooked.webhook_secret)
    settings.NODE = replace(settings.NODE, secret_key="another-secret-of-the-node-0123456789")  # noqa: S106 - guards nothing
    arrive()
    hooks.deliver()
    assert server.requests == []
    assert queries.alarms()[0].webhook_disabled_why == "unreadable-secret"


def test_a_secret_moved_to_another_system_does_not_open(hooked, other, server):
    services.set_webhook(system=other, url=server.url)
    hooked.refresh_from_db()
    System.objects.filter(pk=other.pk).update(webhook_secret=hooked.webhook_secret)
    now = timezone.now()
    Delivery.objects.create(
        system=System.objects.get(pk=other.pk),
        event="message.received",
        message_id=uuid.uuid4(),
        body=b"{}",
        created_at=now,
        next_at=now,
    )
    hooks.deliver()
    assert server.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://example.org/",
        "https://user:word@example.org/",
        "https://",
        "https:///x",
        "https://example.org/#part",
        "http://10.0.0.1/",
        "http://127.0.0.1.example.org/",
        "https://exa mple.org/",
        "https://example.org:0/",
        "https://[::1",
        "javascript:alert(1)",
        "https://example.org/\r\nX: y",
    ],
)
def test_an_address_that_is_none_for_a_webhook(desk, url):
    with pytest.raises(BadWebhookAddress):
        services.set_webhook(system=desk, url=url)


def test_a_name_that_leads_into_this_machine_or_its_link_is_not_called(monkeypatch):
    for address in ("127.0.0.1", "169.254.169.254", "::1", "fe80::1", "0.0.0.0", "::ffff:127.0.0.1"):  # noqa: S104 - refused
        monkeypatch.setattr(
            posting.socket, "getaddrinfo", lambda *_a, to=address, **_k: [(0, 0, 0, "", (to, 443))]
        )
        assert posting.post("https://example.org/", b"", {}).problem == "RefusedAddress"


def test_a_receiver_that_drips_is_left_in_time(server, monkeypatch):
    monkeypatch.setattr(posting, "TIMEOUT", 0.6)
    server.status, server.headers, server.slow = 200, {"Content-Length": "4000"}, 90.0
    began = time.monotonic()
    posting.post(server.url, b"", {})
    assert time.monotonic() - began < patience(30)


def test_nobody_listening_is_an_outcome():
    outcome = posting.post("http://127.0.0.1:9/", b"", {})
    assert (outcome.status, outcome.problem) == (None, "ConnectionRefusedError")
