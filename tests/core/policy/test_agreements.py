"""Agreement files: what they say is exact, and what is wrong with one names the file and the key."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path

import pytest

import kouan.demo
from kouan.core import cbor
from kouan.core.policy import AgreementFileError, load_agreements, policy_of
from kouan.core.policy.agreements import lets_through, of_contract

GOOD = """
id = "validation"
parties = ["gd", "hk"]
effective = 2026-01-01
expires = 2026-12-31
title = { en = "Agreement", zh-hant = "協議", zh-hans = "协议" }

[[clauses]]
id = "1"
legal_basis = "document-validation"
types = ["validation.question", "validation.answer"]
senders = ["hk"]
receivers = ["gd"]
text = { en = "Words", zh-hant = "條文", zh-hans = "条文" }
"""


@pytest.fixture
def load(tmp_path):
    def one(text, name="an.toml"):
        (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return load_agreements(tmp_path)

    return one


def test_an_agreement_is_read(load):
    (agreement,) = load(GOOD)
    assert (agreement.id, agreement.parties) == ("validation", {"gd", "hk"})
    assert (agreement.effective, agreement.expires) == (date(2026, 1, 1), date(2026, 12, 31))
    assert agreement.title.in_language("zh-hans") == "协议"
    (clause,) = agreement.clauses
    assert (clause.id, clause.legal_basis, clause.senders, clause.receivers) == (
        "1",
        "document-validation",
        {"hk"},
        {"gd"},
    )
    assert agreement.digest == hashlib.sha256(agreement.source).digest()
    assert cbor.decode(agreement.source, max_bytes=9999)["effective"] == "2026-01-01"


def test_the_digest_is_of_what_it_says_not_of_how_it_is_written(load):
    (one,) = load(GOOD)
    (two,) = load("# A remark\n" + GOOD.replace('id = "1"', "id   =   '1'"))
    assert one.digest == two.digest
    for change in (
        ("Words", "Word"),
        ("2026-12-31", "2026-12-30"),
        ('"gd", "hk"', '"hk", "gd"'),
        ("條文", "条文"),
    ):
        (other,) = load(GOOD.replace(*change))
        assert other.digest != one.digest


def test_no_folder_and_an_empty_one_allow_nothing(tmp_path):
    assert load_agreements(tmp_path / "nowhere") == ()
    assert load_agreements(tmp_path) == ()
    (tmp_path / "note.txt").write_text("not an agreement")
    assert load_agreements(tmp_path) == ()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (('id = "validation"\n', ""), "'id'"),
        (('id = "validation"', "id = 5"), "id"),
        (('id = "validation"', 'id = ""'), "id"),
        (('id = "validation"', f'id = "{"x" * 81}"'), "id"),
        (('id = "validation"', 'id = "協議"'), "id"),
        (('parties = ["gd", "hk"]\n', ""), "'parties'"),
        (('parties = ["gd", "hk"]', 'parties = "gd hk"'), "`parties`"),
        (('parties = ["gd", "hk"]', 'parties = ["hk"]'), "`parties`"),
        (('parties = ["gd", "hk"]', 'parties = ["hk", 5]'), "`parties`"),
        (('parties = ["gd", "hk"]', 'parties = ["hk", "mo"]'), "party"),
        (("effective = 2026-01-01\n", ""), "'effective'"),
        (("effective = 2026-01-01", 'effective = "2026-01-01"'), "`effective`"),
        (("effective = 2026-01-01", "effective = 2026-01-01T00:00:00Z"), "`effective`"),
        (("expires = 2026-12-31", "expires = 20261231"), "`expires`"),
        (("expires = 2026-12-31", "expires = 2025-12-31"), "`expires`"),
        (('title = { en = "Agreement",', "title = {"), "title"),
        (("title = {", 'title = { fr = "Accord",'), "title"),
        (('en = "Agreement"', 'en = " "'), "title"),
        (("title =", "titel ="), "`titel`"),
        (("[[clauses]]", "[clauses]"), "`clauses`"),
        (("[[clauses]]", "[[clause]]"), "`clause`"),
        (('id = "1"\n', ""), "'id'"),
        (('id = "1"', "id = 1"), "clauses.id"),
        (('id = "1"', f'id = "{"1" * 41}"'), "clauses.id"),
        (('legal_basis = "document-validation"\n', ""), "`legal_basis`"),
        (('legal_basis = "document-validation"', "legal_basis = []"), "`legal_basis`"),
        (("types = [", "type = ["), "`type`"),
        (
            ('types = ["validation.question", "validation.answer"]', 'types = "validation.question"'),
            "`types`",
        ),
        (('types = ["validation.question", "validation.answer"]', "types = []"), "`types`"),
        (('senders = ["hk"]\n', ""), "`senders`"),
        (('senders = ["hk"]', 'senders = "hk"'), "`senders`"),
        (('senders = ["hk"]', 'senders = [""]'), "`senders`"),
        (('receivers = ["gd"]', 'receivers = ["mo"]'), "party"),
        (('text = { en = "Words", zh-hant = "條文", zh-hans = "条文" }', 'text = "Words"'), "`text`"),
        (('zh-hant = "條文", ', ""), "clause 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value[0]} -> {value[1]}"[:50],
)
def test_what_is_wrong_names_the_file_and_the_key(load, tmp_path, change, named):
    assert change[0] in GOOD
    with pytest.raises(AgreementFileError) as caught:
        load(GOOD.replace(*change))
    assert str(tmp_path / "an.toml") in str(caught.value)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["", "id =", b"\xff\xfe", GOOD.split("[[clauses]]", maxsplit=1)[0], GOOD + GOOD[GOOD.index("[[") :]],
)
def test_what_is_no_agreement_names_the_file(load, text):
    with pytest.raises(AgreementFileError, match=r"an\.toml"):
        load(text)


def test_clauses_that_are_no_tables(load):
    head = GOOD.split("[[clauses]]", maxsplit=1)[0]
    for clauses in ('clauses = ["1"]', 'clauses = "1"', "clauses = []", "clauses = 5", "clauses = [[]]"):
        with pytest.raises(AgreementFileError, match="`clauses`"):
            load(head + clauses)


def test_two_files_with_one_id(load, tmp_path):
    load(GOOD)
    with pytest.raises(AgreementFileError, match="validation"):
        load(GOOD, name="zz.toml")
    assert len(load(GOOD.replace('id = "validation"', 'id = "other"'), name="zz.toml")) == 2


def test_a_file_that_cannot_be_read(tmp_path):
    (tmp_path / "an.toml").mkdir()
    with pytest.raises(AgreementFileError, match=r"an\.toml"):
        load_agreements(tmp_path)


def test_the_demonstrations_agreements_are_sound():
    agreements = load_agreements(Path(kouan.demo.__file__).parent / "agreements")
    assert len(agreements) >= 2
    assert all("demonstration" in agreement.title.en.lower() for agreement in agreements)


CONTRACT = json.dumps(
    {
        "schema": "kouan-contract/1",
        "contract": "5f0d3c3e",
        "exporter": {"name": {"en": "A"}, "place": "hk"},
        "importer": {"name": {"en": "B"}, "place": "gd:shenzhen"},
    }
).encode()


@pytest.mark.parametrize(
    ("how", "let"),
    [
        ({}, "yes"),
        ({"sender": "gd", "receiver": "hk"}, "other-sides"),
        ({"receiver": "mo"}, "other-sides"),
        ({"sender": "mo"}, "other-sides"),
        ({"type_": "dataflow.use"}, "other-type"),
        ({"clause": "2"}, "other-type"),
    ],
)
def test_a_contract_lets_records_go_one_way(how, let):
    asked = {"clause": "scope", "type_": "dataflow.record", "sender": "hk", "receiver": "gd"} | how
    assert lets_through(of_contract(CONTRACT), **asked) == let


@pytest.mark.parametrize("place", [None, 5, "", ["hk"]])
def test_a_contract_that_does_not_say_where_its_parties_are_lets_nothing_go(place):
    terms = json.loads(CONTRACT) | {"exporter": {"place": place}}
    made = of_contract(json.dumps(terms).encode())
    asked = {"clause": "scope", "type_": "dataflow.record", "sender": "hk", "receiver": "gd"}
    assert lets_through(made, **asked) == "other-sides"


def test_a_policy_is_read_once(tmp_path):
    (tmp_path / "an.toml").write_text(GOOD, encoding="utf-8")
    assert policy_of(tmp_path) is policy_of(tmp_path)
