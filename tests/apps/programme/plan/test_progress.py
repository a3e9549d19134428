"""How items stand and what measures have come to: the rules over single reports."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from apps.programme.plan.made import item, measure
from kouan.apps.programme.plan.domain import Item, Measure
from kouan.apps.programme.plan.progress import Said, Standing, decimal, done, figure, standing, written

NOW = datetime(2026, 9, 1, tzinfo=UTC)
ITEM = Item.model_validate(item())


def said(side, value, *, about="measure", part="services", day=date(2026, 9, 1), minutes=0):  # noqa: PLR0913 - a report
    at = NOW + timedelta(minutes=minutes)
    return Said(uuid.uuid4(), side, ITEM.id, about, "" if about == "state" else part, value, day, at)


def of(**changes):
    return Measure.model_validate(measure(**changes))


@pytest.mark.parametrize(("combined", "value"), [("sum", "25"), ("least", "11"), ("most", "14")])
def test_both_sides_figures_are_combined_as_the_plan_says(combined, value):
    found = figure(of(combined=combined), ITEM.id, [said("hk", "11"), said("gd", "14")])
    assert (found.text, found.missing, len(found.of)) == (value, (), 2)


def test_a_figure_is_not_known_while_a_side_has_not_reported_and_names_it():
    found = figure(of(), ITEM.id, [said("hk", "11")])
    assert (found.value, found.missing, found.share) == (None, ("gd",), 0)
    assert figure(of(reported_by=["hk"]), ITEM.id, [said("hk", "11"), said("gd", "99")]).text == "11"


def test_the_latest_day_counts_and_of_one_day_the_last_report():
    reports = [
        said("hk", "20", day=date(2026, 8, 1), minutes=9),
        said("hk", "12", minutes=1),
        said("hk", "13", minutes=2),
    ]
    alone = of(reported_by=["hk"])
    assert figure(alone, ITEM.id, reports).text == "13"
    assert figure(alone, ITEM.id, reports, until=date(2026, 8, 31)).text == "20"
    assert figure(alone, ITEM.id, reports, until=date(2026, 7, 1)).value is None


@pytest.mark.parametrize(
    ("value", "reached", "share"),
    [("10", False, 0), ("20", False, 50), ("30", True, 100), ("99", True, 100), ("1", False, 0)],
)
def test_the_way_from_baseline_to_target(value, reached, share):
    found = figure(of(reported_by=["hk"]), ITEM.id, [said("hk", value)])
    assert (found.reached, found.share) == (reached, share)


def test_a_target_below_the_baseline_is_reached_downwards():
    days = of(reported_by=["hk"], baseline="30", target="10")
    assert not figure(days, ITEM.id, [said("hk", "20")]).reached
    assert figure(days, ITEM.id, [said("hk", "20")]).share == 50
    assert figure(days, ITEM.id, [said("hk", "9.5")]).reached


@pytest.mark.parametrize(
    ("told", "stands"),
    [
        ({}, Standing.TO_COME),
        ({"hk": "done"}, Standing.UNDER_WAY),
        ({"hk": "done", "gd": "done"}, Standing.DONE),
        ({"hk": "done", "gd": "to-come"}, Standing.UNDER_WAY),
        ({"hk": "under-way"}, Standing.UNDER_WAY),
        ({"hk": "done", "gd": "at-risk"}, Standing.AT_RISK),
        ({"hk": "under-way", "gd": "dropped"}, Standing.DROPPED),
    ],
)
def test_an_item_is_done_only_once_both_sides_say_so(told, stands):
    assert standing(ITEM, [said(side, value, about="state") for side, value in told.items()]) is stands


def test_a_milestone_that_was_done_may_be_open_again():
    milestone = ITEM.milestones[0]
    first = said("hk", "done", about="milestone", part="half")
    again = said("gd", "open", about="milestone", part="half", minutes=1)
    assert done(milestone, ITEM.id, [first]) == first
    assert done(milestone, ITEM.id, [first, again]) is None


@pytest.mark.parametrize("text", ["", "abc", "NaN", "Infinity", "1e400", "1e12", "0.00001", "1_000,5", "--1"])
def test_what_is_no_plain_number_is_none(text):
    assert decimal(text) is None


def test_numbers_are_written_without_an_exponent():
    assert written(Decimal("1E+3")) == "1000"
    assert written(Decimal("97.50")) == "97.5"
    assert written(Decimal(100)) == "100"
