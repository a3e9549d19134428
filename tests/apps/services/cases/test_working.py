from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from django.utils import timezone

from apps.services.cases.made import FEE, published, word
from kouan.apps.services import concerns
from kouan.apps.services.cases import (
    access,
    clock,
    deadlines,
    errors,
    queries,
    receiving,
    telling,
    versions,
    working,
)
from kouan.apps.services.domain import Action
from kouan.apps.services.models import Case, CaseFee
from kouan.core.sides import CalendarYearError, get_side
from kouan.core.watch.concerns import Concern
from kouan.web import access as web_access
from kouan.web.access import HeldIn, grant_role, withdraw_role


@pytest.fixture
def reviewed(case, officer):
    worker = officer()

    def make(of=None):
        row = case(of)
        return working.take_up(case=row, officer=worker, changed=row.changed), worker

    return make


def test_an_officer_takes_a_case_up(case, officer, told):
    row = case()
    told()
    worker = officer()
    working.take_up(case=row, officer=worker, changed=row.changed)
    row.refresh_from_db()
    assert (row.state, row.officer) == ("in-review", worker)
    ((_type, payload),) = told()
    assert (payload["kind"], payload["by"], payload["words"]) == ("take-up", "transport", "")
    with pytest.raises(errors.NotNow):
        working.take_up(case=row, officer=worker, changed=row.changed)


def test_two_officers_on_one_case(case, officer, told):
    row = case()
    first, second = officer("first"), officer("second")
    seen = row.changed
    working.take_up(case=row, officer=first, changed=seen)
    working.note(case=row, officer=first, changed=seen + 1, words="Called.")
    with pytest.raises(errors.CaseChanged) as caught:
        working.take_up(case=row, officer=second, changed=seen)
    assert "An officer took it up (first)" in str(caught.value)
    assert "An officer made a note (first)" in str(caught.value)
    row.refresh_from_db()
    assert row.officer == first
    assert [payload["kind"] for _type, payload in told()] == ["received", "take-up"]


def test_what_the_applicant_does_meanwhile_stops_a_decision(reviewed):
    row, worker = reviewed()
    receiving.acted(message=word(row, "withdraw"))
    with pytest.raises(errors.CaseChanged, match="withdrew"):
        working.refuse(case=row, officer=worker, changed=row.changed, words="No.")


def test_a_case_is_handed_to_a_caseworker_alone(case, officer):
    row, worker, colleague = case(), officer(), officer("colleague")
    row = working.assign(case=row, officer=worker, changed=row.changed, to=colleague)
    assert row.officer == colleague
    assert access.colleagues(row) == [colleague, worker]
    stranger = User.objects.create_user("stranger")
    with pytest.raises(errors.NotACaseworker):
        working.assign(case=row, officer=worker, changed=row.changed, to=stranger)
    with pytest.raises(errors.UnknownCase):
        working.note(case=row, officer=stranger, changed=row.changed, words="x")


def test_officers_see_their_departments_cases_alone(case, officer, monkeypatch):
    row, worker = case(), officer()
    found = []
    monkeypatch.setattr(
        web_access, "_departments", [lambda users, _role: {each.pk: tuple(found) for each in users}]
    )
    found.append(HeldIn("lands", get_side("hk").name))
    assert not access.cases_of(worker).exists()
    with pytest.raises(errors.UnknownCase):
        access.case_of(worker, row.reference)
    assert not queries.worklist(worker, queries.Filter(show="all")).rows
    found.append(HeldIn("transport", get_side("hk").name))
    assert access.case_of(worker, row.reference) == row
    assert [each.reference for each in queries.worklist(worker, queries.Filter()).rows] == [row.reference]


def test_who_has_lost_their_last_department_sees_no_case(case, officer, monkeypatch):
    """While the request goes on that began before: no department is not the whole side."""
    row, worker = case(), officer()
    assert access.cases_of(worker).get() == row
    withdraw_role(user=worker, role="caseworker")
    assert not access.cases_of(worker).exists()
    assert not access.works_on(worker, row)
    assert not queries.worklist(worker, queries.Filter(show="all")).rows
    assert queries.services_of(worker) == []
    assert queries.counts(worker)["office"] == 0


def test_a_service_may_wait_longer_for_a_correction_than_an_officer_may_choose(gd, broker, case, officer):
    row = case(published("replaced", version=2, waits={"correction_working_days": 90}))
    worker = officer()
    asking = {
        "case": row,
        "officer": worker,
        "changed": row.changed,
        "ask": ["answers.plate"],
        "words": "Look.",
    }
    beyond = working._counted(clock.MOST_DAYS) + timedelta(days=1)
    with pytest.raises(errors.BadDueDay):
        working.ask_correction(**asking, due_on=beyond)
    assert working.ask_correction(**asking).due_on == working._counted(90)


def test_a_clock_stops_in_a_year_without_a_calendar(case):
    row = case()
    row.due_on = date(2093, 3, 17)
    with pytest.raises(CalendarYearError):
        clock.calendar().working_days_between(date(2093, 3, 3), row.due_on)
    clock.stop(row, date(2093, 3, 3), date(2093, 4, 1))
    assert (row.days_left, row.stopped_on, row.due_on) == (10, date(2093, 3, 3), date(2093, 4, 1))
    clock.stop(row, date(2093, 5, 1), date(2093, 6, 1))
    assert row.days_left == 0


@pytest.mark.parametrize("show", ["all", "over"])
def test_the_newest_cases_of_a_whole_side_come_out_of_an_index(case, officer, show):
    for name in "abc":
        case(subject=name * 43)
    rows = queries._filtered(Case.objects.all(), officer(), queries.Filter(show=show))
    plan = rows.order_by("-received_at", "-id")[:26].explain()
    assert connection.vendor != "sqlite" or "TEMP B-TREE" not in plan


def test_a_correction_stops_the_clock_and_resumes_with_the_days_left(case, officer, told):
    row, worker = case(), officer()
    today = clock.today()
    left = clock.calendar().working_days_between(today, row.due_on)
    assert left == 5
    row = working.ask_correction(
        case=row, officer=worker, changed=row.changed, ask=["answers.plate", "needs.residence"],
        words="The mark is not complete.",
    )  # fmt: skip
    assert (row.state, row.turn, row.days_left, row.stopped_on) == ("correction", "applicant", 5, today)
    assert row.due_on == clock.day_after(today, 10)
    payload = told()[-1][1]
    assert payload["ask"] == ["answers.plate", "needs.residence"]
    assert (payload["due_on"], payload["words"]) == (row.due_on.isoformat(), "The mark is not complete.")
    receiving.acted(message=word(row, "correct"))
    row.refresh_from_db()
    assert (row.due_on, row.days_left, row.stopped_on) == (clock.day_after(today, 5), None, None)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"ask": []}, errors.NothingAsked),
        ({"ask": ["answers.nothing"]}, errors.NothingAsked),
        ({"words": "  "}, errors.WordsNeeded),
        ({"due_on": date(2020, 1, 1)}, errors.BadDueDay),
        ({"due_on": date(2099, 1, 1)}, errors.BadDueDay),
    ],
)
def test_a_request_says_what_why_and_when(case, officer, changes, error):
    row = case()
    given = {"ask": ["answers.plate"], "words": "Look."} | changes
    with pytest.raises(error):
        working.ask_correction(case=row, officer=officer(), changed=row.changed, **given)
    row.refresh_from_db()
    assert row.state == "received"


def test_decisions_need_a_reason_and_are_told(reviewed, told):
    row, worker = reviewed()
    with pytest.raises(errors.WordsNeeded):
        working.refuse(case=row, officer=worker, changed=row.changed, words="")
    row = working.refuse(case=row, officer=worker, changed=row.changed, words="No such vehicle.")
    assert (row.state, row.due_on, row.decided_at is not None) == ("refused", None, True)
    assert told()[-1][1]["words"] == "No such vehicle."


def test_an_appeal_is_reopened_and_decided_anew(reviewed):
    row, worker = reviewed()
    row = working.refuse(case=row, officer=worker, changed=row.changed, words="No.")
    receiving.acted(message=word(row, "appeal", words="But."))
    row.refresh_from_db()
    row = working.reopen(case=row, officer=worker, changed=row.changed, words="We look again.")
    assert (row.state, row.decided_at) == ("in-review", None)


def test_a_note_stays_here_and_a_message_goes(reviewed, told):
    row, worker = reviewed()
    told()
    row = working.note(case=row, officer=worker, changed=row.changed, words="Ask the archive.")
    assert told() == []
    row = working.message(case=row, officer=worker, changed=row.changed, words="We are on it.")
    ((_type, payload),) = told()
    assert (payload["kind"], payload["words"]) == ("message", "We are on it.")
    assert payload["due_on"] == row.due_on.isoformat()
    note = row.events.get(kind="note")
    assert b"archive" not in bytes(note.told)
    assert telling.said(row, note) == {"words": "Ask the archive."}


def test_a_reading_is_told_once_an_hour_and_officer(case, officer, told):
    row, worker = case(), officer()
    told()
    seen = row.changed
    assert working.read(case=row, officer=worker)
    assert not working.read(case=row, officer=worker)
    assert working.read(case=row, officer=officer("other"))
    row.events.filter(kind="read").update(at=timezone.now() - timedelta(minutes=61))
    assert working.read(case=row, officer=worker)
    assert [payload["kind"] for _type, payload in told()] == ["read"] * 3
    row.refresh_from_db()
    assert row.changed == seen


def test_a_fee_is_asked_for_and_paid_exactly_once(gd, broker, reviewed, told):
    row, worker = reviewed(published("replaced", version=2, fee=FEE))
    row = working.ask_payment(case=row, officer=worker, changed=row.changed)
    fee = CaseFee.objects.get()
    payload = told()[-1][1]
    assert payload["kind"] == "ask-payment"
    assert payload["pay_at"].endswith(f"/pay/{fee.key}/")
    assert working.paid(fee=fee, payment="P-1")
    assert not working.paid(fee=fee, payment="P-2")
    row.refresh_from_db()
    fee.refresh_from_db()
    assert (row.state, fee.payment) == ("in-review", "P-1")
    assert [payload["kind"] for _type, payload in told()] == ["pay"]
    with pytest.raises(errors.NoFee):
        working.ask_payment(case=row, officer=worker, changed=row.changed)


def test_money_that_comes_late_is_noted_and_moves_nothing(gd, broker, reviewed, told):
    row, worker = reviewed(published("replaced", version=2, fee=FEE))
    working.ask_payment(case=row, officer=worker, changed=row.changed)
    Case.objects.update(due_on=clock.today() - timedelta(days=1))
    deadlines.run()
    told()
    fee = CaseFee.objects.get()
    assert working.paid(fee=fee, payment="P-1")
    assert not working.paid(fee=fee, payment="P-1")
    row.refresh_from_db()
    fee.refresh_from_db()
    assert (row.state, fee.payment, fee.paid_at is None) == ("lapsed", "P-1", False)
    event = row.events.get(kind="paid-late")
    assert telling.said(row, event) == {"payment": "P-1"}
    assert told() == []


def test_a_case_that_lapsed_before_its_fee_came_can_be_opened_again(gd, broker, reviewed, told):
    definition = published("replaced", version=2, fee=FEE)
    row, worker = reviewed(definition)
    row = working.ask_payment(case=row, officer=worker, changed=row.changed)
    left = row.days_left
    Case.objects.update(due_on=clock.today() - timedelta(days=1))
    deadlines.run()
    row.refresh_from_db()
    assert queries.actions(row, definition) == ()
    with pytest.raises(errors.NotNow):
        working.reopen(case=row, officer=worker, changed=row.changed, words="We look again.")
    working.paid(fee=CaseFee.objects.get(), payment="P-1")
    told()
    row.refresh_from_db()
    assert queries.actions(row, definition) == (Action.REOPEN,)
    row = working.reopen(case=row, officer=worker, changed=row.changed, words="It came a day late.")
    row.refresh_from_db()
    assert (row.state, row.turn, row.decided_at) == ("in-review", "office", None)
    assert row.due_on == clock.day_after(clock.today(), left)
    ((_type, payload),) = told()
    assert (payload["kind"], payload["state"], payload["words"]) == (
        "reopen", "in-review", "It came a day late.",
    )  # fmt: skip


def test_one_payment_pays_one_fee(gd, broker, reviewed, case, officer):
    row, worker = reviewed(published("replaced", version=2, fee=FEE))
    working.ask_payment(case=row, officer=worker, changed=row.changed)
    first = CaseFee.objects.get()
    working.paid(fee=first, payment="P-1")
    second = CaseFee.objects.get(pk=first.pk)
    second.pk, second.key, second.paid_at, second.payment = None, uuid.uuid4(), None, ""
    other = case(versions.of_case(row), subject="b" * 43)
    second.case = other
    second.save()
    Case.objects.filter(pk=other.pk).update(state="payment", turn="applicant")
    with pytest.raises(errors.PaymentTaken):
        working.paid(fee=second, payment="P-1")
    assert working.paid(fee=second, payment="P-2")


def test_a_free_service_asks_for_nothing(reviewed):
    row, worker = reviewed()
    with pytest.raises(errors.NoFee):
        working.ask_payment(case=row, officer=worker, changed=row.changed)


def test_nobody_pays_outside_a_demonstration_without_a_provider(gd, broker, reviewed, settings):
    row, worker = reviewed(published("replaced", version=2, fee=FEE))
    settings.NODE = replace(settings.NODE, demonstration=False)
    with pytest.raises(errors.NoPaymentProvider):
        working.ask_payment(case=row, officer=worker, changed=row.changed)


# The clock


def test_weekends_that_are_worked_count(monkeypatch):
    monkeypatch.setattr(clock, "calendar", lambda: get_side("gd").calendar)
    row = Case(state="received", turn="office")
    # Of 2026: the Spring Festival is 15 to 23 February; Saturdays 14 and 28 February are worked in return.
    days = [date(2026, 2, 14) + timedelta(days=n) for n in range(20)]
    worked = [day for day in days if get_side("gd").calendar.is_working_day(day)]
    assert worked[:2] == [date(2026, 2, 14), date(2026, 2, 24)]
    assert date(2026, 2, 28) in worked[:6]
    clock.start(row, date(2026, 2, 13), 6)
    assert row.due_on == worked[5]
    clock.stop(row, date(2026, 2, 27), date(2026, 3, 20))
    assert (row.days_left, row.due_on) == (1, date(2026, 3, 20))
    clock.resume(row, date(2026, 3, 6))
    assert (row.due_on, row.days_left, row.stopped_on) == (date(2026, 3, 9), None, None)


def test_a_day_in_a_year_without_a_calendar_is_given_later(monkeypatch, case):
    row = case()
    monkeypatch.setattr(clock, "day_after", lambda _day, _count: None)
    clock.start(row, date(2026, 11, 2), 8)
    row.save()
    assert (row.due_on, row.days_left, row.stopped_on) == (None, 8, date(2026, 11, 2))
    assert clock.left(row, date(2026, 11, 4)) == 6
    deadlines.run()
    assert list(concerns.find(timezone.now())) == [Concern("cases-undated", row.department, 1)]
    monkeypatch.undo()
    deadlines.run()
    row.refresh_from_db()
    assert (row.due_on, row.days_left) == (date(2026, 11, 12), None)
    assert "cases-undated" not in {each.kind for each in concerns.find(timezone.now())}


def test_in_a_year_without_a_calendar_the_clock_stops_and_goes_on_by_the_plain_week(monkeypatch):
    known = get_side("gd").calendar
    known = replace(known, by_year={year: days for year, days in known.by_year.items() if year <= 2026})
    monkeypatch.setattr(clock, "calendar", lambda: known)
    row = Case(state="received", turn="office")
    clock.start(row, date(2026, 12, 28), 10)
    assert (row.due_on, row.days_left, row.stopped_on) == (None, 10, date(2026, 12, 28))
    # Three days of 2026 are known to be worked; of 2027 the 1st (a Friday) and the 4th and 5th count.
    assert clock.left(row, date(2027, 1, 5)) == 4
    clock.stop(row, date(2027, 1, 5), date(2027, 2, 1))
    assert (row.days_left, row.stopped_on, row.due_on) == (4, date(2027, 1, 5), date(2027, 2, 1))
    clock.resume(row, date(2027, 1, 20))
    assert (row.due_on, row.days_left, row.stopped_on) == (None, 4, date(2027, 1, 20))


def test_a_moment_late_at_night_counts_by_this_sides_day():
    late = datetime.fromisoformat("2026-11-27T16:30:00+00:00")
    assert clock.today(late) == date(2026, 11, 28)


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_numbers_have_no_gap_under_load(sent):
    applications = [sent() for _ in range(12)]
    messages = [each.message() for each in applications]

    def open_some(mine):
        try:
            for message in mine:
                receiving.opened(message=message)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=open_some, args=(messages[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = sorted(int(reference[-6:]) for reference in Case.objects.values_list("reference", flat=True))
    assert numbers == list(range(1, 13))
    assert connection.vendor == "postgresql"


def test_who_is_no_caseworker_sees_nothing(case):
    row = case()
    user = User.objects.create_user("somebody")
    assert not access.cases_of(user).exists()
    grant_role(user=user, role="publisher")
    with pytest.raises(errors.UnknownCase):
        access.case_of(User.objects.get(pk=user.pk), row.reference)
