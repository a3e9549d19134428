from __future__ import annotations

import contextlib
import re
import string
from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kouan.apps.validation.domain import (
    REFERENCE_PATTERN,
    DocumentState,
    Outcome,
    Reference,
    outcome_of,
    state_of,
)
from kouan.apps.validation.errors import MistypedReference, NotAReference

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
sides = st.text(string.ascii_lowercase, min_size=2, max_size=8)
references = sides.map(Reference.new)
days = st.dates(min_value=date(2000, 1, 1), max_value=date(2100, 1, 1))
digests = st.binary(min_size=32, max_size=32)


@given(references)
def test_a_reference_reads_back_from_its_written_form(reference):
    assert Reference.parse(str(reference)) == reference
    assert re.fullmatch(REFERENCE_PATTERN, str(reference))


@given(references)
def test_spaces_case_dashes_and_full_width_do_not_matter(reference):
    text = str(reference)
    wide = "".join(chr(ord(item) + 0xFEE0) for item in text)
    for typed in (
        text.lower(),
        text.replace("-", " "),
        text.replace("-", ""),
        f" {text} ",
        text.replace("-", "–"),
        wide,
    ):
        assert Reference.parse(typed) == reference


def test_misread_characters_are_read_as_what_is_meant():
    reference = Reference.new("hk")
    body = reference.body.replace("0", "O").replace("1", "l")
    assert Reference.parse(f"HK-{body}") == reference


@given(references, st.data())
def test_any_one_wrong_character_is_caught(reference, data):
    place = data.draw(st.integers(0, 19))
    wrong = data.draw(st.sampled_from(CROCKFORD).filter(lambda item: item != reference.body[place]))
    body = reference.body[:place] + wrong + reference.body[place + 1 :]
    with pytest.raises(MistypedReference):
        Reference.parse(f"{reference.side}-{body}")


@given(references, st.data())
def test_any_two_exchanged_characters_are_caught(reference, data):
    # The last character is the check itself; its exchange is a wrong check character.
    first, second = data.draw(
        st.tuples(st.integers(0, 18), st.integers(0, 18)).filter(lambda pair: pair[0] < pair[1])
    )
    body = list(reference.body)
    assume(body[first] != body[second])
    body[first], body[second] = body[second], body[first]
    with pytest.raises(MistypedReference):
        Reference.parse(f"{reference.side}-{''.join(body)}")


def test_another_side_is_caught():
    reference = Reference.new("hk")
    with pytest.raises(MistypedReference):
        Reference.parse(f"GD-{reference.body}")


@given(st.text(max_size=100))
def test_other_text_is_refused_and_nothing_else_is_raised(text):
    with contextlib.suppress(NotAReference):
        Reference.parse(text)


def test_a_side_must_be_letters():
    with pytest.raises(ValueError, match="2 to 8 letters"):
        Reference.new("h1")


def test_references_are_not_repeated():
    assert len({str(Reference.new("hk")) for _ in range(500)}) == 500


@given(days, days)
def test_a_document_is_valid_through_its_expiry_date(expires, today):
    state = state_of(revoked_on=None, expires_on=expires, today=today)
    assert state is (DocumentState.EXPIRED if today > expires else DocumentState.VALID)


@given(st.none() | days, days, days)
def test_revocation_goes_before_expiry(expires, revoked, today):
    assert state_of(revoked_on=revoked, expires_on=expires, today=today) is DocumentState.REVOKED


@given(digests, digests, st.sampled_from(DocumentState))
def test_a_changed_file_learns_nothing_about_the_state(registered, asked, state):
    assume(registered != asked)
    outcome = outcome_of(registered=registered, asked=asked, state=state)
    assert outcome is Outcome.MISMATCH
    assert not outcome.discloses


@given(digests)
def test_an_unknown_reference_is_unknown(asked):
    assert outcome_of(registered=None, asked=asked, state=None) is Outcome.UNKNOWN
    assert not Outcome.UNKNOWN.discloses


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (DocumentState.VALID, Outcome.MATCH),
        (DocumentState.EXPIRED, Outcome.EXPIRED),
        (DocumentState.REVOKED, Outcome.REVOKED),
    ],
)
def test_the_very_file_learns_the_state(state, outcome):
    assert outcome_of(registered=b"x" * 32, asked=b"x" * 32, state=state) is outcome
    assert outcome.discloses


def test_a_document_without_expiry_does_not_expire():
    assert state_of(revoked_on=None, expires_on=None, today=date.max - timedelta(1)) is DocumentState.VALID
