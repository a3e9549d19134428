"""A contract's terms as text that two sides sign: one form, and nothing that cannot be read."""

from __future__ import annotations

import json

import pytest
import rfc8785

from apps.dataflow.made import terms
from kouan.apps.dataflow.domain import MAX_TERMS, BadTerms, read_terms


def raw(**changes):
    return terms().model_dump(by_alias=True) | changes


def test_the_canonical_form_is_read_back():
    assert read_terms(terms().canonical()) == terms()
    assert terms().sides == {"hk", "gd"}
    assert len(terms().digest()) == 32


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"effective": "2026-02-30"}, "effective"),
        ({"effective": "1 May 2026"}, "effective"),
        ({"purposes": []}, "purposes"),
        ({"purposes": ["Marketing"]}, "purposes.0"),
        ({"elements": ["person.name", "person.credit"]}, "elements"),
        ({"elements": ["person.name", "person.name"]}, "elements"),
        ({"elements": ["person.shoe-size"]}, "elements"),
        ({"persons": "many"}, "persons"),
        ({"persons": True}, "persons"),
        ({"retention_days": 0}, "retention_days"),
        ({"version": 0}, "version"),
        ({"contract": "../../etc/passwd"}, "contract"),
        ({"secret": 1}, "secret"),
        ({"schema": "kouan-contract/2"}, "schema"),
        ({"exporter": {**terms().exporter.model_dump(), "place": "HK"}}, "exporter.place"),
        ({"assessment": {"digest": "00", "made_on": "2026-08-20"}}, "assessment.digest"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_place(changes, where):
    with pytest.raises(BadTerms, match=rf"^{where.replace('.', '[.]')}: ") as caught:
        read_terms(rfc8785.dumps(raw(**changes)))
    assert "passwd" not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[" * 10_000,
        b"\xff",
        json.dumps(raw(), indent=1).encode(),
        terms().canonical() + b" ",
        terms().canonical().replace(b'"version":1', b'"version":1,"version":1'),
        b" " * (MAX_TERMS + 1),
    ],
    ids=["nothing", "empty", "deep", "no UTF-8", "another form", "a blank", "a name twice", "too long"],
)
def test_other_bytes_are_refused(data):
    with pytest.raises(BadTerms):
        read_terms(data)
