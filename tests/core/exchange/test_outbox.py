"""Sending: all or nothing, and nothing that may not cross."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

import pytest
from annotated_types import MaxLen
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import TransactionTestCase
from django.utils import timezone

from core.exchange.declared import Note
from kouan.core.exchange import Consent, Payload, outbox, registry, wire
from kouan.core.exchange.crossing import IllFormedPayload, OversizedPayload, UndeclaredCrossing
from kouan.core.exchange.models import OutboxMessage
from kouan.core.exchange.outbox import CannotCancel, NotADeadLetter, OutboxFull
from kouan.core.exchange.receipts import take_receipt
from kouan.core.exchange.sealing import seal_batch
from kouan.core.policy.decide import AgreementNotInForce, ConsentMissing, NoAgreement, PartyNotNamed
from kouan.core.trust.errors import UnknownMember

State = OutboxMessage.State


def send(crossing, to="gd", text="hello", **more):
    with transaction.atomic():
        return outbox.send(crossing, to=to, payload=crossing.payload(text=text), **more)


def test_a_message_is_queued_with_all_that_its_header_will_say(gd, note):
    conversation = uuid.uuid4()
    message = send(note, conversation=conversation)
    row = OutboxMessage.objects.get()
    assert (row.message_id, row.peer, row.type, row.version, row.state) == (
        message,
        "gd",
        "test.note",
        1,
        "waiting",
    )
    assert (row.conversation, row.agreement, row.clause) == (conversation, "tests", "1")
    assert bytes(row.agreement_digest) == gd.agreement.digest
    assert bytes(row.body_digest) == wire.digest(bytes(row.body))
    assert row.expires_at - row.created_at == note.expires_after
    assert message.version == 7


def test_a_message_without_a_conversation_begins_one(gd, note):
    send(note)
    send(note)
    assert OutboxMessage.objects.values("conversation").distinct().count() == 2


def test_many_at_once(gd, note):
    with transaction.atomic():
        ids = outbox.send_many(note, to="gd", payloads=[Note(text=str(at)) for at in range(50)])
    assert len(set(ids)) == 50
    assert list(OutboxMessage.objects.order_by("pk").values_list("message_id", flat=True)) == ids


def test_many_at_once_each_in_its_conversation_and_under_its_consent(gd, note):
    conversations, consents = [uuid.uuid4() for _ in range(3)], ["a:1", "a:2", "a:1"]
    with transaction.atomic():
        outbox.send_many(
            note,
            to="gd",
            payloads=[Note(text="a")] * 3,
            conversations=conversations,
            consents=consents,
        )
    sent = OutboxMessage.objects.order_by("pk").values_list("conversation", "consent")
    assert list(sent) == list(zip(conversations, consents, strict=True))


def test_the_message_stands_or_falls_with_the_callers_transaction(gd, note):
    def announce():
        with transaction.atomic():
            Group.objects.create(name="the change")
            outbox.send(note, to="gd", payload=Note(text="the news"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        announce()
    assert not OutboxMessage.objects.exists()
    assert not Group.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_sending_outside_a_transaction_is_a_mistake_in_the_program(node, note):
    with pytest.raises(outbox.NotInTransaction):
        outbox.send(note, to="gd", payload=Note(text="a"))
    assert issubclass(outbox.NotInTransaction, RuntimeError)
    assert TransactionTestCase  # no transaction of the test's own is around this one


def refused(error, crossing, **more):
    with pytest.raises(error) as caught:
        send(crossing, **more)
    assert not OutboxMessage.objects.exists()
    return caught.value


def test_each_rule_is_asked_before_the_outbox(gd, declare):
    reply = declare("test.reply", senders=["gd"])
    error = refused(PartyNotNamed, reply)
    assert (error.params["clause"], error.status, error.code) == ("declaration", 403, "party-not-named")
    registry.remove(reply)
    reply = declare("test.reply", receivers=["mo"])
    assert refused(PartyNotNamed, reply).params["receiver"] == "gd"
    assert refused(PartyNotNamed, declare("test.note"), to="hk").params["clause"] == "declaration"

    assert refused(NoAgreement, declare("test.nowhere")).params["clause"] == "agreement"
    assert refused(NoAgreement, declare("test.outward"), to="mo").params["legal_basis"] == "tests"
    assert (
        refused(NoAgreement, declare("test.large", legal_basis="another")).params["legal_basis"] == "another"
    )

    error = refused(AgreementNotInForce, declare("test.lapsed"))
    assert (error.params["agreement"], error.params["clause"]) == ("lapsed", "1")
    assert error.params["expires"] == "2025-12-31"

    personal = declare("test.personal", consent=Consent.REQUIRED)
    assert refused(ConsentMissing, personal).params["clause"] == "tests 1"
    assert "test.personal" in str(refused(ConsentMissing, personal, consent="receipt-1"))


def test_a_member_that_nobody_imported(gd, note):
    assert refused(UnknownMember, note, to="mo").params == {"side": "mo"}


def test_a_declaration_that_was_taken_back(gd, declare):
    crossing = declare("test.reply")
    registry.remove(crossing)
    assert refused(UndeclaredCrossing, crossing).params["type"] == "test.reply"


def test_payloads_that_do_not_fit(gd, note, declare):
    error = refused(OversizedPayload, note, text="x" * 5000)
    assert (error.status, error.params["limit"]) == (413, 4096)

    class Other(Payload):
        text: str

    with pytest.raises(IllFormedPayload), transaction.atomic():
        outbox.send(note, to="gd", payload=Other(text="a"))

    class Dated(Payload):
        text: str
        at: datetime | None = None
        number: int | None = None

    dated = declare("test.reply", payload=Dated)
    for wrong in (Dated(text="a", at=datetime.now(UTC)), Dated(text="a", number=1 << 64)):
        with pytest.raises(IllFormedPayload) as caught, transaction.atomic():
            outbox.send(dated, to="gd", payload=wrong)
        assert caught.value.params["type"] == "test.reply"
    assert not OutboxMessage.objects.exists()


def test_half_a_character_is_refused_before_it_is_queued(gd, declare):
    class Loose(Payload):
        text: Annotated[str, MaxLen(9)]

    crossing = declare("test.reply", payload=Loose)
    half = Loose.model_construct(text="\ud83d")
    with pytest.raises(IllFormedPayload), transaction.atomic():
        outbox.send(crossing, to="gd", payload=half)


def test_a_full_outbox_refuses_its_producer(gd, note, settings):
    settings.NODE = replace(settings.NODE, exchange=replace(settings.NODE.exchange, outbox_max=3))
    for _ in range(3):
        send(note)
    with pytest.raises(OutboxFull) as caught:
        send(note)
    assert (caught.value.status, caught.value.params) == (503, {"waiting": 3, "peer": "gd"})
    assert OutboxMessage.objects.count() == 3
    outbox._waiting._counts.clear()  # as after a second
    take_receipt(sealed := seal_batch("gd"), gd.receipt(gd.open(sealed.wire)))
    outbox._waiting._counts.clear()
    send(note)
    with pytest.raises(OutboxFull), transaction.atomic():
        outbox.send_many(note, to="gd", payloads=[Note(text="a")] * 3)


def test_the_bound_is_each_peers_own(peer_of, note, settings):
    peer_of("gd")
    peer_of("mo")
    settings.NODE = replace(settings.NODE, exchange=replace(settings.NODE.exchange, outbox_max=1))
    send(note)
    send(note, to="mo")
    with pytest.raises(OutboxFull):
        send(note)


def test_only_what_was_never_sealed_expires(gd, note):
    send(note)
    sealed = seal_batch("gd")
    send(note)
    send(note, text="fresh")
    OutboxMessage.objects.exclude(pk=OutboxMessage.objects.last().pk).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    assert outbox.expire_waiting(timezone.now()) == 1
    assert outbox.expire_waiting(timezone.now()) == 0
    assert list(OutboxMessage.objects.order_by("pk").values_list("state", "code")) == [
        ("sealed", ""),
        ("expired", "expired-before-sending"),
        ("waiting", ""),
    ]
    take_receipt(sealed, gd.receipt(gd.open(sealed.wire)))
    assert OutboxMessage.objects.first().state == State.ACCEPTED


def dead(gd, note, code="ill-formed-payload"):
    message = send(note)
    sealed = seal_batch("gd")
    take_receipt(sealed, gd.receipt(gd.open(sealed.wire), code))
    return message


def test_a_dead_letter_goes_again_under_a_new_id(gd, note):
    old = dead(gd, note)
    new = outbox.retry(old)
    assert new != old
    row, first = OutboxMessage.objects.get(message_id=new), OutboxMessage.objects.get(message_id=old)
    assert (row.state, row.retry_of, row.conversation) == ("waiting", old, first.conversation)
    assert (first.state, first.dismissed) == ("refused", True)
    assert gd.open(seal_batch("gd").wire).payloads == [{"text": "hello"}]
    with pytest.raises(NotADeadLetter):
        outbox.retry(old)


def test_a_retry_is_decided_afresh(gd, note):
    old = dead(gd, note)
    registry.remove(note)
    with pytest.raises(UndeclaredCrossing):
        outbox.retry(old)
    assert OutboxMessage.objects.get(message_id=old).dismissed is False


@pytest.mark.parametrize("state", ["waiting", "sealed", "accepted", "handled", "cancelled"])
def test_only_dead_letters_are_retried(gd, note, state):
    message = send(note)
    OutboxMessage.objects.update(state=state)
    with pytest.raises(NotADeadLetter):
        outbox.retry(message)
    with pytest.raises(NotADeadLetter):
        outbox.retry(uuid.uuid4())


def test_what_waits_can_be_withdrawn_and_what_has_left_cannot(gd, note):
    message = send(note)
    outbox.cancel(message)
    assert OutboxMessage.objects.get().state == State.CANCELLED
    assert seal_batch("gd") is None
    message = send(note)
    sealed = seal_batch("gd")
    with pytest.raises(CannotCancel):
        outbox.cancel(message)
    take_receipt(sealed, gd.receipt(gd.open(sealed.wire)))
    with pytest.raises(CannotCancel):
        outbox.cancel(message)
    with pytest.raises(CannotCancel):
        outbox.cancel(uuid.uuid4())


def test_a_dead_letter_can_be_put_away(gd, note):
    message = dead(gd, note)
    outbox.cancel(message)
    row = OutboxMessage.objects.get(message_id=message)
    assert (row.state, row.dismissed) == ("refused", True)
    with pytest.raises(CannotCancel):
        outbox.cancel(message)
    with pytest.raises(NotADeadLetter):
        outbox.retry(message)
