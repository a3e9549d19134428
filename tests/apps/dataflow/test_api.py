"""What an institution's own system asks of its node, and that it gets nothing of another's."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from apps.dataflow.guangdong import values_of
from apps.dataflow.made import OTHER, PURPOSE, VALUES
from apps.dataflow.systems import System, problem
from apps.dataflow.test_consents import theirs  # noqa: F401 - a fixture
from kouan.apps.dataflow import access, api, consents
from kouan.apps.dataflow.models import ConsentRequest, Contract, Decision, InstitutionAccess, Record, SentOnce
from kouan.core.exchange.models import OutboxMessage
from kouan.sections.dataflow import DataFlowSettings


def test_a_system_that_asks_too_often_waits_and_others_do_not(system, settings):
    settings.NODE = replace(settings.NODE, dataflow=DataFlowSettings(token_per_minute=12))
    api.LIMIT._left.clear()
    busy, calm = system(), system()
    answers = [busy.get("/records") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[-1]["Retry-After"]) <= 5
    assert problem(answers[-1], 429, "too-many-tries")["params"]["seconds"]
    assert calm.get("/records").status_code == 200
    api.LIMIT._left.clear()


def request(made, **changes):
    return {
        "contract": str(made.contract), "customer": "customer 1", "document_number": "A1234563",
        "elements": sorted(VALUES), "purposes": [PURPOSE],
    } | changes  # fmt: skip


# Asking for consent


def test_a_customer_is_asked_and_answers(signed, bank, given, gd):
    made = signed()
    response = bank.post("/consent-requests", request(made))
    assert response.status_code == 201
    asked = response.json()
    assert asked["state"] == "open"
    assert asked["url"] == f"http://127.0.0.1:18100/my-data/requests/{asked['id']}"
    assert "1234563" not in response.content.decode()

    consent = given(made, request=ConsentRequest.objects.get(), ticked=["person.name"])
    told = bank.get(f"/consent-requests/{asked['id']}").json()
    assert (told["state"], told["consent"]["id"]) == ("given", str(consent.key))
    assert told["consent"]["elements"] == ["person.name"]
    consents.withdraw(key=consent.key, person=consent.person)
    told = bank.get(f"/consent-requests/{asked['id']}").json()
    assert told["state"] == "withdrawn"
    assert told["consent"]["withdrawn_at"]


def test_the_kind_of_document_may_be_named(signed, bank):
    made = signed()
    named = request(made, document_number="H12345678", document_type="home-return-permit")
    assert bank.post("/consent-requests", named).status_code == 201
    wrong = bank.post("/consent-requests", request(made, document_type="home-return-permit"))
    problem(wrong, 422, "document-number-form")
    problem(
        bank.post("/consent-requests", request(made, document_type="library-card")), 404, "unknown-document"
    )


def test_nobody_is_asked_or_told_under_a_contract_whose_term_is_over(signed, bank, today):
    made = signed()
    Contract.objects.update(expires=today - timedelta(days=1))
    asked = request(made)
    told = problem(bank.post("/consent-requests", asked), 403, "outside-term")
    assert told["params"]["clause"] == "contract term"
    del asked["customer"]
    problem(bank.post("/notices", asked), 403, "outside-term")
    assert not ConsentRequest.objects.exists()
    Contract.objects.update(effective=today + timedelta(days=1), expires=today + timedelta(days=2))
    assert bank.post("/consent-requests", request(made)).status_code == 201


def test_a_customer_who_refuses_and_one_who_does_not_answer(signed, bank, given):
    made = signed()
    key = bank.post("/consent-requests", request(made)).json()["id"]
    ConsentRequest.objects.update(expires_at=timezone.now())
    assert bank.get(f"/consent-requests/{key}").json()["state"] == "expired"
    key = bank.post("/consent-requests", request(made)).json()["id"]
    given(made, request=ConsentRequest.objects.get(key=key), ticked=[])
    assert bank.get(f"/consent-requests/{key}").json()["state"] == "refused"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"elements": ["person.health"]}, 403, "scope-drift"),
        ({"purposes": [OTHER]}, 403, "other-purpose"),
        ({"contract": str(uuid.uuid4())}, 404, "unknown-contract"),
        ({"document_number": "(-)"}, 422, "no-document-number"),
        ({"elements": []}, 422, "invalid-request"),
        ({"elements": ["person.shoe-size"]}, 422, "invalid-request"),
        ({"customer": ""}, 422, "invalid-request"),
        ({"purposes": ["to sell things"]}, 422, "invalid-request"),
        ({"more": 1}, 422, "invalid-request"),
    ],
)
def test_a_request_that_may_not_be_made(signed, bank, changes, status, code):
    response = bank.post("/consent-requests", request(signed(), **changes))
    problem(response, status, code)
    assert "A1234563" not in response.content.decode()
    assert not ConsentRequest.objects.exists()


# Sending


def test_a_record_is_sent_once_however_often_it_is_asked(bank, record, gd):
    gd.hear()
    first = bank.post("/records", record, Idempotency_Key="loan 7")
    again = bank.post("/records", record, Idempotency_Key="loan 7")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert first.json()["state"] == "waiting"
    assert Record.objects.count() == 1
    assert [kind for kind, _payload in gd.hear()] == ["dataflow.record"]
    told = bank.get(f"/records/{first.json()['id']}").json()
    assert (told["direction"], told["elements"], told["code"]) == (
        "sent", sorted([*VALUES, "person.pseudonym", "technical.outcome"]), None,
    )  # fmt: skip
    assert "CHAN Siu" not in json.dumps(told)


@pytest.mark.parametrize(
    "changes",
    [{"values": VALUES | {"person.credit": "C"}}, {"purpose": OTHER}, {"consent": str(uuid.uuid4())}],
)
def test_a_key_is_for_one_record(bank, record, changes):
    bank.post("/records", record, Idempotency_Key="loan 7")
    response = bank.post("/records", record | changes, Idempotency_Key="loan 7")
    problem(response, 422, "idempotency-key-reused")
    assert Record.objects.count() == 1


def test_the_same_key_of_another_institution_is_another_key(bank, record, system):
    bank.post("/records", record, Idempotency_Key="loan 7")
    problem(
        system("other-bank").post("/records", record, Idempotency_Key="loan 7"), 404, "unknown-data-consent"
    )


def test_without_a_key_nothing_is_sent(bank, record):
    problem(bank.post("/records", record), 400, "no-idempotency-key")
    problem(bank.post("/records", record, Idempotency_Key="é"), 400, "no-idempotency-key")
    assert not Record.objects.exists()


def test_what_may_not_cross_names_its_clause_and_uses_no_key_up(bank, record):
    more = record | {"values": VALUES | {"person.health": "well"}}
    told = problem(bank.post("/records", more, Idempotency_Key="loan 7"), 403, "scope-drift")
    assert told["params"]["clause"] == "contract scope elements"
    assert "well" not in json.dumps(told)
    assert not OutboxMessage.objects.filter(type="dataflow.record").exists()
    assert not SentOnce.objects.exists()
    assert [(row.allowed, row.code) for row in Decision.objects.all()] == [(False, "scope-drift")]
    assert bank.post("/records", record, Idempotency_Key="loan 7").status_code == 202


def test_after_a_withdrawal_it_is_refused_in_the_readers_language(bank, record, chan):
    consents.withdraw(key=uuid.UUID(record["consent"]), person=chan.key)
    response = bank.post("/records", record, Idempotency_Key="loan 7", Accept_Language="zh-Hant")
    told = problem(response, 403, "consent-withdrawn")
    assert told["params"]["clause"] == "consent"
    assert "撤回" in told["detail"]


@pytest.mark.parametrize(
    "changes",
    [
        {"values": {}},
        {"values": {"person.shoe-size": "42"}},
        {"values": {"person.name": 1}},
        {"values": {"person.name": "x" * (32 * 1024 + 1)}},
        {"purpose": "marketing"},
        {"consent": "1"},
        {"subject": "s" * 43},
    ],
)
def test_a_record_that_does_not_fit(bank, record, changes):
    problem(bank.post("/records", record | changes, Idempotency_Key="loan 7"), 422, "invalid-request")
    assert not Record.objects.exists()


def test_bytes_that_are_no_json(bank, record):
    for data in (b"", b"{", b"\xff", b"[" * 10_000):
        response = bank.post("/records", data, Idempotency_Key="loan 7")
        assert 400 <= response.status_code < 500
        assert response["Content-Type"] == "application/problem+json"


# Receiving and reading


@pytest.fixture
def arrived(gd, theirs):  # noqa: F811 - the fixture that is imported
    """A record that came from Guangdong for harbour-bank."""
    said = gd.consent(theirs)
    key = uuid.UUID(bytes=said["consent"])
    payload = {"subject": said["subject"], "purpose": PURPOSE, "values": values_of(VALUES)}
    ended = gd.post(
        gd.draft("dataflow.consent", said, conversation=key),
        gd.draft(
            "dataflow.record", payload, conversation=key, contract=theirs, consent=f"dataflow:{key}"
        ),
    )  # fmt: skip
    assert ended == [("handled", "")] * 2
    gd.hear()
    return Record.objects.get()


def test_what_came_is_listed_without_what_it_says_and_then_read(bank, arrived, gd):
    listed = bank.get("/records").json()["records"]
    assert [(row["id"], row["state"], row["uses"]) for row in listed] == [
        (str(arrived.message_id), "kept", [])
    ]
    assert "CHAN Siu" not in json.dumps(listed)
    assert bank.get(f"/records?after={listed[0]['position']}").json() == {"records": []}

    reading = {"reader": "Credit department", "purpose": PURPOSE}
    response = bank.post(f"/records/{arrived.message_id}/read", reading)
    assert response.status_code == 200
    assert {each["element"]: each["value"] for each in response.json()["values"]} == VALUES
    assert response["Cache-Control"] == "no-store"
    ((kind, payload),) = gd.hear()
    assert (kind, payload["reader"]) == ("dataflow.use", "Credit department")
    (use,) = bank.get(f"/records/{arrived.message_id}").json()["uses"]
    assert (use["reader"], use["purpose"]) == ("Credit department", PURPOSE)


def test_it_is_read_for_no_other_purpose_and_by_nobody_without_a_name(bank, arrived, gd):
    path = f"/records/{arrived.message_id}/read"
    problem(bank.post(path, {"reader": "Sales", "purpose": OTHER}), 403, "other-purpose")
    problem(bank.post(path, {"reader": "  ", "purpose": PURPOSE}), 422, "invalid-request")
    problem(bank.post(path, {"purpose": PURPOSE}), 422, "invalid-request")
    assert not gd.hear()


def test_once_erased_it_is_not_read(bank, arrived, gd):
    key = arrived.consent.key
    said = {"consent": key.bytes, "at": int(timezone.now().timestamp())}
    gd.say("dataflow.consent-withdrawn", said, conversation=key)
    told = bank.get(f"/records/{arrived.message_id}").json()
    assert (told["state"], told["code"]) == ("erased", "withdrawn")
    reading = {"reader": "Credit department", "purpose": PURPOSE}
    told = problem(bank.post(f"/records/{arrived.message_id}/read", reading), 410, "record-erased")
    assert told["params"]["because"] == "withdrawn"


# Who may


def test_nothing_of_it_is_another_institutions(signed, bank, record, arrived, system):
    other = system("other-bank")
    key = ConsentRequest.objects.get().key
    sent = bank.post("/records", record, Idempotency_Key="loan 7").json()["id"]
    assert other.get("/records").json() == {"records": []}
    problem(other.get(f"/consent-requests/{key}"), 404, "unknown-consent-request")
    for each in (sent, arrived.message_id, uuid.uuid4()):
        problem(other.get(f"/records/{each}"), 404, "unknown-record")
        reading = {"reader": "Sales", "purpose": PURPOSE}
        problem(other.post(f"/records/{each}/read", reading), 404, "unknown-record")
    problem(bank.post(f"/records/{sent}/read", {"reader": "x", "purpose": PURPOSE}), 404, "unknown-record")


def test_an_institution_of_the_same_code_on_the_other_side_is_another(arrived, system):
    """``pearl-river-bank`` exports from Guangdong; a token of that code here is nobody's."""
    assert system("pearl-river-bank").get("/records").json() == {"records": []}


def test_without_a_good_token_there_is_nothing(client, node, bank):
    gone = System(client, access.issue(institution="harbour-bank", name="old", life=timedelta(0)))
    revoked = System(client, access.issue(institution="harbour-bank", name="lost"))
    prefix = InstitutionAccess.objects.get(name="lost").prefix
    assert access.revoke(institution="other-bank", prefix=prefix) == 0
    assert access.revoke(institution="harbour-bank", prefix=prefix) == 1
    for each in (gone, revoked, System(client, "kouan_hk_flow_x")):
        problem(each.get("/records"), 401, "bad-token")
        problem(each.post("/records", {}), 401, "bad-token")
    problem(System(client, None).get("/records"), 401, "not-authenticated")
    assert bank.get("/records").status_code == 200
    assert InstitutionAccess.objects.get(name="core banking").last_used_at


def test_of_a_token_a_digest_alone_is_kept(node):
    token = access.issue(institution="harbour-bank", name="core banking")
    assert token not in repr(InstitutionAccess.objects.values().get())


# Notices


def test_a_person_is_told_and_their_record_leaves_on_the_law(signed, bank, system, today, gd):
    ground = {
        "instrument": "Cap. 999, section 1", "number": "", "issued_on": today.isoformat(),
        "valid_until": None,
    }  # fmt: skip
    made = signed(basis="official-duty", ground=ground)
    asked = request(made)
    del asked["customer"]
    response = bank.post("/notices", asked)
    assert response.status_code == 201
    again, first = bank.post("/notices", asked).json(), response.json()
    assert again | {"expires_at": None} == first | {"expires_at": None}
    assert datetime.fromisoformat(again["expires_at"]) == datetime.fromisoformat(first["expires_at"])
    assert "1234563" not in response.content.decode()
    sent = bank.post(
        "/records",
        {"consent": response.json()["id"], "purpose": PURPOSE, "values": VALUES},
        Idempotency_Key="1",
    )
    assert sent.status_code == 202
    problem(system("other-bank").post("/notices", asked), 404, "unknown-contract")


def test_where_a_consent_is_needed_no_notice_is_given(signed, bank):
    asked = request(signed())
    del asked["customer"]
    problem(bank.post("/notices", asked), 409, "consent-needed")
