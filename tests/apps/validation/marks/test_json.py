from __future__ import annotations

import contextlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kouan.apps.validation.errors import (
    AlreadyMarked,
    DuplicateMember,
    ForbiddenCharacter,
    JSONTooDeep,
    JSONTooLarge,
    JSONTooManyParts,
    NotJSON,
    NotNormalised,
    NotUTF8JSON,
    NumberOutOfRange,
    ReservedMember,
    UnusableJSON,
)
from kouan.apps.validation.marks import Mark
from kouan.apps.validation.marks.json import MAX_JSON, canonical, find_mark, parse, put_mark
from pace import patience

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="ascii", exclude_characters="\x00"))
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text("abcd"), inner), max_leaves=20
)
documents = st.dictionaries(st.text("abcdef", min_size=1), values)


@given(documents, st.sampled_from([None, 2]))
def test_the_mark_goes_in_and_is_found_and_all_else_stays(document, indent):
    mark = Mark.new(side="hk", issuer="hku")
    data = json.dumps(document, indent=indent).encode()
    carried = put_mark(data, mark)
    value = parse(carried)
    assert find_mark(value) == mark
    del value["kouan"]
    assert value == document
    assert carried.endswith(data.lstrip()[1:])


@given(documents)
def test_layout_and_order_do_not_change_the_canonical_form(document):
    first = json.dumps(document, indent=3).encode()
    second = json.dumps(dict(reversed(document.items())), ensure_ascii=False).encode()
    assert canonical(parse(first)) == canonical(parse(second))


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', DuplicateMember, "$.b.c"),
        (b'{"a": [{"x y": 1, "x y": 1}]}', DuplicateMember, '$.a[0]["x y"]'),
        ('{"name": "Jose\u0301"}'.encode(), NotNormalised, "$.name"),
        ('{"list": ["é", "e\u0301"]}'.encode(), NotNormalised, "$.list[1]"),
        ('{"e\u0301": 1}'.encode(), NotNormalised, "NFC"),
        (b'{"n": 9007199254740993}', NumberOutOfRange, "$.n"),
        (b'{"n": ' + b"9" * 5000 + b"}", NumberOutOfRange, "$.n"),
        (b'{"n": 1e999}', NumberOutOfRange, "$.n"),
        (b'{"n": 1e-999}', NumberOutOfRange, "$.n"),
        (b'{"n": 1.00000000000000000001}', NumberOutOfRange, "$.n"),
        (b'{"n": NaN}', NumberOutOfRange, "$.n"),
        (b'{"n": [1, -Infinity]}', NumberOutOfRange, "$.n[1]"),
        (b'{"s": "\\ud800"}', ForbiddenCharacter, "$.s"),
        ('{"s": "\ufffe"}'.encode(), ForbiddenCharacter, "$.s"),
        (b'{"s": "\xff"}', NotUTF8JSON, "byte 7"),
        (b'\xef\xbb\xbf{"s": 1}', NotUTF8JSON, "byte 0"),
        ('{"s": 1}'.encode("utf-16"), NotUTF8JSON, "byte 0"),
        (b'{"a": 1', NotJSON, "line 1, column 8"),
        (b'{"a": 1} {', NotJSON, "column 10"),
        (b'{"a": "\n"}', NotJSON, "column 8"),
        (b'{"a":' + b"[" * 70 + b"]" * 70 + b"}", JSONTooDeep, "64"),
        (b'{"a":' + b"[" * 100_000, JSONTooDeep, "64"),
        (b'{"a": [' + b"[]," * 300_000 + b"0]}", JSONTooManyParts, "500000"),
        (b'{"kouan": 1}', ReservedMember, "kouan"),
    ],
)
def test_a_document_with_two_meanings_is_refused_and_the_place_is_named(data, error, said):
    with pytest.raises(error) as caught:
        put_mark(data, Mark.new(side="hk", issuer="hku"))
    assert said in str(caught.value)


def test_a_long_name_before_many_values_costs_no_more_than_its_bytes():
    name, values = "\U0001f600" * 500_000, ",".join(["0"] * 100_000)
    begun = time.process_time()
    parse(f'{{"{name}": [{values}]}}'.encode())
    assert time.process_time() - begun < patience(10)  # a path written out for each value took minutes


def test_a_document_above_the_limit_is_refused():
    with pytest.raises(JSONTooLarge):
        parse(b'{"a": "' + b"x" * MAX_JSON + b'"}')


def test_a_carried_document_is_not_marked_again():
    carried = put_mark(b'{"a": 1}', Mark.new(side="hk", issuer="hku"))
    with pytest.raises(AlreadyMarked):
        put_mark(carried, Mark.new(side="hk", issuer="hku"))


def test_numbers_that_are_kept_exactly_are_taken():
    data = b'{"n": [1.10, 1e2, -0, -0.0, 0e9, 9007199254740991, 5e-324, 1E+20, 0.1]}'
    assert (
        canonical(parse(data)) == b'{"n":[1.1,100,0,0,0,9007199254740991,5e-324,100000000000000000000,0.1]}'
    )


@given(st.binary(max_size=200).map(lambda data: b"{" + data))
def test_any_bytes_are_read_or_refused_with_a_reason(data):
    with contextlib.suppress(UnusableJSON):
        parse(data)


@given(st.text(max_size=50))
def test_any_text_is_read_or_refused_with_a_reason(text):
    data = json.dumps({"t": text}, ensure_ascii=False).encode("utf-8", "surrogatepass")
    with contextlib.suppress(UnusableJSON):
        assert parse(data)["t"] == text
