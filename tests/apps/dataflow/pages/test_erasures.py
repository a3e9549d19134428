"""Asking to have something erased, and answering it; policies to take away; notices among one's consents."""

from __future__ import annotations

import json
import uuid
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from apps.dataflow.pages.conftest import HARBOUR, PEARL, browser_of, officer, person_signed_in, the_person
from apps.dataflow.sending import send_record
from kouan.apps.dataflow import contracts, erasing, notices, odrl
from kouan.apps.dataflow.models import Contract, DataConsent, ErasureRequest, Record
from kouan.core.exchange import Undelivered

pytestmark = pytest.mark.django_db

GROUND = {
    "instrument": "Cap. 999, section 1", "number": "7", "issued_on": "2026-01-01", "valid_until": None,
}  # fmt: skip


@pytest.fixture
def consent(signed, given, sent):
    contract = signed()
    made = given(contract)
    sent(contract, made)
    return made


def at(row, action=""):
    return f"/my-data/consents/{row.key}/{action}"


def test_a_person_asks_once_and_sees_what_comes_of_it(me, consent):
    assert at(consent, "erase") in me.get("/my-data/erasure").content.decode()
    text = me.get(at(consent, "erase")).content.decode()
    assert "What stays on both are fingerprints" in text
    answer = me.post(at(consent, "erase"))
    assert (answer.status_code, answer.url) == (302, "/my-data/erasure")
    text = me.get("/my-data/erasure").content.decode()
    assert "Waits for an answer" in text
    again = me.post(at(consent, "erase"))
    assert again.status_code == 409
    assert "You have asked for this already" in again.content.decode()
    assert 'href="#ask"' in again.content.decode()
    assert 'id="ask"' in again.content.decode()
    assert ErasureRequest.objects.count() == 1


def test_an_answer_stands_with_its_law_and_its_receipt(me, consent, node):
    me.post(at(consent, "erase"))
    request = ErasureRequest.objects.get()
    receipt = f"/my-data/erasure/{request.key}/receipt"
    assert me.get(receipt).status_code == 404  # there is none yet
    request.state, request.reason, request.answered_at = "refused", "keeping-term", timezone.now()
    from kouan.apps.dataflow import erasure_receipts  # noqa: PLC0415 - of this test alone

    request.receipt = erasure_receipts.sign(request, erasing.rules_here(contracts.today()), [])
    request.save()
    text = me.get("/my-data/erasure").content.decode()
    assert "that time is not over (PIPL article 47)" in text
    assert receipt in text
    assert me.get(receipt).content == bytes(request.receipt)
    assert me.get(f"{receipt}.json").json()["outcome"] == "refused"
    (told,) = me.get("/my-data/export.json").json()["erasures"]
    assert (told["request"], told["state"], told["reason"]) == (str(request.key), "refused", "keeping-term")
    other = browser_of(person_signed_in(subject="other", number="B999999(9)"))
    assert other.get("/my-data/export.json").json()["erasures"] == []
    assert other.get(receipt).status_code == 404
    assert other.get(at(consent, "erase")).status_code == 404
    assert other.post(at(consent, "erase")).status_code == 404


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("no-such-consent", "The side that has the data knows no consent or notice with this number."),
        ("no-right-to-erasure", "The law of the side that has the data gives nobody a right"),
        ("erasure-already-asked", "An earlier request about the same data still waits"),
    ],
)
def test_a_request_that_could_not_be_taken_says_why_and_may_be_made_again(me, consent, code, said):
    answer = me.post(at(consent, "erase"), follow=True).content.decode()
    assert "Your request goes to the other side." in answer
    request = ErasureRequest.objects.get()
    news = Undelivered(id=request.message_id, receiver="gd", conversation=consent.key, code=code)
    erasing.not_delivered(news)
    text = unescape(me.get("/my-data/erasure").content.decode())
    assert "The other side could not take it" in text
    assert said in text
    assert at(consent, "erase") in text
    assert me.post(at(consent, "erase")).status_code == 302
    assert ErasureRequest.objects.filter(state="asked").count() == 1


def test_who_is_not_signed_in_asks_nothing(node, consent):
    answer = Client().post(at(consent, "erase"))
    assert answer.status_code == 302
    assert not ErasureRequest.objects.exists()


@pytest.fixture
def waits(signed, arrived):
    """A request of somebody of the other side about a record that is here."""
    contract = signed(exporter=PEARL, importer=HARBOUR)
    held = DataConsent.objects.create(
        contract=contract.contract, peer="gd", subject="g" * 43, elements=["person.name"],
        purposes=["dpv:CreditChecking"], level=3, given_at=timezone.now(), expires_at=timezone.now(),
        receipt=b"x",
    )  # fmt: skip
    Record.objects.create(
        message_id=uuid.uuid4(), outgoing=False, contract=contract.contract, digest=contract.digest,
        consent=held, purpose="dpv:CreditChecking", elements=["person.name"], content=b"sealed",
        at=timezone.now(), erase_on=contracts.today(),
    )  # fmt: skip
    return ErasureRequest.objects.create(
        consent=held, asked_at=timezone.now(), due_on=contracts.today(), state="asked"
    )


def page_of(row):
    return f"/data-contracts/erasures/{row.key}/"


def test_an_officer_erases_it(chan, waits):
    assert "Requests to erase: 1 waits" in chan.get("/data-contracts/").content.decode()
    assert page_of(waits) in chan.get("/data-contracts/erasures/").content.decode()
    text = chan.get(page_of(waits)).content.decode()
    assert "PDPO, section 26" in text
    assert "Refuse: A law forbids erasing it (PDPO, section 26(1)(a))" in text
    answer = chan.post(page_of(waits), {"outcome": "erase", "words": "Gone."}, follow=True)
    assert "1 record is erased." in answer.content.decode()
    assert not Record.objects.filter(content__isnull=False).exists()
    assert chan.get(page_of(waits)).status_code == 404


def test_an_officer_refuses_for_a_reason_of_the_law_alone(chan, waits):
    for outcome in ("", "keeping-term"):
        answer = chan.post(page_of(waits), {"outcome": outcome})
        assert answer.status_code == 422
        assert 'href="#id_outcome' in answer.content.decode()
    assert Record.objects.filter(content__isnull=False).exists()
    chan.post(page_of(waits), {"outcome": "public-interest"})
    waits.refresh_from_db()
    assert (waits.state, waits.reason) == ("refused", "public-interest")
    assert "PDPO, section 26(1)(b)" in chan.get("/data-contracts/erasures/").content.decode()


def test_others_do_not_answer(auditor, waits):
    assert auditor.get("/data-contracts/erasures/").status_code == 403
    assert auditor.post(page_of(waits), {"outcome": "erase"}).status_code == 403
    Contract.objects.update(department="hk-hkma")
    assert officer("operator", name="ng").get(page_of(waits)).status_code == 403


def test_nobody_has_asked(chan):
    assert "Nobody has asked" in chan.get("/data-contracts/erasures/").content.decode()


# Policies and notices


def test_a_contract_and_a_consent_are_taken_away_as_policies(chan, me, consent):
    row = Contract.objects.get()
    answer = chan.get(f"/data-contracts/{bytes(row.digest).hex()}/contract.jsonld")
    assert answer["Content-Type"] == "application/ld+json"
    assert odrl.to_terms(answer.content) == contracts.terms_of(row)
    assert json.loads(answer.content)["type"] == "Agreement"
    mine = me.get(at(consent, "policy.jsonld"))
    assert mine.json()["uid"] == f"urn:kouan:consent:{consent.key}"
    other = browser_of(person_signed_in(subject="other", number="B999999(9)"))
    assert other.get(at(consent, "policy.jsonld")).status_code == 404


@pytest.mark.parametrize("language", ["en", "zh-hant", "zh-hans"])
def test_a_notice_stands_among_the_consents_and_cannot_be_withdrawn(signed, language):
    contract = signed(basis="legal-obligation", ground=GROUND, onward=[])
    notice = notices.inform(
        contract=contract, terms=contracts.terms_of(contract), document_number="A123456(3)",
        elements=["person.name"], purposes=["dpv:CreditChecking"],
    )  # fmt: skip
    session = person_signed_in()
    me = browser_of(session)
    me.cookies["kouan_language"] = language
    text = me.get("/my-data/").content.decode()
    assert "Cap. 999, section 1" in text
    assert at(notice, "withdraw") not in text
    assert me.get(at(notice, "withdraw")).status_code == 404
    assert me.post(at(notice, "withdraw")).status_code == 404
    shown = me.get(at(notice)).content.decode()
    assert {"en": "without your consent", "zh-hant": "無須你同意", "zh-hans": "无须您同意"}[language] in shown
    values = {"person.name": "LEE Ka Yan"}
    send_record(contract=contract, consent=notice, purpose="dpv:CreditChecking", values=values)
    assert at(notice, "erase") in me.get("/my-data/erasure").content.decode()
    asked = erasing.ask(key=notice.key, persons=notices.names_of(the_person(session)))
    assert asked.state == "asked"


def test_the_ground_is_asked_in_the_guided_form_and_shown_with_the_terms(chan, signed):
    row = signed(basis="legal-obligation", ground=GROUND)
    text = chan.get(f"/data-contracts/{bytes(row.digest).hex()}/").content.decode()
    assert "Cap. 999, section 1" in text
    key = bytes(row.digest).hex()
    chan.post(f"/data-contracts/{key}/change")
    asked = chan.get("/data-contracts/draft/assessment").content.decode()
    assert "What the contract rests on" in asked
    answer = chan.post("/data-contracts/draft/assessment", {"ground_number": "7", "made_on": "2026-01-01"})
    assert answer.status_code == 422
    assert 'href="#id_ground_instrument"' in answer.content.decode()
