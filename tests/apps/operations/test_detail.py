from __future__ import annotations

import pytest

from kouan.apps.operations.detail import crossing_detail
from kouan.apps.operations.domain import Direction, State
from kouan.apps.operations.errors import NoSuchCrossing
from kouan.core.exchange import bodies, handling, sealing, wire, witness
from kouan.core.exchange.ids import new_id
from kouan.core.exchange.models import InboxMessage, OutboxMessage
from kouan.core.exchange.times import milliseconds


def shown(detail):
    return [(step.kind.value, step.state.value) for step in detail.steps]


def test_a_message_on_its_way(node):
    message = node.send()[0]
    detail = crossing_detail(message)
    assert shown(detail)[:2] == [("made", "done"), ("sealed", "current")]
    assert (detail.receipt, detail.batch, detail.ours, detail.theirs) == (None, None, None, None)
    assert detail.can_cancel
    assert not detail.can_retry

    sealed = sealing.seal_batch("gd")
    detail = crossing_detail(message)
    assert shown(detail)[1:3] == [("sealed", "done"), ("accepted", "current")]
    assert detail.batch.count == 1
    assert detail.batch.wire_bytes == len(sealed.wire)
    assert not detail.can_cancel

    node.peer.answer(sealed)
    detail = crossing_detail(message)
    assert shown(detail)[2:] == [("accepted", "done"), ("handled", "current")]
    assert detail.receipt.signer == "gd"
    assert detail.receipt.ledger_index == detail.theirs.index == 1000
    assert detail.ours.checkpoint_size is None
    assert detail.clause.text.en == "Either side may send notes to the other."

    node.receive(0, notices=[wire.Notice(message, None, milliseconds(detail.created_at))])
    assert all(state == "done" for _, state in shown(crossing_detail(message)))


def test_what_was_erased_is_said_to_be(node):
    message = node.deliver()[0]
    assert not crossing_detail(message).erased
    assert bodies.erase_sent([message]) == 1
    detail = crossing_detail(message)
    assert (detail.erased, detail.fields, detail.sizes.body, detail.sizes.payload) == (True, (), None, None)
    assert detail.sizes.header
    OutboxMessage.objects.filter(message_id=message).update(state="refused")
    detail = crossing_detail(message)
    assert (detail.can_retry, detail.can_cancel) == (False, True)


def test_a_peers_message_that_was_erased_is_said_to_be(node):
    message = node.receive()[0]
    handling.handle_waiting()
    assert not crossing_detail(message).erased
    assert bodies.erase_received("gd", [message]) == 1
    detail = crossing_detail(message)
    assert (detail.erased, detail.fields, detail.sizes.body) == (True, (), None)


def test_the_ledgers_place_and_its_co_signature(node):
    message = node.deliver()[0]
    witness.publish()
    assert crossing_detail(message).ours.checkpoint_size is None
    node.peer.cosign()
    ours = crossing_detail(message).ours
    assert ours.checkpoint_size > ours.index
    assert ours.witnesses == ("gd.kouan/witness",)


def test_fields_have_names_and_sizes_and_no_content(node):
    detail = crossing_detail(node.send()[0])
    assert {field.name: field.size for field in detail.fields} == {"text": 9, "kind": 5, "mark": 5}
    assert {str(field.explanation) for field in detail.fields} == {
        "What is said",
        "What sort of note it is",
        "Four bytes",
    }
    assert "Number 0" not in repr(detail)
    assert detail.sizes.payload < detail.sizes.body


def test_a_message_refused_at_the_other_sides_door(node):
    detail = crossing_detail(node.deliver(statuses=["no-agreement"])[0])
    assert shown(detail)[-1] == ("refused-at-door", "failed")
    assert detail.receipt.code == "no-agreement"
    assert detail.receipt.refused == 1
    assert detail.can_retry
    assert detail.can_cancel


def test_a_message_that_arrived(node):
    message = node.receive()[0]
    detail = crossing_detail(message)
    assert detail.row.direction is Direction.IN
    assert shown(detail)[2:] == [("accepted", "done"), ("handled", "current")]
    assert detail.receipt.signer == "hk"
    assert detail.receipt.ledger_index == detail.ours.index
    assert detail.expires_at > detail.created_at
    assert detail.agreement.id == "hk-gd-test"
    assert not detail.can_cancel

    handling.handle_waiting()
    assert shown(crossing_detail(message))[-1] == ("handled", "done")


def test_a_message_refused_at_our_door_is_not_opened(node):
    message = node.receive(poison=True)[0]
    detail = crossing_detail(message)
    assert detail.row.state is State.REFUSED
    assert shown(detail)[-1] == ("refused-at-door", "failed")
    assert detail.receipt.code == "unreadable"
    assert detail.fields == ()
    assert (detail.sizes.body, detail.erased) == (None, False)


def test_the_rest_of_a_conversation(node):
    asked = node.receive()[0]
    conversation = InboxMessage.objects.get().conversation
    answered = node.send(2, conversation=conversation)
    node.send()
    assert [row.message_id for row in crossing_detail(asked).conversation] == answered
    assert [row.message_id for row in crossing_detail(answered[0]).conversation] == [asked, answered[1]]


def test_a_peers_message_under_an_id_of_ours_is_told_apart_by_its_sender(node):
    message = node.send()[0]
    node.receive(ids=[message])
    assert crossing_detail(message).row.direction is Direction.OUT
    assert crossing_detail(message, sender="hk").row.direction is Direction.OUT
    assert crossing_detail(message, sender="gd").row.direction is Direction.IN


def test_an_unknown_id(node):
    with pytest.raises(NoSuchCrossing):
        crossing_detail(new_id())
    with pytest.raises(NoSuchCrossing):
        crossing_detail(node.send()[0], sender="gd")


def test_a_damaged_receipt_is_shown_as_none(node):
    message = node.deliver()[0]
    batch = OutboxMessage.objects.get().batch
    batch.receipt = b"\x84"
    batch.save()
    assert crossing_detail(message).receipt is None


def test_a_crossing_costs_few_reads(node, django_assert_max_num_queries):
    message = node.deliver(30, conversation=new_id())[7]
    node.witnessed()
    with django_assert_max_num_queries(12):
        crossing_detail(message)
