"""Officers of departments look after their own contracts; the whole side's officers and auditors see all."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from apps.dataflow.pages.conftest import officer, terms_with
from kouan.apps.dataflow import contracts
from kouan.apps.dataflow.errors import ScopeDrift
from kouan.apps.dataflow.models import Contract, Decision
from kouan.apps.staff import services as staff
from kouan.core.exchange import sealing
from kouan.core.text import Localised

pytestmark = pytest.mark.django_db


@pytest.fixture
def department():
    def make(code):
        return staff.add_department(code=code, name=Localised(f"{code} office", "辦公室", "办公室"))

    return make


@pytest.fixture
def officer_in(node, department):
    """The browser of a data officer of a department."""

    def make(code, *more):
        user = User.objects.create_user(f"officer-{code}")
        staff.grant_post(user=user, department=department(code), role="data", by="tests")
        for role in more:
            staff.grant_post(user=user, department=department(f"{role}s"), role=role, by="tests")
        client = Client()
        client.force_login(user)
        return client

    return make


def page(row, action=""):
    return f"/data-contracts/{bytes(row.digest).hex()}/{action}"


def test_a_departments_contract_is_its_own(gd, officer_in, chan, auditor):
    row = contracts.draft(terms_with(), department="finance")
    finance, health = officer_in("finance"), officer_in("health")
    assert finance.get(page(row)).status_code == 200
    assert "Harbour Bank" in finance.get("/data-contracts/").content.decode()
    assert "Harbour Bank" not in health.get("/data-contracts/").content.decode()
    for action in ("", "sign", "contract.pdf", "pack", "pack.zip"):
        assert health.get(page(row, action)).status_code == 404, action
    assert health.post(page(row, "sign")).status_code == 404
    assert health.post(page(row, "change")).status_code == 404
    assert chan.get(page(row, "sign")).status_code == 200
    assert auditor.get(page(row)).status_code == 200
    row.refresh_from_db()
    assert (row.state, row.signed_here) == ("draft", None)


def test_what_arrives_is_everybodys_until_one_signs(gd, proposed, officer_in):
    row = proposed()
    finance, health = officer_in("finance"), officer_in("health")
    assert health.get(page(row)).status_code == 200
    assert finance.post(page(row, "sign")).status_code == 302
    row.refresh_from_db()
    assert row.department == "finance"
    assert health.get(page(row)).status_code == 404


def test_a_later_version_stays_with_the_department(gd, signed, proposed, officer_in):
    first = signed()
    Contract.objects.update(department="finance")
    said = contracts.terms_of(first)
    later = terms_with(contract=said.contract, version=2, replaces=bytes(first.digest).hex())
    assert contracts.draft(later, department="health").department == "finance"
    Contract.objects.filter(version=2).delete()
    arrived = proposed(contract=said.contract, version=2, replaces=bytes(first.digest).hex(), persons=9)
    assert arrived.department == "finance"


def test_an_auditor_who_is_an_officer_too_sees_all_and_acts_for_the_own_department(gd, officer_in):
    row = contracts.draft(terms_with(), department="finance")
    both = officer_in("health", "auditor")
    text = both.get(page(row)).content.decode()
    assert "Contract as PDF" in text
    assert page(row, "sign") not in text
    assert both.post(page(row, "sign")).status_code == 404


@pytest.fixture
def denied(signed, given, sent):
    contract = signed()
    with pytest.raises(ScopeDrift):
        sent(contract, given(contract), person__health="well")


def test_what_was_denied_is_shown_to_whose_contract_it_is(denied, officer_in, auditor):
    Contract.objects.update(department="finance")
    decision = Decision.objects.get()
    finance, health = officer_in("finance"), officer_in("health")
    for browser, seen in ((finance, True), (auditor, True), (health, False)):
        assert ("contract scope elements" in browser.get("/data-flows/denied/").content.decode()) is seen
        assert ("Harbour Bank" in browser.get("/data-flows/").content.decode()) is seen
        status = browser.get(f"/data-flows/decisions/{decision.pk}/").status_code
        assert status == (200 if seen else 404)


def test_an_officer_of_the_whole_side_sees_every_departments(gd, chan):
    row = contracts.draft(terms_with(), department="finance")
    assert "Harbour Bank" in chan.get("/data-contracts/").content.decode()
    assert chan.get(page(row)).status_code == 200
    assert officer("operator", name="lee").get(page(row)).status_code == 403


def test_a_department_has_its_contracts_on_the_register_and_no_agreement(gd, officer_in, chan, signed, given):
    given(signed())
    while (batch := sealing.seal_batch("gd")) is not None:
        gd.answer(batch)
    Contract.objects.update(department="finance")

    def rests(browser):
        rows = browser.get("/data-flows/register.json").json()["register"]
        return sorted(row["rests_on"] for row in rows)

    assert rests(officer_in("finance")) == ["contract"]
    assert rests(officer_in("health")) == []
    assert rests(chan) == ["agreement", "contract"]
