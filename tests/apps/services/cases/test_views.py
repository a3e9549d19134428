from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from apps.services.cases.made import FEE, KINDS, PDF, PNG, presentation, published, word
from kouan.apps.services.cases import (
    clock,
    deadlines,
    payments,
    queries,
    receiving,
    statistics,
    tokens,
    working,
)
from kouan.apps.services.cases.errors import NotACaseworker
from kouan.apps.services.models import Case, CaseAccess, CaseEvent, CaseFee, CaseFile, CaseResult
from kouan.config import ConfigError
from kouan.core.credentials import Verdict
from kouan.core.text import Localised
from kouan.web import access as web_access
from kouan.web.access import HeldIn, grant_role, withdraw_role


@pytest.fixture
def worker(officer):
    return officer("officer", first_name="Mei", last_name="Chan")


@pytest.fixture
def browser(client, worker):
    client.force_login(worker)
    return client


def page_of(row, name=""):
    return f"/cases/{row.reference}/{name}"


def asked(browser, row, name):
    """What the link on the case's page leads to."""
    return browser.get(page_of(row, name), {"changed": row.changed})


def posted(browser, row, name, **values):
    return browser.post(page_of(row, name), {"changed": row.changed} | values)


def test_only_caseworkers_come_here(client, case, officer):
    row = case()
    for path in ("/cases/", page_of(row), page_of(row, "note"), "/cases/figures/"):
        assert client.get(path).status_code == 302
    other = User.objects.create_user("publisher")
    grant_role(user=other, role="publisher")
    client.force_login(other)
    for path in ("/cases/", page_of(row), page_of(row, "note"), "/cases/figures/"):
        assert client.get(path).status_code == 403


def test_the_home_page_leads_caseworkers_to_their_work(browser, client):
    work = re.compile(r'<nav class="kouan-work".*?</nav>', re.DOTALL)
    assert '<a class="govuk-link" href="/cases/">' in work.search(browser.get("/").content.decode())[0]
    client.logout()
    assert not work.search(client.get("/").content.decode())


def test_a_case_of_another_department_is_unknown(browser, case, monkeypatch, node):
    row = case()
    held = (HeldIn("lands", row_name()),)
    monkeypatch.setattr(web_access, "_departments", [lambda users, _role: {each.pk: held for each in users}])
    assert browser.get(page_of(row)).status_code == 404
    assert posted(browser, row, "take-up").status_code == 404
    assert row.reference not in browser.get("/cases/").content.decode()
    assert browser.get("/cases/", {"number": row.reference}).status_code == 200


def row_name():
    return Localised("Lands", "地政", "地政")


def test_the_list_shows_what_is_urgent_first(browser, case):
    rows = [case(subject=subject * 43) for subject in "abc"]
    today = clock.today()
    for row, days in zip(rows, (4, -2, 1), strict=True):
        Case.objects.filter(pk=row.pk).update(due_on=today + timedelta(days=days))
    text = browser.get("/cases/").content.decode()
    found = re.findall(r"HK-\d{4}-\d{6}(?=</a>)", text)
    assert found == [rows[1].reference, rows[2].reference, rows[0].reference]
    assert "2 days late" in text
    late = browser.get("/cases/", {"due": "overdue"}).content.decode()
    assert re.findall(r"HK-\d{4}-\d{6}(?=</a>)", late) == [rows[1].reference]
    mine = browser.get("/cases/", {"whose": "mine"}).content.decode()
    assert "Nothing here" in mine
    assert browser.get("/cases/", {"show": "nonsense", "page": "x"}).status_code == 200


def test_pages_of_the_list_follow_each_other(browser, case, monkeypatch):
    monkeypatch.setattr(queries, "PAGE", 2)
    rows = [case(subject=subject * 43) for subject in "abc"]
    first = browser.get("/cases/", {"whose": "anyone"}).content.decode()
    assert rows[2].reference not in first
    assert "?whose=anyone&amp;page=2" in first
    second = browser.get("/cases/", {"whose": "anyone", "page": 2}).content.decode()
    assert rows[2].reference in second
    assert rows[0].reference not in second


def test_a_number_leads_to_its_case(browser, case):
    row = case()
    response = browser.get("/cases/", {"number": row.reference.lower()})
    assert response["Location"] == page_of(row)
    assert "No case" in browser.get("/cases/", {"number": "HK-1"}).content.decode()


def test_a_case_is_shown_whole_and_the_reading_is_recorded(browser, case, worker, told):
    row = case(evidence=[presentation(verdict=Verdict.REVOKED)])
    told()
    text = browser.get(page_of(row)).content.decode()
    for part in (
        "AB 1234",
        "Selling the vehicle",
        "Revoked by its issuer",
        "Proof of residence",
        "Take it up",
    ):
        assert part in text
    browser.get(page_of(row))
    assert CaseEvent.objects.filter(kind="read", by=worker.username).count() == 1
    assert [payload["kind"] for _type, payload in told()] == ["read"]
    assert browser.head(page_of(row)).status_code == 200


@pytest.mark.parametrize("language", ["zh-hant", "zh-hans"])
def test_a_case_is_shown_in_the_officers_script(browser, case, language):
    row = case()
    text = browser.get(page_of(row), headers={"accept-language": language}).content.decode()
    assert {"zh-hant": "出售車輛", "zh-hans": "出售车辆"}[language] in text


def test_an_officer_works_through_a_case(browser, case, told):
    row = case()
    assert asked(browser, row, "take-up").status_code == 200
    response = posted(browser, row, "take-up")
    assert response["Location"] == page_of(row)
    row.refresh_from_db()
    assert row.state == "in-review"
    for name in ("note", "message", "assign", "ask-correction", "grant", "refuse"):
        assert asked(browser, row, name).status_code == 200
    assert posted(browser, row, "note", words="Look.").status_code == 302
    row.refresh_from_db()
    assert posted(browser, row, "ask-correction", words="Wrong.", ask=["answers.plate"]).status_code == 302
    row.refresh_from_db()
    assert row.state == "correction"
    receiving.acted(message=word(row, "correct", words="So it is."))
    row.refresh_from_db()
    assert posted(browser, row, "refuse", words="No such vehicle.").status_code == 302
    text = browser.get(page_of(row)).content.decode()
    for part in ("So it is.", "No such vehicle.", "Refused", "Mei Chan"):
        assert part in text


def test_what_is_left_out_is_said(browser, case):
    row = case()
    posted(browser, row, "take-up")
    row.refresh_from_db()
    for name, missing in (
        ("refuse", "What the applicant reads"), ("grant", "Make"), ("ask-correction", "Choose at least one"),
        ("assign", "Officer"), ("note", "Note"),
    ):  # fmt: skip
        response = posted(browser, row, name)
        assert response.status_code == 422
        assert "There is a problem" in response.content.decode()
        assert missing in response.content.decode()
    response = posted(browser, row, "ask-correction", words="x", ask=["answers.plate"], due_on="2020-01-01")
    assert response.status_code == 422
    assert "Choose a day from" in response.content.decode()


def test_two_officers_on_one_case_see_what_the_other_did(browser, case, officer):
    row = case()
    other = officer("other")
    working.take_up(case=row, officer=other, changed=row.changed)
    response = posted(browser, row, "note", words="Mine.")
    assert response.status_code == 409
    assert "An officer took it up (other)" in response.content.decode()
    assert "Mine." in response.content.decode()
    assert not CaseEvent.objects.filter(kind="note").exists()


@pytest.mark.parametrize("later", [False, True], ids=["before the action's page", "while it is open"])
def test_what_an_officer_does_is_done_to_the_case_that_they_read(browser, case, officer, worker, later):
    row = working.take_up(case=case(), officer=worker, changed=1)
    link = re.search(rf'href="({page_of(row)}grant[^"]*)"', browser.get(page_of(row)).content.decode())[1]

    def note():
        working.note(case=row, officer=officer("other"), changed=row.changed, words="Do NOT grant: forged.")

    if not later:
        note()
    opened = browser.get(link)
    body = opened.content.decode()
    if later:
        note()
        (seen,) = re.findall(r'name="changed" value="(\d+)"', body)
        opened = browser.post(link, {"changed": seen, "line-make": "TOYOTA"})
        body = opened.content.decode()
    assert opened.status_code == 409
    assert "An officer made a note (other)" in body
    assert 'name="changed"' not in body
    assert not CaseResult.objects.exists()


def test_an_action_that_names_no_state_of_the_case_leads_to_the_case_first(browser, case):
    row = case()
    for changed in ({}, {"changed": ""}, {"changed": "x"}, {"changed": "٣"}, {"changed": "9" * 5000}):
        assert browser.get(page_of(row, "take-up"), changed)["Location"] == page_of(row)
        assert browser.post(page_of(row, "take-up"), changed)["Location"] == page_of(row)
    row.refresh_from_db()
    assert row.state == "received"


def test_evidence_of_which_something_else_was_found_is_a_change_too(browser, case, broker):
    row = case()
    broker.now["residence"] = Verdict.REVOKED
    assert browser.get(page_of(row)).status_code == 200
    response = asked(browser, row, "take-up")
    assert response.status_code == 409
    assert "something else was found of its evidence" in response.content.decode()


def test_what_cannot_be_done_now_leads_back(browser, case):
    row = case()
    for name in ("grant", "reopen", "uphold", "revoke", "ask-payment"):
        assert asked(browser, row, name)["Location"] == page_of(row)
    assert posted(browser, row, "reopen", words="x").status_code == 422
    assert browser.get(page_of(row, "unknown")).status_code == 404


def test_an_officer_opens_a_good_file_and_no_other(browser, sent, told):
    application = sent(kinds=[*KINDS, "person.file"])
    application.attach("needs.vehicle-licence", name="牌照.pdf")
    application.attach("needs.vehicle-licence", PNG, "b.pdf")
    receiving.opened(message=application.message())
    row = Case.objects.get()
    good, bad = CaseFile.objects.order_by("pk")
    response = browser.get(page_of(row, f"files/{good.key}"))
    assert response.content == PDF
    assert response["Content-Disposition"] == 'attachment; filename="__.pdf"'
    assert "sandbox" in response["Content-Security-Policy"]
    assert browser.get(page_of(row, f"files/{bad.key}")).status_code == 409
    text = browser.get(page_of(row)).content.decode()
    assert f"files/{good.key}" in text
    assert f"files/{bad.key}" not in text
    assert "Its content is not of the type that it says" in text


@pytest.mark.django_db(transaction=True)
def test_granting_hands_the_result_over(browser, case):
    row = case()
    posted(browser, row, "take-up")
    row.refresh_from_db()
    assert posted(browser, row, "grant", **{"line-make": "TOYOTA", "words": ""}).status_code == 302
    row.refresh_from_db()
    assert row.state == "granted"
    assert browser.get(page_of(row, "result.pdf")).content.startswith(b"%PDF-")
    text = browser.get(page_of(row)).content.decode()
    assert CaseResult.objects.get().reference in text
    assert posted(browser, row, "revoke", words="Wrong vehicle.").status_code == 302
    assert "Revoked" in browser.get(page_of(row)).content.decode()


# Figures


def test_figures_count_what_was_received_and_decided(browser, case, worker):
    row = case()
    posted(browser, row, "take-up")
    row.refresh_from_db()
    posted(browser, row, "refuse", words="No.")
    Case.objects.update(received_at=timezone.now() - timedelta(days=4, hours=1))
    case(subject="b" * 43)
    found = statistics.statistics(worker)
    assert sum(week.received for week in found.weeks) == 2
    assert sum(week.decided for week in found.weeks) == 1
    assert (found.median_days, found.within, found.open) == (4, 1.0, 1)
    assert dict(found.spans)[5] == 1
    assert dict(found.ends)["refused"] == 1
    text = browser.get("/cases/figures/").content.decode()
    assert "<svg" in text
    assert browser.get("/cases/figures/", {"service": "vehicle-record"}).status_code == 200
    lines = browser.get("/cases/figures/cases.csv").content.decode("utf-8-sig").splitlines()
    assert lines[0] == "Week from,Received,Decided"
    assert found.loads == (
        statistics.Load("", 1, 0, 0),
        statistics.Load("Mei Chan", 0, 0, 1),
    )
    assert "Mei Chan,0,0,1" in lines
    assert lines[-len(statistics.ENDS) - 1] == "Outcome,Cases"
    assert "Load by officer" in text


def test_who_was_late_once_was_not_within_the_time_limit(browser, case, worker):
    row, other = case(), case(subject="b" * 43)
    Case.objects.filter(pk=row.pk).update(due_on=clock.today() - timedelta(days=1))
    deadlines.run()
    row.refresh_from_db()
    row = working.ask_correction(
        case=row, officer=worker, changed=row.changed, ask=["answers.plate"], words="Look."
    )
    receiving.acted(message=word(row, "correct"))
    working.take_up(case=other, officer=worker, changed=other.changed)
    for each in (row, other):
        each.refresh_from_db()
        working.refuse(case=each, officer=worker, changed=each.changed, words="No.")
    row.refresh_from_db()
    assert (row.late_on, row.first_late_on) == (None, clock.today())
    assert statistics.statistics(worker).within == 0.5


def test_a_name_is_no_formula_in_a_spreadsheet(browser, case, worker):
    worker.first_name, worker.last_name = "=1+1", ""
    worker.save()
    posted(browser, case(), "take-up")
    text = browser.get("/cases/figures/cases.csv").content.decode("utf-8-sig")
    assert "\n'=1+1,1,0,0" in text.replace("\r", "")


@pytest.mark.parametrize(("language", "decided"), [("zh-hant", "已決定"), ("zh-hans", "已决定")])
def test_a_word_that_others_use_otherwise_is_the_one_that_is_meant_here(browser, case, language, decided):
    case()
    text = browser.get("/cases/figures/", headers={"accept-language": language}).content.decode()
    assert f'<span class="case-key__decided">{decided}</span>' in text


def test_figures_of_nothing(browser, definition):
    assert browser.get("/cases/figures/").status_code == 200


# The fee


@pytest.fixture
def fee(gd, broker, case, worker):
    row = case(published("replaced", version=2, fee=FEE))
    working.ask_payment(case=row, officer=worker, changed=row.changed)
    return CaseFee.objects.get()


def test_a_fee_is_paid_on_the_demonstrations_page_once(client, fee):
    path = f"/pay/{fee.key}/"
    text = client.get(path).content.decode()
    assert "HKD 45.00" in text
    for personal in ("AB 1234", "a" * 43, "WANG Fang"):
        assert personal not in text
    there = client.post(path)["Location"]
    assert there == f"{path}demonstration"
    assert client.get(there).status_code == 200
    assert client.post(there, {"answer": "stop"}).status_code == 402
    assert client.post(there, {"answer": "pay"})["Location"] == path
    assert client.post(there, {"answer": "pay"})["Location"] == path
    assert "The fee is paid" in client.get(path).content.decode()
    assert CaseEvent.objects.filter(kind="pay").count() == 1


def test_a_fee_that_is_no_longer_asked_for_cannot_be_paid(client, fee):
    receiving.acted(message=word(fee.case, "withdraw"))
    text = client.get(f"/pay/{fee.key}/").content.decode()
    assert "no longer asked for" in text
    assert client.post(f"/pay/{fee.key}/")["Location"] == f"/pay/{fee.key}/"
    assert client.post(f"/pay/{fee.key}/demonstration", {"answer": "pay"}).status_code == 409
    fee.refresh_from_db()
    assert fee.paid_at is None


def test_the_demonstrations_page_is_not_there_elsewhere(client, fee, settings):
    settings.NODE = replace(settings.NODE, demonstration=False)
    assert client.post(f"/pay/{fee.key}/demonstration", {"answer": "pay"}).status_code == 404
    assert client.get(f"/pay/{fee.key}/").status_code == 503


def test_an_unknown_fee(client, node):
    assert client.get("/pay/0b0e3c4e-0000-4000-8000-000000000000/").status_code == 404


class Bank:
    """A provider that knows which payments were made."""

    name = "bank"

    def __init__(self):
        self.made = {}

    def usable(self):
        return True

    def start(self, payment, back):
        return f"https://bank.example/pay?amount={payment.amount}&back={back}"

    def confirm(self, payment, said):
        return self.made.get((payment.reference, said.get("ticket")))


def test_another_provider_is_believed_as_far_as_it_can_check(client, fee):
    bank = Bank()
    payments.register(bank)
    try:
        CaseFee.objects.update(provider="bank")
        path = f"/pay/{fee.key}/"
        assert client.post(path)["Location"].startswith("https://bank.example/pay?amount=45.00")
        assert client.post(f"{path}demonstration", {"answer": "pay"}).status_code == 404
        assert client.get(f"{path}done", {"ticket": "7"}).status_code == 402
        bank.made[fee.case.reference, "7"] = "B-7"
        assert client.post(f"{path}done", {"ticket": "7"})["Location"] == path
        assert client.get(f"{path}done", {"ticket": "7"})["Location"] == path
        fee.refresh_from_db()
        assert fee.payment == "B-7"
        assert CaseEvent.objects.filter(kind="pay").count() == 1
    finally:
        del payments._providers["bank"]


# The API


@pytest.fixture
def api(browser):
    def call(path, body=None, method="post"):
        url = f"/api/v1/services{path}"
        if body is None:
            return browser.get(url)
        return getattr(browser, method)(url, json.dumps(body), content_type="application/json")

    return call


def test_a_departments_system_lists_reads_and_acts(api, case, told):
    row = case()
    told()
    listed = api("/cases").json()
    assert [each["reference"] for each in listed["cases"]] == [row.reference]
    found = api(f"/cases/{row.reference}").json()
    assert {"path": "plate", "title": "Registration mark", "value": "AB 1234"} in found["answers"]
    assert found["evidence"][0]["verdict"] == "good"
    assert "take-up" in found["actions"]
    acted = api(f"/cases/{row.reference}/actions", {"action": "take-up", "changed": found["changed"]})
    assert acted.json()["state"] == "in-review"
    again = api(f"/cases/{row.reference}/actions", {"action": "refuse", "changed": 0, "words": "No."})
    assert (again.status_code, again.json()["code"]) == (409, "case-changed")
    silent = api(f"/cases/{row.reference}/actions", {"action": "refuse", "changed": acted.json()["changed"]})
    assert (silent.status_code, silent.json()["code"]) == (422, "words-needed")
    assert [payload["kind"] for _type, payload in told()] == ["read", "take-up"]


def test_the_api_knows_no_case_of_others(api, client, case):
    row = case()
    client.logout()
    assert api("/cases").status_code == 401
    assert api(f"/cases/{row.reference}").status_code == 401
    assert reverse("api:cases") == "/api/v1/services/cases"


def test_a_token_acts_as_its_account_until_it_is_revoked_or_the_account_is_no_caseworker(client, case, told):
    row = case()
    worker = User.objects.create_user("records-system")
    with pytest.raises(NotACaseworker):
        tokens.issue(account="records-system", name="Records")
    grant_role(user=worker, role="caseworker")
    token = tokens.issue(account="records-system", name="Records", life=timedelta(days=1))
    bearer = {"headers": {"Authorization": f"Bearer {token}"}}
    told()
    url = f"/api/v1/services/cases/{row.reference}"
    found = client.get(url, **bearer).json()
    body = json.dumps({"action": "take-up", "changed": found["changed"]})
    acted = client.post(f"{url}/actions", body, content_type="application/json", **bearer)
    assert (acted.status_code, acted.json()["officer"]) == (200, "records-system")
    assert row.events.get(kind="take-up").by == "records-system"
    assert token not in repr(list(CaseAccess.objects.values()))
    withdraw_role(user=worker, role="caseworker")
    refused = client.get(url, **bearer)
    assert (refused.status_code, refused.json()["code"]) == (401, "bad-case-token")
    grant_role(user=worker, role="caseworker")
    assert client.get(url, **bearer).status_code == 200
    CaseAccess.objects.update(expires_at=timezone.now())
    assert client.get(url, **bearer).status_code == 401
    CaseAccess.objects.update(expires_at=timezone.now() + timedelta(days=1))
    assert tokens.revoke(prefix=CaseAccess.objects.get().prefix) == 1
    assert client.get(url, **bearer).status_code == 401


def test_money_that_comes_late_is_told_as_such(client, fee):
    Case.objects.filter(pk=fee.case_id).update(state="lapsed", turn="nobody")
    assert working.paid(fee=fee, payment="P-1")
    shown = client.get(reverse("services:pay", args=[fee.key])).content.decode()
    assert "The department sees that you paid" in shown
    assert "goes on with the case" not in shown


class Cashier:
    """A provider of an installation's own, as ``node.toml`` names it."""

    name = "cashier"

    def usable(self):
        return True

    def start(self, payment, back):
        return f"https://pay.example/{payment.key}?back={back}"

    def confirm(self, _payment, said):
        return said.get("number")


class Half:
    name = "half"


@pytest.fixture
def cashiers():
    before = dict(payments._providers)
    yield
    payments._providers.clear()
    payments._providers.update(before)


def test_a_provider_that_the_settings_name_comes_before_the_demonstrations(cashiers, node):
    assert payments.provider().name == "demonstration"
    payments.load([f"{__name__}:Cashier", f"{__name__}:Cashier"])
    assert payments.provider().name == "cashier"
    assert payments.provider("demonstration").name == "demonstration"


@pytest.mark.parametrize("path", [f"{__name__}:Half", f"{__name__}:Nobody", "no.such.module:It"])
def test_a_provider_that_cannot_take_fees_stops_the_start(cashiers, path):
    with pytest.raises(ConfigError, match=r"payments\.providers"):
        payments.load([path])
