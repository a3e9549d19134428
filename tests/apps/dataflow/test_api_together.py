"""Records about several persons that an institution sends together: all of them once, or none."""

from __future__ import annotations

import uuid

import pytest

from apps.dataflow.made import OTHER, VALUES
from apps.dataflow.systems import problem
from kouan.apps.dataflow import consents
from kouan.apps.dataflow.models import DataConsent, Decision, Record, SentOnce
from kouan.core.exchange.models import OutboxMessage


@pytest.fixture
def together(record):
    """Return a request for so many records under the one consent."""

    def made(count=3, **changes):
        wanted = [
            {"key": f"loan {number}", "consent": record["consent"], "values": VALUES}
            for number in range(count)
        ]
        return {"purpose": record["purpose"], "records": wanted} | changes

    return made


def queued():
    return OutboxMessage.objects.filter(type="dataflow.record").count()


def test_all_of_them_leave_once_in_the_order_of_the_request(bank, together, gd):
    gd.hear()
    first = bank.post("/records/batch", together())
    assert first.status_code == 202
    told = first.json()["records"]
    assert [each["state"] for each in told] == ["waiting"] * 3
    assert [each["position"] for each in told] == sorted(each["position"] for each in told)
    again = bank.post("/records/batch", together())
    assert again.json() == first.json()
    assert (Record.objects.count(), queued()) == (3, 3)
    assert [kind for kind, _payload in gd.hear()] == ["dataflow.record"] * 3
    assert Decision.objects.filter(allowed=True, outgoing=True).count() == 3


def test_what_was_sent_before_is_told_and_the_others_leave(bank, together, record):
    alone = bank.post("/records", record, Idempotency_Key="loan 1").json()
    told = bank.post("/records/batch", together()).json()["records"]
    assert told[1]["id"] == alone["id"]
    assert (Record.objects.count(), queued()) == (3, 3)


def test_one_that_may_not_cross_keeps_all_back_and_uses_no_key_up(bank, together):
    wrong = together()
    wrong["records"][1]["values"] = VALUES | {"person.health": "well"}
    told = problem(bank.post("/records/batch", wrong), 403, "scope-drift")
    assert told["params"]["clause"] == "contract scope elements"
    assert (queued(), Record.objects.count(), SentOnce.objects.count()) == (0, 0, 0)
    assert [(row.allowed, row.code) for row in Decision.objects.all()] == [(False, "scope-drift")]
    assert bank.post("/records/batch", together()).status_code == 202


def test_a_withdrawn_consent_keeps_all_back(bank, together):
    consent = DataConsent.objects.get()
    consents.withdraw(key=consent.key, person=consent.person)
    problem(bank.post("/records/batch", together()), 403, "consent-withdrawn")
    assert queued() == 0


def test_what_is_wrong_changes_nothing(bank, system, together):
    twice = together()
    twice["records"][2]["key"] = "loan 0"
    problem(bank.post("/records/batch", twice), 422, "idempotency-key-reused")
    stranger = together()
    stranger["records"][0]["consent"] = str(uuid.uuid4())
    problem(bank.post("/records/batch", stranger), 404, "unknown-data-consent")
    problem(system("other-bank").post("/records/batch", together()), 404, "unknown-data-consent")
    for wrong in (
        together(count=0),
        together(count=101),
        together(more=1),
        together(purpose="to sell things"),
    ):
        problem(bank.post("/records/batch", wrong), 422, "invalid-request")
    unnamed = together()
    unnamed["records"][0]["key"] = "\u00e9"
    problem(bank.post("/records/batch", unnamed), 422, "invalid-request")
    assert (queued(), SentOnce.objects.count()) == (0, 0)


def test_a_key_is_for_one_record(bank, together):
    bank.post("/records/batch", together())
    other = together()
    other["records"][0]["values"] = VALUES | {"person.credit": "C"}
    problem(bank.post("/records/batch", other), 422, "idempotency-key-reused")
    assert Record.objects.count() == 3


def test_records_of_two_contracts_do_not_leave_together(bank, together, signed, given, asked):
    made = signed(contract=str(uuid.uuid4()), purposes=[OTHER])
    other = given(made, request=asked(made, purposes=[OTHER]))
    mixed = together()
    mixed["records"][2]["consent"] = str(other.key)
    problem(bank.post("/records/batch", mixed), 422, "several-contracts")
    assert queued() == 0
