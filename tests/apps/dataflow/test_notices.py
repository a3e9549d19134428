"""What crosses on a ground of law without a consent: who is told of it, and what they can see."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace

import pytest
from django.utils import timezone

from apps.dataflow.guangdong import values_of
from apps.dataflow.made import BANK, LENDER, OTHER, PURPOSE, VALUES
from apps.dataflow.sending import send_record
from kouan.apps.dataflow import auditing, contracts, decisions, errors, notices, receipts
from kouan.apps.dataflow.models import ConsentRequest, DataConsent, Decision, Record
from kouan.apps.dataflow.queries.mine import my_consent, my_consents, my_crossings

NUMBER = "A123456(3)"


@pytest.fixture
def duty(signed, today):
    """A contract that rests on a law."""
    ground = {
        "instrument": "Cap. 999, section 1", "number": "", "issued_on": today.isoformat(),
        "valid_until": None,
    }  # fmt: skip

    def make(basis="legal-obligation", **changes):
        return signed(basis=basis, ground=ground, **changes)

    return make


def inform(contract, **changes):
    values = {
        "document_number": NUMBER, "elements": sorted(VALUES), "purposes": [PURPOSE],
    } | changes  # fmt: skip
    return notices.inform(contract=contract, terms=contracts.terms_of(contract), **values)


def test_a_record_leaves_on_the_law_alone_and_the_person_sees_it(duty, gd, chan):
    contract = duty()
    notice = inform(contract)
    record = send_record(contract=contract, consent=notice, purpose=PURPOSE, values=VALUES)
    heard = gd.hear()
    assert [kind for kind, _payload in heard] == ["dataflow.notice", "dataflow.record"]
    assert heard[0][1]["subject"] == heard[1][1]["subject"] == notice.subject
    assert len(notice.subject) == 43
    assert NUMBER not in repr(heard)
    assert "A1234563" not in repr(DataConsent.objects.values())
    ((shown,), over) = my_consents(chan)
    assert (shown.row, over) == (notice, [])
    assert "Cap. 999, section 1" in shown.ground
    assert [each.record for each in my_crossings(chan)] == [record]
    decision = Decision.objects.get()
    assert decisions.replay(decision).same
    said = receipts.content(bytes(notice.receipt))
    assert said["events"][0]["event_type"] == "notice"
    (purpose,) = said["pii_processing"]["purposes"]
    assert purpose["lawful_basis"] == "dpv:LegalObligation"
    assert "withdrawal_method" not in purpose


def test_nobody_else_sees_it(duty, chan):
    notice = inform(duty())
    for other in (replace(chan, document_number="B999999(9)"), replace(chan, document_number="")):
        assert my_consents(other) == ([], [])
        with pytest.raises(errors.UnknownConsent):
            my_consent(other, notice.key)


def test_it_is_seen_with_the_document_of_the_kind_that_is_meant(duty, chan):
    inform(duty(), document_number="H12345678")
    found = [
        len(my_consents(replace(chan, document_number="H12345678", document_type=kind))[0])
        for kind in ("hk-passport", "", "home-return-permit")
    ]
    assert found == [1, 1, 0]


def test_the_same_notice_again_is_the_one_that_stands(duty, gd):
    contract = duty()
    first = inform(contract)
    assert inform(contract, document_number="a 123456 (3)") == first
    assert inform(contract, elements=["person.name"]) != first
    assert [kind for kind, _payload in gd.hear()] == ["dataflow.notice"] * 2


def test_where_a_consent_is_asked_for_a_notice_is_none(signed, duty, gd):
    gd.hear()
    contract = signed()
    with pytest.raises(errors.ConsentNeeded):
        inform(contract)
    assert not DataConsent.objects.exists()


def test_where_a_notice_is_given_nobody_is_asked_for_a_consent(duty, asked):
    with pytest.raises(errors.NoConsentAsked):
        asked(duty())
    assert not ConsentRequest.objects.exists()


def test_no_more_crosses_than_the_notice_says_and_none_after_it(duty):
    contract = duty()
    narrow = inform(contract, elements=["person.name"])
    with pytest.raises(errors.ConsentForOther):
        send_record(contract=contract, consent=narrow, purpose=PURPOSE, values=VALUES)
    notice = inform(contract)
    DataConsent.objects.filter(pk=notice.pk).update(expires_at=timezone.now())
    with pytest.raises(errors.ConsentExpired):
        send_record(contract=contract, consent=notice, purpose=PURPOSE, values=VALUES)
    assert not Record.objects.exists()
    assert all(decisions.replay(each).same for each in Decision.objects.all())


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"elements": ["person.health"]}, errors.ScopeDrift),
        ({"purposes": [OTHER]}, errors.OtherPurpose),
        ({"document_number": " "}, errors.NoDocumentNumber),
    ],
)
def test_a_notice_of_what_the_contract_does_not_name_is_refused(duty, changes, error):
    contract = duty()
    with pytest.raises(error):
        inform(contract, **changes)
    assert not DataConsent.objects.exists()


@pytest.fixture
def theirs(duty):
    """A contract by which data comes from Guangdong."""
    contract = duty("vital-interest", exporter=LENDER, importer=BANK, expires=contracts.today().isoformat())
    return contracts.terms_of(contract)


def notice_of(gd, said, *, basis="dpv:VitalInterest", terms=None, **changes):
    now = int(timezone.now().timestamp())
    payload = {
        "notice": uuid.uuid4().bytes, "contract": uuid.UUID(said.contract).bytes, "subject": "g" * 43,
        "elements": sorted(said.elements), "purposes": list(said.purposes), "given_at": now,
        "expires_at": now + 3600,
    } | changes  # fmt: skip
    as_consent = payload | {"consent": payload["notice"], "separate": [], "level": 1}
    processing = {
        "contract": str(uuid.UUID(bytes=payload["contract"])),
        **({} if terms is None else {"terms": terms}),
        "purposes": [
            {
                "purpose_type": each, "lawful_basis": basis,
                "pii_information": [
                    {"pii_attribute_id": kind, "sensitive": False} for kind in payload["elements"]
                ],
            }
            for each in payload["purposes"]
        ],
    }  # fmt: skip
    return payload | {"receipt": gd.receipt(as_consent, pii_processing=processing)}


def test_what_comes_on_the_law_of_both_sides_is_kept(theirs, gd):
    payload = notice_of(gd, theirs)
    key = uuid.UUID(bytes=payload["notice"])
    record = {"subject": payload["subject"], "purpose": PURPOSE, "values": values_of(VALUES)}
    assert (
        gd.post(
            gd.draft("dataflow.notice", payload, conversation=key),
            gd.draft("dataflow.record", record, conversation=key, contract=theirs, consent=f"dataflow:{key}"),
        )
        == [("handled", "")] * 2
    )
    kept = Record.objects.get(outgoing=False)
    assert kept.consent.notice
    more = record | {"subject": "h" * 43}
    said = gd.say("dataflow.record", more, conversation=key, contract=theirs, consent=f"dataflow:{key}")
    assert said == ("refused", "consent-of-another")
    Decision.objects.filter(allowed=False).delete()
    assert json.loads(json.dumps(Decision.objects.get().case))["consent"]["notice"] is True


@pytest.fixture
def second(theirs, terms):
    """A second version of the same contract that rests on the person's consent."""
    return terms(
        exporter=LENDER, importer=BANK, contract=theirs.contract, version=2, replaces=theirs.digest().hex()
    )


@pytest.mark.parametrize("named", [True, False])
def test_a_version_that_is_not_signed_by_both_is_nothing_to_a_notice(theirs, second, gd, named):
    contracts.draft(second)
    contracts.propose(digest=second.digest(), officer="CHEUNG")
    payload = notice_of(gd, theirs, terms=theirs.digest().hex() if named else None)
    key = uuid.UUID(bytes=payload["notice"])
    assert gd.say("dataflow.notice", payload, conversation=key) == ("handled", "")


@pytest.mark.parametrize("named", [True, False])
def test_a_notice_is_of_the_version_that_its_receipt_names(theirs, second, signed, gd, named):
    signed(second)
    payload = notice_of(gd, theirs, terms=theirs.digest().hex() if named else None)
    key = uuid.UUID(bytes=payload["notice"])
    ended = ("handled", "") if named else ("refused", "consent-needed")
    assert gd.say("dataflow.notice", payload, conversation=key) == ended


def test_a_notice_of_terms_that_this_side_has_not_signed_is_refused(theirs, second, gd):
    contracts.draft(second)
    payload = notice_of(gd, theirs, terms=second.digest().hex())
    key = uuid.UUID(bytes=payload["notice"])
    assert gd.say("dataflow.notice", payload, conversation=key) == ("refused", "unknown-contract")


@pytest.mark.parametrize("basis", ["dpv:Consent", "dpv:LegalObligation"])
def test_a_notice_on_another_ground_than_the_contract_names_is_refused(theirs, gd, basis):
    payload = notice_of(gd, theirs, basis=basis)
    key = uuid.UUID(bytes=payload["notice"])
    assert gd.say("dataflow.notice", payload, conversation=key) == ("refused", "bad-signature")


def test_a_notice_stands_for_no_consent(signed, gd):
    said = contracts.terms_of(signed(exporter=LENDER, importer=BANK))
    payload = notice_of(gd, said, basis="dpv:Contract")
    key = uuid.UUID(bytes=payload["notice"])
    assert gd.say("dataflow.notice", payload, conversation=key) == ("refused", "consent-needed")
    record = {"subject": "g" * 43, "purpose": PURPOSE, "values": values_of(VALUES)}
    ended = gd.say("dataflow.record", record, conversation=key, contract=said, consent=f"dataflow:{key}")
    assert ended == ("refused", "no-consent")


# The audit of all kinds of message


def unproven(rows):
    return {(row.type, found.what) for row in rows for found in row.found if not found.holds}


def test_every_message_with_personal_data_is_held_against_its_agreement(duty, gd):
    contract = duty()
    notice = inform(contract)
    send_record(contract=contract, consent=notice, purpose=PURPOSE, values=VALUES)
    gd.hear()
    rows, most = auditing.sample(None, records_only=False)
    assert most == len(rows) == 2
    assert {row.type for row in rows} == {"dataflow.notice", "dataflow.record"}
    ledgers = {auditing.LEDGERS, auditing.THERE}
    wrong = {(kind, what) for kind, what in unproven(rows) if what not in ledgers}
    assert not wrong  # that the other side co-signs, and shows its ledger, is a journey's to show
    assert auditing.sample(None)[1] == 1


def test_a_message_whose_agreement_is_another_shows(duty, gd):
    from kouan.core.exchange.models import OutboxMessage  # noqa: PLC0415 - of this test alone

    inform(duty())
    gd.hear()
    row = OutboxMessage.objects.get(type="dataflow.notice")
    other = bytes(row.header).replace(bytes(row.agreement_digest), bytes(32))
    OutboxMessage.objects.filter(pk=row.pk).update(header=other)
    rows, _most = auditing.sample(None, records_only=False)
    from kouan.apps.dataflow import proving  # noqa: PLC0415 - as above

    assert {what for kind, what in unproven(rows) if kind == "dataflow.notice"} >= {
        proving.AGREEMENT, proving.CLAUSE, proving.SCOPE,
    }  # fmt: skip


def test_a_message_of_a_kind_that_nobody_declares_any_more_shows(duty, gd):
    from kouan.apps.dataflow import proving  # noqa: PLC0415 - of this test alone
    from kouan.core.exchange.crossing import registry  # noqa: PLC0415 - as above

    inform(duty())
    gd.hear()
    crossing = registry.get("dataflow.notice", 1)
    registry.remove(crossing)
    try:
        rows, _most = auditing.sample(None, records_only=False)
    finally:
        registry.add(crossing)
    assert ("dataflow.notice", proving.DECLARED) in unproven(rows)
