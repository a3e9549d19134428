from __future__ import annotations

import io
import uuid
from datetime import UTC, date, datetime
from typing import Literal

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kouan.apps.validation import queries, services, shown
from kouan.apps.validation.crossings import (
    FINGERPRINT_ANSWER,
    FINGERPRINT_QUESTION,
    Digest,
    FingerprintQuestion,
    ReferenceText,
    answer_fingerprint_question,
    answer_payload,
    note_undelivered_question,
    take_fingerprint_answer,
)
from kouan.apps.validation.domain import Algorithm, Outcome, Reference, RevocationReason
from kouan.apps.validation.errors import UnexpectedAnswer
from kouan.apps.validation.models import Validation
from kouan.apps.validation.queries import Answer, Issuer
from kouan.core import cbor
from kouan.core.exchange import Payload, Received, Undelivered
from kouan.core.exchange.models import OutboxMessage
from kouan.core.exchange.wire import decode_body
from kouan.core.text import Localised

REFERENCE = str(Reference.new("gd"))
DIGEST = bytes(range(32))
ISSUER = Issuer("pearl-river-bank", Localised("Pearl River Bank", "珠江銀行", "珠江银行"))
DECIDED = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
MATCH = Answer(Outcome.MATCH, DECIDED, ISSUER, "bank-statement", date(2026, 1, 1), date(2027, 1, 1))


def received(payload, *, sender="gd", conversation=None):
    return Received(uuid.uuid4(), sender, conversation or uuid.uuid4(), timezone.now(), payload)


def question(reference=REFERENCE, digest=DIGEST):
    return FingerprintQuestion(reference=reference, algorithm="sha-256", digest=digest)


def sent_answer():
    row = OutboxMessage.objects.get(type="validation.answer")
    payload = decode_body(bytes(row.body), max_bytes=FINGERPRINT_ANSWER.max_bytes)
    return row, FINGERPRINT_ANSWER.decode_bytes(payload)


@pytest.mark.django_db
@pytest.mark.parametrize("revoke", [False, True])
def test_a_question_about_the_very_file_is_answered_in_its_conversation(peer, issue, revoke):
    document, _ = issue()
    if revoke:
        services.revoke(document=document, reason=RevocationReason.FRAUD)
    message = received(question(document.reference, bytes(document.digest)))
    answer_fingerprint_question(message)
    row, answer = sent_answer()
    assert (row.peer, row.conversation, row.clause) == ("gd", message.conversation, "2.2")
    assert answer.outcome == ("revoked" if revoke else "match")
    assert answer.issuer.name_zh_hant == "海港大學"
    assert answer.issued_on == queries.today().isoformat()
    assert (answer.revoked_on is not None) is revoke
    assert "fraud" not in repr(answer)


@pytest.mark.django_db
def test_questions_about_other_files_learn_nothing(peer, issue):
    document, _ = issue()
    answer_fingerprint_question(received(question(document.reference, DIGEST)))
    _, answer = sent_answer()
    assert (answer.outcome, answer.issuer, answer.document_type, answer.issued_on) == (
        "mismatch",
        None,
        None,
        None,
    )
    OutboxMessage.objects.all().delete()
    answer_fingerprint_question(received(question()))
    _, answer = sent_answer()
    assert (answer.outcome, answer.issuer) == ("unknown", None)


@pytest.mark.django_db
def test_the_answer_is_recorded_once(peer):
    item = services.ask(reference=Reference.parse(REFERENCE), digest=DIGEST)
    payload = answer_payload(reference=REFERENCE, digest=DIGEST, answer=MATCH)
    message = received(payload, conversation=item.conversation)
    take_fingerprint_answer(message)
    item.refresh_from_db()
    assert queries.answer_of(item) == MATCH
    assert queries.crossed(item)[1] == message.id
    with pytest.raises(UnexpectedAnswer):
        take_fingerprint_answer(received(payload, conversation=item.conversation))


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", ["sender", "conversation", "reference", "digest"])
def test_an_answer_to_nothing_that_was_asked_is_refused(peer, wrong):
    item = services.ask(reference=Reference.parse(REFERENCE), digest=DIGEST)
    payload = answer_payload(
        reference=str(Reference.new("gd")) if wrong == "reference" else REFERENCE,
        digest=bytes(32) if wrong == "digest" else DIGEST,
        answer=MATCH,
    )
    message = received(
        payload,
        sender="mo" if wrong == "sender" else "gd",
        conversation=uuid.uuid4() if wrong == "conversation" else item.conversation,
    )
    with pytest.raises(UnexpectedAnswer):
        take_fingerprint_answer(message)
    item.refresh_from_db()
    assert item.answered_at is None


@pytest.mark.django_db
def test_an_undelivered_question_ends_the_waiting_and_a_late_answer_still_counts(peer):
    item = services.ask(reference=Reference.parse(REFERENCE), digest=DIGEST)
    note_undelivered_question(Undelivered(uuid.uuid4(), "gd", item.conversation, "expired-before-sending"))
    item.refresh_from_db()
    assert queries.progress(item).failure == "expired-before-sending"
    payload = answer_payload(reference=REFERENCE, digest=DIGEST, answer=MATCH)
    take_fingerprint_answer(received(payload, conversation=item.conversation))
    item.refresh_from_db()
    assert (item.outcome, queries.progress(item).failure) == ("match", "")


@pytest.mark.django_db
def test_the_page_names_every_field_that_crossed(peer):
    item = services.ask(reference=Reference.parse(REFERENCE), digest=DIGEST)
    assert [len(message.fields) for message in shown.crossed_messages(item)] == [3]
    payload = answer_payload(reference=REFERENCE, digest=DIGEST, answer=MATCH)
    take_fingerprint_answer(received(payload, conversation=item.conversation))
    item.refresh_from_db()
    asked, answered = shown.crossed_messages(item)
    assert asked.size == len(FINGERPRINT_QUESTION.encode(question()))
    assert answered.size == len(FINGERPRINT_ANSWER.encode(payload))
    assert len(answered.fields) == 9
    assert ("Pearl River Bank (pearl-river-bank)") in [value for _, value in answered.fields]
    states = [step["state"] for step in shown.steps(item, queries.progress(item))]
    assert states == ["done"] * 4


def test_the_largest_messages_fit():
    name = Localised("名" * 200, "名" * 200, "名" * 200)
    answer = Answer(
        Outcome.REVOKED, DECIDED, Issuer("x" * 40, name), "business-owner-credit-record",
        date(2026, 1, 1), date(2026, 1, 1), date(2026, 1, 1),
    )  # fmt: skip
    longest = str(Reference.new("a" * 8))
    FINGERPRINT_ANSWER.encode(answer_payload(reference=longest, digest=DIGEST, answer=answer))
    FINGERPRINT_QUESTION.encode(question(longest))


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": "mismatch"},
        {"outcome": "unknown"},
        {"outcome": "revoked"},
        {"outcome": "perhaps"},
        {"issuer": None},
        {"document_type": None},
        {"document_type": "passport"},
        {"issued_on": "2026-02-30"},
        {"issued_on": "20260101"},
        {"decided_at": "yesterday"},
        {"decided_at": "2026-13-01T00:00:00Z"},
        {"outcome": "expired", "expires_on": None},
        {"revoked_on": "2026-01-02"},
        {"digest": b"short"},
        {"salt": b"x"},
        {"reference": "HK"},
    ],
)
def test_an_answer_that_contradicts_itself_is_refused(change):
    good = answer_payload(reference=REFERENCE, digest=DIGEST, answer=MATCH).model_dump()
    type(answer_payload(reference=REFERENCE, digest=DIGEST, answer=MATCH)).model_validate(good)
    with pytest.raises(ValidationError):
        type(answer_payload(reference=REFERENCE, digest=DIGEST, answer=MATCH)).model_validate(
            {**good, **change}
        )


@given(st.binary(min_size=32, max_size=32))
def test_a_question_reads_back_from_its_bytes(digest):
    data = FINGERPRINT_QUESTION.encode(question(digest=digest))
    assert FINGERPRINT_QUESTION.decode_bytes(data) == question(digest=digest)
    assert len(data) < 120


class QuestionOfBefore(Payload):
    """The question as a node reads it that knows SHA-256 alone."""

    reference: ReferenceText
    algorithm: Literal["sha-256"]
    digest: Digest


def test_an_older_node_reads_the_same_question_and_refuses_one_with_sm3():
    for algorithm, reads in [("sha-256", True), ("sm3", False)]:
        payload = FingerprintQuestion(reference=REFERENCE, algorithm=algorithm, digest=DIGEST)
        said = cbor.decode(FINGERPRINT_QUESTION.encode(payload), max_bytes=1024)
        if reads:
            assert QuestionOfBefore.model_validate(said).digest == DIGEST
        else:
            with pytest.raises(ValidationError):
                QuestionOfBefore.model_validate(said)


@pytest.mark.django_db
def test_a_document_with_sm3_is_asked_about_with_sm3(peer, issue):
    document, carried = issue(algorithm=Algorithm.SM3)
    digest = bytes(document.digest)
    for algorithm, outcome in [("sm3", "match"), ("sha-256", "mismatch")]:
        payload = FingerprintQuestion(reference=document.reference, algorithm=algorithm, digest=digest)
        answer_fingerprint_question(received(payload))
        _, answer = sent_answer()
        assert (answer.outcome, answer.algorithm) == (outcome, algorithm)
        OutboxMessage.objects.all().delete()
    item = services.validate_file(source=io.BytesIO(carried))
    assert (item.algorithm, item.outcome) == ("sm3", "match")


@pytest.mark.django_db
def test_an_answer_by_another_algorithm_is_not_the_answer(peer):
    item = services.ask(reference=Reference.parse(REFERENCE), digest=DIGEST, algorithm=Algorithm.SM3)
    for algorithm, taken in [(Algorithm.SHA_256, False), (Algorithm.SM3, True)]:
        payload = answer_payload(reference=REFERENCE, digest=DIGEST, answer=MATCH, algorithm=algorithm)
        message = received(payload, conversation=item.conversation)
        if taken:
            take_fingerprint_answer(message)
        else:
            with pytest.raises(UnexpectedAnswer):
                take_fingerprint_answer(message)
    assert Validation.objects.get().outcome == "match"
    assert [message.fields[1][1] for message in shown.crossed_messages(Validation.objects.get())] == [
        "SM3 (GB/T 32905)"
    ] * 2
