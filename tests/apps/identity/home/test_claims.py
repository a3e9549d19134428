"""What a provider says of a person, and what of it is taken."""

from __future__ import annotations

import pytest

from kouan.apps.identity.domain import CLAIMS
from kouan.apps.identity.home.claims import LONGEST, taken
from kouan.apps.identity.home.errors import UnusableAttributes
from kouan.demo.provider.people import PEOPLE

WHOLE = {
    "name": "CHAN Siu Ming",
    "name#zh-Hant": "陳小明",
    "gender": "male",
    "birthdate": "1985-02-28",
    "email": "chan@example.org",
    "phone_number": "+852 5555 0000",
    "document_type": "hkid",
    "document_number": "a123456(3)",
}


def test_what_is_known_is_taken_and_nothing_else():
    said = WHOLE | {"address": "1 Harbour Road", "sub": "subject", "roles": ["operator"]}
    assert taken(said, {}) == WHOLE | {"document_number": "A1234563"}


def test_the_providers_own_names_are_read():
    assert taken({"display": "CHAN Siu Ming"}, {"name": "display"}) == {"name": "CHAN Siu Ming"}


def test_what_is_missing_is_left_out():
    assert taken({"name": "", "birthdate": None}, {}) == {}


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("name", 5),
        ("name", ["CHAN"]),
        ("name", "C" * (LONGEST + 1)),
        ("name", "CHAN\nSiu Ming"),
        ("name", "CHAN\u202eSiu"),
        ("name", "   "),
        ("gender", "m"),
        ("birthdate", "28.02.1985"),
        ("birthdate", "1985-02-30"),
        ("birthdate", "0000"),
        ("email", "chan@example.org, other@example.org"),
        ("email", "chan"),
        ("phone_number", "call me"),
        ("document_type", "library-card"),
        ("document_number", "A123456(4)"),
        ("document_number", "A" * 400),
    ],
)
def test_what_cannot_be_right_is_refused_by_name_alone(claim, value):
    with pytest.raises(UnusableAttributes) as refused:
        taken(WHOLE | {claim: value}, {})
    assert refused.value.params == {"claim": claim}
    assert str(value) not in str(refused.value) or len(str(value)) < 3


def test_a_number_without_its_kind_is_none():
    with pytest.raises(UnusableAttributes):
        taken({"document_number": "A123456(3)"}, {})


@pytest.mark.parametrize(
    "person", [person for people in PEOPLE.values() for person in people], ids=lambda person: person.subject
)
def test_everybody_who_is_made_up_is_sound(person):
    said = taken(person.claims(), {})
    assert set(said) <= set(CLAIMS)
    assert said["name"] == person.name.en
