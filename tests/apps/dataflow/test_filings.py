"""The ten working days of each side, on each side's own calendar."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from django.utils import timezone

from apps.dataflow.made import case, contract, in_force
from apps.dataflow.made import terms as terms_of_a_day
from kouan.apps.dataflow import contracts, errors, filings, statements
from kouan.apps.dataflow.domain import Filing
from kouan.apps.dataflow.judging import judge
from kouan.apps.dataflow.models import Contract
from kouan.apps.dataflow.models import Filing as FilingRow
from kouan.apps.dataflow.payloads import ContractAnswered, ContractProposed
from kouan.core import chores
from kouan.core.exchange import Received
from kouan.core.policy.decide import TERM_ZONE
from kouan.core.sides import get_side


@pytest.mark.parametrize(
    ("first", "gd", "hk"),
    [
        # Saturday 9 May 2026 is worked on the Mainland in return for Labour Day, and is none of Hong Kong's.
        (date(2026, 4, 22), date(2026, 5, 9), date(2026, 5, 7)),
        # Saturday 28 February 2026, in return for the Spring Festival.
        (date(2026, 2, 9), date(2026, 2, 28), date(2026, 2, 26)),
        (date(2026, 9, 1), date(2026, 9, 15), date(2026, 9, 15)),
    ],
)
def test_the_tenth_working_day_of_each_side(first, gd, hk):
    assert filings.due_on("gd", first, 10) == gd
    assert filings.due_on("hk", first, 10) == hk


def test_the_clock_runs_out_at_the_end_of_a_make_up_saturday():
    saturday = filings.due_on("gd", date(2026, 4, 22), 10)
    assert saturday.weekday() == 5
    assert get_side("gd").calendar.is_working_day(saturday)
    assert not get_side("hk").calendar.is_working_day(saturday)
    said = terms_of_a_day(
        effective="2026-04-22", expires="2027-04-21", assessment={"digest": "0" * 64, "made_on": "2026-04-01"}
    )
    not_filed = contract(said, filings=(Filing("gd", saturday, None),))
    filed = contract(said, filings=(Filing("gd", saturday, saturday),))
    sunday = saturday + timedelta(days=1)
    assert judge(case(day=saturday, contract=not_filed))
    assert judge(case(day=sunday, contract=filed))
    with pytest.raises(errors.NotFiled) as caught:
        judge(case(day=sunday, contract=not_filed))
    assert caught.value.params["due"] == "2026-05-09"


def test_where_no_calendar_is_published_every_day_counts():
    """The deadline is then never later than what the law will say."""
    first = date(2099, 1, 1)
    assert filings.counted("gd", first, 10) == (first + timedelta(days=10), True)


def test_of_the_days_that_are_known_only_those_that_are_worked_count(without):
    """From 22 December 2026 ten working days of Hong Kong would end on 8 January 2027."""
    first = date(2026, 12, 22)
    known = filings.counted("hk", first, 10) if 2027 in get_side("hk").calendar.years else None
    without("hk", 2027)
    # 23, 24, 28 to 31 December are worked; then each day counts: 1 to 4 January.
    assert filings.counted("hk", first, 10) == (date(2027, 1, 4), True)
    assert known is None or known[0] >= date(2027, 1, 4)
    assert filings.counted("hk", date(2026, 9, 1), 10) == (date(2026, 9, 15), False)


@pytest.fixture
def without(monkeypatch):
    """Have this node lack years of a side's calendar, until it is told to hold them."""

    def lack(side, *years):
        whole = get_side(side)
        left = {year: each for year, each in whole.calendar.by_year.items() if year not in years}
        poorer = replace(whole, calendar=replace(whole.calendar, by_year=left))
        monkeypatch.setattr(filings, "get_side", lambda code: poorer if code == side else get_side(code))
        return lambda: monkeypatch.setattr(filings, "get_side", get_side)

    return lack


def test_a_day_that_was_counted_without_a_calendar_is_counted_anew_when_it_is_here(signed, today, without):
    hold = without("gd", today.year, today.year + 1)
    made = signed()
    theirs = made.filings.get(side="gd")
    assert (theirs.counted_from, theirs.due_on, theirs.uncertain) == (today, today + timedelta(days=10), True)
    assert not made.filings.get(side="hk").uncertain or today.month == 12
    filings.count_again()
    theirs.refresh_from_db()
    assert (theirs.due_on, theirs.uncertain) == (today + timedelta(days=10), True)
    hold()
    assert not filings.count_again()
    theirs.refresh_from_db()
    assert (theirs.due_on, theirs.uncertain) == filings.counted("gd", today, 10)
    assert filings.count_again in {chore.run for chore in chores.registered()}


def test_what_was_filed_is_not_counted_again(signed, today, without):
    hold = without("gd", today.year, today.year + 1)
    made = signed()
    FilingRow.objects.update(filed_on=today, reference="1")
    hold()
    filings.count_again()
    assert made.filings.get(side="gd").due_on == today + timedelta(days=10)


def test_both_clocks_begin_when_both_have_signed(signed, today):
    made = signed()
    assert dict(made.filings.values_list("side", "due_on")) == {
        side: filings.due_on(side, today, 10) for side in ("gd", "hk")
    }


def _day_that_counts():
    """Return a day on which it matters for both deadlines whether the clock starts then or the day after."""
    today = datetime.now(TERM_ZONE).date()
    return next(
        day
        for day in (today + timedelta(days=each) for each in range(60))
        if all(
            filings.due_on(side, day, 10) != filings.due_on(side, day + timedelta(days=1), 10)
            for side in ("gd", "hk")
        )
    )


DAY = _day_that_counts()
ALMOST_MIDNIGHT = datetime.combine(DAY, time(23, 59, 58), TERM_ZONE)
"""Two seconds before the next day, as both sides count."""


def at(monkeypatch, moment):
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)


def test_an_answer_that_crosses_midnight_starts_the_clock_on_the_day_it_was_signed(gd, monkeypatch):
    """The other side counts from its own statement; so does this one, on the day after."""
    said = in_force(DAY)
    at(monkeypatch, ALMOST_MIDNIGHT - timedelta(minutes=5))
    contracts.draft(said)
    contracts.propose(digest=said.digest(), officer="CHEUNG Mei Ling")
    statement = gd.statement(said.digest(), at=int(ALMOST_MIDNIGHT.timestamp() * 1000))
    at(monkeypatch, ALMOST_MIDNIGHT + timedelta(minutes=10))
    answer = ContractAnswered(digest=said.digest(), outcome="signed", statement=statement, reason="")
    arrived = Received(uuid.uuid4(), "gd", uuid.UUID(said.contract), ALMOST_MIDNIGHT, answer)
    contracts.answered(message=arrived)
    made = Contract.objects.get()
    assert dict(made.filings.values_list("side", "due_on")) == {
        side: filings.due_on(side, DAY, 10) for side in ("gd", "hk")
    }


def test_our_own_answer_starts_the_clock_on_its_own_day(gd, monkeypatch):
    said = in_force(DAY)
    at(monkeypatch, ALMOST_MIDNIGHT)
    statement = gd.statement(said.digest(), at=int(ALMOST_MIDNIGHT.timestamp() * 1000))
    proposed = ContractProposed(terms=said.canonical(), statement=statement)
    contracts.received(
        message=Received(uuid.uuid4(), "gd", uuid.UUID(said.contract), ALMOST_MIDNIGHT, proposed)
    )
    at(monkeypatch, ALMOST_MIDNIGHT + timedelta(seconds=4))
    contracts.sign(digest=said.digest(), officer="CHEUNG Mei Ling")
    made = Contract.objects.get()
    signed_at = statements.read(bytes(made.signed_here), side="hk", digest=said.digest()).at
    assert signed_at == ALMOST_MIDNIGHT + timedelta(seconds=4)
    assert dict(made.filings.values_list("side", "due_on")) == {
        side: filings.due_on(side, DAY + timedelta(days=1), 10) for side in ("gd", "hk")
    }


@pytest.mark.parametrize("away", [timedelta(days=2), timedelta(days=-2)])
def test_the_other_side_does_not_choose_the_day(gd, terms, away):
    """A signature of tomorrow would move the deadline, one from before our own would shorten it."""
    said = terms()
    contracts.draft(said)
    contracts.propose(digest=said.digest(), officer="CHEUNG Mei Ling")
    other = int((timezone.now() + away).timestamp() * 1000)
    answer = {
        "digest": said.digest(), "outcome": "signed", "statement": gd.statement(said.digest(), at=other),
        "reason": "",
    }  # fmt: skip
    ended = gd.say("dataflow.contract-answer", answer, conversation=uuid.UUID(said.contract))
    assert ended == ("refused", "bad-signature")


def test_a_filing_here_is_told_there(signed, gd, today):
    made = signed()
    gd.hear()
    filing = filings.filed(digest=bytes(made.digest), filed_on=today, reference="GBA-1")
    assert (filing.side, filing.filed_on, filing.reference) == ("hk", today, "GBA-1")
    assert gd.hear() == [
        ("dataflow.filing",
         {"digest": bytes(made.digest), "filed_on": today.isoformat(), "reference": "GBA-1"})
    ]  # fmt: skip


def test_a_filing_is_told_once_and_not_for_tomorrow(signed, today):
    made = signed()
    with pytest.raises(errors.FiledAlready):
        filings.filed(digest=bytes(made.digest), filed_on=today + timedelta(days=1), reference="")
    filings.filed(digest=bytes(made.digest), filed_on=today, reference="GBA-1")
    with pytest.raises(errors.FiledAlready):
        filings.filed(digest=bytes(made.digest), filed_on=today, reference="GBA-2")
    with pytest.raises(errors.UnknownContract):
        filings.filed(digest=bytes(32), filed_on=today, reference="GBA-2")


def test_the_other_side_speaks_for_its_own_filing_alone(signed, gd, today):
    made = signed()
    said = {"digest": bytes(made.digest), "filed_on": today.isoformat(), "reference": "粵-7"}
    assert gd.say("dataflow.filing", said, conversation=made.contract) == ("handled", "")
    assert list(FilingRow.objects.order_by("side").values_list("side", "filed_on", "reference")) == [
        ("gd", today, "粵-7"),
        ("hk", None, ""),
    ]
    said["digest"] = bytes(32)
    assert gd.say("dataflow.filing", said, conversation=made.contract) == ("refused", "unknown-contract")


def test_the_other_side_files_once_and_not_for_tomorrow(signed, gd, today):
    """Else a promise of it would let data cross after the last day."""
    made = signed()
    said = {"digest": bytes(made.digest), "reference": "粵-7"}

    def say(day, **how):
        return gd.say(
            "dataflow.filing", said | how | {"filed_on": day.isoformat()}, conversation=made.contract
        )

    assert say(today + timedelta(days=2)) == ("refused", "filed-already")
    assert FilingRow.objects.get(side="gd").filed_on is None
    assert say(today) == say(today) == ("handled", "")
    assert say(today - timedelta(days=1)) == ("refused", "filed-already")
    assert say(today, reference="粵-8") == ("refused", "filed-already")
    assert FilingRow.objects.get(side="gd").reference == "粵-7"
