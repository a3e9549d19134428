"""What a system may ask of its node, and what it may not, with every attack that we could think of."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from apps.attached.conftest import NOTICE, TYPE
from kouan.apps.attached import receiving, services, waiting
from kouan.apps.attached.models import Received, Sent, System, SystemToken
from kouan.core.exchange import handling, inbox, outbox
from kouan.core.exchange.models import OutboxMessage
from kouan.core.exchange.sealing import seal_batch


def problem(response):
    assert response["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


# Sending


def test_a_message_is_taken_and_waits(desk, api, request_body):
    answer = api(desk, "POST", "/messages", request_body(), key="a")
    assert answer.status_code == 202
    row = OutboxMessage.objects.get(message_id=answer.json()["id"])
    assert (row.peer, row.type, row.state) == ("gd", TYPE, "waiting")
    state = api(desk, "GET", f"/messages/{row.message_id}").json()
    assert (state["state"], state["receipt"], state["code"]) == ("waiting", None, None)
    assert problem(api(desk, "GET", f"/messages/{row.message_id}/evidence")) == (409, "not-yet-provable")


def test_the_same_key_and_body_bring_the_same_bytes(desk, api, request_body):
    body = request_body()
    first = api(desk, "POST", "/messages", body, key="a")
    OutboxMessage.objects.update(state="handled")
    reordered = dict(reversed(body.items()))
    for again in (
        api(desk, "POST", "/messages", body, key="a"),
        api(desk, "POST", "/messages", reordered, key="a"),
    ):
        assert (again.status_code, again.content) == (202, first.content)
    assert OutboxMessage.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(desk, api, request_body):
    api(desk, "POST", "/messages", request_body(), key="a")
    other = request_body(payload=NOTICE | {"name": "Other"})
    assert problem(api(desk, "POST", "/messages", other, key="a")) == (422, "idempotency-key-reused")
    assert OutboxMessage.objects.count() == 1


def test_keys_are_each_systems_own(desk, other, api, request_body):
    services.allow(system=other, may_send=[TYPE])
    ids = {api(each, "POST", "/messages", request_body(), key="a").json()["id"] for each in (desk, other)}
    assert len(ids) == 2


@pytest.mark.parametrize("key", [None, "", " a", "x" * 201, "schlüssel", "a\tb"])
def test_a_key_that_is_none(desk, api, request_body, key):
    assert problem(api(desk, "POST", "/messages", request_body(), key=key)) == (400, "no-idempotency-key")


def test_what_was_refused_has_used_no_key_up(desk, api, request_body):
    bad = request_body(payload=NOTICE | {"imo": "1"})
    assert problem(api(desk, "POST", "/messages", bad, key="a")) == (422, "ill-formed-payload")
    assert api(desk, "POST", "/messages", request_body(), key="a").status_code == 202


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"type": "validation.question"}, (403, "type-not-allowed")),
        ({"type": "exchange.probe"}, (403, "type-not-allowed")),
        ({"version": 2}, (422, "undeclared-crossing")),
        ({"version": "1"}, (422, "bad-message")),
        ({"to": "xx"}, (422, None)),
        ({"to": "hk"}, (422, None)),
        ({"to": ""}, (422, "bad-message")),
        ({"conversation": "x"}, (422, "bad-message")),
        ({"consent": "\n"}, (422, "bad-message")),
        ({"payload": []}, (422, "ill-formed-payload")),
        ({"payload": 1 << 70}, (422, "bad-message")),
        ({"extra": 1}, (422, "bad-message")),
    ],
)
def test_what_may_not_be_sent(desk, api, request_body, change, expected):
    status, code = problem(api(desk, "POST", "/messages", request_body(**change), key="a"))
    assert status == expected[0] or (expected[1] is None and 400 <= status < 500)
    assert expected[1] in {None, code}
    assert not OutboxMessage.objects.exists()
    assert not Sent.objects.exists()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"type": NaN}',
        b'{"to": "gd", "to": "hk"}',
        b"[" * 100_000,
        b'{"a":' * 5000,
        b'{"type":"vessel.arrival-notice","version":1,"to":"gd","payload":{"name":"\\ud800"}}',
        b'{"type":"vessel.arrival-notice","version":1,"to":"gd","payload":{"name":1e999}}',
        b'{"type":"vessel.arrival-notice","version":1,"to":"gd","payload":'
        + b'{"a":' * 400
        + b"1"
        + b"}" * 401,
    ],
)
def test_bytes_that_are_no_request(desk, api, raw):
    response = api(desk, "POST", "/messages", raw=raw, key="a")
    assert problem(response)[0] in {413, 422}


def test_a_type_that_an_app_handles_is_not_sent_by_systems_even_if_the_database_says_so(desk, api):
    System.objects.update(may_send=["exchange.probe"])
    body = {"type": "exchange.probe", "version": 1, "to": "gd", "payload": {"padding": ""}}
    assert problem(api(desk, "POST", "/messages", body, key="a")) == (403, "not-for-systems")


def test_a_full_outbox_says_when_to_come_again(desk, api, request_body, settings):
    settings.NODE = replace(settings.NODE, exchange=replace(settings.NODE.exchange, outbox_max=0))
    outbox._waiting._counts.clear()
    response = api(desk, "POST", "/messages", request_body(), key="a")
    assert problem(response) == (503, "outbox-full")
    assert int(response["Retry-After"]) > 0
    assert not Sent.objects.exists()


def test_a_system_that_asks_too_often_is_told_to_wait_and_the_others_are_not(desk, other, api, settings):
    settings.NODE = replace(settings.NODE, attached=replace(settings.NODE.attached, rate_per_second=1))
    answers = [api(desk, "GET", "/inbox") for _ in range(8)]
    refused = [each for each in answers if each.status_code == 429]
    assert refused
    assert int(refused[0]["Retry-After"]) >= 1
    assert api(other, "GET", "/inbox").status_code == 200


# Who may


def test_without_a_live_token_nothing_opens(desk, api, request_body):
    paths = [
        ("GET", "/inbox"),
        ("GET", "/types"),
        ("POST", "/messages"),
        ("GET", f"/messages/{uuid.uuid4()}"),
    ]
    for method, path in paths:
        for token in ("", "kouan_hk_sys_wrong", "Bearer", "\x00"):
            assert api(token, method, path).status_code == 401
    services.disable(system=desk)
    assert problem(api(desk, "GET", "/inbox")) == (401, "bad-token")
    services.enable(system=desk)
    assert api(desk, "GET", "/inbox").status_code == 200


def test_an_institutions_token_is_none_here_and_ours_is_none_there(desk, api, client):
    response = client.get("/api/v1/documents/x", headers={"Authorization": f"Bearer {desk.token}"})
    assert response.status_code == 401


def test_rotation_overlaps_and_can_end_at_once(desk, api):
    new = services.rotate_token(system=desk)
    assert {api(desk, "GET", "/inbox").status_code, api(new, "GET", "/inbox").status_code} == {200}
    SystemToken.objects.filter(expires_at__isnull=False).update(expires_at=timezone.now())
    assert api(desk, "GET", "/inbox").status_code == 401
    newest = services.rotate_token(system=desk, overlap=timedelta(0))
    assert api(new, "GET", "/inbox").status_code == 401
    assert api(newest, "GET", "/inbox").status_code == 200


def test_a_token_is_not_kept(desk):
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM attached_systemtoken")
        assert desk.token not in str(cursor.fetchall())


def test_another_systems_message_cannot_be_read_acknowledged_or_refused(
    desk, other, api, arrive, request_body
):
    message = arrive()
    sent = api(desk, "POST", "/messages", request_body(), key="a").json()["id"]
    for method, path, body in (
        ("GET", f"/messages/{sent}", None),
        ("GET", f"/messages/{sent}/evidence", None),
        ("GET", f"/inbox/{message}/evidence", None),
        ("POST", f"/inbox/{message}/ack", None),
        ("POST", f"/inbox/{message}/refuse", {"code": "no"}),
    ):
        assert problem(api(other, method, path, body)) == (404, "no-such-message")
    assert api(other, "GET", "/inbox").json() == {"messages": []}
    assert Received.objects.get().state == "waiting"


# Receiving


def test_a_message_is_handed_out_leased_and_comes_again_until_it_is_acknowledged(desk, api, arrive):
    message = arrive()
    (got,) = api(desk, "GET", "/inbox?lease=30").json()["messages"]
    assert (got["id"], got["from"], got["payload"], got["handed_out"]) == (str(message), "gd", NOTICE, 1)
    assert api(desk, "GET", "/inbox").json() == {"messages": []}
    Received.objects.update(leased_until=timezone.now())
    (again,) = api(desk, "GET", "/inbox").json()["messages"]
    assert (again["id"], again["handed_out"]) == (str(message), 2)
    for _ in range(2):
        assert api(desk, "POST", f"/inbox/{message}/ack").json()["state"] == "acknowledged"
    Received.objects.update(leased_until=None)
    assert api(desk, "GET", "/inbox").json() == {"messages": []}
    assert problem(api(desk, "POST", f"/inbox/{message}/refuse", {"code": "no"})) == (409, "already-ended")


def test_order_holds_within_a_conversation_while_one_is_out(desk, api, arrive):
    conversation = uuid.uuid4()
    ids = [str(arrive(conversation=conversation)) for _ in range(3)]
    alone = str(arrive())
    assert [m["id"] for m in api(desk, "GET", "/inbox?limit=1").json()["messages"]] == ids[:1]
    assert [m["id"] for m in api(desk, "GET", "/inbox").json()["messages"]] == [alone]
    api(desk, "POST", f"/inbox/{ids[0]}/ack")
    assert [m["id"] for m in api(desk, "GET", "/inbox").json()["messages"]] == ids[1:]


@pytest.mark.postgresql  # on SQLite whoever writes is alone
@pytest.mark.django_db(transaction=True)
def test_two_that_ask_at_once_do_not_share_out_a_conversation(desk, arrive):
    conversation = uuid.uuid4()
    for _ in range(2):
        arrive(conversation=conversation)
    got = []

    def ask():
        try:
            got.extend(receiving.lease(system=desk))
        finally:
            connection.close()

    asking = threading.Thread(target=ask)
    with transaction.atomic():
        assert len(receiving.lease(system=desk, limit=1)) == 1
        asking.start()
        asking.join(1)
    asking.join(20)
    assert not asking.is_alive()
    assert got == []


@pytest.mark.parametrize("code", ["", "No", "a b", "x" * 64, "-a", "a\n"])
def test_a_code_that_is_none(desk, api, arrive, code):
    assert api(desk, "POST", f"/inbox/{arrive()}/refuse", {"code": code}).status_code == 422
    assert Received.objects.get().state == "waiting"


def test_waiting_ends_with_the_message_and_leaves_its_place(desk, arrive):
    rows = waiting.lease_when_there(system=desk, limit=1, after=0, how_long=timedelta(1), seconds=0.2)
    assert rows == []
    assert waiting._own == {}
    arrive()
    assert waiting.lease_when_there(system=desk, limit=1, after=0, how_long=timedelta(1), seconds=20)


def test_only_so_many_wait_and_the_rest_are_answered_at_once(desk):
    assert [waiting._enter(7) for _ in range(3)] == [True, True, False]
    places = [waiting._enter(number) for number in range(100, 110)]
    assert sum(places) == waiting.WAITERS - 2
    for number, entered in enumerate(places, 100):
        if entered:
            waiting._leave(number)
    for _ in range(2):
        waiting._leave(7)


def test_a_message_for_a_system_that_is_not_there_is_tried_again_not_refused(node, declared, arrive):
    with pytest.raises(receiving.SystemNotAttached) as error:
        arrive()
    assert error.value.status == 503


def test_types_say_what_a_system_may(desk, other, api):
    (mine,) = api(desk, "GET", "/types").json()
    assert (mine["type"], mine["may_send"], mine["may_receive"]) == (TYPE, True, True)
    assert mine["schema"]["required"] == ["imo", "name", "port", "expected_at"]
    assert api(other, "GET", "/types").json()[0]["may_send"] is False


# Handled when it is acknowledged


@pytest.fixture
def take_in(gd):
    """Have messages of Guangdong's come through the door and be handled; return their ids."""

    def take_in(count=1, **changes):
        changes.setdefault("basis", [gd.agreement.id, gd.agreement.digest, "4.1"])
        drafts = [gd.say(NOTICE, type_=TYPE, **changes) for _ in range(count)]
        posted = gd.batch(*drafts)
        gd.read_receipt(inbox.accept(posted.wire), posted)
        gd.advance(posted)
        handling.handle_waiting()
        return [uuid.UUID(bytes=draft.header["id"]) for draft in drafts]

    return take_in


def notices(gd):
    """Return what the other side is told, by message."""
    time.sleep(0.2)  # alone, a notice waits a moment for a batch
    sealed = seal_batch("gd")
    return (
        {}
        if sealed is None
        else {uuid.UUID(bytes=message): code for message, code, _ in gd.open(sealed.wire).statement["done"]}
    )


def test_stored_is_handled_by_default(desk, gd, take_in, api):
    (message,) = take_in()
    assert notices(gd) == {message: None}
    assert api(desk, "POST", f"/inbox/{message}/refuse", {"code": "too-late"}).status_code == 200


def test_the_end_is_told_to_the_other_side_when_the_system_tells_it(write, declare, gd, take_in, api):
    path = write(('consent = "not-needed"', 'consent = "not-needed"\nhandled = "acknowledged"'))
    declare(path.parent)
    _system, token = services.attach(name="vessel-desk", department="M", may_receive=[TYPE])
    first, second = take_in(2)
    assert notices(gd) == {}
    for _ in range(2):
        assert api(token, "POST", f"/inbox/{first}/ack").status_code == 200
    api(token, "POST", f"/inbox/{second}/refuse", {"code": "unknown-berth"})
    assert notices(gd) == {first: None, second: "unknown-berth"}


def test_a_message_for_a_side_that_names_no_system_is_refused(node, write, declare, gd, take_in):
    path = write(('receivers = ["gd", "hk"]', 'receivers = "any"'), ('hk = "vessel-desk"\n', ""))
    declare(path.parent)
    (message,) = take_in()
    assert notices(gd) == {message: "no-system"}


def test_the_same_message_again_is_stored_once(desk, gd, take_in):
    (message,) = take_in()
    take_in(id=message.bytes)
    assert Received.objects.count() == 1
