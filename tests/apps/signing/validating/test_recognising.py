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


def sealed(name, *types, policies=()):
    """Return the report on a document sealed with a certificate of a person."""
    root, issuing = papers.sm2_root().certificate.dump(), papers.sm2_authority().certificate.dump()
    trust = Trust(roots=(root,), certificates=(issuing,), crls=papers.sm2_crls(), moment=NOW)
    (edition,) = listed(*types, policies=policies)
    entries = tuple(replace(each, root=root, issuing_ca=issuing) for each in edition.entries)
    found = validated(io.BytesIO(papers.sealed_ofd(name=name)), Engine(trust, Checker()))
    return with_recognition(found, (replace(edition, entries=entries),), now=NOW)


def test_a_persons_certificate_makes_nobody_elses_seal():
    found = sealed("李小明之印", PERSONAL)
    assert (found.verdict, found.recognised, found.signatures[0].seal) == (PASSED, True, "李小明之印")
    found = sealed("示范公章", PERSONAL)
    assert (found.verdict, found.recognised) == (PASSED, False)
    assert [each.code for each in found.reasons] == ["seal-of-another"]
    assert found.signatures[0].recognition.entry == "personal"
    for language in ("en", "zh-hant", "zh-hans"):
        with override(language):
            assert labels.reason("seal-of-another") != "seal-of-another"


def test_what_an_entry_names_as_the_policy_of_seals_is_a_seals_certificate_whatever_its_name():
    assert sealed("示范公章", PERSONAL, SEAL, policies=(papers.POLICY,)).recognised
    found = sealed("示范公章", SEAL)
    assert (found.recognised, [each.code for each in found.reasons]) == (False, ["other-type"])
