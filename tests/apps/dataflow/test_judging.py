"""What may cross under a contract and a consent, and which clause says that it may not."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from apps.dataflow.made import (
    AT,
    DAY,
    LENDER,
    NUMBER,
    OTHER,
    PURPOSE,
    SUBJECT,
    case,
    consent,
    contract,
    terms,
)
from kouan.apps.dataflow import errors
from kouan.apps.dataflow.cases import as_json, from_json
from kouan.apps.dataflow.domain import BadTerms, Filing, State, read_terms
from kouan.apps.dataflow.judging import judge
from kouan.apps.dataflow.labels import PURPOSES
from kouan.core.policy import Denied

GD, HK = "gd/2026-01-01 gba-standard-contract", "hk/2026-01-01 gba-standard-contract"
OVERDUE = (Filing("gd", DAY - timedelta(days=1), None), Filing("hk", DAY, None))
LATE = (Filing("gd", DAY - timedelta(days=1), DAY + timedelta(days=1)),)
BEIJING = LENDER | {"place": "gd:beijing"}
MACAO = {"name": "Lotus Bank", "place": "mo"}
FOSHAN = {"name": "Foshan Branch", "place": "gd:foshan"}
AGREED_ONWARD = frozenset({("Foshan Branch", "gd:foshan"), ("Zhuhai Branch", "gd:zhuhai")})


TOO_OLD = {
    "instrument": "Certificate of a body", "number": "1", "issued_on": "2023-09-01", "valid_until": None,
}  # fmt: skip
GROUND = TOO_OLD | {"issued_on": "2026-09-15"}


def said(**changes):
    return contract(terms(**changes))


REFUSED = {
    "no contract": (case(contract=None), errors.NoContract, "contract"),
    "another text is named": (case(named=bytes(32)), errors.OtherTerms, "contract digest"),
    "refused": (case(contract=contract(state=State.REFUSED)), errors.ContractOver, "contract state"),
    "ended today": (
        case(contract=contract(state=State.ENDED, ended_on=DAY)), errors.ContractOver, "contract state",
    ),
    "an unsigned side": (
        case(contract=contract(state=State.PROPOSED, signed_by=frozenset({"hk"}))),
        errors.UnsignedContract, "contract signatures",
    ),
    "a draft": (
        case(contract=contract(state=State.DRAFT, signed_by=frozenset())),
        errors.UnsignedContract, "contract signatures",
    ),
    "before its term": (
        case(contract=said(effective="2026-09-16")), errors.OutsideTerm, "contract term",
    ),
    "after its term": (case(contract=said(expires="2026-09-14")), errors.OutsideTerm, "contract term"),
    "a term that ends before it begins": (
        case(contract=said(effective="2026-09-15", expires="2026-09-14")),
        errors.OutsideTerm, "contract term",
    ),
    "the other way": (
        case(sender="gd", receiver="hk"), errors.OtherParties, "contract parties",
    ),
    "another side": (case(receiver="mo"), errors.OtherParties, "contract parties"),
    "no such basis": (case(contract=said(basis="pigeon-post")), errors.UnknownBasis, "basis"),
    "before there were rules": (
        case(day=date(2023, 12, 9), contract=said(effective="2023-12-01", expires="2023-12-31")),
        errors.UnknownBasis, "basis",
    ),
    "a basis that one side does not have": (
        case(contract=said(basis="gba-standard-contract-macao")), errors.UnknownBasis, "basis",
    ),
    "a city outside the area": (
        case(contract=said(importer=BEIJING)), errors.OutsideArea, f"{GD} places",
    ),
    "a side for a city": (
        case(contract=said(importer=LENDER | {"place": "gd"})), errors.OutsideArea, f"{GD} places",
    ),
    "an onward transfer": (
        case(contract=said(onward=[MACAO])), errors.OnwardTransfer, f"{GD} places",
    ),
    "no law is named": (
        case(contract=said(basis="legal-obligation")), errors.NoGround, f"{GD[:13]} legal-obligation ground",
    ),
    "a certificate that is too old": (
        case(contract=said(basis="certification", ground=TOO_OLD)),
        errors.GroundOver, f"{GD[:13]} certification ground",
    ),
    "a certificate of tomorrow": (
        case(contract=said(basis="certification", ground=TOO_OLD | {"issued_on": "2026-09-16"})),
        errors.GroundOver, f"{GD[:13]} certification ground",
    ),
    "an emergency that is over": (
        case(
            contract=said(basis="vital-interest", ground=TOO_OLD | {
                "issued_on": "2026-09-01", "valid_until": "2026-09-14",
            })
        ),
        errors.GroundOver, f"{GD[:13]} vital-interest ground",
    ),
    "too many for a consent alone": (
        case(contract=said(basis="consent", persons=100_000)),
        errors.TooManyPersons, f"{GD[:13]} consent persons",
    ),
    "sensitive on a consent alone": (
        case(contract=said(basis="consent")), errors.SensitiveUnderBasis, f"{GD[:13]} consent sensitive",
    ),
    "a notice where a consent is asked for": (
        case(consent=consent(notice=True)), errors.NoPersonsConsent, "consent",
    ),
    "another purpose": (case(purpose=OTHER), errors.OtherPurpose, "contract scope purposes"),
    "scope drift": (
        case(elements=case().elements | {"person.health"}), errors.ScopeDrift, "contract scope elements",
    ),
    "a filing is overdue": (
        case(contract=contract(filings=OVERDUE)), errors.NotFiled, "contract filing",
    ),
    "a filing is dated later": (case(contract=contract(filings=LATE)), errors.NotFiled, "contract filing"),
    "no consent": (case(consent=None), errors.NoPersonsConsent, "consent"),
    "withdrawn": (case(consent=consent(withdrawn_at=AT)), errors.ConsentWithdrawn, "consent"),
    "a consent that is over": (case(consent=consent(expires_at=AT)), errors.ConsentExpired, "consent"),
    "a consent of tomorrow": (
        case(consent=consent(given_at=AT + timedelta(seconds=1))), errors.ConsentExpired, "consent",
    ),
    "another person's": (case(subject="t" * 43), errors.ConsentOfAnother, "consent subject"),
    "about nobody": (
        case(subject="", consent=consent(subject="")), errors.ConsentOfAnother, "consent subject",
    ),
    "for another contract": (
        case(consent=consent(contract=NUMBER[::-1])), errors.ConsentForOther, "consent contract",
    ),
    "for another purpose": (
        case(consent=consent(purposes=frozenset({OTHER}))), errors.ConsentForOther, "consent purposes",
    ),
    "for less": (
        case(consent=consent(elements=frozenset({"person.name"}))),
        errors.ConsentForOther, "consent elements",
    ),
    "sensitive, but not by itself": (
        case(consent=consent(separate=frozenset())), errors.ConsentForOther, "consent separate",
    ),
    "kept for longer than agreed": (
        case(consent=consent(retention_days=29)), errors.ConsentForOther, "consent retention",
    ),
    "handed on to more than agreed": (
        case(contract=said(onward=[FOSHAN]), consent=consent(onward=frozenset())),
        errors.ConsentForOther, "consent onward",
    ),
    "too low a level": (case(consent=consent(level=2)), errors.LevelTooLow, "consent level"),
}  # fmt: skip


def test_it_may_cross_and_each_sides_rules_are_named():
    assert judge(case()) == (GD, HK)
    assert judge(case(named=contract().digest)) == (GD, HK)


@pytest.mark.parametrize("name", REFUSED)
def test_it_may_not_cross_and_the_clause_is_named(name):
    it, error, clause = REFUSED[name]
    with pytest.raises(Denied) as caught:
        judge(it)
    assert type(caught.value) is error
    assert caught.value.params["clause"] == clause


def test_each_refusal_of_this_app_has_its_test():
    known = {each for _name, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, Denied)}
    assert known - {Denied} == {error for _case, error, _clause in REFUSED.values()}


@pytest.mark.parametrize("name", REFUSED)
def test_each_refusal_is_told_in_three_scripts(name):
    it, error, _clause = REFUSED[name]
    told = {}
    for language in ("en", "zh-hant", "zh-hans"):
        with translation.override(language):
            with pytest.raises(error) as caught:
                judge(it)
            told[language] = str(caught.value)
    assert not re.search(r"[一-鿿]", told["en"])
    assert re.search(r"[一-鿿]", told["zh-hant"])
    assert re.search(r"[一-鿿]", told["zh-hans"])


@pytest.mark.parametrize(
    "fine",
    [
        case(contract=contract(filings=(Filing("gd", DAY, None),))),
        case(contract=contract(filings=(Filing("gd", DAY - timedelta(days=9), DAY),))),
        case(contract=contract(state=State.ENDED, ended_on=DAY + timedelta(days=1))),
        case(contract=contract(state=State.REPLACED, ended_on=DAY + timedelta(days=1))),
        case(contract=said(effective=DAY.isoformat(), expires=DAY.isoformat())),
        case(elements=frozenset({"person.pseudonym", "technical.time"})),
        case(
            elements=frozenset({"person.pseudonym", "person.name"}),
            consent=consent(level=2, separate=frozenset()),
        ),
        case(consent=consent(withdrawn_at=AT + timedelta(seconds=1))),
        case(contract=said(onward=[FOSHAN])),
        case(
            contract=said(onward=[FOSHAN]),
            consent=consent(onward=AGREED_ONWARD),
        ),
        case(consent=consent(retention_days=30, onward=AGREED_ONWARD)),
    ],
)
def test_on_the_edge_it_still_may(fine):
    assert judge(fine) == (GD, HK)


def test_without_persons_the_consent_is_left_for_later():
    assert judge(case(consent=None), persons=False)
    with pytest.raises(errors.ScopeDrift):
        judge(case(elements=case().elements | {"person.health"}, consent=None), persons=False)


KINDS = st.sampled_from(
    ["person.pseudonym", "person.name", "person.credit", "person.health", "technical.time"]
)


@given(
    kinds=st.tuples(*[st.frozensets(KINDS)] * 3),
    level=st.integers(1, 4),
    days=st.integers(-400, 800),
    about=st.tuples(st.sampled_from([PURPOSE, OTHER]), st.sampled_from([SUBJECT, "t" * 43, ""])),
)
def test_whatever_crosses_is_in_the_contract_and_in_the_consent(kinds, level, days, about):
    (elements, agreed, separate), (purpose, subject) = kinds, about
    at = AT + timedelta(days=days)
    it = case(
        at=at,
        day=at.date(),
        elements=elements,
        purpose=purpose,
        subject=subject,
        contract=contract(filings=()),
        consent=consent(
            elements=agreed, separate=separate, level=level, given_at=at, expires_at=at + timedelta(days=1)
        ),
    )
    again = from_json(json.loads(json.dumps(as_json(it))))
    assert again == it
    outcome = []
    for each in (it, again):
        try:
            outcome.append(judge(each))
        except Denied as denied:
            outcome.append((denied.code, denied.params["clause"]))
    assert outcome[0] == outcome[1]
    if outcome[0] != (GD, HK):
        return
    personal = {each for each in elements if each.startswith("person.")} - {"person.pseudonym"}
    assert personal <= {"person.name", "person.credit"} & agreed
    assert (purpose, subject) == (PURPOSE, SUBJECT)
    assert "person.credit" not in elements or ("person.credit" in separate and level >= 3)
    assert level >= 2
    assert terms().first_day <= at.date() <= terms().last_day


def test_the_same_case_is_judged_by_the_rules_of_its_day():
    early = date(2024, 1, 15)
    it = case(
        at=AT.replace(2024, 1, 15),
        day=early,
        contract=said(effective="2024-01-01", expires="2024-12-31"),
        consent=replace(consent(), given_at=AT.replace(2024, 1, 14), expires_at=AT.replace(2024, 2, 14)),
    )
    it = replace(it, contract=replace(it.contract, filings=()))
    assert judge(it) == tuple(f"{side}/2023-12-10 gba-standard-contract" for side in ("gd", "hk"))


@pytest.mark.parametrize(
    ("basis", "changes", "how"),
    [
        ("security-assessment", {"ground": GROUND}, {}),
        ("certification", {"ground": GROUND}, {}),
        ("legal-obligation", {"ground": GROUND}, {"consent": None}),
        ("official-duty", {"ground": GROUND}, {"consent": None}),
        ("vital-interest", {"ground": GROUND}, {"consent": None}),
        ("consent", {"elements": ["person.name"]}, {"elements": frozenset({"person.name"})}),
    ],
)
def test_what_each_other_basis_asks_for_is_enough(basis, changes, how):
    contract_ = replace(said(basis=basis, **changes), filings=())
    assert judge(case(contract=contract_, **how)) == (f"gd/2026-01-01 {basis}", f"hk/2026-01-01 {basis}")


UNASKED = {
    "withdrawn": ({"withdrawn_at": AT}, errors.ConsentWithdrawn, "consent"),
    "over": ({"expires_at": AT}, errors.ConsentExpired, "consent"),
    "about another": ({"subject": "t" * 43}, errors.ConsentOfAnother, "consent subject"),
    "of another contract": (
        {"contract": NUMBER.replace("5", "6")}, errors.ConsentForOther, "consent contract",
    ),
    "for another purpose": ({"purposes": frozenset({OTHER})}, errors.ConsentForOther, "consent purposes"),
    "of less": ({"elements": frozenset({"person.name"})}, errors.ConsentForOther, "consent elements"),
}  # fmt: skip


@pytest.mark.parametrize("notice", [True, False])
@pytest.mark.parametrize("name", UNASKED)
def test_where_no_basis_asks_for_a_consent_one_that_is_named_has_to_hold(name, notice):
    changes, error, clause = UNASKED[name]
    law = said(basis="legal-obligation", ground=GROUND)
    stands = case(contract=law, consent=consent(notice=notice, level=1, separate=frozenset()))
    assert judge(stands)
    with pytest.raises(error) as caught:
        judge(replace(stands, consent=replace(stands.consent, **changes)))
    assert caught.value.params["clause"] == clause


def test_a_notice_counts_at_once_where_the_other_sides_clock_is_ahead():
    law = said(basis="legal-obligation", ground=GROUND)
    assert judge(case(contract=law, consent=consent(notice=True, given_at=AT + timedelta(seconds=1))))
    with pytest.raises(errors.ConsentExpired):
        judge(case(contract=law, consent=consent(given_at=AT + timedelta(seconds=1))))


@pytest.mark.parametrize("basis", ["security-assessment", "certification"])
def test_neither_an_assessment_nor_a_certificate_does_without_the_consent(basis):
    with pytest.raises(errors.NoPersonsConsent):
        judge(case(contract=said(basis=basis, ground=GROUND), consent=None))


def test_an_institution_outside_the_area_may_rest_on_a_law():
    contract_ = said(basis="legal-obligation", ground=GROUND, importer=BEIJING)
    assert judge(case(contract=contract_, consent=None))
    with pytest.raises(errors.OutsideArea):
        judge(
            case(
                contract=said(basis="legal-obligation", ground=GROUND, onward=[{"name": "x", "place": "us"}])
            )
        )


def test_the_days_of_a_ground_are_counted_to_the_last():
    until = replace(said(basis="certification", ground=GROUND), filings=())
    last = date(2029, 9, 14)  # 1096 days, the first among them
    assert (last - DAY).days == 1095
    long = replace(until, terms=until.terms.model_copy(update={"expires": "2029-12-31"}))
    sure = consent(expires_at=AT + timedelta(days=2000))
    at = AT + timedelta(days=1095)
    assert judge(case(contract=long, consent=sure, at=at, day=last))
    with pytest.raises(errors.GroundOver):
        judge(case(contract=long, consent=sure, at=at + timedelta(days=1), day=last + timedelta(days=1)))


def test_a_case_with_a_ground_and_a_notice_is_read_again_as_it_was():
    it = case(contract=said(basis="legal-obligation", ground=GROUND), consent=consent(notice=True))
    assert from_json(json.loads(json.dumps(as_json(it)))) == it


@pytest.mark.parametrize(
    "onward", [frozenset(), frozenset({("Foshan Branch", "gd:foshan"), ("A", "gd:zhuhai")})]
)
def test_a_case_with_the_terms_that_were_agreed_to_is_read_again_as_it_was(onward):
    it = case(consent=consent(retention_days=30, onward=onward))
    assert from_json(json.loads(json.dumps(as_json(it)))) == it


def test_terms_without_a_ground_have_no_such_member():
    assert b"ground" not in terms().canonical()
    said_ = terms(basis="legal-obligation", ground=GROUND)
    assert read_terms(said_.canonical()) == said_
    with pytest.raises(BadTerms):
        read_terms(terms().canonical().replace(b'"importer"', b'"ground":null,"importer"'))


@pytest.mark.parametrize("language", ["en", "zh-hant", "zh-hans"])
@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_tells_a_person_no_code(name, language):
    """Programs have states, sides, places and purposes as codes in its parameters; a person reads words."""
    it, error, _clause = REFUSED[name]
    with translation.override(language), pytest.raises(error) as caught:
        judge(it)
    with translation.override(language):
        told = str(caught.value)
    codes = {"hk", "gd", "gd:shenzhen", "replaced", *PURPOSES}
    words = set(re.findall(r"[\w:]+", told, re.ASCII))
    assert not words & codes, told


def test_a_program_reads_the_code_where_a_person_reads_words():
    error = errors.NotInThisState(contract="1", state="proposed")
    assert error.params["state"] == "proposed"
    for language, words in (("en", "“Proposed”"), ("zh-hant", "「已提議」"), ("zh-hans", "“已提议”")):
        with translation.override(language):
            assert words in str(error)
