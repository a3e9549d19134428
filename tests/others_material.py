"""Certificates and documents that nobody here made: NIST PKITS and the PDFs of pyHanko's own tests.

``tools/material.py`` fetches them.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from pyhanko_certvalidator.validate import async_validate_path

from as_it_comes import ERROR, OK, AsItComes, claimed_in, roots_in
from kouan.apps.signing.validating import crls
from kouan.apps.signing.validating.engine import Engine
from kouan.apps.signing.validating.pipeline import validated
from kouan.apps.signing.validating.report import Verdict
from kouan.apps.signing.validating.trust import Trust

if TYPE_CHECKING:
    from pyhanko.sign.validation.policy_decl import SignatureValidationSpec
    from pyhanko_certvalidator.ltv.types import ValidationTimingInfo

    from kouan.apps.signing.validating.algorithms import Checker

ROOT = Path(os.environ.get("KOUAN_TEST_MATERIAL", Path(__file__).parents[1] / ".material"))
PDFS = sorted(ROOT.rglob("*.pdf"))
PKITS = next(iter(ROOT.rglob("nist_pkits")), None)
TODAY = datetime(2026, 1, 1, tzinfo=UTC)
_IF_NAMED = RevocationCheckingPolicy.from_legacy("hard-fail")


# NIST PKITS


@cache
def cases() -> list[dict[str, Any]]:
    return [] if PKITS is None else json.loads((PKITS / "pkits.json").read_text("utf-8"))


@cache
def _read(folder: str, name: str) -> bytes:
    assert PKITS is not None
    return (PKITS / folder / name).read_bytes()


def trust_of(case: dict[str, Any]) -> Trust:
    return Trust(
        roots=(_read("certs", "TrustAnchorRootCertificate.crt"),),
        certificates=tuple(_read("certs", each) for each in case.get("other_certs", ())),
        crls=tuple(_read("crls", each) for each in ("TrustAnchorRootCRL.crl", *case.get("crls", ()))),
        moment=datetime(2022, 5, 1, tzinfo=UTC),
    )


def expected(case: dict[str, Any]) -> bool:
    """Whether NIST says that the certificate passes."""
    return "error" not in case


def passes_here(case: dict[str, Any], checker: Checker) -> bool:
    engine = Engine(trust_of(case), checker)
    return _passes(case, engine.spec(), engine.timing())


def passes_there(case: dict[str, Any]) -> bool:
    plain = AsItComes.of(trust_of(case))
    return _passes(case, plain.spec, plain.timing)


def _passes(case: dict[str, Any], spec: SignatureValidationSpec, timing: ValidationTimingInfo) -> bool:
    policy = replace(
        spec.cert_validation_policy,
        # The suite is of 2011: it has SHA-1 and short DSA keys, which a validation of today refuses.
        algorithm_usage_policy=DisallowWeakAlgorithmsPolicy({"md2", "md5"}, dsa_key_size_threshold=1024),
        revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO if case.get("revocation", True) else _IF_NAMED),
    )
    context = policy.build_validation_context(
        timing_info=timing, handlers=bootstrap_validation_data_handlers(spec, timing_info=timing)
    )
    certificate = x509.Certificate.load(_read("certs", case["cert"]))
    try:
        if "path_intermediates" in case:
            root = x509.Certificate.load(_read("certs", "TrustAnchorRootCertificate.crt"))
            between = [x509.Certificate.load(_read("certs", each)) for each in case["path_intermediates"]]
            path = ValidationPath(CertTrustAnchor(root), between, certificate)
        else:
            path = asyncio.run(context.path_builder.async_build_paths(certificate))[0]
        asyncio.run(async_validate_path(context, path, parameters=_params(case)))
    except (PathBuildingError, ValidationError):
        return False
    return True


def _params(case: dict[str, Any]) -> PKIXValidationParams | None:
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


# The PDFs


@dataclass
class Compared:
    """What came of judging the PDFs twice, under every root that they bring along."""

    files: int = 0
    said: Counter[str] = field(default_factory=Counter)
    """What pyHanko says of signatures, and how often."""
    typed: int = 0
    """Files over which pyHanko raises an error, and that get a typed failure here."""
    explained: list[str] = field(default_factory=list)
    """Files of signatures that pass neither here nor there, where another thing is said to be missing."""
    differences: list[str] = field(default_factory=list)


def compared(checker: Checker, *, today: bool = False) -> Compared:
    """Judge each PDF here and by pyHanko as it comes, in its time, and as of today, too, if that is asked."""
    found = Compared(len(PDFS))
    roots = tuple(sorted(set().union(*(roots_in(path.read_bytes()) for path in PDFS))))
    for path in PDFS:
        data = path.read_bytes()
        own = claimed_in(data) or TODAY
        for moment in sorted({own, TODAY} if today else {own}):
            _compare(found, path.name, data, Trust(roots=roots, moment=moment), checker)
    return found


_OTHER = {("NO_POE", "TRY_LATER")}
"""What pyHanko says and what is said here of the same signature where both are right, and neither passes.

Of an archive whose own last time-stamp cannot be confirmed, as the lists on its authority have ended, pyHanko
says that a proof of existence is missing. Here what is missing is named: a newer list.
"""


def _compare(found: Compared, name: str, data: bytes, trust: Trust, checker: Checker) -> None:
    crls.uninstall()
    theirs = AsItComes.of(trust).pdf(data)
    crls.install(crls.Indexes())
    report = validated(io.BytesIO(data), Engine(trust, checker))
    crls.uninstall()
    ours = [OK if each.sub_indication is None else each.sub_indication.value for each in report.signatures]
    found.said.update(each for each in theirs if each != ERROR)
    if ERROR in theirs:
        # It has no word for that; here there is one, and it is never a pass.
        found.typed += 1
        if report.sub_indication is not None and report.verdict is not Verdict.TOTAL_PASSED:
            return
    elif ours == theirs:
        return
    elif len(ours) == len(theirs) and {
        (there, one) for there, one in zip(theirs, ours, strict=True) if there != one
    } <= _OTHER:  # fmt: skip
        found.explained.append(name)
        return
    found.differences.append(f"{name}, {trust.moment:%Y-%m-%d}: here {ours}, pyHanko {theirs}")
