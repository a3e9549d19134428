"""How long what messages say stays in the channel's own tables, and what is erased sooner."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from core.exchange.declared import Note
from kouan.core.exchange import Consent, Keep, bodies, handling, inbox, outbox
from kouan.core.exchange.audit import audit
from kouan.core.exchange.models import InboxBody, InboxMessage, OutboxBody, OutboxMessage
from kouan.core.exchange.receipts import take_receipt
from kouan.core.exchange.sealing import seal_batch

OUT, IN = OutboxMessage.State, InboxMessage.State
DAY = timedelta(days=1)


@pytest.fixture
def kind(declare):
    """Declare ``test.note`` with a term of this kind."""

    def name(keep):
        crossing = declare("test.note", max_bytes=4096, keep=keep)
        crossing.handler(lambda _received: None)
        return crossing

    return name


@pytest.fixture
def arrive(gd):
    """Have messages arrive in one batch."""

    def take(*texts, conversation=None):
        drafts = [gd.say({"text": text}, conv=(conversation or uuid.uuid4()).bytes) for text in texts]
        posted = gd.batch(*drafts)
        gd.read_receipt(inbox.accept(posted.wire), posted)
        gd.advance(posted)
        return [uuid.UUID(bytes=draft.header["id"]) for draft in drafts]

    return take


@pytest.fixture
def leave(gd):
    """Send messages, which gd takes and handles."""

    def send(crossing, *texts, conversation=None):
        with transaction.atomic():
            ids = [
                outbox.send(crossing, to="gd", payload=Note(text=text), conversation=conversation)
                for text in texts
            ]
        sealed = seal_batch("gd")
        take_receipt(sealed, gd.receipt(gd.open(sealed.wire)))
        OutboxMessage.objects.filter(message_id__in=ids).update(state=OUT.HANDLED, finished_at=timezone.now())
        return ids

    return send


def ended(model, days):
    """Have all messages end so long ago."""
    at = timezone.now() - days * DAY
    came = {"created_at": at} if model is OutboxMessage else {"received_at": at}
    model.objects.update(finished_at=at, **came)


def sound():
    """Whether an audit finds nothing wrong with what is left (that they ended no notice has told)."""
    return {problem.code for problem in audit().problems} <= {"state"}


def left():
    return OutboxBody.objects.count(), InboxBody.objects.count()


def test_the_kinds_of_data_say_how_long_unless_the_declaration_does(declare):
    assert declare("test.a").kept is Keep.ON_RECORD
    assert declare("test.b", elements={"text": "technical.filler person.name"}).kept is Keep.TERM
    assert declare("test.c", consent=Consent.REQUIRED).kept is Keep.TERM
    assert declare("test.d", keep=Keep.UNTIL_HANDLED, consent=Consent.REQUIRED).kept is Keep.UNTIL_HANDLED
    officials = {"text": "person.name"}
    assert declare("test.e", keep=Keep.ON_RECORD, elements=officials).kept is Keep.ON_RECORD
    with pytest.raises(ValueError, match="not kept for good"):
        declare("test.f", keep=Keep.ON_RECORD, consent=Consent.REQUIRED)


def test_what_is_kept_until_it_is_handled_goes_then_and_not_before(kind, arrive):
    kind(Keep.UNTIL_HANDLED)
    arrive("one", "two")
    bodies.erase_handled()
    assert left() == (0, 2)
    handling.handle_waiting()
    bodies.erase_handled()
    assert left() == (0, 0)
    assert set(InboxMessage.objects.values_list("state", "size")) == {(IN.HANDLED, None)}
    assert sound()


@pytest.mark.parametrize("state", [IN.WAITING, IN.FAILED])
def test_what_is_still_to_be_handled_stays_however_old_it_is(kind, arrive, state):
    kind(Keep.UNTIL_HANDLED)
    arrive("one")
    InboxMessage.objects.update(state=state)
    ended(InboxMessage, 400)
    bodies.erase_handled()
    bodies.erase_over()
    assert left() == (0, 1)


@pytest.mark.parametrize("keep", [Keep.TERM, Keep.UNTIL_HANDLED])
def test_what_was_sent_stays_for_its_term(kind, leave, keep):
    crossing = kind(keep)
    leave(crossing, "one", "two")
    for days, count in ((0, 2), (29, 2), (31, 0)):
        ended(OutboxMessage, days)
        bodies.erase_handled()
        bodies.erase_over()
        assert left() == (count, 0)
    assert set(OutboxMessage.objects.values_list("state", "size")) == {(OUT.HANDLED, 0)}
    assert sound()


def test_what_arrived_stays_for_its_term(kind, arrive):
    kind(Keep.TERM)
    arrive("one")
    handling.handle_waiting()
    for days, count in ((0, 1), (29, 1), (31, 0)):
        ended(InboxMessage, days)
        bodies.erase_handled()
        bodies.erase_over()
        assert left() == (0, count)


def test_the_node_says_how_long_the_term_is(kind, leave, settings):
    leave(kind(Keep.TERM), "one")
    ended(OutboxMessage, 8)
    bodies.erase_over()
    assert left() == (1, 0)
    settings.NODE = replace(settings.NODE, exchange=replace(settings.NODE.exchange, keep_bodies_days=7))
    bodies.erase_over()
    assert left() == (0, 0)


def test_what_is_on_record_stays(kind, arrive, leave):
    crossing = kind(Keep.ON_RECORD)
    leave(crossing, "one")
    arrive("two")
    handling.handle_waiting()
    ended(OutboxMessage, 4000)
    ended(InboxMessage, 4000)
    bodies.erase_handled()
    bodies.erase_over()
    assert left() == (1, 1)


@pytest.mark.parametrize("state", [OUT.WAITING, OUT.SEALED])
def test_what_is_under_way_stays_however_old_it_is(kind, leave, state):
    leave(kind(Keep.TERM), "one")
    ended(OutboxMessage, 400)
    OutboxMessage.objects.update(state=state)
    bodies.erase_over()
    assert left() == (1, 0)


def test_what_was_accepted_and_never_ended_goes_too(kind, leave):
    leave(kind(Keep.TERM), "one")
    ended(OutboxMessage, 31)
    OutboxMessage.objects.update(state=OUT.ACCEPTED, finished_at=None)
    bodies.erase_over()
    assert left() == (0, 0)


def test_a_portion_is_bounded_and_passes_what_stays_before_it(kind, leave, monkeypatch):
    monkeypatch.setattr(bodies, "AT_ONCE", 2)
    ids = leave(kind(Keep.TERM), *"abcdefg")
    ended(OutboxMessage, 31)
    OutboxMessage.objects.filter(message_id__in=ids[:3]).update(state=OUT.SEALED)
    counts = []
    for _ in range(3):
        bodies.erase_over()
        counts.append(left()[0])
    assert counts == [5, 3, 3]
    assert list(OutboxBody.objects.order_by("pk").values_list("message__message_id", flat=True)) == ids[:3]


def test_what_came_later_is_not_looked_through(kind, leave, django_assert_max_num_queries, monkeypatch):
    monkeypatch.setattr(bodies, "AT_ONCE", 2)
    leave(kind(Keep.TERM), *"abcdefghijkl")
    with django_assert_max_num_queries(3):
        bodies.erase_over()


def test_the_index_holds_only_what_goes(kind, leave):
    for table, keep in (("exchange_outboxbody", Keep.TERM), ("exchange_inboxbody", Keep.UNTIL_HANDLED)):
        model = OutboxBody if "outbox" in table else InboxBody
        wanted = model.objects.filter(keep=keep.value, pk__gt=0).order_by("pk").values_list("pk")[:9]
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL enable_seqscan = off")
        assert "bodies_that_go" in wanted.explain()


def test_a_dead_letter_without_its_content_is_not_sent_again(kind, leave):
    (message,) = leave(kind(Keep.TERM), "one")
    ended(OutboxMessage, 31)
    OutboxMessage.objects.update(state=OUT.REFUSED, reported=True)
    bodies.erase_over()
    with pytest.raises(bodies.ContentErased):
        outbox.retry(message)
    assert OutboxMessage.objects.count() == 1


def test_a_conversation_is_erased_on_both_ways_at_once(kind, arrive, leave):
    crossing, matter = kind(Keep.TERM), uuid.uuid4()
    leave(crossing, "ours", conversation=matter)
    leave(crossing, "of another matter")
    arrive("theirs", conversation=matter)
    handling.handle_waiting()
    arrive("not handled yet", conversation=matter)
    with transaction.atomic():
        waiting = outbox.send(crossing, to="gd", payload=Note(text="waits"), conversation=matter)
    assert bodies.erase_conversation("gd", matter) == 2
    assert left() == (2, 1)
    assert OutboxBody.objects.filter(message__message_id=waiting).exists()
    assert bodies.erase_conversation("mo", matter) == 0
    seal_batch("gd")
    assert bodies.erase_conversation("gd", matter) == 1  # what is posted is the sealed batch
    assert bytes(OutboxMessage.objects.get(message_id=waiting).batch.wire)
    assert sound()
