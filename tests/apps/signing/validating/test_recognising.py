"""A certificate of another type than the one that is listed: valid, and not mutually recognised."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose
from django.utils.translation import override

import signed_papers as papers
from apps.signing.made import authority
from kouan.apps.signing.lists import domain
from kouan.apps.signing.lists.domain import CertificateType
from kouan.apps.signing.validating import labels
from kouan.apps.signing.validating.algorithms import Checker
from kouan.apps.signing.validating.engine import Engine
from kouan.apps.signing.validating.holders import types_of
from kouan.apps.signing.validating.pipeline import validated
from kouan.apps.signing.validating.recognising import is_own_seal, with_recognition
from kouan.apps.signing.validating.report import Verdict
from kouan.apps.signing.validating.trust import Trust
from kouan.core.text import Localised
from kouan.core.trust import sm2_certificates
from kouan.demo.authorities import issue_signer
from signed_papers import DAY, NOW

NAME = Localised("Test", "測試", "测试")
PERSONAL, ORGANISATION, SEAL = CertificateType
PASSED = Verdict.TOTAL_PASSED
OWN = "1.3.6.1.4.1.16030.1.5"
"""A policy of the authority's own, for one type of its certificates."""


@pytest.fixture(scope="module")
def engine():
    lists = (papers.crl(papers.root()), papers.crl(papers.authority()))
    trust = Trust(roots=(papers.root().der,), certificates=(papers.authority().der,), crls=lists, moment=NOW)
    return Engine(trust, Checker())


def listed(*types, policies=()):
    """Return a list with an entry of each type for the one issuing CA."""
    entry = domain.Entry(
        code="entry", name=NAME, provider=NAME, certificate_type=PERSONAL, root=papers.root().der,
        issuing_ca=papers.authority().der, recognised_from=papers.SINCE, recognised_until=papers.UNTIL,
        history=(domain.StatusChange(domain.Status.RECOGNISED, papers.SINCE),), type_policies=policies,
    )  # fmt: skip
    entries = tuple(replace(entry, code=each.value, certificate_type=each) for each in types)
    return (domain.Edition("hk", 1, NOW - DAY, NOW + 30 * DAY, entries, digest=bytes(32)),)


def judged(engine, editions, **said):
    data = papers.signed_cms(papers.holder(**said))
    return with_recognition(validated(io.BytesIO(data), engine), editions, now=NOW)


@pytest.mark.parametrize(
    ("said", "types"),
    [
        ({}, {PERSONAL}),
        ({"organisation": "Harbour Trading Ltd"}, {ORGANISATION, SEAL}),
        ({"states": ("esign",)}, {PERSONAL, ORGANISATION}),
        ({"states": ("eseal",)}, {SEAL}),
        ({"states": ("eseal",), "organisation": "Harbour Trading Ltd"}, {SEAL}),
        ({"states": ("web",)}, set()),
        ({"purposes": (Purpose.SERVER_AUTH, Purpose.CLIENT_AUTH)}, set()),
        ({"purposes": (Purpose.CODE_SIGNING,), "organisation": "Harbour Trading Ltd"}, set()),
        ({"purposes": (Purpose.EMAIL_PROTECTION, Purpose.SERVER_AUTH)}, {PERSONAL}),
    ],
)
def test_a_certificate_counts_under_an_entry_of_its_own_type_alone(engine, said, types):
    for each in CertificateType:
        found = judged(engine, listed(each), **said)
        assert found.verdict is Verdict.TOTAL_PASSED
        expected = (True, "recognised") if each in types else (False, "other-type")
        assert (found.recognised, found.signatures[0].recognition.reason) == expected, each
        assert [each.code for each in found.reasons] == ([] if found.recognised else ["other-type"])
    both = judged(engine, listed(*CertificateType), **said)
    assert both.recognised is bool(types)
    assert not types or both.signatures[0].recognition.entry in types


def test_the_authoritys_own_policy_decides_before_the_holders_names(engine):
    """Some name the product as the organisation of a person: then their policy says for whom it is."""
    named = {"organisation": "Harbour e-Cert (Personal)"}
    editions = listed(PERSONAL, policies=(OWN,))
    assert judged(engine, editions, policies=(OWN,), **named).recognised
    for said in (named, {**named, "policies": (OWN,), "states": ("eseal",)}, {}):
        assert judged(engine, editions, **said).reasons[-1].code == "other-type"


def test_an_organisation_that_is_the_authority_itself_tells_nothing_of_the_holder():
    pem, _key = issue_signer(authority(), "Chan Tai Man", organisation="Harbour e-Cert (Personal)")
    found = types_of(sm2_certificates.load(pem))
    assert (found.may_be, found.declared) == (set(CertificateType), False)
    assert types_of(sm2_certificates.load(authority().issuing)).may_be == set()


def test_the_reason_is_said_in_three_scripts():
    said = set()
    for language in ("en", "zh-hant", "zh-hans"):
        with override(language):
            said.add(labels.reason("other-type"))
    assert len(said) == 3


# Seals


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("李小明", True), ("李小明印", True), ("李小明之印", True),
        ("李 小 明 印章", True), ("李小明簽名", True),
        ("示范公章", False), ("李小明公司", False), ("李小明公司公章", False),
        ("小明印", False), ("印", False), ("", False),
    ],
)  # fmt: skip
def test_whose_name_a_seal_bears(name, own):
    assert is_own_seal(name, "李小明") is own
    assert not is_own_seal(name, "")


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("深圳市示范机关", True), ("深圳市示范机关公章", True), ("深圳市示范机关合同专用章", True),
        ("深圳市示范机关电子印章", True), ("深圳市 示范机关 印章", True),
        ("深圳市人民政府", False), ("示范机关公章", False), ("深圳市示范机关办公室公章", False),
        ("公章", False), ("", False),
    ],
)  # fmt: skip
def test_which_bodys_name_a_seal_bears(name, own):
    assert is_own_seal(name, "深圳市示范机关", body=True) is own
    assert not is_own_seal(name, "", body=True)
    assert is_own_seal("Harbour Trading Ltd Company Seal", "Harbour Trading Ltd", body=True)


def sealed(name, *types, policies=(), organisation=None):
    """Return the report on a document sealed with a certificate of a person, or of who acts for a body."""
    root, issuing = papers.sm2_root().certificate.dump(), papers.sm2_authority().certificate.dump()
    trust = Trust(roots=(root,), certificates=(issuing,), crls=papers.sm2_crls(), moment=NOW)
    (edition,) = listed(*types, policies=policies)
    entries = tuple(replace(each, root=root, issuing_ca=issuing) for each in edition.entries)
    data = papers.sealed_ofd(name=name, organisation=organisation)
    found = validated(io.BytesIO(data), Engine(trust, Checker()))
    return with_recognition(found, (replace(edition, entries=entries),), now=NOW)


def test_a_persons_certificate_makes_nobody_elses_seal():
    found = sealed("李小明之印", PERSONAL)
    assert (found.verdict, found.recognised, found.signatures[0].seal) == (PASSED, True, "李小明之印")
    found = sealed("示范公章", PERSONAL)
    assert (found.verdict, found.recognised) == (PASSED, False)
    assert [each.code for each in found.reasons] == ["seal-made-by-its-signer", "seal-of-another"]
    assert found.signatures[0].recognition.entry == "personal"
    for language in ("en", "zh-hant", "zh-hans"):
        with override(language):
            assert labels.reason("seal-of-another") != "seal-of-another"


def test_a_bodys_certificate_makes_no_other_bodys_seal():
    body = "深圳示范贸易有限公司"
    assert sealed(f"{body}合同专用章", ORGANISATION, organisation=body).recognised
    assert sealed(f"{body}公章", PERSONAL, SEAL, organisation=body).recognised
    for name in ("深圳市人民政府", "深圳市人民政府公章", f"{body}工会公章", ""):
        found = sealed(name, *CertificateType, organisation=body)
        assert (found.verdict, found.recognised) == (PASSED, False), name
        assert found.reasons[-1].code == "seal-of-another"


def test_what_an_entry_names_as_the_policy_of_seals_is_a_seals_certificate_of_its_holder():
    assert sealed("李小明公章", SEAL, policies=(papers.POLICY,)).recognised
    assert not sealed("示范公章", PERSONAL, SEAL, policies=(papers.POLICY,)).recognised
    assert sealed("李小明公章", SEAL).reasons[-1].code == "other-type"
