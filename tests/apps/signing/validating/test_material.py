"""Documents and certificates that nobody here made: NIST PKITS, and the PDFs of pyHanko's own tests.

``tools/material.py`` fetches them; without them these tests are skipped, in one line.
"""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import x509
from pyhanko.sign.validation.policy_decl import bootstrap_validation_data_handlers
from pyhanko_certvalidator.authority import CertTrustAnchor
from pyhanko_certvalidator.errors import PathBuildingError, ValidationError
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import (
    REQUIRE_REVINFO,
    CertRevTrustPolicy,
    DisallowWeakAlgorithmsPolicy,
    PKIXValidationParams,
    RevocationCheckingPolicy,
)
from pyhanko_certvalidator.sig_validate import DEFAULT_SIGNATURE_VALIDATOR
from pyhanko_certvalidator.validate import async_validate_path

from kouan.apps.signing.validating import crls
from kouan.apps.signing.validating.algorithms import Checker
from kouan.apps.signing.validating.engine import Engine
from kouan.apps.signing.validating.pipeline import validated
from kouan.apps.signing.validating.report import Verdict, indication
from kouan.apps.signing.validating.trust import Trust

ROOT = Path(os.environ.get("KOUAN_TEST_MATERIAL", Path(__file__).parents[4] / ".material"))
PDFS = sorted(ROOT.rglob("*.pdf"))
PKITS = next(iter(ROOT.rglob("nist_pkits")), None)

pytestmark = pytest.mark.skipif(
    not PDFS or PKITS is None, reason="the signed documents of others are not here: python tools/material.py"
)
_IF_NAMED = RevocationCheckingPolicy.from_legacy("hard-fail")


@pytest.fixture(autouse=True, scope="module")
def _by_index():
    crls.install(crls.Indexes())
    yield
    crls.uninstall()


def test_every_pdf_of_pyhankos_tests_gets_a_report_and_no_error():
    engine = Engine(Trust(moment=datetime(2026, 1, 1, tzinfo=UTC)), Checker())
    assert len(PDFS) > 100
    verdicts = {}
    for path in PDFS:
        with path.open("rb") as file:
            found = validated(file, engine)
        assert found.digest
        assert found.verdict is not Verdict.TOTAL_PASSED, path.name
        for each in found.signatures:
            assert each.verdict is indication(each.sub_indication)
        verdicts[path.name] = found
    # What the names of the files promise.
    for name in (
        "one-byterange.pdf",
        "signature-gap-too-big.pdf",
        "tail-uncovered.pdf",
        "weird-byterange.pdf",
    ):
        assert "gap-in-signed-bytes" in [each.code for each in verdicts[name].reasons], name
    for name in verdicts:
        if "sneaky" in name:
            first = verdicts[name].signatures[0]
            assert "changed-after-signing" in [each.code for each in first.reasons], name
    assert sum(found.verdict is None for found in verdicts.values()) < len(PDFS) * 0.7


def test_every_pdf_is_judged_as_pyhanko_judges_it_by_itself():
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    ours, theirs = Engine(Trust(moment=moment), Checker()), Engine(Trust(moment=moment), _OnlyThePrimitive())
    for path in PDFS:
        with path.open("rb") as file:
            found = validated(file, ours)
            crls.uninstall()
            expected = validated(file, theirs)
            crls.install(crls.Indexes())
        assert found.signatures == expected.signatures, path.name


class _OnlyThePrimitive(Checker):
    """Remembers nothing."""

    def validate_signature(self, *args, **more):
        return DEFAULT_SIGNATURE_VALIDATOR.validate_signature(*args, **more)


def _cases():
    if PKITS is None:
        return []
    return json.loads((PKITS / "pkits.json").read_text("utf-8"))


def _read(folder, name):
    return (PKITS / folder / name).read_bytes()


def _params(case):
    given = case.get("params") or {}
    if not given:
        return None
    policies = given.get("user_initial_policy_set")
    return PKIXValidationParams(
        user_initial_policy_set=frozenset(policies or ["any_policy"]),
        initial_policy_mapping_inhibit=bool(given.get("initial_policy_mapping_inhibit")),
        initial_explicit_policy=bool(given.get("initial_explicit_policy")),
        initial_any_policy_inhibit=bool(given.get("initial_any_policy_inhibit")),
    )


@pytest.mark.parametrize("indexed", [True, False])
def test_all_of_pkits_comes_out_as_nist_says_by_index_and_by_walking(indexed):
    if not indexed:
        crls.uninstall()
    checker, cases = Checker(), _cases()
    assert len(cases) > 200
    wrong = [
        (case["name"], passed)
        for case in cases
        if (passed := _passes(case, checker)) != ("error" not in case)
    ]
    crls.install(crls.Indexes())
    assert wrong == []


def _passes(case, checker):
    root = _read("certs", "TrustAnchorRootCertificate.crt")
    trust = Trust(
        roots=(root,),
        certificates=tuple(_read("certs", each) for each in case.get("other_certs", ())),
        crls=tuple(_read("crls", each) for each in ("TrustAnchorRootCRL.crl", *case.get("crls", ()))),
        moment=datetime(2022, 5, 1, tzinfo=UTC),
    )
    engine = Engine(trust, checker)
    spec, timing = engine.spec(), engine.timing()
    policy = replace(
        spec.cert_validation_policy,
        # The suite is of 2011: it has SHA-1 and short DSA keys, which this validation refuses.
        algorithm_usage_policy=DisallowWeakAlgorithmsPolicy({"md2", "md5"}, dsa_key_size_threshold=1024),
        revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO if case.get("revocation", True) else _IF_NAMED),
    )
    context = policy.build_validation_context(
        timing_info=timing, handlers=bootstrap_validation_data_handlers(spec, timing_info=timing)
    )
    certificate = x509.Certificate.load(_read("certs", case["cert"]))
    try:
        if "path_intermediates" in case:
            between = [x509.Certificate.load(_read("certs", each)) for each in case["path_intermediates"]]
            path = ValidationPath(CertTrustAnchor(x509.Certificate.load(root)), between, certificate)
        else:
            path = asyncio.run(context.path_builder.async_build_paths(certificate))[0]
        asyncio.run(async_validate_path(context, path, parameters=_params(case)))
    except (PathBuildingError, ValidationError):
        return False
    return True
