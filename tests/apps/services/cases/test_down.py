"""One of the nodes is down for days in the middle of a case: nothing is lost, no day is miscounted."""

from __future__ import annotations

from datetime import timedelta

import pytest
import rfc8785
from django.utils import timezone

from apps.services.cases.made import ANSWERS, FEE, published
from kouan.apps.services.cases import clock, deadlines, queries, working
from kouan.apps.services.models import Case
from kouan.core.exchange.times import milliseconds

MENDED = ANSWERS | {"plate": "CD 99"}


@pytest.fixture
def later(monkeypatch, gd):
    """Lets time pass, for this node and for Guangdong's."""
    true, passed = timezone.now, [timedelta()]
    monkeypatch.setattr(timezone, "now", lambda: true() + passed[0])

    def go(**by):
        passed[0] += timedelta(**by)
        gd.clock = milliseconds(timezone.now())

    return go


@pytest.fixture
def asked(case, officer):
    """A case of which an officer, a day after it came, asks for a correction by a day."""

    def make(later, days):
        row, worker = case(), officer()
        later(days=1)
        row = working.take_up(case=row, officer=worker, changed=row.changed)
        left, due = clock.left(row, clock.today()), clock.today() + timedelta(days=days)
        row = working.ask_correction(
            case=row, officer=worker, changed=row.changed, ask=["answers.plate"], words="Look.", due_on=due
        )
        return row, left, due

    return make


@pytest.fixture
def corrected(post, agreed):
    """Has Guangdong post the applicant's correction, which was made at a time."""

    def say(row, made):
        kinds, ms = ["person.vehicle"], milliseconds(made)
        said = {
            "application": row.key.bytes, "action": "correct", "answers": rfc8785.dumps(MENDED), "words": "",
            "kinds": kinds, "evidence": [], "attachments": [], "at": ms // 1000,
            "consent": agreed(row, kinds),
        }  # fmt: skip
        until = ms + 7 * 24 * 3_600_000
        ended = post(
            "services.applicant", said, conversation=row.key, consent=str(row.key), made=ms, until=until
        )
        row.refresh_from_db()
        return ended

    return say


def steps(told):
    return [(payload["kind"], payload["state"], payload["due_on"]) for _type, payload in told()]


def test_a_correction_is_asked_for_while_the_applicants_node_is_down(asked, corrected, told, later):
    row, left, due = asked(later, 20)
    told_at = row.events.get(kind="ask-correction").at
    later(hours=50)
    deadlines.run()
    row.refresh_from_db()
    assert (row.state, row.days_left, row.due_on) == ("correction", left, due)
    heard = steps(told)  # their node is up again, and all of it is there, in order
    assert [kind for kind, _state, _day in heard] == ["received", "take-up", "ask-correction"]
    assert heard[-1][2] == due.isoformat()
    assert timezone.now() - told_at > timedelta(hours=48)

    later(hours=3)
    assert corrected(row, timezone.now()) == ("handled", "")
    assert (row.state, row.due_on) == ("in-review", clock.day_after(clock.today(), left))
    assert queries.answers_of(row) == MENDED
    assert steps(told) == [("correct", "in-review", row.due_on.isoformat())]


def test_a_correction_sent_in_time_counts_though_it_lapsed_here_meanwhile(asked, corrected, told, later):
    row, left, _due = asked(later, 1)
    told()
    later(hours=1)
    sent_at = timezone.now()
    later(
        days=4
    )  # this side's node was down, and looks at its deadlines before the other side has tried again
    deadlines.run()
    row.refresh_from_db()
    assert row.state == "lapsed"
    assert corrected(row, sent_at) == ("handled", "")
    assert (row.state, row.turn, row.decided_at) == ("in-review", "office", None)
    assert (row.due_on, queries.answers_of(row)) == (clock.day_after(clock.today(), left), MENDED)
    assert [kind for kind, _state, _day in steps(told)] == ["lapse", "correct"]


def test_a_correction_sent_too_late_changes_nothing(asked, corrected, later):
    row, _left, _due = asked(later, 1)
    later(days=4)
    deadlines.run()
    assert corrected(row, timezone.now()) == ("refused", "not-now")
    assert (row.state, queries.answers_of(row)) == ("lapsed", ANSWERS)


@pytest.mark.usefixtures("broker")
def test_what_lapsed_because_nobody_paid_is_not_corrected(case, officer, corrected, later):
    row = case(published("replaced", version=2, fee=FEE))
    row = working.ask_payment(case=row, officer=officer(), changed=row.changed)
    Case.objects.update(due_on=clock.today())
    later(days=2)
    deadlines.run()
    assert corrected(row, timezone.now() - timedelta(days=2)) == ("refused", "not-now")
    assert row.state == "lapsed"
