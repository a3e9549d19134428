"""What a person asks to have erased: asked here and answered there, and the other way round."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.dataflow.guangdong import values_of
from apps.dataflow.made import PURPOSE, VALUES
from apps.dataflow.sending import send_record
from kouan.apps.dataflow import contracts, erasing, erasure_receipts, errors, filings
from kouan.apps.dataflow.models import DataConsent, ErasureRequest, Record
from kouan.apps.operations import watching
from kouan.apps.operations.models import AlarmRow
from kouan.core import chores
from kouan.core.exchange import bodies, handling, outbox
from kouan.core.exchange.models import InboxBody, InboxMessage, OutboxBody, OutboxMessage
from kouan.core.ledger.models import Entry
from kouan.core.policy.decide import TERM_ZONE
from kouan.core.trust import cose
from kouan.core.trust.receipts import MAX

# Asked here


@pytest.fixture
def sent(signed, given, gd):
    """A record of a resident of ours that Guangdong has taken."""
    consent = given(signed())
    contract = contracts.Contract.objects.get(contract=consent.contract)
    record = send_record(contract=contract, consent=consent, purpose=PURPOSE, values=VALUES)
    gd.hear()
    return record


def answer_of(gd, request, gone=(), *, outcome="erased", reason="", signer=None, said=None):  # noqa: PLR0913 - all that it may say
    """What Guangdong answers, with its receipt."""
    now = int(timezone.now().timestamp())
    content = {
        "schema_version": erasure_receipts.SCHEMA, "request": str(request.key),
        "consent": str(request.consent.key), "contract": str(request.consent.contract), "side": "gd",
        "outcome": outcome, "reason": reason, "law": "PIPL article 47", "asked_at": "", "answered_at": "",
        "count": len(gone), "messages": [str(each) for each in gone], "stays": [],
    } | (said or {})  # fmt: skip
    data = json.dumps(content).encode()
    receipt = cose.sign1(data, signer or gd.peer.signer(), content_type="application/erasure-receipt+json")
    return {
        "request": request.key.bytes, "outcome": outcome, "reason": reason, "words": "", "records": len(gone),
        "at": now, "receipt": receipt,
    }  # fmt: skip


def say_answer(gd, request, payload):
    return gd.say("dataflow.erasure-answer", payload, conversation=request.consent.key)


def test_a_person_asks_and_the_other_side_hears_of_it(sent, chan, gd):
    request = erasing.ask(key=sent.consent.key, persons=[chan.key])
    ((kind, payload),) = gd.hear()
    assert kind == "dataflow.erasure-request"
    assert payload["request"] == request.key.bytes
    assert payload["consent"] == sent.consent.key.bytes
    assert set(payload) == {"request", "consent", "at"}
    day = timezone.now().astimezone(TERM_ZONE).date()
    assert request.due_on == filings.due_on("gd", day, 15)


def test_nobody_asks_for_somebody_else_or_twice(sent, chan, gd):
    for persons in ([], [""], [str(uuid.uuid4())]):
        with pytest.raises(errors.UnknownConsent):
            erasing.ask(key=sent.consent.key, persons=persons)
    erasing.ask(key=sent.consent.key, persons=[chan.key])
    with pytest.raises(errors.AlreadyAsked):
        erasing.ask(key=sent.consent.key, persons=[chan.key])
    assert ErasureRequest.objects.count() == 1


def test_two_open_requests_about_one_consent_cannot_be(sent, chan):
    request = erasing.ask(key=sent.consent.key, persons=[chan.key])
    again = {"consent": request.consent, "asked_at": request.asked_at, "due_on": request.due_on}
    with pytest.raises(IntegrityError), transaction.atomic():
        ErasureRequest.objects.create(state="asked", **again)
    assert ErasureRequest.objects.create(state="refused", **again)


def test_where_nothing_is_kept_nothing_is_asked(sent, chan):
    Record.objects.update(erased_at=timezone.now())
    with pytest.raises(errors.NothingToErase):
        erasing.ask(key=sent.consent.key, persons=[chan.key])


def test_the_answer_and_its_receipt_reach_the_person_and_the_values_are_gone_here_too(sent, chan, gd):
    request = erasing.ask(key=sent.consent.key, persons=[chan.key])
    gd.hear()
    told = {
        "records": [sent.message_id.bytes], "because": "asked", "at": int(timezone.now().timestamp()),
    }  # fmt: skip
    assert gd.say("dataflow.erased", told, conversation=uuid.uuid4()) == ("handled", "")
    payload = answer_of(gd, request, [sent.message_id])
    assert say_answer(gd, request, payload) == ("handled", "")
    request.refresh_from_db()
    assert (request.state, request.records) == ("erased", 1)
    assert bytes(request.receipt) == payload["receipt"]
    sent.refresh_from_db()
    assert sent.erased_because == "asked"
    message = OutboxMessage.objects.get(message_id=sent.message_id)
    assert not OutboxBody.objects.filter(pk=message.pk).exists()
    assert message.header


def test_a_refusal_reaches_the_person_with_its_reason(sent, chan, gd):
    request = erasing.ask(key=sent.consent.key, persons=[chan.key])
    payload = answer_of(gd, request, outcome="refused", reason="keeping-term")
    assert say_answer(gd, request, payload) == ("handled", "")
    request.refresh_from_db()
    assert (request.state, request.reason) == ("refused", "keeping-term")
    sent.refresh_from_db()
    assert sent.erased_at is None
    assert erasing.ask(key=sent.consent.key, persons=[chan.key]).state == "asked"  # later, once more


@pytest.mark.parametrize(
    "changes",
    [
        {"request": str(uuid.UUID(int=1))}, {"consent": str(uuid.UUID(int=2))}, {"outcome": "refused"},
        {"reason": "x"}, {"count": 2}, {"count": "many"}, {"side": "mo"}, {"schema_version": "x"},
    ],
    ids=str,
)  # fmt: skip
def test_a_receipt_that_says_something_else_is_no_answer(sent, chan, gd, changes):
    request = erasing.ask(key=sent.consent.key, persons=[chan.key])
    payload = answer_of(gd, request, [sent.message_id], said=changes)
    assert say_answer(gd, request, payload) == ("refused", "bad-signature")
    request.refresh_from_db()
    assert request.state == "asked"


def test_a_receipt_of_another_key_is_no_answer(sent, chan, gd, stores):
    from core.exchange.peer import Peer  # noqa: PLC0415 - it stands for a stranger in this test alone

    stranger = Peer("mo", stores["mo"], gd.peer.node, gd.peer.agreement)
    request = erasing.ask(key=sent.consent.key, persons=[chan.key])
    payload = answer_of(gd, request, [sent.message_id], signer=stranger.signer())
    assert say_answer(gd, request, payload) == ("refused", "bad-signature")


def test_what_the_other_side_cannot_take_may_be_asked_again(sent, chan, gd):
    request = erasing.ask(key=sent.consent.key, persons=[chan.key])
    gd.hear("no-right-to-erasure")
    from kouan.core.exchange.handling import report_undelivered  # noqa: PLC0415 - of this test alone

    report_undelivered()
    request.refresh_from_db()
    assert (request.state, request.reason) == ("failed", "no-right-to-erasure")


# A request that the other side could not take


@pytest.fixture
def asking(sent, chan):
    """Ask for what was sent to be erased."""
    return lambda: erasing.ask(key=sent.consent.key, persons=[chan.key])


def refused(gd, code):
    gd.hear(code)
    handling.report_undelivered()


def test_a_request_says_why_it_could_not_be_taken_and_waits_for_nothing(asking, gd):
    request = asking()
    assert OutboxMessage.objects.get(message_id=request.message_id).type == "dataflow.erasure-request"
    refused(gd, "no-such-consent")
    request.refresh_from_db()
    assert (request.state, request.reason) == ("failed", "no-such-consent")
    assert request.answered_at


def test_late_news_of_an_earlier_request_leaves_the_one_that_waits(asking, gd):
    first = asking()
    gd.hear("no-right-to-erasure")  # and nobody was told of it yet
    ErasureRequest.objects.filter(pk=first.pk).update(state="failed", reason="no-such-consent")
    second = asking()
    handling.report_undelivered()
    second.refresh_from_db()
    assert (second.state, second.reason) == ("asked", "")


def test_a_request_that_an_operator_sends_again_waits_once_more(asking, gd, today):
    request = asking()
    refused(gd, "no-right-to-erasure")
    again = outbox.retry(request.message_id)
    request.refresh_from_db()
    assert (request.state, request.reason, request.message_id, request.answered_at) == (
        "asked", "", again, None,
    )  # fmt: skip
    assert request.due_on == filings.due_on("gd", today, 15)
    assert [kind for kind, _said in gd.hear("no-right-to-erasure")] == ["dataflow.erasure-request"]
    handling.report_undelivered()
    request.refresh_from_db()
    assert request.state == "failed"


def test_of_two_requests_about_one_consent_an_operator_does_not_have_both_wait(asking, gd):
    request = asking()
    refused(gd, "no-right-to-erasure")
    asking()
    with pytest.raises(errors.AlreadyAsked):
        outbox.retry(request.message_id)


# Answered here


@pytest.fixture
def waits(signed, gd, terms):
    """A request of a resident of Guangdong about two records that are here."""
    said = terms(exporter=terms().importer.model_dump(), importer=terms().exporter.model_dump())
    signed(said)
    consent = gd.consent(said)
    key = uuid.UUID(bytes=consent["consent"])
    record = {"subject": consent["subject"], "purpose": PURPOSE, "values": values_of(VALUES)}
    drafts = [gd.draft("dataflow.consent", consent, conversation=key)]
    drafts += [
        gd.draft("dataflow.record", record, conversation=key, contract=said, consent=f"dataflow:{key}")
        for _ in range(2)
    ]
    payload = {
        "request": uuid.uuid4().bytes, "consent": key.bytes, "at": int(timezone.now().timestamp()),
    }  # fmt: skip
    drafts.append(gd.draft("dataflow.erasure-request", payload, conversation=key))
    assert gd.post(*drafts) == [("handled", "")] * 4
    gd.hear()
    return ErasureRequest.objects.get()


def test_it_waits_for_an_officer_and_nothing_is_erased_meanwhile(waits):
    assert waits.state == "asked"
    assert waits.due_on == filings.due_on("hk", timezone.now().astimezone(TERM_ZONE).date(), 28)
    assert Record.objects.filter(content__isnull=False).count() == 2


def test_the_same_request_again_is_the_same(waits, gd):
    payload = {
        "request": waits.key.bytes, "consent": waits.consent.key.bytes,
        "at": int(timezone.now().timestamp()),
    }  # fmt: skip
    said = gd.say("dataflow.erasure-request", payload, conversation=waits.consent.key)
    assert said == ("handled", "")
    assert ErasureRequest.objects.count() == 1


def test_what_nobody_here_has_cannot_be_erased(waits, gd):
    other = uuid.uuid4()
    payload = {"request": uuid.uuid4().bytes, "consent": other.bytes, "at": 0}
    assert gd.say("dataflow.erasure-request", payload, conversation=other) == ("refused", "no-such-consent")


def test_erased_the_values_are_gone_everywhere_and_the_ledger_still_proves_it(waits, gd):
    messages = list(Record.objects.values_list("message_id", flat=True))
    entries = Entry.objects.count()
    done = erasing.answer(key=waits.key, words="Done.")
    assert (done.state, done.records) == ("erased", 2)
    assert not Record.objects.filter(content__isnull=False).exists()
    kept = InboxMessage.objects.filter(message_id__in=messages)
    assert not InboxBody.objects.filter(pk__in=kept.values("pk")).exists()
    assert Entry.objects.count() >= entries
    heard = dict(gd.hear())
    assert heard["dataflow.erased"]["because"] == "asked"
    answer = heard["dataflow.erasure-answer"]
    assert (answer["outcome"], answer["records"], answer["words"]) == ("erased", 2, "Done.")
    said = erasure_receipts.content(answer["receipt"])
    assert set(said["messages"]) == {str(each) for each in messages}
    assert said["law"] == "PDPO, section 26 and data protection principle 2"
    assert "ledger-entry" in said["stays"]
    assert "CHAN Siu" not in json.dumps(said)
    told = erasure_receipts.read(answer["receipt"], side="hk", at=timezone.now())
    assert (told.request, told.outcome, len(told.records)) == (waits.key, "erased", 2)


def test_refused_it_stays_with_the_rule_that_says_so(waits, gd):
    erasing.answer(key=waits.key, reason="prohibited")
    assert Record.objects.filter(content__isnull=False).count() == 2
    ((kind, answer),) = gd.hear()
    assert (kind, answer["outcome"], answer["reason"]) == ("dataflow.erasure-answer", "refused", "prohibited")
    assert erasure_receipts.content(answer["receipt"])["law"] == "PDPO, section 26(1)(a)"


def test_for_no_reason_that_the_law_does_not_give(waits, gd):
    for reason in ("keeping-term", "inconvenient"):
        with pytest.raises(errors.RefusalNotProvided):
            erasing.answer(key=waits.key, reason=reason)
    assert not gd.hear()
    waits.refresh_from_db()
    assert waits.state == "asked"


def test_it_is_answered_once(waits):
    erasing.answer(key=waits.key)
    with pytest.raises(errors.UnknownErasure):
        erasing.answer(key=waits.key, reason="prohibited")


def test_a_failure_on_the_way_erases_nothing_and_answers_nothing(waits, monkeypatch):
    """As if it were killed before the end: the transaction is whole or it never was."""

    def dies(*_args, **_said):
        raise MemoryError

    monkeypatch.setattr(erasing.outbox, "send_if_it_can", dies)
    with pytest.raises(MemoryError):
        erasing.answer(key=waits.key)
    waits.refresh_from_db()
    assert waits.state == "asked"
    assert Record.objects.filter(content__isnull=False).count() == 2
    assert InboxBody.objects.count() >= 2


def test_it_is_erased_also_where_the_other_side_is_told_later(waits, gd, settings):
    node = settings.NODE
    settings.NODE = replace(node, exchange=replace(node.exchange, outbox_max=0))
    erasing.answer(key=waits.key, words="Done.")
    assert not Record.objects.filter(content__isnull=False).exists()
    assert not erasing.tell_answered()
    assert not gd.hear()
    settings.NODE = node
    erasing.tell_answered()
    ((kind, answer),) = gd.hear()
    waits.refresh_from_db()
    assert (kind, answer["outcome"], answer["records"], answer["words"]) == (
        "dataflow.erasure-answer", "erased", 2, "Done.",
    )  # fmt: skip
    assert answer["receipt"] == bytes(waits.receipt)
    erasing.tell_answered()
    assert not gd.hear()
    assert erasing.tell_answered in {chore.run for chore in chores.registered()}


def test_a_refusal_that_cannot_be_told_is_no_answer(waits, settings):
    settings.NODE = replace(settings.NODE, exchange=replace(settings.NODE.exchange, outbox_max=0))
    with pytest.raises(Exception, match="already wait"):
        erasing.answer(key=waits.key, reason="prohibited")
    waits.refresh_from_db()
    assert waits.state == "asked"


def test_what_comes_after_the_answer_is_kept(waits, gd, terms):
    erasing.answer(key=waits.key)
    consent = DataConsent.objects.get(key=waits.consent.key)
    contract = contracts.Contract.objects.get(contract=consent.contract)
    said = contracts.terms_of(contract)
    record = {"subject": consent.subject, "purpose": PURPOSE, "values": values_of(VALUES)}
    ended = gd.say(
        "dataflow.record", record, conversation=consent.key, contract=said, consent=consent.reference
    )
    assert ended == ("handled", "")
    assert Record.objects.filter(content__isnull=False).count() == 1


def test_who_is_past_the_receipts_longest_list_is_counted(waits):
    many = [uuid.uuid4() for _ in range(erasure_receipts.NAMED + 5)]
    waits.state = "erased"
    signed = erasure_receipts.sign(waits, erasing.rules_here(contracts.today()), many)
    assert len(signed) < MAX
    told = erasure_receipts.read(signed, side="hk", at=timezone.now())
    assert len(told.records) == len(many)
    assert len(erasure_receipts.content(signed)["messages"]) == erasure_receipts.NAMED


def test_erasing_bodies_again_is_harmless(waits):
    messages = list(Record.objects.values_list("message_id", flat=True))
    erasing.answer(key=waits.key)
    assert bodies.erase_received("gd", messages) == 0
    assert timedelta() <= timezone.now() - ErasureRequest.objects.get().answered_at


# Overdue


@pytest.fixture
def raised(node):
    def raised():
        watching.watch()
        rows = AlarmRow.objects.filter(cleared_at__isnull=True, kind="erasure-late")
        return sorted(rows.values_list("about", "value"))

    return raised


def test_what_the_other_side_leaves_unanswered_is_an_alarm(sent, chan, gd, raised, today):
    request = erasing.ask(key=sent.consent.key, persons=[chan.key])
    ErasureRequest.objects.update(due_on=today)
    assert raised() == []
    ErasureRequest.objects.update(due_on=today - timedelta(days=2))
    assert raised() == [(f"gd {request.key}", 2)]
    say_answer(gd, request, answer_of(gd, request))
    assert raised() == []


def test_what_our_officers_leave_unanswered_is_an_alarm(waits, raised, today):
    ErasureRequest.objects.update(due_on=today - timedelta(days=1))
    assert raised() == [(f"hk {waits.key}", 1)]
    erasing.answer(key=waits.key)
    assert raised() == []


# What a node that is not as it should be might say


def test_the_first_answer_stands(sent, chan, gd):
    request = erasing.ask(key=sent.consent.key, persons=[chan.key])
    assert say_answer(gd, request, answer_of(gd, request, [sent.message_id])) == ("handled", "")
    other = answer_of(gd, request, outcome="refused", reason="keeping-term")
    assert say_answer(gd, request, other) == ("refused", "unknown-erasure-request")
    request.refresh_from_db()
    assert (request.state, request.records) == ("erased", 1)


def test_a_second_request_while_one_waits_is_refused(waits, gd):
    payload = {
        "request": uuid.uuid4().bytes, "consent": waits.consent.key.bytes,
        "at": int(timezone.now().timestamp()),
    }  # fmt: skip
    said = gd.say("dataflow.erasure-request", payload, conversation=waits.consent.key)
    assert said == ("refused", "erasure-already-asked")
    assert ErasureRequest.objects.count() == 1
