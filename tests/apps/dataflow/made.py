"""Terms, cases and persons as the tests need them; each part can be another one."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

from kouan.apps.dataflow.domain import Case, ConsentFacts, ContractFacts, Filing, State, Terms
from kouan.web.persons import Person

NUMBER = "5f0d3c3e-7b41-4a53-8a55-6f6d5a1f0c11"
PURPOSE = "dpv:CreditChecking"
OTHER = "dpv:Marketing"
SUBJECT = "s" * 43
AT = datetime(2026, 9, 15, 12, tzinfo=timezone(timedelta(hours=8)))
DAY = AT.date()
VALUES = {"person.name": "CHAN Siu Ming", "person.credit": "AA"}
"""What crosses about a person: something personal, and something sensitive."""
CHAN = Person(key=str(uuid.UUID(int=1)), level=4, name="CHAN Siu Ming", document_number="A123456(3)")
BANK = {
    "code": "harbour-bank",
    "name": {"en": "Harbour Bank", "zh_hant": "海港銀行", "zh_hans": "海港银行"},
    "registration": "12345678",
    "place": "hk",
}
LENDER = {
    "code": "pearl-river-bank",
    "name": {"en": "Pearl River Bank", "zh_hant": "珠江銀行", "zh_hans": "珠江银行"},
    "registration": "",
    "place": "gd:shenzhen",
}


def terms(**changes):
    """A contract by which a bank of Hong Kong sends credit data to one of Shenzhen."""
    value = {
        "schema": "kouan-contract/1",
        "contract": NUMBER,
        "version": 1,
        "replaces": None,
        "basis": "gba-standard-contract",
        "exporter": BANK,
        "importer": LENDER,
        "purposes": [PURPOSE],
        "elements": ["person.credit", "person.name"],
        "persons": 1000,
        "retention_days": 30,
        "onward": [],
        "assessment": {"digest": "0" * 64, "made_on": "2026-08-20"},
        "effective": "2026-09-01",
        "expires": "2027-08-31",
    }
    return Terms.model_validate(value | changes)


def in_force(today: date, **changes):
    """The same contract, in force on a day and for a year to come."""
    dates = {
        "assessment": {"digest": "0" * 64, "made_on": today.isoformat()},
        "effective": today.isoformat(),
        "expires": (today + timedelta(days=364)).isoformat(),
    }
    return terms(**dates | changes)


def contract(said=None, **changes):
    said = said or terms()
    filings = tuple(Filing(side, date(2026, 9, 15), None) for side in ("gd", "hk"))
    facts = ContractFacts(said, said.digest(), State.SIGNED, None, said.sides, filings)
    return replace(facts, **changes)


def consent(**changes):
    facts = ConsentFacts(
        contract=NUMBER,
        subject=SUBJECT,
        elements=frozenset(VALUES),
        separate=frozenset({"person.credit"}),
        purposes=frozenset({PURPOSE}),
        level=3,
        given_at=AT - timedelta(days=1),
        expires_at=AT + timedelta(days=1),
        withdrawn_at=None,
    )
    return replace(facts, **changes)


def case(**changes):
    """Something that may cross, all being well."""
    facts = Case(
        at=AT,
        day=DAY,
        sender="hk",
        receiver="gd",
        elements=frozenset(VALUES) | {"person.pseudonym", "technical.outcome"},
        purpose=PURPOSE,
        subject=SUBJECT,
        contract=contract(),
        named=None,
        consent=consent(),
    )
    return replace(facts, **changes)
