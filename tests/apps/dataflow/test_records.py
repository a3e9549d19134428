"""Data about persons: what leaves, what is kept here, who reads it, and when it is gone."""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from apps.dataflow.guangdong import values_of
from apps.dataflow.made import OTHER, PURPOSE, VALUES
from apps.dataflow.sending import send_record
from apps.dataflow.test_consents import say, theirs  # noqa: F401 - a fixture
from kouan.apps.dataflow import clearing, consents, contracts, decisions, errors, records, register
from kouan.apps.dataflow.domain import State
from kouan.apps.dataflow.models import Contract, DataConsent, Decision, Record, Use
from kouan.apps.dataflow.payloads import ContractEnded
from kouan.core.exchange import Received, outbox, refusals, sealing, witness
from kouan.core.exchange.bodies import ContentErased
from kouan.core.exchange.evidence import evidence_bundle
from kouan.core.exchange.handling import report_undelivered
from kouan.core.exchange.models import InboxMessage, OutboxBody, OutboxMessage
from kouan.core.exchange.verify import verify_bundle
from kouan.core.policy import Denied

# Sent


@pytest.fixture
def agreed(signed, given):
    return given(signed())


@pytest.fixture
def send(agreed):
    """Send data under the consent, or under another."""

    def make(consent=None, values=VALUES, purpose=PURPOSE):
        consent = consent or agreed
        contract = contracts.Contract.objects.get(contract=consent.contract)
        return send_record(contract=contract, consent=consent, purpose=purpose, values=values)

    return make


def refused(send, error, **how):
    with pytest.raises(error) as caught:
        send(**how)
    return caught.value.params["clause"]


def test_it_leaves_under_its_contract_and_consent(send, agreed, gd):
    gd.hear()
    record = send()
    message = OutboxMessage.objects.get(message_id=record.message_id)
    assert (message.agreement, message.clause) == (str(agreed.contract), "scope")
    assert bytes(message.agreement_digest) == bytes(record.digest)
    assert (message.consent, message.conversation) == (agreed.reference, agreed.key)
    ((kind, payload),) = gd.hear()
    assert kind == "dataflow.record"
    assert payload == {"subject": agreed.subject, "purpose": PURPOSE, "values": values_of(VALUES)}


def test_what_was_sent_is_not_kept_where_it_came_from(send):
    record = send()
    assert record.content is None
    assert "CHAN Siu" not in repr(Record.objects.values())
    decision = Decision.objects.get()
    assert (decision.allowed, decision.clause, decision.message_id) == (
        True, "contract scope", record.message_id,
    )  # fmt: skip
    assert "CHAN Siu" not in repr(decision.case)


@pytest.mark.parametrize(
    ("how", "error", "clause"),
    [
        ({"values": VALUES | {"person.health": "well"}}, errors.ScopeDrift, "contract scope elements"),
        ({"purpose": OTHER}, errors.OtherPurpose, "contract scope purposes"),
    ],
)
def test_what_may_not_leave_leaves_nothing_but_its_decision(send, gd, how, error, clause):
    gd.hear()
    assert refused(send, error, **how) == clause
    assert not gd.hear()
    assert not Record.objects.exists()
    decision = Decision.objects.get()
    assert (decision.allowed, decision.code, decision.clause) == (False, error.code, clause)
    assert "well" not in repr(decision.case)


def test_less_than_was_agreed_to_may_leave_and_more_may_not(given, send, agreed):
    consent = given(contracts.Contract.objects.get(), ticked=["person.name"])
    assert send(consent=consent, values={"person.name": "CHAN Siu Ming"})
    assert refused(send, errors.ConsentForOther, consent=consent) == "consent elements"


def test_after_a_withdrawal_nothing_leaves(send, agreed, chan, gd):
    consents.withdraw(key=agreed.key, person=chan.key)
    gd.hear()
    assert refused(send, errors.ConsentWithdrawn) == "consent"
    assert not gd.hear()


def test_what_waits_when_it_is_withdrawn_does_not_leave(send, agreed, chan, gd):
    gd.hear()
    waiting = [send().message_id for _ in range(3)]
    consents.withdraw(key=agreed.key, person=chan.key)
    assert [kind for kind, _payload in gd.hear()] == ["dataflow.consent-withdrawn"]
    rows = OutboxMessage.objects.filter(message_id__in=waiting)
    assert {(row.state, row.code) for row in rows} == {("cancelled", "consent-withdrawn")}
    report_undelivered()
    kept = Record.objects.filter(message_id__in=waiting)
    assert {row.erased_because for row in kept} == {"consent-withdrawn"}
    assert all(row.erased_at for row in kept)


def test_anothers_messages_wait_on(send, given, chan, gd, agreed):
    contract = contracts.Contract.objects.get(contract=agreed.contract)
    other = given(contract)
    gd.hear()
    send(), send(consent=other)
    consents.withdraw(key=agreed.key, person=chan.key)
    assert sorted(kind for kind, _ in gd.hear()) == ["dataflow.consent-withdrawn", "dataflow.record"]


def test_after_the_contract_has_ended_nothing_leaves(send, agreed):
    made = contracts.Contract.objects.get()
    contracts.end(digest=bytes(made.digest), reason="The bank closes.")
    assert refused(send, errors.ContractOver) == "contract state"


@pytest.mark.parametrize("here", [True, False])
def test_what_waits_when_the_contract_is_ended_does_not_leave(  # noqa: PLR0913, PLR0917 - fixtures
    agreed, send, signed, given, asked, gd, today, here
):
    made = contracts.Contract.objects.get(contract=agreed.contract)
    other = signed(contract=str(uuid.uuid4()), purposes=[OTHER])
    consent = given(other, request=asked(other, purposes=[OTHER]))
    waiting = [send().message_id for _ in range(3)]
    send_record(contract=other, consent=consent, purpose=OTHER, values=VALUES)
    bodies = OutboxBody.objects.filter(message__message_id__in=waiting)
    assert bodies.count() == 3
    if here:
        contracts.end(digest=bytes(made.digest), reason="The bank closes.")
    else:
        said = {"digest": bytes(made.digest), "ended_on": today.isoformat(), "reason": "We close."}
        ended = Received(uuid.uuid4(), "gd", made.contract, timezone.now(), ContractEnded(**said))
        contracts.ended_there(message=ended)
    heard = [payload["purpose"] for kind, payload in gd.hear() if kind == "dataflow.record"]
    assert heard == [OTHER]
    assert not bodies.exists()
    rows = OutboxMessage.objects.filter(message_id__in=waiting)
    assert {(row.state, row.code) for row in rows} == {("cancelled", "contract-over")}
    report_undelivered()
    kept = Record.objects.filter(message_id__in=waiting)
    assert {row.erased_because for row in kept} == {"contract-over"}


@pytest.mark.postgresql  # on SQLite whoever writes is alone
@pytest.mark.django_db(transaction=True)
def test_who_ends_a_contract_waits_for_what_is_being_sent_under_it(send, agreed):
    made = contracts.Contract.objects.get()

    def end():
        try:
            contracts.end(digest=bytes(made.digest), reason="The bank closes.")
        finally:
            connection.close()

    ending = threading.Thread(target=end)
    with transaction.atomic():
        record = send()
        ending.start()
        ending.join(0.5)
        assert ending.is_alive()
    ending.join(20)
    assert not ending.is_alive()
    row = OutboxMessage.objects.get(message_id=record.message_id)
    assert (row.state, row.code) == ("cancelled", "contract-over")
    assert refused(send, errors.ContractOver) == "contract state"


def test_an_amendment_that_begins_later_leaves_the_present_version_in_force(signed, given, terms, today):
    first = signed()
    consent = given(first)
    tomorrow = (today + timedelta(days=1)).isoformat()
    second = terms(version=2, replaces=bytes(first.digest).hex(), effective=tomorrow)
    signed(second)
    record = send_record(contract=first, consent=consent, purpose=PURPOSE, values=VALUES)
    assert bytes(record.digest) == bytes(first.digest)


@pytest.fixture
def both(agreed, given):
    """The consents of a person twice, under one contract."""
    contract = contracts.Contract.objects.get(contract=agreed.contract)
    return contract, [agreed, given(contract)]


def send_all(both, *, values=VALUES, last=VALUES, purpose=PURPOSE):
    contract, consents_ = both
    drafts = [(consent, values) for consent in consents_] + [(consents_[0], last)]
    return records.send_many(contract=contract, purpose=purpose, records=drafts)


def test_many_leave_together_each_under_its_consent_and_with_its_decision(both, gd):
    _contract, (first, second) = both
    gd.hear()
    ids = send_all(both)
    sent = OutboxMessage.objects.filter(message_id__in=ids).order_by("pk")
    assert [(row.message_id, row.consent, row.conversation) for row in sent] == [
        (id_, each.reference, each.key) for id_, each in zip(ids, [first, second, first], strict=True)
    ]
    kept = Record.objects.filter(outgoing=True).order_by("pk")
    assert [(row.message_id, row.consent_id) for row in kept] == [
        (id_, each.pk) for id_, each in zip(ids, [first, second, first], strict=True)
    ]
    noted = Decision.objects.filter(outgoing=True).order_by("pk")
    assert [(row.message_id, row.allowed, row.clause) for row in noted] == [
        (id_, True, "contract scope") for id_ in ids
    ]
    assert [row.case["subject"] for row in noted] == [first.subject, second.subject, first.subject]
    assert all(decisions.replay(row).same and decisions.replay(row).same_rules for row in noted)
    assert [payload["subject"] for _kind, payload in gd.hear()] == [
        first.subject, second.subject, first.subject,
    ]  # fmt: skip


def test_one_that_may_not_leave_keeps_all_back_and_is_the_one_that_is_noted(both, gd):
    gd.hear()
    with pytest.raises(errors.ScopeDrift):
        send_all(both, last=VALUES | {"person.health": "well"})
    assert not gd.hear()
    assert not Record.objects.exists()
    decision = Decision.objects.get()
    assert (decision.allowed, decision.code, decision.message_id) == (False, "scope-drift", None)
    assert "person.health" in decision.case["elements"]


def test_a_consent_that_was_withdrawn_since_it_was_read_keeps_all_back(both, chan, gd):
    """What the caller holds of a consent is not what counts: it is read anew, under a lock."""
    _contract, (_first, second) = both
    consents.withdraw(key=second.key, person=chan.key)
    assert second.withdrawn_at is None
    gd.hear()
    with pytest.raises(errors.ConsentWithdrawn):
        send_all(both)
    assert not gd.hear()
    assert not Record.objects.exists()
    assert Decision.objects.get().case["subject"] == second.subject


@pytest.mark.sqlite  # what the driver is asked is heard there
def test_their_contract_and_consents_are_read_once(both):
    asked = []
    connection.connection.set_trace_callback(asked.append)
    try:
        send_all(both)
    finally:
        connection.connection.set_trace_callback(None)
    for table in ("dataflow_contract c", "dataflow_dataconsent"):
        assert len([each for each in asked if f"FROM {table} " in each.replace('"', "")]) == 1


def test_a_consent_to_another_contract(signed, given):
    consent = given(signed())
    DataConsent.objects.update(contract=uuid.uuid4())
    contract = contracts.Contract.objects.get()
    with pytest.raises(Denied) as caught:
        send_record(contract=contract, consent=consent, purpose=PURPOSE, values=VALUES)
    assert caught.value.params["clause"] == "consent contract"


def test_a_text_that_was_changed_in_the_database_lets_nothing_cross(send):
    made = contracts.Contract.objects.get()
    wider = contracts.terms_of(made).model_copy(
        update={"elements": ["person.credit", "person.health", "person.name"]}
    )
    contracts.Contract.objects.update(terms=wider.canonical())
    assert refused(send, errors.OtherTerms) == "contract digest"


# Received


@pytest.fixture
def come(gd, theirs):  # noqa: F811 - the fixture that is imported
    """Have a consent and a record under it arrive from Guangdong."""

    def make(said=None, *, named=None, contract=theirs, first=(), **changes):
        said = said or gd.consent(theirs)
        key = uuid.UUID(bytes=said["consent"])
        payload = {"subject": said["subject"], "purpose": PURPOSE, "values": values_of(VALUES)} | changes
        drafts = [
            gd.draft("dataflow.consent", said, conversation=key),
            *first,
            gd.draft(
                "dataflow.record", payload, conversation=key, contract=contract,
                consent=named or f"dataflow:{key}",
            ),
        ]  # fmt: skip
        return said, gd.post(*drafts)[-1]

    return make


@pytest.fixture
def kept(come):
    """A record that came from Guangdong."""

    def make(**how):
        _said, ended = come(**how)
        assert ended == ("handled", "")
        return Record.objects.get(outgoing=False)

    return make


def test_it_is_kept_sealed_and_judged_here_too(kept):
    record = kept()
    assert b"CHAN" not in bytes(record.content)
    assert record.elements == sorted([*VALUES, "person.pseudonym", "technical.outcome"])
    decision = Decision.objects.get()
    assert (decision.allowed, decision.outgoing, decision.message_id) == (True, False, record.message_id)


def test_the_consent_may_come_in_the_same_batch_and_a_withdrawal_too(come, gd, theirs):  # noqa: F811 - as above
    said = gd.consent(theirs)
    key = uuid.UUID(bytes=said["consent"])
    taken_back = gd.draft(
        "dataflow.consent-withdrawn",
        {"consent": said["consent"], "at": int(timezone.now().timestamp())},
        conversation=key,
    )
    assert come(said, first=[taken_back])[1] == ("refused", "consent-withdrawn")
    assert not Record.objects.exists()


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"values": values_of(VALUES | {"person.health": "well"})}, "scope-drift"),
        ({"purpose": OTHER}, "other-purpose"),
        ({"subject": "h" * 43}, "consent-of-another"),
        ({"named": f"dataflow:{uuid.UUID(int=7)}"}, "no-consent"),
    ],
)
def test_what_the_other_side_should_not_have_sent_is_refused(come, how, code):
    assert come(**how)[1] == ("refused", code)
    assert not Record.objects.exists()
    decision = Decision.objects.get()
    message = InboxMessage.objects.get(type="dataflow.record")
    assert (decision.allowed, decision.outgoing, decision.code) == (False, False, code)
    assert (decision.message_id, decision.sender, decision.receiver) == (message.message_id, "gd", "hk")
    assert decisions.replay(decision).same


def test_at_the_door_and_in_the_handler_it_is_written_down_alike(come, gd, theirs):  # noqa: F811 - as above
    """What the door denies (the contract) and what only the handler can (the consent): both are decisions."""
    come(purpose=OTHER)
    come(gd.consent(theirs, level=2))
    rows = {row.code: row for row in Decision.objects.filter(allowed=False)}
    assert {code: row.clause for code, row in rows.items()} == {
        "other-purpose": "contract scope purposes", "level-too-low": "consent level",
    }  # fmt: skip
    assert all(str(row.contract) == theirs.contract for row in rows.values())
    assert "CHAN Siu" not in json.dumps([row.case for row in rows.values()])


def test_a_refusal_stands_whatever_becomes_of_writing_it_down(come, monkeypatch, caplog):
    monkeypatch.setattr(decisions, "note", lambda *_args, **_how: 1 / 0)
    assert come(purpose=OTHER)[1] == ("refused", "other-purpose")
    assert InboxMessage.objects.get(type="dataflow.record").state == "refused"
    assert "telling dataflow.record" in caplog.text


def test_a_peer_cannot_fill_our_decisions(gd, theirs):  # noqa: F811 - as above
    key = uuid.uuid4()
    payload = {"subject": "g" * 43, "purpose": OTHER, "values": values_of(VALUES)}
    drafts = [
        gd.draft("dataflow.record", payload, conversation=key, contract=theirs, consent=f"dataflow:{key}")
        for _ in range(refusals.MOST + 3)
    ]
    assert set(gd.post(*drafts)) == {("refused", "other-purpose")}
    assert Decision.objects.count() == refusals.MOST


def test_under_terms_that_nobody_here_has_signed(come, terms):
    assert come(contract=terms(persons=7))[1] == ("refused", "no-contract")


def test_under_a_consent_of_too_low_a_level_or_not_given_by_itself(come, gd, theirs):  # noqa: F811 - as above
    assert come(gd.consent(theirs, level=2))[1] == ("refused", "level-too-low")
    assert come(gd.consent(theirs, separate=()))[1] == ("refused", "consent-for-other")
    assert come(gd.consent(theirs, elements=["person.name"], separate=()))[1] == (
        "refused", "consent-for-other",
    )  # fmt: skip


def test_without_any_consent(gd, theirs):  # noqa: F811 - as above
    payload = {"subject": "g" * 43, "purpose": PURPOSE, "values": values_of(VALUES)}
    draft = gd.draft("dataflow.record", payload, conversation=uuid.uuid4(), contract=theirs)
    assert gd.post(draft) == [("refused", "consent-missing")]
    assert Decision.objects.get().code == "no-consent"


def test_under_our_own_contract_nothing_comes_back(signed, gd, agreed):
    contract = contracts.terms_of(contracts.Contract.objects.get(contract=agreed.contract))
    payload = {"subject": agreed.subject, "purpose": PURPOSE, "values": values_of(VALUES)}
    draft = gd.draft(
        "dataflow.record", payload, conversation=agreed.key, contract=contract, consent=agreed.reference
    )
    assert gd.post(draft) == [("refused", "other-parties")]


def test_evidence_of_what_went_the_wrong_way_does_not_hold(signed, gd, agreed, monkeypatch):
    """Two nodes that both let it pass would still not have the contract's word for it."""
    contract = contracts.terms_of(contracts.Contract.objects.get(contract=agreed.contract))
    payload = {"subject": agreed.subject, "purpose": PURPOSE, "values": values_of(VALUES)}
    draft = gd.draft(
        "dataflow.record", payload, conversation=agreed.key, contract=contract, consent=agreed.reference
    )
    monkeypatch.setattr(register, "judge", lambda *_args, **_how: ("hk", "gd"))
    gd.post(draft)
    accepted = InboxMessage.objects.get(type="dataflow.record")
    witness.publish()
    size, body = witness.request_for("gd")
    note = body.decode().split("\n\n", 1)[1]
    witness.take_cosignature("gd", size, gd.peer.cosign(note).encode())
    report = verify_bundle(evidence_bundle([accepted.message_id]))
    assert report.messages[0].accepted
    (problem,) = report.problems
    assert "lets nothing go this way" in problem.problem


# Read


def test_it_is_read_for_what_it_came_for_and_that_is_told(kept, gd):
    record = kept()
    gd.hear()
    assert dict(records.read(record=record, reader="Credit department", purpose=PURPOSE)) == VALUES
    ((kind, payload),) = gd.hear()
    assert kind == "dataflow.use"
    assert payload["record"] == record.message_id.bytes
    assert (payload["reader"], payload["purpose"]) == ("Credit department", PURPOSE)
    assert Use.objects.get().key.bytes == payload["use"]


def test_it_is_not_read_for_anything_else(kept, gd):
    record = kept()
    gd.hear()
    with pytest.raises(errors.OtherPurpose):
        records.read(record=record, reader="Sales", purpose=OTHER)
    assert not Use.objects.exists()
    assert not gd.hear()


def test_what_we_sent_is_not_read_here(send):
    with pytest.raises(errors.UnknownRecord):
        records.read(record=send(), reader="Sales", purpose=PURPOSE)


def test_that_ours_was_read_there_is_kept_once(send, gd):
    record = send()
    said = {
        "use": uuid.uuid4().bytes, "record": record.message_id.bytes, "reader": "Credit department",
        "purpose": PURPOSE, "at": int(timezone.now().timestamp()),
    }  # fmt: skip
    for _ in range(2):
        assert gd.say("dataflow.use", said, conversation=uuid.uuid4()) == ("handled", "")
    assert Use.objects.get().record == record
    said["record"] = uuid.uuid4().bytes
    assert gd.say("dataflow.use", said, conversation=uuid.uuid4()) == ("refused", "unknown-data-consent")


# Gone


def erased(record):
    record.refresh_from_db()
    return record.content is None, record.erased_because


def test_what_was_withdrawn_there_is_erased_here(kept, gd):
    record = kept()
    gd.hear()
    key = record.consent.key
    said = {"consent": key.bytes, "at": int(timezone.now().timestamp())}
    assert gd.say("dataflow.consent-withdrawn", said, conversation=key) == ("handled", "")
    assert erased(record) == (True, "withdrawn")
    ((kind, payload),) = gd.hear()
    assert (kind, payload["records"], payload["because"]) == (
        "dataflow.erased", [record.message_id.bytes], "withdrawn",
    )  # fmt: skip
    with pytest.raises(errors.RecordErased):
        records.read(record=record, reader="Credit department", purpose=PURPOSE)


def test_however_many_came_all_are_erased(kept, gd, monkeypatch):
    record = kept()
    gd.hear()
    monkeypatch.setattr(clearing, "_AT_ONCE", 2)
    values = Record.objects.filter(pk=record.pk).values().get()
    del values["id"]
    for _ in range(4):
        Record.objects.create(**values | {"message_id": uuid.uuid4()})
    assert len(clearing.erase(consent=record.consent, because="withdrawn")) == 5
    assert not Record.objects.exclude(content=None).exists()
    told = [payload["records"] for _kind, payload in gd.hear()]
    assert [len(each) for each in told] == [2, 2, 1]


def test_what_was_kept_long_enough_is_erased(kept, gd, today):
    record = kept()
    gd.hear()
    assert record.erase_on == today + timedelta(days=30)
    assert not clearing.erase_overdue()
    Record.objects.update(erase_on=today)
    assert not clearing.erase_overdue()
    Record.objects.update(erase_on=today - timedelta(days=1))
    assert clearing.erase_overdue()
    assert erased(record) == (True, "retention")
    assert not clearing.erase_overdue()
    assert [payload["because"] for _kind, payload in gd.hear()] == ["retention"]


@pytest.fixture
def full(node, settings):
    """An outbox that takes nothing more, from when it is asked for."""

    def fill():
        settings.NODE = replace(node, exchange=replace(node.exchange, outbox_max=0))

    return fill


def test_it_is_erased_also_where_the_other_side_cannot_be_told(kept, gd, today, full, caplog):
    record = kept()
    gd.hear()
    full()
    Record.objects.update(erase_on=today - timedelta(days=1))
    assert clearing.erase_overdue()
    assert erased(record) == (True, "retention")
    assert "gd is not sent dataflow.erased (outbox-full)" in caplog.text
    assert not clearing.erase_overdue()
    assert not gd.hear()


def test_one_sides_trouble_keeps_nobody_elses_data(kept, gd, today):
    record = kept()
    gd.hear()
    values = Record.objects.filter(pk=record.pk).values().get()
    of = DataConsent.objects.filter(pk=record.consent.pk).values().get()
    del values["id"], of["id"]
    gone = DataConsent.objects.create(**of | {"key": uuid.uuid4(), "peer": "mo"})  # a side that has left
    Record.objects.create(**values | {"message_id": uuid.uuid4(), "consent_id": gone.pk})
    Record.objects.update(erase_on=today - timedelta(days=1))
    assert clearing.erase_overdue()
    assert not Record.objects.exclude(content=None).exists()
    assert [payload["records"] for _kind, payload in gd.hear()] == [[record.message_id.bytes]]


def test_what_is_about_to_be_erased_is_not_read(kept, gd, today):
    record = kept()
    gd.hear()
    Record.objects.update(erase_on=today - timedelta(days=1))
    with pytest.raises(errors.RecordErased) as caught:
        records.read(record=record, reader="Credit department", purpose=PURPOSE)
    assert caught.value.params["because"] == "retention"
    assert not Use.objects.exists()
    assert not gd.hear()
    Record.objects.update(erase_on=today)
    assert records.read(record=record, reader="Credit department", purpose=PURPOSE)


def test_that_ours_was_erased_there_is_noted(send, gd):
    record = send()
    sealing.advance("gd")  # its receipt has not come yet, as after a cut
    at = int(timezone.now().timestamp())
    said = {"records": [record.message_id.bytes, uuid.uuid4().bytes], "because": "withdrawn", "at": at}
    assert gd.say("dataflow.erased", said, conversation=uuid.uuid4()) == ("handled", "")
    assert erased(record) == (True, "withdrawn")
    assert int(record.erased_at.timestamp()) == at
    assert not OutboxMessage.objects.get(message_id=record.message_id).body


def test_what_an_operator_sends_again_is_a_record_of_its_own(send, gd):
    """Else it would cross, and neither the person nor the auditor would ever see it."""
    gd.hear()
    first = send()
    gd.hear("not-filed")
    report_undelivered()
    again = outbox.retry(first.message_id)
    record = Record.objects.get(message_id=again)
    assert (record.outgoing, record.erased_at, record.consent) == (True, None, first.consent)
    decision = Decision.objects.get(message_id=again)
    assert decision.allowed
    assert decisions.replay(decision).same
    said = {
        "use": uuid.uuid4().bytes, "record": again.bytes, "reader": "Lending department",
        "purpose": PURPOSE, "at": int(timezone.now().timestamp()),
    }  # fmt: skip
    assert gd.say("dataflow.use", said, conversation=uuid.uuid4()) == ("handled", "")
    assert Use.objects.get().record == record


def test_what_was_withdrawn_meanwhile_is_not_sent_again(send, gd, chan):
    gd.hear()
    first = send()
    gd.hear("not-filed")
    report_undelivered()
    consents.withdraw(key=first.consent.key, person=chan.key)
    with pytest.raises(ContentErased):
        outbox.retry(first.message_id)
    assert Record.objects.filter(outgoing=True).count() == 1


def test_what_ends_while_it_is_sent_again_is_not_sent_again(send, gd, today, monkeypatch):
    gd.hear()
    first = send()
    gd.hear("not-filed")
    report_undelivered()

    def ended_meanwhile(number, *, alone):
        Contract.objects.filter(contract=number).update(state=State.ENDED, ended_on=today)

    monkeypatch.setattr(records, "first_version", ended_meanwhile)
    with pytest.raises(errors.ContractOver):
        outbox.retry(first.message_id)
    assert Record.objects.filter(outgoing=True).count() == 1
