from __future__ import annotations

import json
from datetime import date

import pytest

from kouan.apps.validation.bulk.errors import MissingColumn, UnknownColumn
from kouan.apps.validation.bulk.reading import Row
from kouan.apps.validation.bulk.rows import RowProblem, Whose, check_columns, registration, withdrawal
from kouan.apps.validation.domain import Algorithm, JobKind, Reference
from kouan.apps.validation.marks import Mark
from kouan.apps.validation.marks import json as marked_json
from kouan.apps.validation.marks.fingerprint import fingerprint

TODAY = date(2026, 3, 1)
WHOSE = Whose("hk", "harbour-university", TODAY)
REFERENCE = str(Reference.new("hk"))
GOOD = {"reference": REFERENCE, "type": "bank-statement", "fingerprint": "ab" * 32}


def read(values: dict[str, str], parse=registration):
    return parse(Row(7, 0, 8, list(values.values())), list(values), WHOSE)


def problem(values: dict[str, str], parse=registration) -> tuple[int, str, str]:
    with pytest.raises(RowProblem) as caught:
        read(values, parse)
    assert str(caught.value.error)
    return caught.value.line, caught.value.column, caught.value.error.code


def test_a_row_with_a_fingerprint():
    row = read(GOOD)
    assert (row.line, row.reference, row.digest, row.algorithm) == (7, REFERENCE, b"\xab" * 32, "sha-256")
    assert (row.issued_on, row.expires_on) == (TODAY, None)
    row = read({**GOOD, "algorithm": "sm3", "issued_on": "2020-02-29", "expires_on": "2026-03-01"})
    assert (row.algorithm, row.issued_on, row.expires_on) == ("sm3", date(2020, 2, 29), TODAY)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_row_with_content_has_the_fingerprint_of_the_canonical_form(algorithm):
    mark = Mark.new(side="hk", issuer="harbour-university", algorithm=algorithm)
    content = marked_json.put_mark(b'{"b": 1.0, "a": "\xe4\xb8\xad"}', mark)
    row = read({"reference": str(mark.reference), "type": "other", "content": content.decode()})
    canonical = marked_json.canonical(json.loads(content))
    assert (row.digest, row.algorithm) == (fingerprint([canonical], algorithm), algorithm)


@pytest.mark.parametrize(
    ("change", "column", "code"),
    [
        ({"reference": ""}, "reference", "missing-value"),
        ({"reference": "HK-1"}, "reference", "not-a-reference"),
        ({"reference": str(Reference.new("gd"))}, "reference", "other-side"),
        ({"type": "passport"}, "type", "not-one-of"),
        ({"type": ""}, "type", "missing-value"),
        ({"fingerprint": ""}, "fingerprint", "fingerprint-or-content"),
        ({"content": "{}"}, "fingerprint", "fingerprint-or-content"),
        ({"fingerprint": "ab"}, "fingerprint", "bad-fingerprint"),
        ({"algorithm": "md5"}, "algorithm", "not-one-of"),
        ({"issued_on": "1/3/2026"}, "issued_on", "bad-date"),
        ({"issued_on": "20260301"}, "issued_on", "bad-date"),
        ({"issued_on": "2026-03-02"}, "issued_on", "issued-in-the-future"),
        ({"expires_on": "2026-02-28"}, "expires_on", "expiry-in-the-past"),
        ({"fingerprint": "", "content": "{}"}, "content", "unmarked-content"),
        ({"fingerprint": "", "content": '{"a": 1, "a": 2}'}, "content", "json-duplicate-member"),
        ({"fingerprint": "", "content": '{"a": "e\u0301"}'}, "content", "json-not-nfc"),
        ({"fingerprint": "", "content": "{"}, "content", "not-json"),
    ],
)
def test_a_bad_row_names_its_column_and_what_to_do(change, column, code):
    assert problem({**GOOD, **change}) == (7, column, code)


def test_a_mistyped_reference():
    other = REFERENCE[:-1] + ("0" if REFERENCE[-1] != "0" else "1")
    assert problem({**GOOD, "reference": other}) == (7, "reference", "mistyped-reference")


@pytest.mark.parametrize("issuer", ["harbour-university", "bank"])
def test_content_with_the_mark_of_another_document_or_institution(issuer):
    mark = Mark.new(side="hk", issuer=issuer)
    content = marked_json.put_mark(b"{}", mark).decode()
    reference = REFERENCE if issuer == "harbour-university" else str(mark.reference)
    values = {"reference": reference, "type": "other", "content": content}
    assert problem(values) == (7, "content", "other-mark")


def test_a_row_of_another_length():
    with pytest.raises(RowProblem) as caught:
        registration(Row(3, 0, 4, ["a"]), ["reference", "type", "fingerprint"], WHOSE)
    assert (caught.value.line, caught.value.column, caught.value.error.code) == (
        3,
        "",
        "wrong-number-of-fields",
    )


def test_rows_that_take_back():
    row = read({"reference": REFERENCE, "reason": "fraud"}, withdrawal)
    assert (row.reason, row.expires_on) == ("fraud", TODAY)
    row = read({"reference": REFERENCE, "reason": "expired", "expires_on": "2026-04-01"}, withdrawal)
    assert (row.reason, row.expires_on) == ("expired", date(2026, 4, 1))
    assert problem({"reference": REFERENCE, "reason": "x"}, withdrawal) == (7, "reason", "not-one-of")
    bad = {"reference": REFERENCE, "reason": "expired", "expires_on": "2026-02-01"}
    assert problem(bad, withdrawal) == (7, "expires_on", "expiry-in-the-past")


def test_columns():
    check_columns(JobKind.REGISTER, ["type", "reference", "content"])
    for kind, names, error in [
        (JobKind.REGISTER, ["reference", "type"], MissingColumn),
        (JobKind.REGISTER, ["reference", "fingerprint"], MissingColumn),
        (JobKind.REGISTER, ["reference", "type", "fingerprint", "name"], UnknownColumn),
        (JobKind.REVOKE, ["reference"], MissingColumn),
    ]:
        with pytest.raises(error):
            check_columns(kind, names)
