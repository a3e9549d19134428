"""Declarations: what is wrong with one stops start-up; what it says holds for every payload."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.exchange.declared import Note
from kouan.core import cbor
from kouan.core.exchange import Payload, registry
from kouan.core.exchange.crossing import MAX_PAYLOAD, IllFormedPayload, OversizedPayload, UndeclaredCrossing


def test_a_declaration_is_found_by_type_and_version(declare):
    one = declare("test.note")
    two = declare("test.note", version=2)
    assert registry.get("test.note", 1) is one
    assert registry.get("test.note", 2) is two
    assert [str(each) for each in registry.all() if each.type == "test.note"] == [
        "test.note/1",
        "test.note/2",
    ]
    with pytest.raises(UndeclaredCrossing) as caught:
        registry.get("test.note" + "x" * 500, 3)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"type_": "note"},
        {"type_": "Test.note"},
        {"type_": "test..note"},
        {"type_": "test.note "},
        {"type_": "test.note\n"},
        {"type_": "test." + "x" * 80},
        {"version": -1},
        {"version": 1 << 16},
        {"max_bytes": 0},
        {"max_bytes": MAX_PAYLOAD + 1},
        {"fields": {}},
        {"fields": {"text": "a", "more": "b"}},
    ],
    ids=str,
)
def test_a_mistake_in_a_declaration_stops_start_up(declare, wrong):
    before = registry.all()
    with pytest.raises(ValueError, match=r"note|test"):
        declare(**wrong)
    assert registry.all() == before


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        ({}, "tie every payload field to kinds of data; differs in \\['text'\\]"),
        (
            {"text": "technical.filler", "more": "technical.filler"},
            "tie every payload field to kinds of data; differs in \\['more'\\]",
        ),
        ({"text": " "}, "the field text is tied to no kind of data"),
        ({"text": "technical.filler person.shoe-size"}, "person.shoe-size"),
    ],
    ids=["not covered", "no such field", "no kind", "an unknown kind"],
)
def test_a_type_whose_fields_are_not_tied_to_kinds_of_data_cannot_be_declared(declare, elements, words):
    before = registry.all()
    with pytest.raises(ValueError, match=words):
        declare(elements=elements)
    assert registry.all() == before


def test_nothing_is_declared_or_handled_twice(declare):
    crossing = declare("test.note")
    with pytest.raises(ValueError, match="twice"):
        declare("test.note")
    crossing.handler(lambda _: None)
    crossing.undelivered(lambda _: None)
    with pytest.raises(ValueError, match="second"):
        crossing.handler(lambda _: None)
    with pytest.raises(ValueError, match="second"):
        crossing.undelivered(lambda _: None)


def test_a_payload_is_immutable_and_strict():
    note = Note(text="a")
    with pytest.raises(ValueError, match="frozen"):
        note.text = "b"
    with pytest.raises(ValueError, match="string"):
        Note(text=5)
    with pytest.raises(ValueError, match="extra"):
        Note(text="a", more="b")


class Many(Payload):
    name: str
    count: int
    share: float
    flag: bool
    data: bytes
    words: list[str]
    nothing: str | None


@pytest.fixture
def many(declare):
    return declare("test.reply", payload=Many)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    payload=st.builds(
        Many,
        name=st.text(),
        count=st.integers(-(1 << 63), (1 << 63) - 1),
        share=st.floats(allow_nan=False),
        flag=st.booleans(),
        data=st.binary(),
        words=st.lists(st.text(max_size=9), max_size=5),
        nothing=st.none() | st.text(),
    )
)
def test_what_is_encoded_reads_the_same(many, payload):
    assert many.decode_bytes(many.encode(payload)) == payload


def test_no_error_holds_what_was_in_the_payload(declare):
    crossing = declare("test.note", max_bytes=60)
    number = "A123456(3)"
    for payload in (
        {"text": [number]},
        {"text": {"a": number}},
        {"text": "a", "more": number},
        [number],
        number,
    ):
        with pytest.raises(IllFormedPayload) as caught:
            crossing.decode_bytes(cbor.encode(payload))
        assert number not in str(caught.value)
    with pytest.raises(OversizedPayload):
        crossing.decode_bytes(bytes(61))


def test_a_declaration_that_says_nothing_of_its_expiry_lasts_a_day(declare):
    from kouan.core.exchange.crossing import Crossing  # noqa: PLC0415 - the default is the class's

    assert Crossing.__dataclass_fields__["expires_after"].default == timedelta(days=1)
