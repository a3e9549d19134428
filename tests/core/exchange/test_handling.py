"""From the inbox to the apps: each message's effects once or not at all, in order where it matters."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from core.exchange.declared import Note
from kouan.core.errors import KouanError
from kouan.core.exchange import handling, inbox, outbox, setaside
from kouan.core.exchange.handling import (
    MAX_ATTEMPTS,
    handle_waiting,
    report_again,
    report_undelivered,
)
from kouan.core.exchange.models import InboxMessage, OutboxMessage
from kouan.core.exchange.receipts import take_receipt
from kouan.core.exchange.sealing import seal_batch
from kouan.core.exchange.untold import UntoldFailure
from kouan.core.ledger import queries as ledger


class NoSuchThing(KouanError):
    code = "no-such-thing"
    status = 404
    message = "There is no such thing."


class Busy(KouanError):
    code = "busy"
    status = 503
    message = "Come back later."


@pytest.fixture
def arrive(gd):
    """Have messages arrive in one batch; texts, or (text, conversation)."""

    def take(*texts, **more):
        drafts = []
        for each in texts:
            text, conversation = each if isinstance(each, tuple) else (each, uuid.uuid4())
            drafts.append(gd.say({"text": text}, conv=conversation.bytes, **more))
        posted = gd.batch(*drafts)
        gd.read_receipt(inbox.accept(posted.wire), posted)
        gd.advance(posted)
        return [uuid.UUID(bytes=draft.header["id"]) for draft in drafts]

    return take


@pytest.fixture
def handler(declare):
    """Declare ``test.note`` with this handler; every text handled without an error is a group."""
    seen = []

    def name(function=lambda _received: None):
        crossing = declare("test.note", max_bytes=4096)

        @crossing.handler
        def _handle(received):
            seen.append(received.payload.text)
            Group.objects.create(name=f"{received.payload.text} {uuid.uuid4()}")
            function(received)

        return seen

    return name


def effects():
    return [group.name.split()[0] for group in Group.objects.order_by("pk")]


def states():
    return list(InboxMessage.objects.order_by("pk").values_list("state", "code"))


def test_the_handler_sees_the_message(arrive, declare):
    crossing = declare("test.note")
    seen = []
    crossing.handler(seen.append)
    conversation = uuid.uuid4()
    (message,) = arrive(("hello", conversation))
    assert handle_waiting() == 1
    (received,) = seen
    assert (received.id, received.sender, received.conversation) == (message, "gd", conversation)
    assert received.payload == Note(text="hello")
    assert abs(received.sent_at - timezone.now()) < timedelta(minutes=1)


def test_each_message_is_handled_once(arrive, handler):
    seen = handler()
    arrive("one", "two")
    assert handle_waiting() == 2
    assert handle_waiting() == 0
    assert seen == effects() == ["one", "two"]
    assert states() == [("handled", "")] * 2
    assert all(row.finished_at for row in InboxMessage.objects.all())


def test_an_error_of_ours_refuses_the_message_for_good(arrive, handler):
    def refuse(received):
        if received.payload.text == "bad":
            raise NoSuchThing

    seen = handler(refuse)
    arrive("good", "bad", "better")
    assert handle_waiting() == 3
    assert states() == [("handled", ""), ("refused", "no-such-thing"), ("handled", "")]
    assert effects() == ["good", "better"]
    assert handle_waiting(now=timezone.now() + timedelta(hours=1)) == 0
    # The group is undone when one of it fails; then each is handled by itself, with its effects once.
    assert seen == ["good", "bad", "good", "bad", "better"]


@pytest.mark.parametrize("error", [RuntimeError("a bug"), Busy(), KeyError("x"), OSError("disk")], ids=repr)
def test_a_passing_fault_is_tried_again_and_then_set_aside(arrive, handler, error):
    def broken(_received):
        raise error

    seen = handler(broken)
    arrive("one")
    now = timezone.now()
    for attempt in range(1, MAX_ATTEMPTS + 1):
        handle_waiting(now=now)
        assert len(seen) == attempt
        if attempt < MAX_ATTEMPTS:
            handle_waiting(now=now)
            assert len(seen) == attempt, "it must wait before it is tried again"
            assert states() == [("waiting", type(error).__name__)]
        now += timedelta(minutes=2)
    assert states() == [("failed", type(error).__name__)]
    assert effects() == []
    handle_waiting(now=now)
    assert len(seen) == MAX_ATTEMPTS


def test_a_message_that_was_set_aside_can_be_handled_after_all(arrive, handler):
    mended = []

    def broken(_received):
        if not mended:
            raise RuntimeError

    handler(broken)
    arrive("one")
    InboxMessage.objects.update(attempts=MAX_ATTEMPTS - 1)
    assert handle_waiting() == 1
    row = InboxMessage.objects.get()
    assert row.state == "failed"
    mended.append(True)
    setaside.try_again(row.pk)
    assert handle_waiting() == 1
    assert states() == [("handled", "")]
    assert effects() == ["one"]
    with pytest.raises(setaside.NotFailed):
        setaside.try_again(row.pk)


def test_a_conversation_stays_in_order_while_others_go_on(arrive, handler):
    ill = {"a2"}

    def broken(received):
        if received.payload.text in ill:
            raise RuntimeError

    handler(broken)
    one, two = uuid.uuid4(), uuid.uuid4()
    arrive(("a1", one), ("a2", one), ("b1", two), ("a3", one))
    arrive(("b2", two), ("a4", one))
    now = timezone.now()
    assert handle_waiting(now=now) == 3
    assert effects() == ["a1", "b1", "b2"]
    assert handle_waiting(now=now) == 0
    ill.clear()
    assert handle_waiting(now=now + timedelta(minutes=2)) == 3
    assert effects() == ["a1", "b1", "b2", "a2", "a3", "a4"]


def test_a_long_conversation_that_waits_does_not_hold_up_the_others(arrive, handler):
    def broken(received):
        if received.payload.text == "first":
            raise RuntimeError

    handler(broken)
    stuck = uuid.uuid4()
    arrive(("first", stuck), *[(f"behind{at}", stuck) for at in range(2 * handling.GROUP)])
    arrive("other")
    now = timezone.now()
    handle_waiting(now=now)
    assert handle_waiting(now=now) == 1
    assert effects() == ["other"]


def test_what_is_set_aside_no_longer_holds_up_its_conversation(arrive, handler):
    def broken(received):
        if received.payload.text == "bad":
            raise RuntimeError

    handler(broken)
    conversation = uuid.uuid4()
    arrive(("bad", conversation), ("good", conversation))
    InboxMessage.objects.filter(pk=InboxMessage.objects.first().pk).update(attempts=MAX_ATTEMPTS - 1)
    handle_waiting()
    assert states() == [("failed", "RuntimeError"), ("handled", "")]


def test_what_a_handler_sends_is_of_the_same_transaction(gd, arrive, declare):
    reply = declare("test.reply")
    crossing = declare("test.note")

    @crossing.handler
    def _answer(received):
        outbox.send(reply, to=received.sender, payload=Note(text="re"), conversation=received.conversation)
        if received.payload.text == "bad":
            raise NoSuchThing
        if received.payload.text == "worse":
            raise RuntimeError

    conversation = uuid.uuid4()
    arrive("bad", "worse", ("good", conversation))
    handle_waiting()
    assert OutboxMessage.objects.get().conversation == conversation
    assert gd.open(seal_batch("gd").wire).payloads == [{"text": "re"}]


def test_a_crash_after_the_handler_leaves_no_effect(arrive, handler, monkeypatch):
    """The process dies between the handler and the commit: nothing of either is there afterwards."""

    class Killed(BaseException):
        pass

    def die(*_arguments, **_more):
        raise Killed

    seen = handler()
    arrive("one", "two")
    with monkeypatch.context() as dying:
        dying.setattr(handling, "update_many", die)
        with pytest.raises(Killed):
            handle_waiting()
    assert seen == ["one", "two"]
    assert effects() == []
    assert states() == [("waiting", "")] * 2
    assert handle_waiting() == 2
    assert effects() == ["one", "two"]


def test_a_declared_message_without_a_handler_is_set_aside(arrive, declare):
    declare("test.note")
    arrive("one")
    InboxMessage.objects.update(attempts=MAX_ATTEMPTS - 1)
    handle_waiting()
    assert states() == [("failed", "NoHandler")]


def test_a_handler_that_breaks_the_database_breaks_only_its_own(arrive, handler):
    def twice(received):
        if received.payload.text == "bad":
            Group.objects.create(name="x")
            Group.objects.create(name="x")

    handler(twice)
    arrive("one", "bad", "two")
    handle_waiting()
    assert effects() == ["one", "two"]


# Messages of ours that failed


def failed(gd, note, code="no-such-thing"):
    with transaction.atomic():
        message = outbox.send(note, to="gd", payload=Note(text="hello"))
    sealed = seal_batch("gd")
    take_receipt(sealed, gd.receipt(gd.open(sealed.wire), code))
    return message


def test_a_dead_letter_is_logged_and_its_app_told_once(gd, note):
    told = []
    note.undelivered(told.append)
    message = failed(gd, note)
    assert report_undelivered() == 1
    assert report_undelivered() == 0
    (undelivered,) = told
    assert (undelivered.id, undelivered.receiver, undelivered.code) == (message, "gd", "no-such-thing")
    assert ledger.entries(limit=1)[0].kind == "dead-letter"
    assert b"hello" not in ledger.entries(limit=1)[0].body


def test_an_app_that_breaks_on_the_news_does_not_stop_the_log(gd, note):
    @note.undelivered
    def _broken(undelivered):
        Group.objects.create(name="half")
        raise RuntimeError

    failed(gd, note)
    assert report_undelivered() == 1
    assert ledger.entries(limit=1)[0].kind == "dead-letter"
    assert not Group.objects.exists()


def passes(handler, *, tries):
    """Return a handler that writes something, and then breaks at the first tries."""
    heard = []

    def told(undelivered):
        Group.objects.create(name=f"told of {undelivered.id}")
        heard.append(undelivered)
        if len(heard) <= tries:
            raise RuntimeError

    handler(told)
    return heard


def until_told(heard, *, most=100):
    """Look again and again, at the end of each pause; return how many tries there were."""
    now = timezone.now()
    for _each in range(most):
        if not UntoldFailure.objects.exists():
            break
        assert report_again(now=now) == 0, "it is tried before its pause is over"
        now = UntoldFailure.objects.get().next_attempt_at
        report_again(now=now)
    return len(heard)


def test_an_app_that_broke_on_the_news_is_told_again_and_what_it_does_is_done_once(gd, note):
    heard = passes(note.undelivered, tries=2)
    message = failed(gd, note)
    assert report_undelivered() == 1
    assert report_again() == 0  # its pause is not over
    assert not Group.objects.exists()
    assert until_told(heard) == 3
    assert report_again(now=timezone.now() + timedelta(days=1)) == 0
    assert [each.name for each in Group.objects.all()] == [f"told of {message}"]
    assert {(each.id, each.receiver, each.code) for each in heard} == {(message, "gd", "no-such-thing")}
    assert [each.kind for each in ledger.entries(limit=10)].count("dead-letter") == 1


def test_the_pauses_grow_and_an_app_that_always_breaks_is_told_in_the_end(gd, note, caplog):
    """What broke it may be mended only days later: nothing that it has to know is ever given up."""
    heard = passes(note.undelivered, tries=30)
    message = failed(gd, note)
    report_undelivered()
    (first,) = UntoldFailure.objects.all()
    assert first.next_attempt_at - timezone.now() < timedelta(seconds=1)
    now, pauses = timezone.now(), []
    while UntoldFailure.objects.exists():
        (row,) = UntoldFailure.objects.all()
        pauses.append((row.next_attempt_at - now).total_seconds())
        now = row.next_attempt_at
        assert (row.attempts, report_again(now=now)) in {(each, each == 30) for each in range(1, 31)}
    assert len(heard) == 31
    assert pauses[7] > 10 * pauses[0]
    longest = handling.LONGEST_UNTOLD.total_seconds()
    assert 0.75 * longest <= pauses[-1] <= 1.25 * longest
    assert caplog.text.count("still cannot be told") == 1
    assert [each.name for each in Group.objects.all()] == [f"told of {message}"]
    assert report_undelivered() + report_again(now=now + timedelta(days=1)) == 0


def test_an_app_that_only_has_to_wait_is_told_however_long_it_takes(gd, note):
    def waits(undelivered):
        raise outbox.OutboxFull(waiting=1, peer="gd")

    note.undelivered(waits)
    failed(gd, note)
    report_undelivered()
    for _each in range(3 * MAX_ATTEMPTS):
        assert report_again(now=UntoldFailure.objects.get().next_attempt_at) == 0
    assert UntoldFailure.objects.get().attempts == MAX_ATTEMPTS - 1


def test_who_sends_a_message_again_ends_the_telling_of_its_failure(gd, note):
    heard = passes(note.undelivered, tries=1)
    message = failed(gd, note)
    report_undelivered()
    outbox.retry(message)
    assert report_again(now=timezone.now() + timedelta(days=1)) == 0
    assert len(heard) == 1


def test_an_app_that_breaks_on_one_message_hears_of_the_others(gd, note):
    heard = []

    def told(undelivered):
        heard.append(undelivered.id)
        if undelivered.id == bad and heard.count(bad) < 3:
            raise RuntimeError

    note.undelivered(told)
    bad, good = failed(gd, note), failed(gd, note)
    assert report_undelivered() == 2
    assert heard == [bad, good]
    for _each in range(2):
        report_again(now=UntoldFailure.objects.get().next_attempt_at)
    assert heard == [bad, good, bad, bad]
    assert not UntoldFailure.objects.exists()


def test_expired_cancelled_and_refused_messages_are_all_reported(gd, note):
    failed(gd, note)
    with transaction.atomic():
        one, two = (outbox.send(note, to="gd", payload=Note(text="a")) for _ in range(2))
    outbox.cancel(one)
    OutboxMessage.objects.filter(message_id=two).update(expires_at=timezone.now() - timedelta(1))
    outbox.expire_waiting(timezone.now())
    assert report_undelivered() == 3
    kinds = [entry.kind for entry in ledger.entries(limit=3)]
    assert kinds == ["dead-letter"] * 3
