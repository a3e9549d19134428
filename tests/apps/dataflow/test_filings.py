"""The ten working days of each side, on each side's own calendar."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from apps.dataflow.made import case, contract
from apps.dataflow.made import terms as terms_of_a_day
from kouan.apps.dataflow import errors, filings
from kouan.apps.dataflow.domain import Filing
from kouan.apps.dataflow.judging import judge
from kouan.apps.dataflow.models import Filing as FilingRow
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
    assert filings.due_on("gd", first, 10) == first + timedelta(days=10)


def test_both_clocks_begin_when_both_have_signed(signed, today):
    made = signed()
    assert dict(made.filings.values_list("side", "due_on")) == {
        side: filings.due_on(side, today, 10) for side in ("gd", "hk")
    }


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
    with pytest.raises(errors.NotInThisState):
        filings.filed(digest=bytes(made.digest), filed_on=today + timedelta(days=1), reference="")
    filings.filed(digest=bytes(made.digest), filed_on=today, reference="GBA-1")
    with pytest.raises(errors.NotInThisState):
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
