"""What was sent and never counted there: both sides end up with the same, and what is true is told again."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.dataflow.conftest import OFFICER
from apps.dataflow.made import PURPOSE
from apps.dataflow.test_contracts import BACK, answer, proposal, states
from apps.dataflow.test_records import come, kept, theirs  # noqa: F401 - fixtures
from kouan.apps.dataflow import clearing, consents, contracts, errors, filings, records, seals, telling
from kouan.apps.dataflow.domain import State
from kouan.apps.dataflow.models import Contract, SignedPaper, Use
from kouan.apps.dataflow.printing import rendered
from kouan.core import chores
from kouan.core.exchange import outbox
from kouan.core.exchange.bodies import ContentErased
from kouan.core.exchange.handling import report_undelivered
from kouan.core.exchange.models import OutboxMessage


def late(gd):
    """Let all that waits wait for too long: the other side was out of reach for weeks."""
    assert outbox.expire_waiting(timezone.now() + timedelta(days=31))
    report_undelivered()


def arrived_late(gd):
    """Let it arrive after its expiry."""
    gd.hear(*["expired"] * 9)
    report_undelivered()


def kinds(heard):
    return [kind for kind, _payload in heard]


LATE = pytest.mark.parametrize("lost", [late, arrived_late])


@LATE
def test_a_contracts_end_is_told_until_it_arrives(signed, gd, lost):
    made = signed()
    gd.hear()
    contracts.end(digest=bytes(made.digest), reason="The bank closes.")
    lost(gd)
    made.refresh_from_db()
    assert made.state == State.ENDED
    for _time in range(2):  # however often the line is down for so long
        assert not telling.tell_again()
        lost(gd)
    telling.tell_again()
    ((kind, payload),) = gd.hear()
    assert (kind, payload["reason"]) == ("dataflow.contract-end", "The bank closes.")
    report_undelivered()
    telling.tell_again()
    assert not gd.hear()
    assert telling.tell_again in {chore.run for chore in chores.registered()}


def test_what_the_other_side_refuses_is_left_to_the_operator(signed, gd):
    made = signed()
    gd.hear()
    contracts.end(digest=bytes(made.digest), reason="The bank closes.")
    gd.hear("unknown-contract")
    report_undelivered()
    telling.tell_again()
    assert not gd.hear()
    dead = OutboxMessage.objects.get(type="dataflow.contract-end")
    outbox.retry(dead.message_id)
    assert kinds(gd.hear()) == ["dataflow.contract-end"]


def test_what_an_operator_has_put_away_is_not_told_again(signed, gd):
    made = signed()
    gd.hear()
    contracts.end(digest=bytes(made.digest), reason="The bank closes.")
    late(gd)
    outbox.cancel(OutboxMessage.objects.get(type="dataflow.contract-end").message_id)
    telling.tell_again()
    assert not gd.hear()


def test_it_waits_while_no_more_may_wait(signed, gd, node, settings):
    made = signed()
    gd.hear()
    contracts.end(digest=bytes(made.digest), reason="The bank closes.")
    late(gd)
    settings.NODE = replace(node, exchange=replace(node.exchange, outbox_max=0))
    assert not telling.tell_again()
    settings.NODE = node
    telling.tell_again()
    assert kinds(gd.hear()) == ["dataflow.contract-end"]


@LATE
def test_a_filing_is_told_until_it_arrives(signed, gd, lost, today):
    made = signed()
    gd.hear()
    filings.filed(digest=bytes(made.digest), filed_on=today, reference="F 1")
    lost(gd)
    telling.tell_again()
    ((kind, payload),) = gd.hear()
    assert (kind, payload["reference"]) == ("dataflow.filing", "F 1")


@LATE
def test_that_a_record_was_read_is_told_until_the_person_can_see_it(kept, gd, lost):  # noqa: F811 - fixtures
    record = kept()
    records.read(record=record, reader="Loans", purpose=PURPOSE)
    gd_before = Use.objects.get()
    lost(gd)
    telling.tell_again()
    told = [payload for kind, payload in gd.hear() if kind == "dataflow.use"]
    assert [(each["use"], each["reader"]) for each in told] == [(gd_before.key.bytes, "Loans")]


@LATE
def test_that_records_were_erased_is_told_until_it_arrives(kept, gd, lost, today):  # noqa: F811 - fixtures
    record = kept()
    type(record).objects.update(erase_on=today - timedelta(days=1))
    clearing.erase_overdue()
    lost(gd)
    telling.tell_again()
    assert "dataflow.erased" in kinds(gd.hear())


@LATE
def test_a_consent_is_told_until_it_arrives(signed, given, gd, lost):
    made = signed()
    gd.hear()
    consent = given(made)
    lost(gd)
    telling.tell_again()
    ((kind, payload),) = gd.hear()
    assert (kind, payload["consent"]) == ("dataflow.consent", consent.key.bytes)


@pytest.mark.parametrize("over", ["withdrawn", "expired"])
def test_a_consent_that_is_over_is_not_told_any_more(signed, given, gd, chan, over):
    made = signed()
    gd.hear()
    consent = given(made)
    late(gd)
    if over == "withdrawn":
        consents.withdraw(key=consent.key, person=chan.key)
        gd.hear()
    else:
        type(consent).objects.update(expires_at=timezone.now())
    dead = OutboxMessage.objects.get(type="dataflow.consent")
    with pytest.raises(ContentErased if over == "withdrawn" else errors.ConsentExpired):
        outbox.retry(dead.message_id)
    telling.tell_again()
    assert not gd.hear()
    dead.refresh_from_db()
    assert dead.dismissed


# Answers and proposals


def paper_of(gd, said, stores, settings):
    """Guangdong's own signature in the contract's PDF, as its node makes it."""
    from kouan.core.trust import queries  # noqa: PLC0415 - of this alone

    ours = settings.NODE
    queries.forget_members()
    settings.NODE = replace(ours, side="gd", keys=stores["gd"].directory)
    try:
        return seals.signed(said, officer="WANG Fang, Director")
    finally:
        settings.NODE = ours
        queries.forget_members()


def test_a_lost_answer_leaves_the_other_sides_pdf_as_it_was(gd, terms, stores, settings):
    """The signature of who proposed it is not lost with ours: the next answer goes on the same paper."""
    said = terms(**BACK)
    paper = paper_of(gd, said, stores, settings)
    proposal(gd, said, paper=paper)
    assert bytes(SignedPaper.objects.get().data) == paper
    contracts.sign(digest=said.digest(), officer=OFFICER)
    both = bytes(SignedPaper.objects.get().data)
    assert [seal.side for seal in seals.seals_of(both, said)] == ["gd", "hk"]
    gd.hear("unreadable")
    report_undelivered()
    assert bytes(SignedPaper.objects.get().data) == paper
    contracts.sign(digest=said.digest(), officer=OFFICER)
    ((_kind, payload),) = gd.hear()
    sealed = seals.check(payload["paper"], base=rendered(said), sides=said.sides)
    assert [seal.side for seal in sealed] == ["gd", "hk"]


def test_a_lost_answer_on_a_paper_of_this_side_alone_leaves_none(gd, terms):
    said = terms(**BACK)
    proposal(gd, said)  # its paper did not come, or was not sound
    contracts.sign(digest=said.digest(), officer=OFFICER)
    assert SignedPaper.objects.exists()
    gd.hear("unreadable")
    report_undelivered()
    assert not SignedPaper.objects.exists()


def test_ended_before_its_answer_turned_out_lost(gd, terms):
    """What it had replaced counts again on this side too: on the other it was never replaced."""
    first = terms(**BACK)
    proposal(gd, first)
    contracts.sign(digest=first.digest(), officer=OFFICER)
    gd.hear()
    second = terms(**BACK, version=2, replaces=first.digest().hex(), retention_days=20)
    proposal(gd, second)
    contracts.sign(digest=second.digest(), officer=OFFICER)
    contracts.end(digest=second.digest(), reason="No longer.")
    gd.hear("unreadable", None)
    report_undelivered()
    assert states() == [(1, State.SIGNED), (2, State.ENDED)]
    assert not SignedPaper.objects.filter(contract__version=2).exists()
    contracts.end(digest=first.digest(), reason="And this.")
    assert states() == [(1, State.ENDED), (2, State.ENDED)]


def test_the_other_side_ends_what_its_answer_never_told_of(gd, terms, today):
    """Else this side would wait for an answer for ever, and nothing else could be agreed on."""
    made = contracts.draft(terms())
    contracts.propose(digest=bytes(made.digest), officer=OFFICER)
    gd.hear()
    said = {"digest": bytes(made.digest), "ended_on": today.isoformat(), "reason": "We close."}
    assert gd.say("dataflow.contract-end", said, conversation=uuid.UUID(str(made.contract))) == (
        "handled",
        "",
    )
    made.refresh_from_db()
    assert (made.state, made.reason) == (State.REFUSED, "We close.")
    assert answer(gd, made) == ("refused", "not-in-this-state")
    contracts.draft(terms(persons=5))


def test_a_proposal_that_an_operator_sends_again_waits_for_an_answer_again(gd, terms):
    made = contracts.draft(terms())
    contracts.propose(digest=bytes(made.digest), officer=OFFICER)
    gd.hear("unreadable")
    report_undelivered()
    assert states() == [(1, State.REFUSED)]
    outbox.retry(OutboxMessage.objects.get().message_id)
    made.refresh_from_db()
    assert (made.state, made.reason) == (State.PROPOSED, "")
    gd.hear()
    assert answer(gd, made) == ("handled", "")
    assert states() == [(1, State.SIGNED)]


@pytest.mark.parametrize("since", ["drafted anew", "another contract"])
def test_a_proposal_that_is_no_longer_this_sides_is_not_sent_again(gd, terms, since):
    made = contracts.draft(terms())
    contracts.propose(digest=bytes(made.digest), officer=OFFICER)
    gd.hear("unreadable")
    report_undelivered()
    dead = OutboxMessage.objects.get()
    if since == "drafted anew":
        contracts.draft(terms(persons=5))
        error = errors.UnknownContract
    else:
        other = contracts.draft(terms(contract=str(uuid.UUID(int=7, version=4))))
        contracts.propose(digest=bytes(other.digest), officer=OFFICER)
        error = errors.ContractsDisagree
    with pytest.raises(error):
        outbox.retry(dead.message_id)
    assert not Contract.objects.filter(message_id=dead.message_id, state=State.PROPOSED).exists()
