"""Identity documents: what is accepted, what the refusal says, and what never shows."""

from __future__ import annotations

import copy
import pickle
import traceback
from datetime import date

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from kouan.core.sides import DocumentNumberError, all_sides, get_document
from kouan.core.sides.documents import (
    BirthDateError,
    CheckCharacterError,
    DivisionError,
    DocumentFormError,
    normalise,
)

TODAY = date(2026, 11, 22)
ALL_DOCUMENTS = [document for side in all_sides() for document in side.documents]


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("hkid", "A123456(3)", "A1234563"),
        ("hkid", "A1234563", "A1234563"),
        ("hkid", " a123456 (3) ", "A1234563"),
        ("hkid", "ａ１２３４５６（３）", "A1234563"),
        ("hkid", "Ｇ123456（Ａ）", "G123456A"),
        ("hkid", "AB987654(3)", "AB9876543"),
        ("hk-passport", "k12345678", "K12345678"),
        ("hk-passport", "H 1234 5678", "H12345678"),
        ("hk-passport", "KJ1234567", "KJ1234567"),
        ("resident-identity-card", "11010519491231002x", "11010519491231002X"),
        ("resident-identity-card", "110105 19491231 002Ｘ", "11010519491231002X"),
        ("home-return-permit", "H12345678", "H12345678"),
        ("home-return-permit", "M12345678 02", "M12345678"),
        ("home-return-permit", "H1234567800", "H12345678"),
        ("residence-permit", "810000199408230021", "810000199408230021"),
        ("exit-entry-permit", "C12345678", "C12345678"),
        ("exit-entry-permit", "CA0000001", "CA0000001"),
        ("macao-resident-card", "1234567(8)", "12345678"),
        ("macao-resident-card", "5/234567/8", "52345678"),
    ],
)
def test_the_ways_people_write_a_number_are_accepted(code, text, expected):
    assert get_document(code).parse(text, today=TODAY).reveal() == expected


@pytest.mark.parametrize(
    ("code", "text", "error"),
    [
        ("hkid", "", DocumentFormError),
        ("hkid", "A123456", DocumentFormError),
        ("hkid", "ABC123456(3)", DocumentFormError),
        ("hkid", "A123456(B)", DocumentFormError),
        ("hkid", "A①23456(3)", DocumentFormError),
        ("hkid", "A١٢٣٤٥٦(3)", DocumentFormError),
        ("hkid", "ſ123456(3)", DocumentFormError),
        ("hkid", "A123456(4)", CheckCharacterError),
        ("hk-passport", "A12345678", DocumentFormError),
        ("hk-passport", "KJ12345678", DocumentFormError),
        ("resident-identity-card", "110105491231002", DocumentFormError),
        ("resident-identity-card", "110105194912310021", CheckCharacterError),
        ("resident-identity-card", "810000199408230021", DivisionError),
        ("residence-permit", "11010519491231002X", DivisionError),
        ("home-return-permit", "H1234567", DocumentFormError),
        ("home-return-permit", "HA1234567", DocumentFormError),
        ("exit-entry-permit", "CI0000001", DocumentFormError),
        ("exit-entry-permit", "CO0000001", DocumentFormError),
        ("exit-entry-permit", "W12345678", DocumentFormError),
        ("macao-resident-card", "2234567(8)", DocumentFormError),
    ],
)
def test_what_is_no_such_number_is_refused_for_its_own_reason(code, text, error):
    with pytest.raises(error) as caught:
        get_document(code).parse(text, today=TODAY)
    assert caught.value.status == 422
    assert not get_document(code).accepts(text, today=TODAY)


def test_a_birthday_to_come_is_refused_by_the_day_given():
    document = get_document("residence-permit")
    assert document.accepts("810000199408230021", today=date(1994, 8, 23))
    with pytest.raises(BirthDateError):
        document.parse("810000199408230021", today=date(1994, 8, 22))


@pytest.mark.parametrize("document", ALL_DOCUMENTS, ids=lambda document: document.code)
def test_a_refusal_never_repeats_what_was_typed(document):
    typed = "Q987123(7)"
    with pytest.raises(DocumentNumberError) as caught:
        document.parse(typed)
    said = "".join(traceback.format_exception(caught.value)) + str(caught.value.params) + repr(caught.value)
    for language in ("en", "zh-hant", "zh-hans"):
        with translation.override(language):
            said += str(caught.value)
    assert "987123" not in said


def test_a_refusal_names_the_document_in_the_readers_language():
    with pytest.raises(DocumentFormError) as caught:
        get_document("exit-entry-permit").parse("?")
    with translation.override("zh-hans"):
        assert "往来港澳通行证" in str(caught.value)
    with translation.override("en"):
        assert "Exit-entry permit" in str(caught.value)


@given(st.text(max_size=100))
def test_any_text_is_accepted_or_refused_in_order(text):
    for document in ALL_DOCUMENTS:
        if document.accepts(text, today=TODAY):
            number = document.parse(text, today=TODAY)
            assert document.parse(number.written(), today=TODAY) == number
        else:
            with pytest.raises(DocumentNumberError):
                document.parse(text, today=TODAY)


def test_a_long_text_is_not_looked_at():
    assert normalise("1" * 65) == ""
    assert not get_document("hkid").accepts("A123456(3)" + " " * 60)


class TestNumber:
    def number(self, text="A123456(3)"):
        return get_document("hkid").parse(text)

    def test_it_does_not_show_itself(self):
        number = self.number()
        shown = [repr(number), str(number), f"{number}", f"{number!r:>40}", repr([number]), "%s" % number]  # noqa: UP031 - each way of formatting is tried
        assert not [text for text in shown if "123456" in text or "A12" in text]

    def test_it_is_masked_on_request(self):
        assert self.number().masked() == "A12****(*)"
        assert self.number("AB987654(3)").masked() == "AB9*****(*)"
        assert get_document("home-return-permit").parse("H12345678").masked() == "H12******"
        assert get_document("macao-resident-card").parse("12345678").masked() == "123****(*)"

    def test_it_is_written_as_the_document_prints_it(self):
        assert self.number("a1234563").written() == "A123456(3)"

    def test_it_is_not_pickled(self):
        with pytest.raises(TypeError, match="stored in clear") as caught:
            pickle.dumps(self.number())
        assert "123456" not in str(caught.value)

    def test_it_may_be_copied(self):
        number = self.number()
        assert copy.copy(number) is number
        assert copy.deepcopy([number]) == [number]

    def test_equal_numbers_of_one_document_are_equal(self):
        assert self.number() == self.number("ａ123456（3）")
        assert len({self.number(), self.number("a1234563")}) == 1
        assert self.number() != self.number("G123456(A)")
        assert self.number() != "A1234563"
        passport = get_document("hk-passport").parse("H12345678")
        assert passport.reveal() == get_document("home-return-permit").parse("H12345678").reveal()
        assert passport != get_document("home-return-permit").parse("H12345678")
