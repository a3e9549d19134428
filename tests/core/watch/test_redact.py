"""What no log may hold is taken out, and what a log needs is left in."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kouan.core.sides import all_sides
from kouan.core.watch.redact import IDENTITY, QUERY, clean, plain


@pytest.mark.parametrize(
    "number",
    [
        "A123456(7)", "A123456 (7)", "A1234567", "AB987654(A)", "a123456(7)", "A123456（7）",
        "11010519491231002X", "110105 19491231 002X", "44030819990101123x",
        "1234567(8)", "5123456/7", "H0123456789", "M12345678", "C12345678", "HJ1234567",
        "CA1234567", "K12345678", "810000199408230021",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "around", ["%s", "no %s.", "id=%s", "'%s'", "身份證%s號", "key-%s", "(%s)", "/people/%s/x"]
)
def test_an_identity_number_is_taken_out(number, around):
    cleaned = clean(around % number)
    assert number not in cleaned
    assert IDENTITY in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "message 01890a5d-ac96-774b-bcce-b302099a8057 of type validation.question",
        "key 3f9a4c11223344556677889900aabbccddeeff00112233445566778899aabbcc",
        "2026-11-22 08:05:38,123 the worker's ledger failed; it goes on in a second",
        "127.0.0.1:54321 is taken, 1763798738 bytes",
        "The clocks of the two nodes are 3600 seconds apart; 300 are allowed.",
        'File "/srv/kouan/lib/python3.11/site-packages/django/db/backends/utils.py", line 105, in _execute',
        "What is this? Nobody knows",
    ],
)
def test_what_a_log_needs_stays(text):
    assert clean(text) == text


def test_the_query_of_an_address_is_taken_out():
    assert clean("GET /validate?name=chan&x=1 took long") == f"GET /validate{QUERY} took long"
    assert clean("https://gd.example/a?token=s3cret") == f"https://gd.example/a{QUERY}"


def test_content_is_told_by_its_kind_alone():
    assert plain(b"secret") == "[bytes, 6]"
    assert plain({"name": "Chan Tai Man"}) == "[dict]"
    assert plain(["Chan"]) == "[list]"
    message = uuid.uuid4()
    assert plain(message) is message
    assert plain("text") == "text"


@given(st.text())
def test_whatever_comes_is_cleaned_once_and_for_all(text):
    assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize(
    "document", [one for side in all_sides() for one in side.documents], ids=lambda one: one.code
)
def test_every_kind_of_document_that_the_sides_know_is_recognised(document):
    assert clean(f"of {document.example} here") == f"of {IDENTITY} here"
