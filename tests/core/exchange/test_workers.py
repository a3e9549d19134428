"""Several workers on one database: who leads, and who handles what. Each worker is a thread of its own here.

Real worker processes, killed at any moment, are in the journeys.
"""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import close_old_connections, connection, transaction
from django.utils import timezone

from kouan.core.exchange import handling, inbox, outbox, reconciling
from kouan.core.exchange.handling import handle_waiting, report_again, report_undelivered
from kouan.core.exchange.leadership import Leadership
from kouan.core.exchange.models import InboxMessage, OutboxMessage, ReceivedBatch, Reconciliation
from kouan.core.exchange.untold import UntoldFailure
from kouan.core.ledger.models import Entry


@pytest.fixture
def arrive(gd):
    def take(*conversations):
        drafts = [
            gd.say({"text": str(place)}, conv=conversation.bytes)
            for place, conversation in enumerate(conversations)
        ]
        posted = gd.batch(*drafts)
        gd.read_receipt(inbox.accept(posted.wire), posted)
        gd.advance(posted)

    return take


class Worker:
    """One thread with its own connection, which does one thing after the other."""

    def __init__(self):
        self._pool = ThreadPoolExecutor(1)

    def do(self, work, *arguments):
        return self._pool.submit(self._inside, work, *arguments)

    def _inside(self, work, *arguments):
        close_old_connections()
        return work(*arguments)

    def end(self):
        self.do(lambda: connection.close()).result()  # noqa: PLW0108 - that of the thread
        self._pool.shutdown()


@pytest.fixture
def workers(transactional_db):
    made = [Worker(), Worker(), Worker()]
    yield made
    for worker in made:
        worker.end()


def holding(until, began):
    """Take what is due, tell what that is, and hold it until told to go on; then undo."""
    with transaction.atomic():
        rows = handling.taken(timezone.now(), limit=2)
        began.append([row.conversation for row in rows])
        until.wait(90)
        transaction.set_rollback(True)


def waiting_for(taken):
    end = time.monotonic() + 60
    while not taken and time.monotonic() < end:
        time.sleep(0.01)
    return taken[0]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_conversation_that_one_worker_has_begun_is_left_to_it(note, arrive, workers):
    one, other = uuid.uuid4(), uuid.uuid4()
    arrive(one, one, one, other, one)
    done, taken = threading.Event(), []
    held = workers[0].do(holding, done, taken)
    assert waiting_for(taken) == [one, one], "the first worker holds two of five"
    mine = workers[1].do(lambda: [row.conversation for row in _taken()]).result(60)
    assert mine == [other], "the rest of that conversation waits, another one does not"
    done.set()
    held.result(60)
    assert workers[1].do(lambda: [row.conversation for row in _taken()]).result(60) == [
        one,
        one,
        one,
        other,
        one,
    ]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_nothing_of_a_conversation_goes_past_a_postponed_message(note, arrive, workers):
    one, other = uuid.uuid4(), uuid.uuid4()
    arrive(one, other, one)
    first = InboxMessage.objects.order_by("pk").first()
    InboxMessage.objects.filter(pk=first.pk).update(next_attempt_at=timezone.now() + timedelta(hours=1))
    assert workers[0].do(lambda: [row.conversation for row in _taken()]).result(60) == [other]


def _taken():
    with transaction.atomic():
        rows = handling.taken(timezone.now(), limit=100)
        transaction.set_rollback(True)
    return rows


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_three_workers_handle_each_message_once_and_each_conversation_in_order(declare, arrive, workers):
    crossing = declare(max_bytes=4096)
    numbers = itertools.count()

    @crossing.handler
    def _handle(received):
        Group.objects.create(name=f"{received.conversation} {received.payload.text} {next(numbers)}")

    conversations = [uuid.uuid4() for _ in range(12)]
    for _ in range(5):
        arrive(*(conversations[place % 12] for place in range(60)))
    before = handling.GROUP
    handling.GROUP = 7  # so that a conversation is spread over many groups
    try:
        until = time.monotonic() + 60

        def work():
            ended = 0
            while InboxMessage.objects.filter(state="waiting").exists() and time.monotonic() < until:
                ended += handle_waiting()
            return ended

        shares = [each.result(90) for each in [worker.do(work) for worker in workers]]
    finally:
        handling.GROUP = before
    assert sum(shares) == 300
    assert InboxMessage.objects.filter(state="handled").count() == 300
    seen = {}
    for name in Group.objects.order_by("pk").values_list("name", flat=True):
        conversation, text, _number = name.split()
        seen.setdefault(conversation, []).append(int(text))
    for place, conversation in enumerate(conversations):
        assert seen[str(conversation)] == [*range(place, 60, 12)] * 5


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_several_sweepers_report_each_dead_letter_once(note, gd, workers):
    told = []
    note.undelivered(lambda message: told.append(message.id))
    with transaction.atomic():
        sent = outbox.send_many(note, to="gd", payloads=[note.payload(text=str(n)) for n in range(40)])
    late = timezone.now() + timedelta(days=2)

    def sweep():
        while OutboxMessage.objects.filter(reported=False).exists():
            outbox.expire_waiting(late, limit=7)
            report_undelivered(limit=3)

    for each in [worker.do(sweep) for worker in workers]:
        each.result(60)
    assert sorted(told) == sorted(sent)
    assert Entry.objects.filter(kind="dead-letter").count() == 40


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_several_sweepers_tell_an_app_again_of_each_dead_letter_once(note, gd, workers):
    told, mended = [], []

    def hears(message):
        if not mended:
            raise RuntimeError
        told.append(message.id)

    note.undelivered(hears)
    with transaction.atomic():
        sent = outbox.send_many(note, to="gd", payloads=[note.payload(text=str(n)) for n in range(40)])
    late = timezone.now() + timedelta(days=2)
    outbox.expire_waiting(late)
    report_undelivered()
    assert UntoldFailure.objects.count() == 40
    mended.append(True)

    def sweep():
        while UntoldFailure.objects.exists():
            report_again(now=late, limit=3)

    for each in [worker.do(sweep) for worker in workers]:
        each.result(60)
    assert sorted(told) == sorted(sent)


@pytest.mark.django_db(transaction=True)
def test_one_leads_and_the_next_takes_over_when_it_goes(settings, tmp_path, workers):
    settings.NODE = replace(settings.NODE, run=tmp_path / "run")
    leads = [Leadership("test") for _ in workers]
    ask = [worker.do(lead.held) for worker, lead in zip(workers, leads, strict=True)]
    held = [each.result(60) for each in ask]
    assert sum(held) == 1
    first = held.index(True)
    second = (first + 1) % 3
    assert workers[first].do(leads[first].held).result(60), "it asks again and still leads"
    assert leads[first].term == 1
    assert not workers[second].do(leads[second].held).result(60)
    workers[first].do(leads[first].release).result(60)
    assert workers[second].do(leads[second].held).result(60)
    assert not workers[first].do(leads[first].held).result(60)
    workers[second].do(leads[second].release).result(60)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_who_loses_its_session_leads_no_more(workers):
    leads = [Leadership("test"), Leadership("test")]
    assert workers[0].do(leads[0].held).result(60)

    def session():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return cursor.fetchone()[0]

    pid = workers[0].do(session).result(60)

    def cut():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        return leads[1].held()

    assert workers[1].do(cut).result(60), "the lead is free as soon as the session has ended"

    def again():
        try:
            OutboxMessage.objects.exists()
        except Exception as error:  # noqa: BLE001 - its work fails before it can act on the lost lead
            failed = type(error).__name__
        else:
            failed = ""
        close_old_connections()
        return failed, leads[0].held()

    assert workers[0].do(again).result(60) in {("OperationalError", False), ("", False)}
    assert leads[0].term == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_closed_day_is_begun_once_by_workers_that_saw_it_due_at_the_same_time(declare, arrive, workers):
    declare()
    arrive(uuid.uuid4())
    two_days_ago = timezone.now() - timedelta(days=2)
    ReceivedBatch.objects.update(received_at=two_days_ago)
    both = threading.Barrier(len(workers))

    def work():
        found = reconciling.due(timezone.now())
        both.wait(30)
        for peer, day in found:
            reconciling.begin_once(peer, day)
        return found

    saw = [each.result(60) for each in [worker.do(work) for worker in workers]]
    assert saw[0] == saw[1] == saw[2] != [], "each of them saw the same"
    assert sorted(Reconciliation.objects.values_list("peer", "day")) == sorted(saw[0])
