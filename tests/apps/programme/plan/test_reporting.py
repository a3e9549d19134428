"""Reports of both sides, what the node counts by itself, and what the plan does not let anybody report."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from apps.programme.plan.conftest import subject
from apps.programme.plan.made import YEAR, item, measure, words
from kouan.apps.programme.models import Report
from kouan.apps.programme.plan import errors, queries, reporting
from kouan.core import figures

DAY = date(YEAR, 9, 1)


def report(row, **changes):
    given = {
        "subject": row.subject, "item": "public-services", "about": "measure", "part": "services",
        "value": "11", "day": DAY, "source": "return",
    } | changes  # fmt: skip
    return reporting.report(**given)


def test_a_report_goes_over_and_comes_from_the_other_side(signed, gd, today):
    row = signed()
    ours = report(row)
    ((type_, said),) = gd.hear()
    assert (type_, said["value"], said["report"]) == ("programme.report", "11", ours.key.bytes)
    assert gd.report(row.subject.key, value="14.0") == ("handled", "")
    (card,) = queries.board(row.subject).cards
    assert card.figures[0].text == "25"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"item": "nowhere"}, errors.UnknownPart),
        ({"part": "nothing"}, errors.UnknownPart),
        ({"about": "state", "part": "", "value": "fine"}, errors.UnknownPart),
        ({"about": "milestone", "part": "half", "value": "perhaps"}, errors.UnknownPart),
        ({"value": "many"}, errors.NotAFigure),
        ({"day": date(YEAR, 3, 31)}, errors.ImpossibleDay),
        ({"day": date(YEAR, 10, 2)}, errors.ImpossibleDay),
    ],
)
def test_what_cannot_be_reported_is_refused_on_both_ways_and_kept_on_neither(
    signed, gd, today, changes, error
):
    row = signed()
    with pytest.raises(error):
        report(row, **changes)
    gd.hear()
    over = {key: value.isoformat() if key == "day" else value for key, value in changes.items()}
    if over.get("day") == "2026-10-02":  # the other side's day may be one ahead of ours
        over["day"] = "2026-10-03"
    assert gd.report(row.subject.key, **over) == ("refused", error.code)
    assert not Report.objects.exists()


def test_a_side_reports_its_own_figures_alone(signed, gd, today):
    row = signed(
        areas=[{"id": "a", "title": words("a"), "items": [item(measures=[measure(reported_by=["gd"])])]}]
    )
    with pytest.raises(errors.NotYoursToReport):
        report(row)
    assert gd.report(row.subject.key) == ("handled", "")


def test_nothing_is_reported_before_both_have_signed(proposed, gd, today):
    row = proposed()
    with pytest.raises(errors.NothingInEffect):
        report(row)
    gd.hear()
    assert gd.report(row.subject.key) == ("refused", "no-plan-in-effect")


def test_the_board_of_a_day_knows_no_later_report(signed, gd, today):
    row = signed()
    report(row)
    report(row, value="12", day=DAY + timedelta(days=10))
    gd.report(row.subject.key, value="4", day="2026-09-01")
    assert queries.board(row.subject, until=DAY).cards[0].figures[0].text == "15"
    assert queries.board(row.subject).cards[0].figures[0].text == "16"


@pytest.fixture
def counted(monkeypatch):
    """A figure that an app offers, and what it counts."""
    counts = {"value": 7, "asked": []}

    def count(since, until):
        counts["asked"].append((since, until))
        return counts["value"]

    monkeypatch.setitem(figures._figures, "tests.things", figures.Figure("tests.things", "Things", count))
    return counts


def fed(**changes):
    return [
        {"id": "a", "title": words("a"), "items": [item(measures=[measure(feed="tests.things", **changes)])]}
    ]


def test_the_node_reports_what_it_counts_once_a_day_and_only_what_changed(
    signed, gd, today, counted, monkeypatch
):
    signed(areas=fed())
    assert reporting.feed() is False
    reporting.feed()
    (row,) = Report.objects.all()
    assert (row.value, row.source, row.by_node, row.day) == ("7", "tests.things", True, today)
    since, until = counted["asked"][0]
    assert since.isoformat() == "2026-03-31T16:00:00+00:00"
    assert until.isoformat() == "2026-10-01T16:00:00+00:00"
    counted["value"] = 8
    reporting.feed()
    assert Report.objects.count() == 1
    monkeypatch.setattr(reporting, "today", lambda: today + timedelta(days=1))
    reporting.feed()
    assert [each.value for each in Report.objects.order_by("day")] == ["7", "8"]
    monkeypatch.setattr(reporting, "today", lambda: today + timedelta(days=2))
    reporting.feed()
    assert Report.objects.count() == 2
    assert [said["by_node"] for _type, said in gd.hear()] == [True, True]


def test_a_figure_that_no_app_of_this_node_offers_is_left_to_the_officers(signed, gd, today):
    signed(areas=[{"id": "a", "title": words("a"), "items": [item(measures=[measure(feed="nobody.knows")])]}])
    reporting.feed()
    assert not Report.objects.exists()
    assert subject().reports.count() == 0


def test_every_app_that_offers_a_figure_can_count_it(db, node):
    until = reporting.timezone.now()
    keys = {each.key for each in figures.offered()}
    assert {"exchange.handled", "services.published", "identity.sign-ins", "validation.answered"} <= keys
    for each in figures.offered():
        assert each.count(until - timedelta(days=30), until) == 0, each.key
        assert str(each.title)


def test_a_report_shows_where_it_crossed(signed, gd, today):
    row = signed()
    ours = report(row)
    gd.hear()
    gd.report(row.subject.key)
    traces = queries.board(row.subject).traces
    theirs = Report.objects.get(side="gd")
    assert traces[ours.key].message == ours.message_id
    assert traces[theirs.key].index is not None
    assert not traces[theirs.key].sent
