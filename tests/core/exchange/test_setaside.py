"""A peer's messages that were set aside: tried again as long as they may be, and nobody's for ever."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from kouan.core import chores
from kouan.core.exchange import Keep, handling, inbox, setaside
from kouan.core.exchange.models import InboxBody, InboxMessage
from kouan.core.exchange.sealing import seal_batch

LATE = setaside.KEPT + timedelta(minutes=1)


@pytest.fixture
def aside(gd, declare):
    """Have a message set aside, of a kind that is kept for so long."""

    def make(keep=Keep.TERM, *, mended=()):
        crossing = declare("test.note", keep=keep)

        @crossing.handler
        def _broken(_received):
            if not mended:
                raise RuntimeError

        posted = gd.batch(gd.say({"text": "CHAN Siu Ming"}, conv=uuid.uuid4().bytes))
        gd.read_receipt(inbox.accept(posted.wire), posted)
        gd.advance(posted)
        InboxMessage.objects.update(attempts=handling.MAX_ATTEMPTS - 1)
        handling.handle_waiting()
        row = InboxMessage.objects.get()
        assert row.state == "failed"
        return row

    return make


def lies(row, days):
    InboxMessage.objects.filter(pk=row.pk).update(finished_at=timezone.now() - days)


def test_what_may_hold_data_about_a_person_is_kept_for_so_long_and_no_longer(aside, gd):
    row = aside()
    lies(row, setaside.KEPT - timedelta(minutes=1))
    assert not setaside.refuse_late()
    row.refresh_from_db()
    assert (row.state, InboxBody.objects.count()) == ("failed", 1)
    lies(row, LATE)
    setaside.refuse_late()
    row.refresh_from_db()
    assert (row.state, row.code, row.size) == ("refused", "not-handled-in-time", None)
    assert not InboxBody.objects.exists()
    InboxMessage.objects.update(finished_at=timezone.now() - timedelta(seconds=1))
    ((told, code, _at),) = gd.open(seal_batch("gd").wire).statement["done"]
    assert (uuid.UUID(bytes=told), code) == (row.message_id, "not-handled-in-time")
    with pytest.raises(setaside.NotFailed):
        setaside.try_again(row.pk)
    assert setaside.refuse_late in {chore.run for chore in chores.registered()}


def test_until_then_it_may_be_tried_again(aside):
    mended = []
    row = aside(mended=mended)
    lies(row, setaside.KEPT - timedelta(minutes=1))
    setaside.refuse_late()
    mended.append(True)
    setaside.try_again(row.pk)
    handling.handle_waiting()
    row.refresh_from_db()
    assert (row.state, InboxBody.objects.count()) == ("handled", 1)
    InboxMessage.objects.update(finished_at=timezone.now() - 2 * LATE)
    setaside.refuse_late()
    assert InboxBody.objects.count() == 1


def test_what_is_about_nobody_waits_for_an_operator_however_long(aside):
    row = aside(Keep.ON_RECORD)
    lies(row, 10 * LATE)
    setaside.refuse_late()
    row.refresh_from_db()
    assert (row.state, InboxBody.objects.count()) == ("failed", 1)
    assert setaside.kept_until(row.type, row.version, row.finished_at) is None


def test_of_a_kind_that_nobody_declares_any_more_nobody_knows_whom_it_is_about(aside):
    row = aside(Keep.ON_RECORD)
    lies(row, LATE)
    InboxMessage.objects.update(type="test.forgotten")
    setaside.refuse_late()
    row.refresh_from_db()
    assert (row.state, InboxBody.objects.count()) == ("refused", 0)


def test_it_is_refused_by_whoever_knows_that_it_cannot_count(aside):
    row = aside(Keep.ON_RECORD)
    others = InboxMessage.objects.filter(peer="mo")
    assert setaside.refuse(others, code="consent-withdrawn") == []
    assert setaside.refuse(InboxMessage.objects.all(), code="consent-withdrawn") == [row.message_id]
    assert setaside.refuse(InboxMessage.objects.all(), code="consent-withdrawn") == []
    row.refresh_from_db()
    assert (row.state, row.code, InboxBody.objects.count()) == ("refused", "consent-withdrawn", 0)


def test_very_many_are_refused_some_at_a_time(aside, monkeypatch):
    monkeypatch.setattr(setaside, "_AT_ONCE", 2)
    row = aside()
    values = InboxMessage.objects.filter(pk=row.pk).values().get()
    del values["id"]
    for _ in range(4):
        InboxMessage.objects.create(**values | {"message_id": uuid.uuid4()})
    InboxMessage.objects.update(finished_at=timezone.now() - LATE)
    setaside.refuse_late()
    assert set(InboxMessage.objects.values_list("state", flat=True)) == {"refused"}
