"""Signed documents with bytes changed, cut and put in: a report comes of each, never an error."""

from __future__ import annotations

import io
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import signed_papers as papers
from kouan.apps.signing.validating.algorithms import Checker
from kouan.apps.signing.validating.engine import Engine
from kouan.apps.signing.validating.pipeline import validated
from kouan.apps.signing.validating.report import FileReport, Verdict, indication
from kouan.apps.signing.validating.trust import Trust
from signed_papers import NOW

MAKERS = {
    "pdf": papers.signed_pdf,
    "cms": papers.signed_cms,
    "gm": papers.sm2_cms,
    "ofd": papers.sealed_ofd,
}


@cache
def document(kind):
    return MAKERS[kind]()


@cache
def engine():
    lists = (papers.crl(papers.root()), papers.crl(papers.authority()), *papers.sm2_crls())
    roots = (papers.root().der, papers.sm2_root().certificate.dump())
    return Engine(Trust(roots=roots, crls=lists, moment=NOW), Checker())


@pytest.mark.parametrize("kind", MAKERS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_is_done_to_a_file_gives_a_report(kind, data):
    whole = bytearray(document(kind))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        match data.draw(st.sampled_from(["change", "cut", "put"])):
            case "change":
                whole[at] ^= data.draw(st.integers(1, 255))
            case "cut":
                del whole[at : at + data.draw(st.integers(1, 64))]
            case "put":
                whole[at:at] = data.draw(st.binary(min_size=1, max_size=32))
    found = validated(io.BytesIO(bytes(whole)), engine())
    assert isinstance(found, FileReport)
    assert FileReport.model_validate_json(found.model_dump_json()) == found
    for each in found.signatures:
        assert each.verdict is indication(each.sub_indication)
        assert each.intact or each.verdict is not Verdict.TOTAL_PASSED
