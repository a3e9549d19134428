"""Records of departments: what may be put in, and what is written down of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from apps.evidence.conftest import IDENTITY, NUMBER
from kouan.apps.evidence import errors, records, tables
from kouan.apps.evidence.broker import held
from kouan.apps.evidence.domain import MAX_VALUE, ZONE, Change
from kouan.apps.evidence.kinds import catalogue
from kouan.apps.evidence.models import EvidenceRecord, RecordChange
from kouan.core.credentials import broker
from kouan.core.sides import DocumentNumberError, UnknownDocumentError
from kouan.core.sides.recognising import recognised


def history(row):
    return [(each.change, each.version, each.by) for each in row.changes.order_by("pk")]


def test_a_record_is_kept_sealed_and_found_by_no_number(put):
    row = put(reference="ROP-1")
    held = EvidenceRecord.objects.get()
    data = bytes(held.claims) + bytes(held.person)
    assert b"CHAN" not in data
    assert b"A1234563" not in data
    assert records.claims_of(held) == IDENTITY
    assert history(row) == [("put", 1, "immigration-officer")]


def test_the_same_again_changes_nothing(put):
    row = put(reference="ROP-1")
    assert put(reference="ROP-1").version == 1
    assert len(history(row)) == 1


def test_other_words_replace_it(put):
    put(reference="ROP-1")
    row = put(reference="ROP-1", claims=IDENTITY | {"name": "CHAN Tai Ming"})
    assert row.version == 2
    assert records.claims_of(EvidenceRecord.objects.get())["name"] == "CHAN Tai Ming"
    assert [each[:2] for each in history(row)] == [("put", 1), ("replaced", 2)]


def test_a_reference_is_one_persons(put):
    put(reference="ROP-1")
    with pytest.raises(errors.ReferenceTaken):
        put(reference="ROP-1", document_number="B123456(6)")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"claims": {**IDENTITY, "name": ""}}, "name"),
        ({"claims": {**IDENTITY, "shoe_size": "42"}}, "shoe_size"),
        ({"claims": {**IDENTITY, "name": "x" * (MAX_VALUE + 1)}}, "name"),
        ({"claims": {**IDENTITY, "name": "a\u202eb"}}, "name"),
        ({"claims": {**IDENTITY, "name": "\ud800"}}, "name"),
        ({"claims": {**IDENTITY, "birthdate": "1985-2-28"}}, "birthdate"),
        ({"claims": {**IDENTITY, "birthdate": "1985-02-30"}}, "birthdate"),
        ({"reference": ""}, "reference"),
        ({"reference": " a"}, "reference"),
        ({"reference": "a" * 65}, "reference"),
    ],
)
def test_what_does_not_fit_its_type(put, changes, field):
    with pytest.raises(errors.IllFormedRecord) as refused:
        put(**changes)
    assert refused.value.params["field"] == field
    assert not EvidenceRecord.objects.exists()


def test_a_record_ends_after_it_begins(put, today):
    with pytest.raises(errors.IllFormedRecord):
        put(valid_from=today, valid_until=today - timedelta(days=1))


@pytest.mark.parametrize("number", ["", "A1", "A12345!", "x" * 200])
def test_a_number_that_is_none(put, number):
    with pytest.raises(errors.BadDocumentNumber):
        put(document_number=number)


def test_a_department_keeps_its_own_types_alone(put):
    with pytest.raises(errors.OtherDepartment):
        put(departments={"transport"})
    with pytest.raises(errors.UnknownType):
        put(type="hk.shoes")
    assert put(departments={"immigration", "transport"}).department == "immigration"


def test_a_record_goes_from_state_to_state(put):
    row = put()

    def change(what, **how):
        return records.change(record=row, change=what, by="officer", departments=None, **how).state

    assert change(Change.SUSPENDED, reason="under inquiry") == "suspended"
    with pytest.raises(errors.RecordCannotChange):
        change(Change.SUSPENDED)
    assert change(Change.RESUMED) == "valid"
    assert change(Change.REVOKED) == "revoked"
    for what in (Change.RESUMED, Change.REVOKED, Change.SUSPENDED):
        with pytest.raises(errors.RecordCannotChange):
            change(what)
    assert [each.reason for each in RecordChange.objects.order_by("pk")] == ["", "under inquiry", "", ""]


def test_another_departments_record_cannot_be_changed(put):
    with pytest.raises(errors.UnknownRecord):
        records.change(record=put(), change=Change.REVOKED, by="x", departments={"police"})


HEAD = "type,reference,document_number,valid_from,valid_until,name,birthdate,sex,document_type,make\n"
ROW = f"hk.identity,ROP-1,{NUMBER},2026-01-01,2030-12-31,CHAN Siu Ming,1985-02-28,Male,HKID,\n"


def take(text, **how):
    return tables.take(text.encode(), by="officer", departments=how.get("departments"))


def test_a_file_is_kept(node):
    assert take("\ufeff" + HEAD + ROW + ROW.replace("ROP-1", "ROP-2").replace("2030-12-31", "")) == 2
    assert set(EvidenceRecord.objects.values_list("reference", flat=True)) == {"ROP-1", "ROP-2"}
    assert EvidenceRecord.objects.get(reference="ROP-2").valid_until is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        (HEAD, 1),
        ("type,reference\nx,y\n", 1),
        (HEAD.replace("make", "name"), 1),
        (HEAD + ROW + ROW.replace("ROP-1", "ROP-2").replace("1985-02-28", "28 Feb"), 3),
        (HEAD + ROW + ROW.replace("2026-01-01", "1 Jan"), 3),
        (HEAD + ROW.replace("\n", ",more\n"), 2),
        (HEAD + "hk.identity,ROP-1\n", 2),
        (HEAD + ROW.replace("hk.identity", "hk.shoes"), 2),
        (HEAD + ROW.replace("CHAN Siu Ming", '"CHAN'), 2),
        (HEAD + ROW.replace("HKID,", "HKID,Tesla"), 2),
    ],
)
def test_a_file_with_one_bad_row_is_not_kept_at_all(node, text, line):
    with pytest.raises(errors.BadFile) as refused:
        take(text)
    assert refused.value.params["line"] == line
    assert not EvidenceRecord.objects.exists()


def test_a_file_in_another_encoding_or_too_large(node):
    with pytest.raises(errors.BadFile):
        tables.take((HEAD + ROW).encode("utf-16"), by="x", departments=None)
    with pytest.raises(errors.FileTooLarge):
        tables.take(b"a" * (tables.MOST_BYTES + 1), by="x", departments=None)


def test_too_many_rows(node, monkeypatch):
    monkeypatch.setattr(tables, "MOST_ROWS", 1)
    with pytest.raises(errors.FileTooLarge):
        take(HEAD + ROW + ROW.replace("ROP-1", "ROP-2"))
    assert not EvidenceRecord.objects.exists()


@pytest.mark.parametrize(
    ("field", "day"),
    [
        ("valid_until", date(9999, 12, 31)),
        ("valid_until", date(9000, 1, 2)),
        ("valid_from", date(1849, 12, 31)),
        ("valid_from", date(9999, 12, 31)),
    ],
)
def test_a_day_that_leaves_no_room_to_reckon(put, field, day):
    with pytest.raises(errors.IllFormedRecord) as refused:
        put(**({"valid_until": None} | {field: day}))
    assert refused.value.params["field"] == field
    assert not EvidenceRecord.objects.exists()


def test_the_first_and_the_last_day_of_all(put, chan):
    put(valid_from=date(1850, 1, 1), valid_until=date(9000, 1, 1))
    (offer,) = broker().offers(chan, "identity", to="gd")
    assert offer.expires_at.astimezone(ZONE).date() == date(9000, 1, 1)


PASSPORT = "H12345678"
"""A number that a passport of Hong Kong and a home return permit may both have."""


def test_a_number_of_another_kind_of_document_is_another_person(put, chan):
    put(type="hk.identity", reference="ROP-9", document_number=PASSPORT, document="hk-passport")
    types = catalogue().types
    passport = replace(chan, document_number=PASSPORT, document_type="hk-passport")
    permit = replace(chan, document_number=PASSPORT, document_type="home-return-permit")
    assert [row.reference for row in held(passport, types)] == ["ROP-9"]
    assert held(permit, types) == []
    with pytest.raises(errors.ReferenceTaken):
        put(type="hk.identity", reference="ROP-9", document_number=PASSPORT, document="home-return-permit")


def test_without_its_kind_a_number_is_of_the_document_of_this_side_that_has_such_numbers(put):
    assert put(document_number=PASSPORT).document == "hk-passport"
    assert put(document_number="11010519491231002X").document == "resident-identity-card"


def test_a_number_that_does_not_fit_the_kind_is_refused_and_an_unknown_kind_too(put):
    with pytest.raises(DocumentNumberError):
        put(document_number=PASSPORT, document="hkid")
    with pytest.raises(UnknownDocumentError):
        put(document_number=PASSPORT, document="library-card")
    assert not EvidenceRecord.objects.exists()


def test_a_record_from_before_kinds_is_found_by_its_number_until_it_is_replaced(put, chan):
    row = put(reference="ROP-1")
    old = records._without_kind(recognised(NUMBER, side="hk"))
    EvidenceRecord.objects.filter(pk=row.pk).update(person=old, document="")
    assert [each.pk for each in held(chan, catalogue().types)] == [row.pk]
    with pytest.raises(errors.ReferenceTaken):
        put(reference="ROP-1", document_number="B123456(6)")
    assert put(reference="ROP-1").document == "hkid"
    assert [each.pk for each in held(chan, catalogue().types)] == [row.pk]
