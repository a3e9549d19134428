from __future__ import annotations

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.utils import timezone

from apps.services.cases.made import FEE, published, word
from kouan.apps.services import concerns
from kouan.apps.services.cases import clock, deadlines, receiving, telling, working
from kouan.apps.services.domain import Role
from kouan.apps.services.models import Case
from kouan.core.exchange import outbox
from kouan.core.watch.concerns import Concern


@pytest.fixture
def asked(case, officer):
    row = case(language="en")
    return working.ask_correction(
        case=row, officer=officer(), changed=row.changed, ask=["answers.plate"], words="Look."
    )


def due_in(row, days, **more):
    values = {"due_on": clock.today() + timedelta(days=days)} | more
    Case.objects.filter(pk=row.pk).update(**values)


def kinds(told):
    return [payload["kind"] for _type, payload in told()]


def test_what_does_not_come_in_time_lapses_once(asked, told):
    told()
    due_in(asked, 0)
    deadlines.run()
    asked.refresh_from_db()
    assert asked.state == "correction"
    due_in(asked, -1)
    deadlines.run()
    deadlines.run()
    asked.refresh_from_db()
    assert (asked.state, asked.turn, asked.due_on) == ("lapsed", "nobody", None)
    assert [kind for kind in kinds(told) if kind == "lapse"] == ["lapse"]


def test_a_lapsed_case_can_be_appealed(asked):
    due_in(asked, -1)
    deadlines.run()
    receiving.acted(message=word(asked, "appeal", words="I was ill."))
    asked.refresh_from_db()
    assert asked.state == "appealed"


def test_the_applicant_is_reminded_once_and_in_their_script(asked, told):
    told()
    deadlines.run()
    assert kinds(told) == []
    due_in(asked, 2, stopped_on=clock.today() - timedelta(days=5))
    deadlines.run()
    deadlines.run()
    ((_type, payload),) = told()
    assert payload["kind"] == "message"
    assert asked.reference in payload["words"]


def test_who_was_asked_today_is_not_reminded_today(asked, told):
    told()
    due_in(asked, 2)
    deadlines.run()
    assert kinds(told) == []


def test_an_unpaid_fee_lapses(gd, broker, case, officer, told):
    row = case(published("replaced", version=2, fee=FEE))
    row = working.ask_payment(case=row, officer=officer(), changed=row.changed)
    due_in(row, 1, stopped_on=clock.today() - timedelta(days=5))
    deadlines.run()
    assert "缴费" in told()[-1][1]["words"]
    due_in(row, -1)
    deadlines.run()
    row.refresh_from_db()
    assert row.state == "lapsed"


def test_a_late_case_is_marked_once_and_the_applicant_is_not_told(case, told):
    row = case()
    told()
    due_in(row, -1)
    deadlines.run()
    deadlines.run()
    assert row.events.filter(kind="late").count() == 1
    assert kinds(told) == []
    row.refresh_from_db()
    assert row.state == "received"


def test_of_cases_from_before_the_trail_says_which_were_late(case, asked):
    row, other = case(subject="z" * 43), case(subject="y" * 43)
    due_in(row, -1)
    deadlines.run()
    telling.note(asked, "late", role=Role.CLOCK)  # the time that had passed was the applicant's
    Case.objects.update(first_late_on=None)
    before = import_module("kouan.apps.services.migrations.0006_first_late_on")
    before._known_from_the_trail(apps, None)
    found = dict(Case.objects.values_list("pk", "first_late_on"))
    assert found == {row.pk: clock.today(), other.pk: None, asked.pk: None}


def test_late_cases_call_for_a_person_by_department(case):
    row, other = case(), case(subject="z" * 43)
    due_in(row, 0)
    due_in(other, -1)
    assert list(concerns.find(timezone.now())) == [Concern("cases-late", row.department, 1)]
    due_in(other, -1, turn="applicant")
    assert list(concerns.find(timezone.now())) == []


def test_where_nothing_lapses_an_officer_decides(gd, broker, case, officer, told):
    rows = [
        {"action": "take-up", "source": "received", "target": "in-review", "role": "officer"},
        {"action": "ask-correction", "source": "in-review", "target": "correction", "role": "officer"},
        {"action": "correct", "source": "correction", "target": "in-review", "role": "applicant"},
        {"action": "grant", "source": "in-review", "target": "granted", "role": "officer"},
    ]
    row = case(published("replaced", version=2, flow=rows))
    worker = officer()
    row = working.take_up(case=row, officer=worker, changed=row.changed)
    row = working.ask_correction(
        case=row, officer=worker, changed=row.changed, ask=["answers.plate"], words="Look."
    )
    due_in(row, -1)
    deadlines.run()
    deadlines.run()
    row.refresh_from_db()
    assert row.state == "correction"
    assert row.events.filter(kind="late").count() == 1


def test_many_are_done_in_turn(case, monkeypatch):
    monkeypatch.setattr(deadlines, "AT_ONCE", 2)
    for subject in "abc":
        due_in(case(subject=subject * 43), -1)
    assert deadlines.run() is True
    assert Case.objects.filter(late_on__isnull=False).count() == 2
    deadlines.run()
    assert deadlines.run() is False
    assert Case.objects.filter(late_on__isnull=False).count() == 3


def test_a_side_that_cannot_be_told_stops_nobody_elses_deadline(case, monkeypatch):
    cases = [case(subject=letter * 43) for letter in "abcdef"]
    for days, row in enumerate(cases, -9):
        due_in(row, days, turn="applicant", state="correction")
    Case.objects.filter(pk__in=[row.pk for row in cases[:5]]).update(home="hk")
    late = case(subject="z" * 43)
    due_in(late, -1)
    tried = []
    send = telling.tell

    def tell(row, kind, **how):
        if row.home == "hk":
            tried.append(row.pk)
            raise outbox.OutboxFull(waiting=1, peer="hk")
        return send(row, kind, **how)

    monkeypatch.setattr(telling, "tell", tell)
    assert deadlines.run() is False
    states = [Case.objects.get(pk=row.pk).state for row in cases]
    assert states == ["correction"] * 5 + ["lapsed"]
    assert tried == [row.pk for row in cases[:3]]
    late.refresh_from_db()
    assert late.late_on == clock.today()
    monkeypatch.setattr(telling, "tell", lambda row, *_all, **_how: row)
    deadlines.run()
    assert set(Case.objects.exclude(pk=late.pk).values_list("state", flat=True)) == {"lapsed"}
