"""The one decision: denied unless every rule lets it pass, and the answer names the rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from kouan.core.policy import Agreement, Clause, Denied, Policy, Proposal
from kouan.core.policy.decide import (
    AgreementNotInForce,
    ConsentMissing,
    ImportantData,
    NoAgreement,
    OtherAgreementText,
    OutsideScope,
    PartyNotNamed,
)
from kouan.core.text import Localised

WORDS = Localised(en="Words", zh_hant="文字", zh_hans="文字")
CLAUSE = Clause(
    id="3.1",
    legal_basis="document-validation",
    types=frozenset({"validation.question"}),
    senders=frozenset({"hk"}),
    receivers=frozenset({"gd"}),
    text=WORDS,
)
AGREEMENT = Agreement(
    id="validation",
    title=WORDS,
    parties=frozenset({"hk", "gd", "mo"}),
    effective=date(2026, 1, 1),
    expires=date(2026, 12, 31),
    clauses=(CLAUSE,),
    source=b"text",
    digest=bytes(range(32)),
)
GOOD = Proposal(
    type="validation.question",
    legal_basis="document-validation",
    sender="hk",
    receiver="gd",
    declared_senders="any",
    declared_receivers="any",
    consent_required=False,
    consent_reference=None,
    at=datetime(2026, 6, 1, tzinfo=UTC),
)


def decide(agreement=AGREEMENT, **changed):
    return Policy((agreement,)).decide(replace(GOOD, **changed))


def test_what_is_allowed_names_its_clause():
    allowed = decide()
    assert (allowed.agreement, allowed.clause) == (AGREEMENT, CLAUSE)
    assert decide(declared_senders=["hk"], declared_receivers=("gd", "mo")).clause is CLAUSE
    assert decide(agreement_digest=AGREEMENT.digest).clause is CLAUSE


def test_without_an_agreement_nothing_crosses():
    with pytest.raises(NoAgreement) as caught:
        Policy(()).decide(GOOD)
    assert (caught.value.status, caught.value.params["clause"]) == (403, "agreement")
    assert "document-validation" in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"type": "validation.answer"}, NoAgreement),
        ({"type": ""}, NoAgreement),
        ({"legal_basis": "another"}, NoAgreement),
        ({"legal_basis": ""}, NoAgreement),
        ({"sender": "gd", "receiver": "hk"}, NoAgreement),
        ({"sender": "mo"}, NoAgreement),
        ({"receiver": "mo"}, NoAgreement),
        ({"receiver": "xx"}, NoAgreement),
        ({"receiver": "hk"}, PartyNotNamed),
        ({"declared_senders": ["gd"]}, PartyNotNamed),
        ({"declared_receivers": ["mo"]}, PartyNotNamed),
        ({"declared_senders": []}, PartyNotNamed),
        ({"declared_receivers": ()}, PartyNotNamed),
        ({"declared_senders": "hk"}, PartyNotNamed),
        ({"declared_senders": "every"}, PartyNotNamed),
        ({"agreement_digest": bytes(32)}, OtherAgreementText),
        ({"agreement_digest": b""}, OtherAgreementText),
        ({"consent_required": True}, ConsentMissing),
        ({"consent_required": True, "consent_reference": "receipt-1"}, ConsentMissing),
    ],
    ids=str,
)
def test_one_thing_wrong_is_enough(changed, error):
    with pytest.raises(error) as caught:
        decide(**changed)
    assert isinstance(caught.value, Denied)
    assert caught.value.params["clause"]
    assert "%(" not in str(caught.value)


@pytest.mark.parametrize(
    ("at", "in_force"),
    [
        ("2025-12-31T15:59:59.999999+00:00", False),
        ("2025-12-31T16:00:00+00:00", True),
        ("2026-01-01T00:00:00+08:00", True),
        ("2026-12-31T15:59:59.999999+00:00", True),
        ("2026-12-31T23:59:59.999999+08:00", True),
        ("2026-12-31T16:00:00+00:00", False),
        ("2027-01-01T00:00:00+08:00", False),
        ("2026-12-31T12:00:00-05:00", False),
    ],
)
def test_the_term_is_counted_in_days_of_the_three_sides(at, in_force):
    if in_force:
        assert decide(at=datetime.fromisoformat(at))
    else:
        with pytest.raises(AgreementNotInForce) as caught:
            decide(at=datetime.fromisoformat(at))
        assert caught.value.params["effective"] == "2026-01-01"
        assert caught.value.params["expires"] == "2026-12-31"
        assert caught.value.params["clause"] == "3.1"


def test_an_agreement_of_one_day():
    one = replace(AGREEMENT, effective=date(2026, 6, 1), expires=date(2026, 6, 1))
    noon = datetime(2026, 6, 1, 4, tzinfo=UTC)
    assert decide(one, at=noon)
    for other in (noon - timedelta(days=1), noon + timedelta(days=1)):
        with pytest.raises(AgreementNotInForce):
            decide(one, at=other)


def test_what_the_clause_does_not_name_is_outside_its_scope():
    clause = replace(CLAUSE, elements=frozenset({"person.name"}))
    agreement = replace(AGREEMENT, clauses=(clause,))
    fine = frozenset({"person.name", "technical.time", "organisation.name"})
    assert decide(agreement, elements=fine).clause is clause
    with pytest.raises(OutsideScope) as caught:
        decide(agreement, elements=fine | {"person.health"})
    assert caught.value.params["clause"] == "3.1"
    with pytest.raises(OutsideScope):
        decide(elements=frozenset({"person.name"}))


def test_important_data_crosses_under_nothing_whatever_a_clause_names():
    important = frozenset({"important.mapping"})
    agreement = replace(AGREEMENT, clauses=(replace(CLAUSE, elements=important),))
    with pytest.raises(ImportantData) as caught:
        decide(agreement, elements=important)
    assert caught.value.params["clause"] == "elements"


def test_parties_count_even_where_a_clause_is_wider():
    narrow = replace(AGREEMENT, parties=frozenset({"hk", "mo"}))
    with pytest.raises(NoAgreement):
        decide(narrow)


def test_of_two_agreements_the_one_in_force_and_of_that_text_counts():
    ended = replace(AGREEMENT, id="old", expires=date(2026, 1, 31), digest=bytes(32))
    policy = Policy((ended, AGREEMENT))
    assert policy.decide(GOOD).agreement is AGREEMENT
    assert policy.decide(replace(GOOD, agreement_digest=AGREEMENT.digest)).agreement is AGREEMENT
    with pytest.raises(AgreementNotInForce) as caught:
        policy.decide(replace(GOOD, agreement_digest=ended.digest))
    assert caught.value.params["agreement"] == "old"
    with pytest.raises(OtherAgreementText):
        policy.decide(replace(GOOD, agreement_digest=b"x" * 32))


class Register:
    """A consent register that knows one receipt."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = []

    def covers(self, proposal):
        self.asked.append(proposal)
        return self.answer and proposal.consent_reference == "receipt-1"


def test_a_consent_register_is_asked_last_and_believed():
    policy = Policy((AGREEMENT,))
    needed = replace(GOOD, consent_required=True, consent_reference="receipt-1")
    policy.consents = register = Register(answer=True)
    assert policy.decide(needed).clause is CLAUSE
    assert register.asked == [needed]
    with pytest.raises(ConsentMissing):
        policy.decide(replace(needed, consent_reference="receipt-2"))
    with pytest.raises(ConsentMissing):
        policy.decide(replace(needed, consent_reference=None))
    policy.consents = Register(answer=False)
    with pytest.raises(ConsentMissing) as caught:
        policy.decide(needed)
    assert caught.value.params["clause"] == "validation 3.1"
    assert "receipt-1" not in str(caught.value)
    policy.consents = register = Register(answer=True)
    with pytest.raises(NoAgreement):
        policy.decide(replace(needed, type="another.type"))
    assert policy.decide(GOOD)
    assert register.asked == []
