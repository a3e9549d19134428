"""Check characters: published numbers, and the laws that the algorithms promise."""

from __future__ import annotations

import string
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kouan.core.sides.checks import (
    CHECKS,
    Fault,
    check_resident_identity_card,
    citizen_check_character,
    hkid_check_character,
)

TODAY = date(2026, 11, 22)

digits = st.text(string.digits, min_size=6, max_size=6)
letters = st.text(string.ascii_uppercase, min_size=1, max_size=2)
hkids = st.builds(str.__add__, letters, digits).map(lambda body: body + hkid_check_character(body))

provinces = st.sampled_from(["11", "31", "44", "45", "54", "65", "71"])
birthdays = st.dates(date(1850, 1, 1), TODAY).map(lambda day: day.strftime("%Y%m%d"))
citizens = st.builds(
    "{}{:04}{}{:03}".format, provinces, st.integers(1, 9999), birthdays, st.integers(0, 999)
).map(lambda body: body + citizen_check_character(body))


@pytest.mark.parametrize("number", ["A1234563", "G123456A", "AB9876543"])
def test_the_usual_hong_kong_examples_hold(number):
    """Worked by hand: A123456 sums to 481, which is 8 modulo 11, so 3 makes it whole."""
    assert CHECKS["hkid"](number, TODAY) is None


@pytest.mark.parametrize("number", ["11010519491231002X", "440524188001010014"])
def test_the_standards_own_examples_hold(number):
    """GB 11643-1999, annex A."""
    assert check_resident_identity_card(number, TODAY) is None


def test_the_check_of_iso_7064_agrees_with_the_weights_that_the_standard_prints():
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    for body in ("11010519491231002", "44052418800101001", "00000000000000000", "98765432109876543"):
        total = sum(weight * int(digit) for weight, digit in zip(weights, body, strict=True)) % 11
        assert citizen_check_character(body) == "10X98765432"[total]


@given(hkids, st.data())
def test_any_wrong_digit_of_a_hong_kong_number_is_caught(number, data):
    place = data.draw(st.integers(len(number) - 7, len(number) - 1))
    other = data.draw(st.sampled_from([c for c in "0123456789" if c != number[place]]))
    assert CHECKS["hkid"](number[:place] + other + number[place + 1 :], TODAY) is Fault.CHECK_CHARACTER


@given(hkids, st.data())
def test_any_swap_of_neighbouring_digits_of_a_hong_kong_number_is_caught(number, data):
    place = data.draw(st.integers(len(number) - 7, len(number) - 2))
    one, other = number[place], number[place + 1]
    swapped = number[:place] + other + one + number[place + 2 :]
    expected = None if one == other else Fault.CHECK_CHARACTER
    # With the letter A in last place the swap is no number of this form at all.
    if swapped[-7:-1].isdigit():
        assert CHECKS["hkid"](swapped, TODAY) is expected


def test_a_wrong_letter_eleven_places_away_is_not_caught():
    """The limit that the docstring states: A and L count the same modulo 11."""
    assert hkid_check_character("A123456") == hkid_check_character("L123456")


@given(citizens)
def test_every_well_formed_citizen_number_is_accepted(number):
    assert check_resident_identity_card(number, TODAY) is None


@given(citizens, st.data())
def test_any_wrong_digit_of_a_citizen_number_is_caught(number, data):
    place = data.draw(st.integers(0, 17))
    alphabet = "0123456789X" if place == 17 else "0123456789"
    other = data.draw(st.sampled_from([c for c in alphabet if c != number[place]]))
    changed = number[:place] + other + number[place + 1 :]
    assert check_resident_identity_card(changed, TODAY) is Fault.CHECK_CHARACTER


@given(citizens, st.integers(0, 16))
def test_any_swap_of_neighbours_in_a_citizen_number_is_caught(number, place):
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    if swapped[:17].isdigit():
        expected = None if swapped == number else Fault.CHECK_CHARACTER
        assert check_resident_identity_card(swapped, TODAY) is expected


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("44010020230229001", Fault.BIRTH_DATE),  # 2023 had no 29 February
        ("44010020261123001", Fault.BIRTH_DATE),  # tomorrow
        ("44010020001301001", Fault.BIRTH_DATE),
        ("44010000000101001", Fault.BIRTH_DATE),  # no year 0
        ("47010020000101001", Fault.DIVISION),
        ("81000020000101001", Fault.DIVISION),  # a residence permit's, not a resident card's
        ("44000020000101001", Fault.DIVISION),  # a whole province
    ],
)
def test_impossible_citizen_numbers_are_refused_for_what_is_wrong(body, fault):
    assert check_resident_identity_card(body + citizen_check_character(body), TODAY) is fault


def test_born_today_is_possible():
    body = "44030020261122001"
    assert check_resident_identity_card(body + citizen_check_character(body), TODAY) is None


@pytest.mark.parametrize(
    ("division", "fault"),
    [
        ("810000", None),
        ("820000", None),
        ("830000", None),
        ("840000", Fault.DIVISION),
        ("440300", Fault.DIVISION),
    ],
)
def test_a_residence_permit_begins_with_one_of_three_divisions(division, fault):
    body = f"{division}19900101001"
    assert CHECKS["residence-permit"](body + citizen_check_character(body), TODAY) is fault
