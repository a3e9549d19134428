"""The life of a contract, with the other side's part played by the test."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import rfc8785
from django.utils import timezone

from apps.dataflow.conftest import OFFICER
from apps.dataflow.made import BANK, LENDER
from kouan.apps.dataflow import contracts, errors, filings, statements
from kouan.apps.dataflow.domain import State
from kouan.apps.dataflow.models import Contract, Filing
from kouan.apps.dataflow.queries.contracts import due
from kouan.apps.dataflow.standing import counts
from kouan.core.exchange import outbox
from kouan.core.exchange.handling import report_undelivered
from kouan.core.exchange.models import OutboxMessage

BACK = {"exporter": LENDER, "importer": BANK}
"""The other direction: Guangdong's institution is the exporter."""


def proposal(gd, said, **changes):
    payload = {"terms": said.canonical(), "statement": gd.statement(said.digest())} | changes
    return gd.say("dataflow.contract", payload, conversation=uuid.UUID(said.contract))


def answer(gd, contract, **changes):
    payload = {
        "digest": bytes(contract.digest), "outcome": "signed",
        "statement": gd.statement(bytes(contract.digest)), "reason": "",
    } | changes  # fmt: skip
    return gd.say("dataflow.contract-answer", payload, conversation=uuid.UUID(str(contract.contract)))


def states():
    return list(Contract.objects.order_by("version", "pk").values_list("version", "state"))


def test_drafted_here_and_signed_by_both(signed, gd):
    made = signed()
    assert made.state == State.SIGNED
    for side, data in (("hk", made.signed_here), ("gd", made.signed_there)):
        assert statements.read(bytes(data), side=side, digest=bytes(made.digest)).side == side


def test_a_draft_may_be_drafted_anew_until_it_is_proposed(gd, terms):
    contracts.draft(terms())
    second = contracts.draft(terms(persons=5))
    assert Contract.objects.get() == second
    contracts.propose(digest=bytes(second.digest), officer=OFFICER)
    with pytest.raises(errors.NotInThisState):
        contracts.draft(terms(persons=6))
    with pytest.raises(errors.NotInThisState):
        contracts.propose(digest=bytes(second.digest), officer=OFFICER)


def test_what_could_never_be_in_force_is_not_kept(node, terms, today):
    with pytest.raises(errors.TermEndsBeforeItBegins):
        contracts.draft(terms(expires=(today - timedelta(days=1)).isoformat()))
    with pytest.raises(errors.NotYourContract):
        contracts.draft(
            terms(basis="gba-standard-contract-macao", exporter=LENDER, importer=BANK | {"place": "mo"})
        )
    assert not Contract.objects.exists()


def test_the_other_side_refuses(gd, terms):
    made = contracts.draft(terms())
    contracts.propose(digest=bytes(made.digest), officer=OFFICER)
    gd.hear()
    refusal = {"outcome": "refused", "statement": b"", "reason": "The purpose is too wide."}
    assert answer(gd, made, **refusal) == ("handled", "")
    made.refresh_from_db()
    assert (made.state, made.reason) == (State.REFUSED, "The purpose is too wide.")
    assert answer(gd, made) == ("refused", "not-in-this-state")


def test_a_proposal_that_the_other_side_cannot_take_may_be_drafted_anew(gd, terms):
    made = contracts.draft(terms())
    contracts.propose(digest=bytes(made.digest), officer=OFFICER)
    gd.hear("ill-formed-terms")
    report_undelivered()
    made.refresh_from_db()
    assert (made.state, made.reason) == (State.REFUSED, "ill-formed-terms")


@pytest.mark.parametrize("what", ["another key", "another text", "its own proposal", "nothing"])
def test_an_answer_with_a_signature_that_does_not_hold(gd, terms, stores, what):
    made = contracts.draft(terms())
    made = contracts.propose(digest=bytes(made.digest), officer=OFFICER)
    gd.hear()
    statement = {
        "another key": gd.statement(bytes(made.digest), side="hk"),
        "another text": gd.statement(bytes(32)),
        "its own proposal": bytes(made.signed_here),
        "nothing": b"",
    }[what]
    assert answer(gd, made, statement=statement) == ("refused", "bad-signature")
    assert states() == [(1, State.PROPOSED)]


def test_proposed_there_and_signed_here(gd, terms):
    said = terms(**BACK)
    assert proposal(gd, said) == ("handled", "")
    assert states() == [(1, State.PROPOSED)]
    made = contracts.sign(digest=said.digest(), officer=OFFICER)
    assert made.state == State.SIGNED
    ((kind, payload),) = gd.hear()
    assert (kind, payload["outcome"]) == ("dataflow.contract-answer", "signed")
    assert statements.read(payload["statement"], side="hk", digest=said.digest()).officer == OFFICER
    with pytest.raises(errors.NotInThisState):
        contracts.sign(digest=said.digest(), officer=OFFICER)


def test_proposed_there_and_refused_here(gd, terms):
    said = terms(**BACK)
    proposal(gd, said)
    assert contracts.refuse(digest=said.digest(), reason="No.").state == State.REFUSED
    ((_kind, payload),) = gd.hear()
    assert (payload["outcome"], payload["reason"]) == ("refused", "No.")
    with pytest.raises(errors.NotInThisState):
        contracts.sign(digest=said.digest(), officer=OFFICER)


@pytest.mark.parametrize(
    "lost",
    [
        lambda gd: gd.hear("unreadable"),
        lambda _: outbox.expire_waiting(timezone.now() + timedelta(days=8)),
    ],
    ids=["refused", "expired"],
)
def test_an_answer_that_never_arrives_is_taken_back_and_given_anew(gd, terms, lost):
    """Else this side would be bound for good, and the other would wait for an answer for ever."""
    said = terms(**BACK)
    proposal(gd, said)
    contracts.sign(digest=said.digest(), officer=OFFICER)
    assert Filing.objects.count() == 2
    lost(gd)
    report_undelivered()
    made = Contract.objects.get()
    assert (made.state, made.signed_here, bool(made.reason)) == (State.PROPOSED, None, True)
    assert not Filing.objects.exists()
    dead = OutboxMessage.objects.get(type="dataflow.contract-answer")
    with pytest.raises(errors.NotInThisState):
        outbox.retry(dead.message_id)
    contracts.sign(digest=said.digest(), officer=OFFICER)
    ((_kind, payload),) = gd.hear()
    assert payload["outcome"] == "signed"
    report_undelivered()
    made.refresh_from_db()
    assert (made.state, made.reason, Filing.objects.count()) == (State.SIGNED, "", 2)


def test_a_lost_refusal_is_taken_back_as_well(gd, terms):
    said = terms(**BACK)
    proposal(gd, said)
    contracts.refuse(digest=said.digest(), reason="No.")
    gd.hear("unreadable")
    report_undelivered()
    assert states() == [(1, State.PROPOSED)]
    contracts.sign(digest=said.digest(), officer=OFFICER)
    assert states() == [(1, State.SIGNED)]


def test_what_a_lost_answer_had_replaced_counts_again_and_a_filing_stays(gd, terms):
    first = terms(**BACK)
    proposal(gd, first)
    contracts.sign(digest=first.digest(), officer=OFFICER)
    gd.hear()
    second = terms(**BACK, version=2, replaces=first.digest().hex(), retention_days=20)
    proposal(gd, second)
    contracts.sign(digest=second.digest(), officer=OFFICER)
    filings.filed(digest=second.digest(), filed_on=contracts.today(), reference="F 1")
    assert states() == [(1, State.REPLACED), (2, State.SIGNED)]
    gd.hear("unreadable", None)
    report_undelivered()
    assert states() == [(1, State.SIGNED), (2, State.PROPOSED)]
    assert Contract.objects.get(version=1).ended_on is None
    assert list(Filing.objects.filter(contract__version=2).values_list("reference", flat=True)) == ["F 1"]


def test_an_answer_that_an_operator_sends_again_in_time_is_the_contracts_own(gd, terms):
    said = terms(**BACK)
    proposal(gd, said)
    contracts.sign(digest=said.digest(), officer=OFFICER)
    gd.hear("unreadable")
    outbox.retry(OutboxMessage.objects.get(type="dataflow.contract-answer").message_id)
    report_undelivered()
    assert states() == [(1, State.SIGNED)]
    assert [payload["outcome"] for _kind, payload in gd.hear()] == ["signed"]


def test_nobody_signs_their_own_proposal_twice(gd, terms):
    made = contracts.draft(terms())
    contracts.propose(digest=bytes(made.digest), officer=OFFICER)
    with pytest.raises(errors.NotInThisState):
        contracts.sign(digest=bytes(made.digest), officer=OFFICER)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"importer": LENDER, "exporter": BANK | {"place": "mo"}}, "not-your-contract"),
        ({"importer": BANK, "exporter": LENDER | {"place": "gd:beijing"}}, "outside-area"),
        ({"onward": [{"name": "Elsewhere", "place": "mo"}]}, "onward-transfer"),
        ({"expires": "2025-01-01"}, "term-order"),
        ({"elements": ["important.mapping"]}, "important-data"),
        ({"version": 2, "replaces": "0" * 64}, "ill-formed-terms"),
        ({"basis": "handshake"}, "unknown-basis"),
    ],
)
def test_a_proposal_that_nobody_could_sign_is_refused(gd, terms, changes, code):
    assert proposal(gd, terms(**BACK | changes)) == ("refused", code)
    assert not Contract.objects.exists()


def test_a_proposal_is_refused_whose_text_or_signature_is_not_right(gd, terms):
    said = terms(**BACK)
    as_they_are = said.model_dump(by_alias=True)
    assert proposal(gd, said, terms=rfc8785.dumps(as_they_are) + b" ") == ("refused", "ill-formed-terms")
    assert proposal(gd, said, statement=gd.statement(bytes(32))) == ("refused", "bad-signature")
    payload = {"terms": said.canonical(), "statement": gd.statement(said.digest())}
    ended = gd.say("dataflow.contract", payload, conversation=uuid.uuid4())
    assert ended == ("refused", "ill-formed-terms")
    assert not Contract.objects.exists()


def test_a_second_contract_that_disagrees_is_refused_from_either_side(signed, gd, terms):
    signed()
    second = terms(contract=str(uuid.uuid4()))
    contracts.draft(second)
    with pytest.raises(errors.ContractsDisagree):
        contracts.propose(digest=second.digest(), officer=OFFICER)
    third = terms(contract=str(uuid.uuid4()), persons=1)
    assert proposal(gd, third) == ("refused", "contracts-disagree")


def test_a_signed_version_is_not_proposed_anew(signed, gd):
    made = signed()
    said = contracts.terms_of(made)
    changed = said.model_copy(update={"persons": 7})
    assert proposal(gd, changed) == ("refused", "not-in-this-state")


def test_an_amendment_replaces_it_and_is_filed_again(signed, terms):
    first = signed()
    second = signed(
        terms(
            version=2,
            replaces=bytes(first.digest).hex(),
            elements=["person.credit", "person.health", "person.name"],
        )
    )
    assert states() == [(1, State.REPLACED), (2, State.SIGNED)]
    assert second.filings.count() == 2
    assert not second.filings.filter(filed_on__isnull=False).exists()


def test_an_amendment_that_was_refused_is_drafted_anew_and_signed(signed, gd, terms):
    first = bytes(signed().digest).hex()
    made = contracts.draft(terms(version=2, replaces=first, persons=2))
    contracts.propose(digest=bytes(made.digest), officer=OFFICER)
    gd.hear()
    refusal = {"outcome": "refused", "statement": b"", "reason": "Too many persons."}
    assert answer(gd, made, **refusal) == ("handled", "")
    assert states() == [(1, State.SIGNED), (2, State.REFUSED)]
    again = signed(terms(version=2, replaces=first, persons=1))
    assert states() == [(1, State.REPLACED), (2, State.SIGNED)]
    assert contracts.terms_of(again).persons == 1


def test_the_other_side_proposes_anew_what_was_refused_here(gd, terms):
    said = terms(**BACK)
    proposal(gd, said)
    contracts.sign(digest=said.digest(), officer=OFFICER)
    amended = BACK | {"version": 2, "replaces": said.digest().hex()}
    wide, narrow = terms(**amended, persons=2000), terms(**amended, persons=20)
    assert proposal(gd, wide) == ("handled", "")
    contracts.refuse(digest=wide.digest(), reason="Too many persons.")
    assert proposal(gd, narrow) == ("handled", "")
    contracts.sign(digest=narrow.digest(), officer=OFFICER)
    assert states() == [(1, State.REPLACED), (2, State.SIGNED)]
    assert proposal(gd, wide) == ("refused", "ill-formed-terms")


@pytest.mark.parametrize(
    "changes",
    [{"replaces": "0" * 64}, {"replaces": None}, {"version": 3}, {"exporter": BANK | {"code": "x-bank"}}],
)
def test_an_amendment_of_something_else(signed, terms, changes):
    first = signed()
    amended = {"version": 2, "replaces": bytes(first.digest).hex()} | changes
    with pytest.raises(errors.IllFormedTerms):
        contracts.draft(terms(**amended))


def test_ended_here(signed, gd, today):
    made = signed()
    gd.hear()
    contracts.end(digest=bytes(made.digest), reason="The bank closes.")
    ((kind, payload),) = gd.hear()
    assert (kind, payload["ended_on"]) == ("dataflow.contract-end", today.isoformat())
    with pytest.raises(errors.NotInThisState):
        contracts.end(digest=bytes(made.digest), reason="Again.")


@pytest.fixture
def amended(signed, terms, today):
    """A contract and its next version, which both have signed and which begins in a few days."""
    first = signed()
    later = (today + timedelta(days=9)).isoformat()
    second = signed(terms(version=2, replaces=bytes(first.digest).hex(), effective=later))
    first.refresh_from_db()
    assert (first.state, first.ended_on) == (State.REPLACED, second.effective)
    return first, second


def end_there(gd, contract, today):
    said = {"digest": bytes(contract.digest), "ended_on": today.isoformat(), "reason": "We close."}
    assert gd.say("dataflow.contract-end", said, conversation=contract.contract) == ("handled", "")


@pytest.mark.parametrize("here", [True, False])
def test_what_a_version_replaces_ends_with_it_if_it_is_ended_before_it_begins(amended, gd, today, here):
    first, second = amended
    if here:
        contracts.end(digest=bytes(second.digest), reason="The bank closes.")
    else:
        end_there(gd, second, today)
    first.refresh_from_db(), second.refresh_from_db()
    assert (second.state, second.ended_on) == (State.ENDED, today)
    assert (first.state, first.ended_on) == (State.REPLACED, today)
    assert not counts(first.state, first.ended_on, today)


@pytest.mark.parametrize("here", [True, False])
def test_what_is_replaced_later_may_be_ended_before(amended, gd, today, here):
    first, second = amended
    if here:
        contracts.end(digest=bytes(first.digest), reason="The bank closes.")
    else:
        end_there(gd, first, today)
    first.refresh_from_db(), second.refresh_from_db()
    assert (first.state, first.ended_on) == (State.ENDED, today)
    assert (second.state, second.ended_on) == (State.SIGNED, None)


def test_what_was_replaced_is_not_ended_once_more(amended, gd, today):
    first, _second = amended
    Contract.objects.filter(pk=first.pk).update(ended_on=today)
    with pytest.raises(errors.NotInThisState):
        contracts.end(digest=bytes(first.digest), reason="The bank closes.")
    end_there(gd, first, today)
    first.refresh_from_db()
    assert (first.state, first.ended_by) == (State.REPLACED, "")


def test_what_is_replaced_later_is_filed_until_then(amended, today):
    first, second = amended
    Filing.objects.filter(contract=first).update(due_on=today)
    found = [each for each in filings.near(timezone.now()) if each.kind == "filing"]
    assert [each.about for each in found] == [f"{side} {first.contract}" for side in ("gd", "hk")]
    assert due()[0] == 1
    filings.filed(digest=bytes(first.digest), filed_on=today, reference="GBA-1")
    assert due()[0] == 0
    Contract.objects.filter(pk=second.pk).update(state=State.REPLACED, ended_on=today)
    with pytest.raises(errors.UnknownContract):
        filings.filed(digest=bytes(second.digest), filed_on=today, reference="GBA-2")


def test_ended_there(signed, gd, today):
    made = signed()
    said = {"digest": bytes(made.digest), "ended_on": today.isoformat(), "reason": "We close."}
    assert gd.say("dataflow.contract-end", said, conversation=made.contract) == ("handled", "")
    made.refresh_from_db()
    assert (made.state, made.ended_on, made.ended_by) == (State.ENDED, today, "gd")
    said["digest"] = bytes(32)
    assert gd.say("dataflow.contract-end", said, conversation=made.contract) == (
        "refused",
        "unknown-contract",
    )
