"""A batch is decided for one moment: its contract is read once, and nothing else is remembered."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.dataflow.guangdong import values_of
from apps.dataflow.made import PURPOSE, VALUES
from apps.dataflow.test_records import theirs  # noqa: F401 - a fixture
from kouan.apps.dataflow import contracts, decisions
from kouan.apps.dataflow.domain import State
from kouan.apps.dataflow.models import Contract, DataConsent, Decision, Record
from kouan.core.exchange import inbox
from kouan.core.exchange.handling import handle_waiting
from kouan.core.exchange.models import InboxBody, InboxMessage


@pytest.fixture
def consented(gd, theirs):  # noqa: F811 - the fixture that is imported
    """A consent of Guangdong's that is here, and how a record under it is drafted."""
    said = gd.consent(theirs)
    key = uuid.UUID(bytes=said["consent"])
    assert gd.post(gd.draft("dataflow.consent", said, conversation=key)) == [("handled", "")]

    def record():
        payload = {"subject": said["subject"], "purpose": PURPOSE, "values": values_of(VALUES)}
        return gd.draft(
            "dataflow.record", payload, conversation=key, contract=theirs, consent=f"dataflow:{key}"
        )

    return key, record


def arrive(gd, drafts):
    """Have a batch arrive, and not handled yet."""
    posted = gd.peer.batch(*drafts)
    gd.peer.read_receipt(inbox.accept(posted.wire), posted)
    gd.peer.advance(posted)


@pytest.mark.sqlite  # what the driver is asked is heard there
def test_a_batch_reads_its_contract_once(gd, consented):
    _key, record = consented
    drafts, asked = [record() for _ in range(20)], []
    connection.connection.set_trace_callback(asked.append)
    try:
        arrive(gd, drafts)
    finally:
        connection.connection.set_trace_callback(None)
    assert len([each for each in asked if "FROM dataflow_contract" in each]) == 1
    while handle_waiting():
        pass
    assert Record.objects.filter(outgoing=False).count() == 20


@pytest.mark.sqlite  # as above
def test_a_group_writes_a_decision_for_each_message_in_one_statement(gd, consented):
    _key, record = consented
    drafts, asked = [record() for _ in range(20)], []
    arrive(gd, drafts)
    connection.connection.set_trace_callback(asked.append)
    try:
        assert handle_waiting() == 20
    finally:
        connection.connection.set_trace_callback(None)
    writes = [at for at, each in enumerate(asked) if 'INSERT INTO "dataflow_decision"' in each]
    assert writes == list(range(writes[0], writes[0] + 20))  # nothing between them
    noted = Decision.objects.filter(outgoing=False).order_by("pk")
    assert [row.message_id.bytes for row in noted] == [draft.header["id"] for draft in drafts]
    assert all(row.allowed and decisions.replay(row).same for row in noted)


def test_in_a_group_in_which_one_is_refused_each_has_its_own_decision(gd, consented):
    """The group is undone and handled again one by one: nothing of the first try stays."""
    key, record = consented
    drafts = [record(), record(), record()]
    arrive(gd, drafts[:1])
    arrive(gd, drafts[1:])
    said = {"consent": key.bytes, "at": int(time.time())}
    arrive(gd, [gd.draft("dataflow.consent-withdrawn", said, conversation=key), record()])
    while handle_waiting():
        pass
    found = list(Decision.objects.filter(outgoing=False).order_by("pk").values_list("message_id", "allowed"))
    assert [id_.bytes for id_, allowed in found if allowed] == [draft.header["id"] for draft in drafts]
    assert [allowed for _id, allowed in found].count(False) == 1


def test_a_contract_that_ends_between_two_batches_lets_the_second_one_in_no_more(gd, consented):
    _key, record = consented
    assert gd.post(record()) == [("handled", "")]
    row = Contract.objects.get()
    contracts.end(digest=bytes(row.digest), reason="We close.")
    assert gd.post(record()) == [("refused", "contract-over")]


def test_a_consent_that_is_withdrawn_while_records_wait_lets_none_of_them_in(gd, consented):
    """Whoever withdraws it, in whichever process: it is read again for each."""
    key, record = consented
    assert gd.post(record()) == [("handled", "")]
    arrive(gd, [record(), record()])
    DataConsent.objects.filter(key=key).update(withdrawn_at=timezone.now())
    handle_waiting()
    ended = InboxMessage.objects.filter(type="dataflow.record").order_by("pk").values_list("state", "code")
    assert list(ended) == [
        ("handled", ""),
        ("refused", "consent-withdrawn"),
        ("refused", "consent-withdrawn"),
    ]
    DataConsent.objects.filter(key=key).update(withdrawn_at=None)
    assert gd.post(record()) == [("handled", "")]


def test_what_a_withdrawal_in_the_same_group_takes_back_stays_nowhere(gd, consented):
    """Neither in the records nor in the inbox, whose rows are only told as handled at the group's end."""
    key, record = consented
    withdrawn = {"consent": key.bytes, "at": int(time.time())}
    arrive(gd, [record(), record(), gd.draft("dataflow.consent-withdrawn", withdrawn, conversation=key)])
    assert handle_waiting() == 3
    assert set(Record.objects.values_list("content", "erased_because")) == {(None, "withdrawn")}
    assert not InboxBody.objects.filter(message__type="dataflow.record").exists()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"state": State.REFUSED}, "contract-over"),
        ({"signed_there": None}, "unsigned-contract"),
        ({"signed_here": None}, "unsigned-contract"),
    ],
)
def test_whatever_changes_of_a_contract_counts_at_once(gd, consented, changes, code):
    """What passed is remembered by all that was read of it, so other facts are judged anew."""
    _key, record = consented
    assert gd.post(record()) == [("handled", "")]
    Contract.objects.update(**changes)
    assert gd.post(record()) == [("refused", code)]


def test_a_filing_that_turns_out_late_counts_at_once(gd, consented, today):
    _key, record = consented
    assert gd.post(record()) == [("handled", "")]
    filing = Contract.objects.get().filings.first()
    filing.due_on = today - timedelta(days=1)
    filing.save()
    assert gd.post(record()) == [("refused", "not-filed")]
    filing.filed_on = today
    filing.save()
    assert gd.post(record()) == [("handled", "")]
