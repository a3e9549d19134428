"""“My data”: a person decides kind by kind, sees their own and nobody else's, and takes it back."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.dataflow.pages.conftest import PEARL, browser_of, person_signed_in
from kouan.apps.dataflow import clearing, consents, receipts, records, register
from kouan.apps.dataflow.models import ConsentRequest, Contract, DataConsent, Record
from kouan.apps.dataflow.payloads import RecordRead, RecordsErased
from kouan.apps.dataflow.queries.mine import LATEST
from kouan.apps.identity.domain import Level
from kouan.core.exchange.models import OutboxMessage

pytestmark = pytest.mark.django_db

PAGES = ("", "readers/", "erasure", "export.json", "export.zip")


def request_of(row):
    return f"/my-data/requests/{row.key}"


def seen(row):
    """Which terms a request's page shows now."""
    return bytes(Contract.objects.get(contract=row.contract, state="signed").digest).hex()


def answer_to(row, answer, elements=()):
    """The form of a request's page, filled in."""
    return {"terms": seen(row), "answer": answer, "elements": list(elements)}


def consent_at(row, action=""):
    return f"/my-data/consents/{row.key}/{action}"


@pytest.fixture
def read_there(arrived):
    def make(record, reader="Loans department", purpose="dpv:CreditChecking"):
        said = RecordRead(
            use=uuid.uuid4().bytes,
            record=record.message_id.bytes,
            reader=reader,
            purpose=purpose,
            at=int(timezone.now().timestamp()),
        )
        records.read_there(message=arrived(said))

    return make


# Who is asked


def test_who_is_not_signed_in_is_sent_to_sign_in(node, signed, asked):
    row = asked(signed())
    for path in (*(f"/my-data/{page}" for page in PAGES), request_of(row)):
        answer = Client().get(path)
        assert answer.status_code == 302
        assert answer.url.startswith("/identity/enter?next=%2Fmy-data%2F")


def test_a_request_says_who_asks_for_whom_and_what_and_ticks_nothing(me, signed, asked):
    text = me.get(request_of(asked(signed()))).content.decode()
    for said in (
        "Harbour Bank", "Pearl River Bank", "Guangdong", "Checking creditworthiness", "180 days",
        "Pearl River Credit", "A person&#39;s name", "A person&#39;s credit", "Sensitive",
    ):  # fmt: skip
        assert said in text
    assert "checked" not in text
    assert "customer 7" not in text
    assert "A123456" not in text


def test_what_is_ticked_is_agreed_to_and_nothing_else(me, signed, asked):
    row = asked(signed())
    answer = me.post(
        request_of(row),
        {
            "terms": seen(row),
            "answer": "agree",
            "elements": ["person.name", "person.credit", "person.health"],
        },
    )
    consent = DataConsent.objects.get()
    assert answer.url == consent_at(consent)
    assert consent.elements == ["person.credit", "person.name"]
    assert consent.separate == ["person.credit"]
    assert consent.level == 3
    assert OutboxMessage.objects.filter(type="dataflow.consent").count() == 1
    text = me.get(answer.url).content.decode()
    assert "You agreed" in text
    assert "Nothing has crossed under it" in text
    assert me.get(request_of(row)).status_code == 404


def test_agreeing_to_nothing_asks_again_and_refusing_ends_it(me, signed, asked):
    row = asked(signed())
    again = me.post(request_of(row), answer_to(row, "agree"))
    assert again.status_code == 422
    assert "Tick at least one" in again.content.decode()
    assert me.post(request_of(row), answer_to(row, "refuse", ["person.name"])).url == "/my-data/"
    row.refresh_from_db()
    assert row.answered_at is not None
    assert not DataConsent.objects.exists()


@pytest.mark.parametrize("answer", ["agree", "refuse"])
def test_an_answer_to_terms_that_have_changed_shows_the_new_ones_first(me, signed, asked, answer):
    first = signed()
    row = asked(first)
    before = seen(row)
    assert f'name="terms" value="{before}"' in me.get(request_of(row)).content.decode()
    contract = str(first.contract)
    signed(contract=contract, version=2, replaces=before, retention_days=365)
    said = {"answer": answer, "elements": ["person.name"]}
    for terms in ({"terms": before}, {}):
        again = me.post(request_of(row), said | terms)
        assert again.status_code == 409
        text = again.content.decode()
        for shown in ("The contract has changed", "365 days", f'value="{seen(row)}"'):
            assert shown in text
        assert "checked" not in text
    row.refresh_from_db()
    assert (row.answered_at, DataConsent.objects.count()) == (None, 0)
    assert me.post(request_of(row), said | {"terms": seen(row)}).status_code == 302
    assert DataConsent.objects.count() == (answer == "agree")


def test_terms_that_change_while_the_answer_is_taken_are_not_agreed_to(me, signed, asked, monkeypatch):
    first = signed()
    row = asked(first)
    before = seen(row)
    give = consents.give

    def changed_meanwhile(**answer):
        signed(contract=str(first.contract), version=2, replaces=before, retention_days=365)
        return give(**answer)

    monkeypatch.setattr(consents, "give", changed_meanwhile)
    again = me.post(request_of(row), {"terms": before, "answer": "agree", "elements": ["person.name"]})
    assert again.status_code == 409
    assert "365 days" in again.content.decode()
    assert not DataConsent.objects.exists()


def test_a_request_to_somebody_else_is_not_shown(signed, asked):
    row = asked(signed())
    other = browser_of(person_signed_in(subject="ho", number="B765432(1)"))
    for answer in (
        other.get(request_of(row)),
        other.post(request_of(row), answer_to(row, "agree")),
    ):
        assert answer.status_code == 403
        assert "Harbour" not in answer.content.decode()
    assert ConsentRequest.objects.get().answered_at is None


def test_a_request_that_is_over_is_not_shown(me, signed, asked):
    row = asked(signed())
    ConsentRequest.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert me.get(request_of(row)).status_code == 404
    assert me.get(f"/my-data/requests/{uuid.uuid4()}").status_code == 404


def test_sensitive_data_needs_a_surer_sign_in(signed, asked):
    row = asked(signed())
    me = browser_of(person_signed_in(Level.BASIC if hasattr(Level, "BASIC") else Level(2)))
    text = me.get(request_of(row)).content.decode()
    assert "Sensitive data needs level 3" in text
    assert "level=3" in text
    refused = me.post(request_of(row), answer_to(row, "agree", ["person.credit"]))
    assert refused.status_code == 403
    assert "level 3 – Substantial is needed" in refused.content.decode()
    row.refresh_from_db()
    assert row.answered_at is None
    assert me.post(request_of(row), answer_to(row, "agree", ["person.name"])).status_code == 302
    assert DataConsent.objects.get().elements == ["person.name"]


# What they agreed to


def test_the_receipt_is_handed_out_as_signed_and_to_read(me, signed, given):
    consent = given(signed())
    answer = me.get(consent_at(consent, "receipt"))
    said = receipts.read(answer.content, side="hk", at=consent.given_at)
    assert said["record_id"] == str(consent.key)
    assert json.loads(me.get(consent_at(consent, "receipt.json")).content) == said
    assert "no-store" in answer["Cache-Control"]


def test_the_version_that_was_agreed_to_is_shown(me, signed, given):
    first = signed()
    consent = given(first)
    later = {"contract": str(first.contract), "version": 2, "replaces": bytes(first.digest).hex()}
    signed(**later, retention_days=365)
    text = me.get(consent_at(consent)).content.decode()
    assert "180 days, then erased" in text
    assert "365 days" not in text


def test_what_crossed_under_an_old_consent_is_shown_however_much_has_crossed_since(me, signed, given, sent):
    contract = signed()
    old, new = given(contract), given(contract)
    sent(contract, old)
    Record.objects.bulk_create(
        Record(
            message_id=uuid.uuid4(), outgoing=True, contract=contract.contract, digest=contract.digest,
            consent=new, purpose="dpv:CreditChecking", elements=["person.name"], at=timezone.now(),
            erase_on=contract.expires,
        )
        for _ in range(LATEST)
    )  # fmt: skip
    assert "Nothing has crossed under it" not in me.get(consent_at(old)).content.decode()


def test_nobody_sees_the_consent_of_another(signed, given, sent):
    contract = signed()
    consent = given(contract)
    sent(contract, consent)
    other = browser_of(person_signed_in(subject="ho", number="B765432(1)"))
    for action in ("", "receipt", "receipt.json", "withdraw"):
        assert other.get(consent_at(consent, action)).status_code == 404
    assert other.post(consent_at(consent, "withdraw")).status_code == 404
    consent.refresh_from_db()
    assert consent.withdrawn_at is None
    for page in PAGES[:-1]:
        assert "Harbour" not in other.get(f"/my-data/{page}").content.decode()
    assert json.loads(other.get("/my-data/export.json").content)["consents"] == []


def test_an_officer_is_nobody_here(chan, signed, given):
    consent = given(signed())
    assert chan.get(consent_at(consent)).status_code == 302


def test_withdrawing_asks_first_and_then_stops_what_waits(me, signed, given, sent):
    contract = signed()
    consent = given(contract)
    record = sent(contract, consent)
    assert "Withdraw your consent?" in me.get(consent_at(consent, "withdraw")).content.decode()
    consent.refresh_from_db()
    assert consent.withdrawn_at is None
    text = me.post(consent_at(consent, "withdraw"), follow=True).content.decode()
    assert "Your consent is withdrawn" in text
    waited = OutboxMessage.objects.get(message_id=record.message_id)
    assert (waited.state, waited.code, waited.body) == ("cancelled", "consent-withdrawn", b"")
    assert OutboxMessage.objects.filter(type="dataflow.consent-withdrawn").count() == 1
    assert "withdrawn on" in me.get("/my-data/").content.decode()
    assert me.post(consent_at(consent, "withdraw")).status_code == 302
    assert OutboxMessage.objects.filter(type="dataflow.consent-withdrawn").count() == 1


def test_nothing_is_answered_or_withdrawn_without_the_token_of_the_form(signed, asked, given):
    contract = signed()
    consent, row = given(contract), asked(contract)
    me = browser_of(person_signed_in())
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = me.cookies
    assert strict.post(consent_at(consent, "withdraw")).status_code == 403
    assert strict.post(request_of(row), answer_to(row, "agree", ["person.name"])).status_code == 403
    consent.refresh_from_db()
    assert consent.withdrawn_at is None


# Who has read it


def test_who_has_read_it_when_and_for_what(me, signed, given, sent, read_there):
    contract = signed()
    record = sent(contract, given(contract))
    assert "Nobody has read it yet" in me.get("/my-data/readers/").content.decode()
    read_there(record)
    text = me.get("/my-data/readers/").content.decode()
    assert "Loans department read it, for: Checking creditworthiness" in text
    assert "It crossed from Harbour Bank to Pearl River Bank" in text
    assert "LEE Ka Yan" not in text


def test_what_lies_elsewhere_is_not_said_not_to_be(me):
    text = me.get("/my-data/readers/").content.decode()
    assert "Nothing about you has crossed under a contract" in text
    assert 'href="/applications/who-has-read/"' in text


def test_a_reader_is_never_mark_up(me, signed, given, sent, read_there):
    contract = signed()
    read_there(sent(contract, given(contract)), reader="<script>alert(1)</script>")
    assert "<script>alert" not in me.get("/my-data/readers/").content.decode()


def test_what_was_erased_there_is_gone_here_too(me, signed, given, sent, arrived):
    contract = signed()
    record = sent(contract, given(contract))
    OutboxMessage.objects.filter(message_id=record.message_id).update(state="handled")
    assert OutboxMessage.objects.get(message_id=record.message_id).body
    said = RecordsErased(
        records=[record.message_id.bytes], because="asked", at=int(timezone.now().timestamp())
    )
    clearing.erased_there(message=arrived(said))
    assert not OutboxMessage.objects.get(message_id=record.message_id).body
    text = me.get("/my-data/readers/").content.decode()
    assert "Pearl River Bank erased it, because you asked" in text


def test_the_erasure_page_says_how(me, signed, given):
    consent = given(signed())
    text = me.get("/my-data/erasure").content.decode()
    assert consent_at(consent, "withdraw") in text
    assert "Then the other side decides by its own law" in text


# Everything, to take along


def test_law_contract_and_onward_transfer_stand_with_each_consent_and_each_reading(
    me, signed, given, sent, read_there
):
    contract = signed()
    consent = given(contract)
    read_there(sent(contract, consent))
    alone = signed(onward=[], importer=PEARL | {"code": "pearl-lender"})
    sent(alone, given(alone))
    number = str(contract.contract)
    for page in ("", "readers/", f"consents/{consent.key}/"):
        text = me.get(f"/my-data/{page}").content.decode()
        for said in (number, "Standard Contract", "Pearl River Credit (Guangzhou, Guangdong)"):
            assert said in text, (page, said)
    assert me.get("/my-data/").content.decode().count("nobody") == 1
    whole = me.get("/my-data/export.json").json()
    one = {each["consent"]: each["contract"] for each in whole["consents"]}[str(consent.key)]
    assert (one["number"], one["legal_basis"], one["onward_transfer_allowed"]) == (
        number, "gba-standard-contract", True,
    )  # fmt: skip
    assert one["may_be_handed_on_to"] == [{"name": "Pearl River Credit", "place": "gd:guangzhou"}]
    told = {each["contract"]: each["onward_transfer_allowed"] for each in whole["records"]}
    assert told == {number: True, str(alone.contract): False}


def test_a_later_version_shows_where_data_crossed_under_it(me, signed, given, sent, read_there):
    first = signed()
    consent = given(first)
    second = signed(
        contract=str(first.contract),
        version=2,
        replaces=bytes(first.digest).hex(),
        retention_days=90,
        onward=[],
    )
    read_there(sent(second, consent))
    text = me.get("/my-data/readers/").content.decode()
    assert f"contract {first.contract}, version 2" in text
    assert "nobody" in text
    (record,) = me.get("/my-data/export.json").json()["records"]
    assert (record["contract_version"], record["onward_transfer_allowed"]) == (2, False)


def test_the_export_has_all_of_it_and_no_value(me, signed, given, sent, read_there):
    contract = signed()
    consent = given(contract)
    record = sent(contract, consent)
    read_there(record)
    whole = json.loads(me.get("/my-data/export.json").content)
    assert [each["consent"] for each in whole["consents"]] == [str(consent.key)]
    assert whole["consents"][0]["receipt"]["record_id"] == str(consent.key)
    assert whole["consents"][0]["contract"]["digest"] == bytes(contract.digest).hex()
    (crossed,) = whole["records"]
    assert crossed["elements"] == ["person.name", "person.credit"]
    assert crossed["read"][0]["reader"] == "Loans department"
    archive = zipfile.ZipFile(io.BytesIO(me.get("/my-data/export.zip").content))
    assert json.loads(archive.read("my-data.json"))["records"] == whole["records"]
    signed_receipt = archive.read(f"receipts/{consent.key}.cose")
    assert receipts.read(signed_receipt, side="hk", at=consent.given_at)["record_id"] == str(consent.key)
    for data in (json.dumps(whole, ensure_ascii=False), archive.read("my-data.json").decode()):
        for value in ("LEE Ka Yan", "A123456", "customer 7"):
            assert value not in data
    assert Record.objects.count() == 1


def test_my_identity_leads_here(me):
    assert 'href="/my-data/"' in me.get("/identity/").content.decode()


@pytest.mark.parametrize(("language", "words"), [("zh-hant", "海港銀行"), ("zh-hans", "海港银行")])
def test_a_request_in_chinese(me, signed, asked, language, words):
    me.cookies["kouan_language"] = language
    text = me.get(request_of(asked(signed()))).content.decode()
    assert words in text
    assert "Tick what may be sent" not in text


# What became of the contract


@pytest.mark.parametrize("gone", [False, True])
def test_a_consent_can_be_taken_back_whatever_became_of_its_version(signed, given, gone):
    """Its answer may turn out lost, and another text take its place: the person's word is theirs."""
    session = person_signed_in()
    consent = given(signed(), session=session)
    Contract.objects.update(state="proposed", signed_here=None)
    if gone:
        register.terms_with.cache_clear()
        Contract.objects.all().delete()
    browser = browser_of(session)
    assert str(consent.contract) in browser.get("/my-data/").content.decode()
    assert browser.get(consent_at(consent, "withdraw")).status_code == 200
    assert browser.post(consent_at(consent, "withdraw")).status_code == 302
    consent.refresh_from_db()
    assert consent.withdrawn_at is not None
