from __future__ import annotations

import pytest

from kouan.apps.operations import services
from kouan.apps.operations.errors import CannotPutAway, CannotRetry, NoSuchCrossing
from kouan.core.exchange import handling, sealing
from kouan.core.exchange.ids import new_id
from kouan.core.exchange.models import InboxMessage, OutboxMessage
from kouan.core.exchange.outbox import CannotCancel


def retry(message_id, sender=""):
    return services.retry(message_id=message_id, sender=sender, operator="tests")


def cancel(message_id, sender=""):
    return services.cancel(message_id=message_id, sender=sender, operator="tests")


def fail(node):
    """Have a message arrive whose handler breaks until it is set aside."""

    def breaks(_message):
        raise ValueError

    node.crossing.handle = breaks
    message = node.receive()[0]
    InboxMessage.objects.filter(message_id=message).update(attempts=handling.MAX_ATTEMPTS - 1)
    handling.handle_waiting()
    assert InboxMessage.objects.get(message_id=message).state == "failed"
    return message


def test_a_refused_message_is_sent_again_once_under_a_new_id(node):
    old = node.deliver(statuses=["no-agreement"])[0]
    first, second = retry(old), retry(old)
    assert (first.already, second.already) == (False, True)
    assert first.message_id == second.message_id != old
    again = OutboxMessage.objects.get(message_id=first.message_id)
    assert (again.state, again.retry_of) == ("waiting", old)
    assert OutboxMessage.objects.get(message_id=old).dismissed
    assert OutboxMessage.objects.count() == 2


def test_what_failed_is_handled_again(node):
    message = fail(node)
    seen = []
    node.crossing.handle = seen.append
    first, second = retry(message), retry(message)
    assert (first.inbound, first.already, second.already) == (True, False, True)
    handling.handle_waiting()
    assert [received.id for received in seen] == [message]
    with pytest.raises(CannotRetry):
        retry(message)


@pytest.mark.parametrize("deliver", [False, True])
def test_only_a_dead_letter_is_tried_again(node, deliver):
    message = node.deliver()[0] if deliver else node.send()[0]
    with pytest.raises(Exception, match=str(message)) as raised:
        retry(message)
    assert raised.value.code == "not-a-dead-letter"
    assert OutboxMessage.objects.count() == 1


def test_a_waiting_message_is_withdrawn_once(node):
    message = node.send()[0]
    first, second = cancel(message), cancel(message)
    assert (first.withdrawn, first.already) == (True, False)
    assert (second.withdrawn, second.already) == (True, True)
    assert sealing.seal_batch("gd") is None


def test_a_dead_letter_is_put_away_once(node):
    message = node.deliver(statuses=["denied"])[0]
    first, second = cancel(message), cancel(message)
    assert (first.withdrawn, first.already) == (False, False)
    assert (second.withdrawn, second.already) == (False, True)
    assert OutboxMessage.objects.get().state == "refused"


def test_what_has_left_cannot_be_withdrawn(node):
    message = node.send()[0]
    sealing.seal_batch("gd")
    with pytest.raises(CannotCancel):
        cancel(message)


def test_a_peers_message_cannot_be_withdrawn(node):
    with pytest.raises(CannotPutAway):
        cancel(fail(node))


@pytest.mark.parametrize("do", [retry, cancel])
@pytest.mark.parametrize("sender", ["", "gd", "hk", "mo"])
def test_an_unknown_id(node, do, sender):
    with pytest.raises(NoSuchCrossing):
        do(new_id(), sender)


def test_the_sender_tells_equal_ids_apart(node):
    ours = node.deliver(statuses=["denied"])[0]
    node.crossing.handle = None
    node.receive(ids=[ours])
    InboxMessage.objects.update(state="failed")
    assert retry(ours, "gd").inbound
    assert not OutboxMessage.objects.get().dismissed
    assert not retry(ours, "hk").inbound
