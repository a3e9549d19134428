"""What a department's own system does with cases beyond reading and deciding: files, colleagues, results."""

from __future__ import annotations

import hashlib
import json

import pytest
from django.utils import timezone

from apps.services.cases.made import KINDS, PDF, PNG, presentation
from kouan.apps.services.cases import clock, receiving, tokens, working
from kouan.apps.services.models import Case, CaseFile
from kouan.core.credentials import Verdict
from kouan.core.text import Localised
from kouan.web import access as web_access
from kouan.web.access import HeldIn

ELSEWHERE = HeldIn("lands", Localised("Lands", "地政", "地政"))


@pytest.fixture
def system(client, officer):
    """A department's system, which acts as the account ``officer``: call it with a path, and with a body."""
    officer()
    token = tokens.issue(account="officer", name="Records")
    bearer = {"Authorization": f"Bearer {token}"}

    def call(path, body=None):
        url = f"/api/v1/services/cases{'' if path.startswith('?') else '/'}{path}"
        if body is None:
            return client.get(url, headers=bearer)
        return client.post(url, json.dumps(body), content_type="application/json", headers=bearer)

    return call


@pytest.fixture
def act(system):
    """Does something to a case as it stands."""

    def do(row, action, **more):
        row.refresh_from_db()
        body = {"action": action, "changed": row.changed} | more
        return system(f"{row.reference}/actions", body)

    return do


@pytest.fixture
def with_files(sent):
    application = sent(kinds=[*KINDS, "person.file"])
    application.attach("needs.vehicle-licence", name="牌照.pdf")
    application.attach("needs.vehicle-licence", PNG, "b.pdf")
    receiving.opened(message=application.message())
    return Case.objects.get()


def test_files_are_listed_and_handed_out_as_they_came(system, with_files, told):
    told()
    good, bad = system(with_files.reference).json()["files"]
    assert (good["name"], good["place"], good["size"], good["fault"]) == (
        "牌照.pdf", "needs.vehicle-licence", len(PDF), None,
    )  # fmt: skip
    assert good["sha256"] == hashlib.sha256(PDF).hexdigest()
    assert bad["fault"] == "other-bytes"
    response = system(f"{with_files.reference}/files/{good['key']}")
    assert (response.status_code, response.content) == (200, PDF)
    assert (response["Content-Type"], response["Cache-Control"]) == ("application/pdf", "no-store")
    refused = system(f"{with_files.reference}/files/{bad['key']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "case-file-not-what-it-says")
    assert [payload["kind"] for _type, payload in told()] == ["read"]


def test_a_file_is_handed_out_to_its_own_department_and_by_its_own_case(
    system, with_files, case, client, monkeypatch
):
    key = CaseFile.objects.filter(fault="").get().key
    other = case(subject="b" * 43)
    elsewhere = system(f"{other.reference}/files/{key}")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (404, "unknown-case-file")
    path = f"{with_files.reference}/files/{key}"
    assert client.get(f"/api/v1/services/cases/{path}").status_code == 401
    monkeypatch.setattr(
        web_access, "_departments", [lambda users, _role: {each.pk: (ELSEWHERE,) for each in users}]
    )
    assert (system(path).status_code, system(path).json()["code"]) == (404, "unknown-case")
    assert system(f"{with_files.reference}/result").status_code == 404


def test_a_withdrawn_consent_closes_the_files_here_too(system, with_files):
    key = CaseFile.objects.filter(fault="").get().key
    Case.objects.update(restricted_at=timezone.now())
    assert system(with_files.reference).json()["files"] == []
    refused = system(f"{with_files.reference}/files/{key}")
    assert (refused.status_code, refused.json()["code"]) == (403, "case-restricted")


def test_a_case_is_handed_to_a_colleague_of_the_department_alone(act, case, officer, told):
    row, colleague = case(), officer("colleague")
    told()
    assert act(row, "assign", to="colleague").json()["officer"] == "colleague"
    row.refresh_from_db()
    assert row.officer == colleague
    for nobody in ("", "nobody", "x" * 150):
        refused = act(row, "assign", to=nobody)
        assert (refused.status_code, refused.json()["code"]) == (422, "not-a-caseworker")
    assert {payload["kind"] for _type, payload in told()} == {"read"}  # and not who works on it


def test_a_correction_is_asked_for_by_a_day(act, case):
    row = case()
    day = clock.day_after(clock.today(), 7)
    wanted = {"ask": ["answers.plate"], "words": "Look again."}
    past = act(row, "ask-correction", **wanted, due_on="2020-01-01")
    assert (past.status_code, past.json()["code"]) == (422, "bad-due-day")
    assert act(row, "ask-correction", **wanted, due_on=day.isoformat()).json()["due_on"] == day.isoformat()


@pytest.mark.django_db(transaction=True)
def test_a_result_is_taken_out_and_taken_back(system, act, case):
    row = case()
    none = system(f"{row.reference}/result")
    assert (none.status_code, none.json()["code"]) == (409, "no-result")
    assert "revoke" not in act(row, "take-up").json()["actions"]
    assert "revoke" in act(row, "grant", given={"make": "TOYOTA"}).json()["actions"]
    assert system(f"{row.reference}/result").content.startswith(b"%PDF-")
    assert act(row, "revoke").json()["code"] == "words-needed"
    assert "revoke" not in act(row, "revoke", words="Wrong vehicle.").json()["actions"]
    again = act(row, "revoke", words="Wrong vehicle.")
    assert (again.status_code, again.json()["code"]) == (409, "no-result")


def test_evidence_that_was_revoked_since_is_read_as_such(system, case, broker):
    row = case(evidence=[presentation()])
    assert system(row.reference).json()["evidence"][0]["verdict"] == "good"
    broker.now["residence"] = Verdict.REVOKED
    assert system(row.reference).json()["evidence"][0]["verdict"] == "revoked"


def test_the_list_narrows_down_to_ones_own_work(system, case, officer):
    row, _other = case(), case(subject="b" * 43)
    mine = working.take_up(case=row, officer=officer("second"), changed=row.changed)
    assert system("?whose=mine").json()["cases"] == []
    nobody = system("?whose=nobody").json()["cases"]
    assert mine.reference not in [each["reference"] for each in nobody]
    assert len(nobody) == 1
