"""Documents and certificates that nobody here made: NIST PKITS, and the PDFs of pyHanko's own tests.

``tools/material.py`` fetches them; without them these tests are skipped, in one line.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kouan.apps.signing.validating import crls
from kouan.apps.signing.validating.algorithms import Checker
from kouan.apps.signing.validating.engine import Engine
from kouan.apps.signing.validating.pipeline import validated
from kouan.apps.signing.validating.report import Verdict, indication
from kouan.apps.signing.validating.trust import Trust
from others_material import PDFS, PKITS, cases, compared, expected, passes_here

pytestmark = pytest.mark.skipif(
    not PDFS or PKITS is None, reason="the signed documents of others are not here: python tools/material.py"
)


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
    """Under the roots that they bring along, so that paths are built, lists read and time-stamps trusted."""
    found = compared(Checker(), today=True)
    crls.install(crls.Indexes())
    assert found.differences == []
    assert len(found.explained) < 3
    assert found.said["OK"]
    assert len(found.said) > 5


@pytest.mark.parametrize("indexed", [True, False])
def test_all_of_pkits_comes_out_as_nist_says_by_index_and_by_walking(indexed):
    if not indexed:
        crls.uninstall()
    checker = Checker()
    assert len(cases()) > 200
    wrong = [each["name"] for each in cases() if passes_here(each, checker) is not expected(each)]
    crls.install(crls.Indexes())
    assert wrong == []
