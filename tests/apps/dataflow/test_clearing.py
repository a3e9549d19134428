"""What goes when its ground or its time is over: set aside, never counted, or erased and not yet told."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.dataflow.guangdong import values_of
from apps.dataflow.made import PURPOSE, VALUES
from apps.dataflow.sending import send_record
from apps.dataflow.test_consents import theirs  # noqa: F401 - a fixture
from kouan.apps.dataflow import clearing, consents, erasing, records
from kouan.apps.dataflow.domain import State
from kouan.apps.dataflow.models import Contract, DataConsent, Record
from kouan.apps.dataflow.queries import erasures as queries
from kouan.core import chores
from kouan.core.exchange import bodies, handling, outbox, setaside
from kouan.core.exchange.models import InboxBody, InboxMessage, OutboxBody, OutboxMessage

NOW = timezone.now


class Aside:
    """A record from Guangdong that broke its handler, with what its consent says."""

    def __init__(self, gd, contract, breaks):
        self.gd, self.contract, self.said = gd, contract, gd.consent(contract)
        self.key = uuid.UUID(bytes=self.said["consent"])
        with breaks.context() as patch:
            patch.setattr(records, "judge", lambda *_args, **_how: 1 / 0)
            gd.post(self._consent(), self._record())
            InboxMessage.objects.update(attempts=handling.MAX_ATTEMPTS - 1, next_attempt_at=None)
            handling.handle_waiting()
        assert self.row().state == "failed"

    def _consent(self):
        return self.gd.draft("dataflow.consent", self.said, conversation=self.key)

    def _record(self):
        return self.gd.draft(
            "dataflow.record",
            {"subject": self.said["subject"], "purpose": PURPOSE, "values": values_of(VALUES)},
            conversation=self.key,
            contract=self.contract,
            consent=f"dataflow:{self.key}",
        )

    def row(self):
        return InboxMessage.objects.get(type="dataflow.record")

    def plain(self):
        """Whether what it says is to be read in the database."""
        return any(b"CHAN" in bytes(each.body) for each in InboxBody.objects.all())

    def ended(self):
        row = self.row()
        return row.state, row.code, row.size, self.plain()

    def withdraws(self):
        said = {"consent": self.key.bytes, "at": int(NOW().timestamp())}
        return self.gd.say("dataflow.consent-withdrawn", said, conversation=self.key)


@pytest.fixture
def aside(gd, theirs, monkeypatch):  # noqa: F811 - as above
    return Aside(gd, theirs, monkeypatch)


GONE = None, False


# Set aside here


def test_as_long_as_it_may_be_handled_an_operator_has_it_handled(aside):
    assert not clearing.refuse_lapsed()
    assert aside.ended()[:2] == ("failed", "ZeroDivisionError")
    assert aside.plain()
    setaside.try_again(aside.row().pk)
    handling.handle_waiting()
    assert aside.row().state == "handled"
    assert Record.objects.get(outgoing=False).content


def test_a_withdrawal_takes_what_was_set_aside_with_it(aside):
    assert aside.withdraws() == ("handled", "")
    assert aside.ended() == ("refused", "consent-withdrawn", *GONE)
    with pytest.raises(setaside.NotFailed):
        setaside.try_again(aside.row().pk)


def test_so_does_a_request_to_erase_and_the_answer_counts_it(aside):
    asked = {"request": uuid.uuid4().bytes, "consent": aside.key.bytes, "at": int(NOW().timestamp())}
    assert aside.gd.say("dataflow.erasure-request", asked, conversation=aside.key) == ("handled", "")
    (shown,) = queries.listed()
    assert shown.kept == 1
    done = erasing.answer(key=uuid.UUID(bytes=asked["request"]))
    assert (done.state, done.records) == ("erased", 1)
    assert aside.ended() == ("refused", "erased-on-request", *GONE)


def test_a_refused_request_to_erase_leaves_it(aside):
    asked = {"request": uuid.uuid4().bytes, "consent": aside.key.bytes, "at": int(NOW().timestamp())}
    aside.gd.say("dataflow.erasure-request", asked, conversation=aside.key)
    erasing.answer(key=uuid.UUID(bytes=asked["request"]), reason="prohibited")
    assert aside.row().state == "failed"
    assert aside.plain()


def test_it_goes_with_the_end_of_its_contract(aside, today):
    Contract.objects.update(state=State.ENDED, ended_on=today)
    clearing.refuse_lapsed()
    assert aside.ended() == ("refused", "contract-over", *GONE)


def test_it_goes_with_the_last_day_of_its_contract(aside, today):
    Contract.objects.update(expires=today)
    clearing.refuse_lapsed()
    assert aside.row().state == "failed"
    Contract.objects.update(expires=today - timedelta(days=1))
    clearing.refuse_lapsed()
    assert aside.ended() == ("refused", "contract-over", *GONE)


def test_it_goes_when_its_consent_is_over_or_was_withdrawn(aside):
    DataConsent.objects.update(expires_at=NOW())
    clearing.refuse_lapsed()
    assert aside.ended() == ("refused", "consent-expired", *GONE)


def test_what_a_withdrawal_did_not_find_yet_goes_at_the_next_look(aside):
    DataConsent.objects.update(withdrawn_at=NOW())
    clearing.refuse_lapsed()
    assert aside.ended() == ("refused", "consent-withdrawn", *GONE)
    assert clearing.refuse_lapsed in {chore.run for chore in chores.registered()}


def test_it_lies_no_longer_than_its_contract_would_let_it_be_kept(aside):
    """The contract of the tests lets data be kept for 30 days; a shorter one goes before the common term."""
    InboxMessage.objects.update(received_at=NOW() - timedelta(days=30))
    clearing.refuse_lapsed()
    assert aside.row().state == "failed"
    InboxMessage.objects.update(received_at=NOW() - timedelta(days=31))
    clearing.refuse_lapsed()
    assert aside.ended() == ("refused", "not-handled-in-time", *GONE)


def test_a_consent_that_was_set_aside_itself_never_counts_after_its_withdrawal(gd, theirs, monkeypatch):  # noqa: F811 - as above
    said = gd.consent(theirs)
    key = uuid.UUID(bytes=said["consent"])
    with monkeypatch.context() as patch:
        patch.setattr(consents, "keep", lambda **_how: 1 / 0)
        gd.say("dataflow.consent", said, conversation=key)
        InboxMessage.objects.filter(type="dataflow.consent").update(
            attempts=handling.MAX_ATTEMPTS - 1, next_attempt_at=None
        )
        handling.handle_waiting()
    row = InboxMessage.objects.get(type="dataflow.consent")
    assert row.state == "failed"
    taken_back = {"consent": key.bytes, "at": int(NOW().timestamp())}
    assert gd.say("dataflow.consent-withdrawn", taken_back, conversation=key) == ("handled", "")
    row.refresh_from_db()
    assert (row.state, row.code) == ("refused", "consent-withdrawn")
    assert not DataConsent.objects.exists()


def test_a_withdrawal_of_what_nobody_here_ever_heard_of_is_still_refused(aside):
    key = uuid.uuid4()
    said = {"consent": key.bytes, "at": int(NOW().timestamp())}
    assert aside.gd.say("dataflow.consent-withdrawn", said, conversation=key)[0] == "refused"
    assert aside.row().state == "failed"


# Sent from here, and never counted there


@pytest.fixture
def dead(signed, given, gd):
    """A record of ours that Guangdong refused."""
    consent = given(signed())
    contract = Contract.objects.get(contract=consent.contract)
    gd.hear()
    record = send_record(contract=contract, consent=consent, purpose=PURPOSE, values=VALUES)
    gd.hear("not-filed")
    handling.report_undelivered()
    return record


def body_of(record):
    return OutboxBody.objects.filter(message__message_id=record.message_id).exists()


def test_what_may_be_sent_again_stays_for_the_operator(dead):
    assert not clearing.erase_unsendable()
    assert body_of(dead)
    assert outbox.retry(dead.message_id)


def test_what_an_operator_has_put_away_is_erased(dead):
    outbox.cancel(dead.message_id)
    clearing.erase_unsendable()
    assert not body_of(dead)


@pytest.mark.parametrize(
    "over",
    [
        lambda _today: DataConsent.objects.update(withdrawn_at=NOW()),
        lambda today: Contract.objects.update(state=State.ENDED, ended_on=today),
        lambda today: Contract.objects.update(expires=today - timedelta(days=1)),
        lambda today: Record.objects.update(erase_on=today - timedelta(days=1)),
        lambda _today: Record.objects.update(erased_because="erased-on-request"),
    ],
    ids=["withdrawn", "ended", "expired", "kept long enough", "asked"],
)
def test_what_may_not_be_sent_again_is_erased_and_the_operator_is_told(dead, today, over):
    over(today)
    clearing.erase_unsendable()
    assert not body_of(dead)
    with pytest.raises(bodies.ContentErased):
        outbox.retry(dead.message_id)
    assert OutboxMessage.objects.get(message_id=dead.message_id).header
    outbox.cancel(dead.message_id)
    assert clearing.erase_unsendable in {chore.run for chore in chores.registered()}


# Erased, and not told yet


@pytest.fixture
def full(settings):
    """An outbox that takes nothing more, until it is opened again."""
    node = settings.NODE

    def fill():
        settings.NODE = replace(node, exchange=replace(node.exchange, outbox_max=0))
        return lambda: setattr(settings, "NODE", node)

    return fill


def test_what_could_not_be_told_is_told_later_and_once(aside, full, today):
    setaside.try_again(aside.row().pk)
    handling.handle_waiting()
    aside.gd.hear()
    record = Record.objects.get(outgoing=False)
    opened = full()
    Record.objects.update(erase_on=today - timedelta(days=1))
    clearing.erase_overdue()
    record.refresh_from_db()
    assert (record.content, record.erased_because, record.untold) == (None, "retention", True)
    assert not clearing.tell_erased()
    assert not aside.gd.hear()
    opened()
    clearing.tell_erased()
    clearing.tell_erased()
    ((kind, told),) = aside.gd.hear()
    assert (kind, told["records"], told["because"], told["at"]) == (
        "dataflow.erased", [record.message_id.bytes], "retention", int(record.erased_at.timestamp()),
    )  # fmt: skip
    assert clearing.tell_erased in {chore.run for chore in chores.registered()}


def test_what_was_erased_at_several_times_is_told_with_its_own_reason_and_moment(aside, full):
    setaside.try_again(aside.row().pk)
    handling.handle_waiting()
    aside.gd.hear()
    values = Record.objects.filter(outgoing=False).values().get()
    del values["id"]
    for hours, because in ((1, "retention"), (2, "withdrawn"), (2, "withdrawn")):
        at = NOW().replace(microsecond=0) - timedelta(hours=hours)
        more = {"message_id": uuid.uuid4(), "erased_at": at, "erased_because": because, "untold": True}
        Record.objects.create(**values | more)
    clearing.tell_erased()
    told = [(len(said["records"]), said["because"]) for _kind, said in aside.gd.hear()]
    assert sorted(told) == [(1, "retention"), (2, "withdrawn")]
