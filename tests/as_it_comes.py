"""pyHanko as it comes: signatures and certificates judged by the library alone, with its own primitives.

What it is given is what this node is given: the same roots, certificates and lists, the same moment, the
same uses of keys, and for each signature the process of its level. Nothing of this node's code runs in it.
"""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from asn1crypto import cms, crl, ocsp, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY
from pyhanko.sign.validation import ades
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter
from pyhanko.sign.validation.policy_decl import (
    CertificateFetchingRule,
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import SignatureCoverageLevel, StandardCMSSignatureStatus
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from kouan.apps.signing.validating.trust import Trust

OK = "OK"
ERROR = "an error"
"""The library had no word for it, and raised one of Python's own errors."""


@dataclass(frozen=True)
class AsItComes:
    """The library with what is trusted, parsed once for many files."""

    spec: SignatureValidationSpec
    moment: datetime

    @classmethod
    def of(cls, trust: Trust) -> AsItComes:
        """Return it for a trust that says when it is judged."""
        policy = CertValidationPolicySpec(
            trust_manager=SimpleTrustManager.build(trust_roots=_certificates(trust.roots)),
            revinfo_policy=CertRevTrustPolicy(revocation_checking_policy=REQUIRE_REVINFO),
        )
        stamps = SimpleTrustManager.build(trust_roots=_certificates((*trust.roots, *trust.time_roots)))
        spec = SignatureValidationSpec(
            cert_validation_policy=policy,
            ts_cert_validation_policy=replace(policy, trust_manager=stamps),
            revinfo_gathering_policy=RevocationInfoGatheringSpec(
                online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY,
                certificate_fetching_rule=CertificateFetchingRule.NEVER_FETCH,
            ),
            key_usage_settings=KeyUsageConstraints(
                key_usage={"non_repudiation", "digital_signature"}, match_all_key_usages=False
            ),
            local_knowledge=LocalKnowledge(
                known_certs=_certificates(trust.certificates),
                known_crls=[CRLContainer(crl.CertificateList.load(each)) for each in trust.crls],
                known_ocsps=[
                    one
                    for each in trust.ocsps
                    for one in OCSPContainer.load_multi(ocsp.OCSPResponse.load(each))
                ],
            ),
        )
        assert trust.moment is not None
        return cls(spec, trust.moment)

    @property
    def timing(self) -> ValidationTimingInfo:
        return ValidationTimingInfo(
            validation_time=self.moment, best_signature_time=self.moment, point_in_time_validation=True
        )

    def pdf(self, data: bytes) -> list[str]:
        """Return the sub-indication of each signature and time-stamp in a PDF, ``OK`` for a pass."""
        try:
            embedded = list(PdfFileReader(io.BytesIO(data), strict=False).embedded_signatures)
        except Exception:  # noqa: BLE001 - whatever it raises is what is looked for
            return [ERROR]
        return [self._in_pdf(each, embedded) for each in embedded]

    def _in_pdf(self, one: Any, all_: list[Any]) -> str:
        try:
            one.compute_integrity_info(diff_policy=DEFAULT_DIFF_POLICY)
            sub = str(asyncio.run(self._ades(one, all_)).ades_subindic.standard_name)
            # What the library's own bottom line asks for, beside the standard's indication.
            if one.coverage is None or one.coverage < SignatureCoverageLevel.ENTIRE_REVISION:
                return "FORMAT_FAILURE"
            changed = not one.summarise_integrity_info()["docmdp_ok"]
        except Exception:  # noqa: BLE001 - as above
            return ERROR
        return "SIG_CONSTRAINTS_FAILURE" if changed and sub not in _FAILURES else sub

    async def _ades(self, one: Any, all_: list[Any]) -> Any:
        kept = ades._dss_to_local_knowledge(one.reader), ades._adobe_revinfo_archival_to_local_knowledge(one)
        own = next(extract_tst_data_iter(one.signer_info, signed=False), None) is not None
        later = any(_stamp(each) and each.signed_revision > one.signed_revision for each in all_)
        if not _stamp(one) and own and later:
            return await ades.ades_lta_validation(
                one,
                PdfSignatureValidationSpec(self.spec, diff_policy=DEFAULT_DIFF_POLICY),
                timing_info=self.timing,
            )
        spec = replace(self.spec, local_knowledge=_joined(self.spec.local_knowledge, *kept))
        if _stamp(one):
            return await ades.ades_timestamp_validation(
                one.signed_data, spec, one.compute_digest, timing_info=self.timing
            )
        process = ades.ades_with_time_validation if own else ades.ades_basic_validation
        return await process(one.signed_data, spec, timing_info=self.timing, raw_digest=one.compute_digest())

    def cms(self, data: bytes) -> list[str]:
        """Return the same of CMS with its content in it."""
        signed = cms.ContentInfo.load(data)["content"]
        own = next(extract_tst_data_iter(signed["signer_infos"][0], signed=False), None) is not None
        process = ades.ades_with_time_validation if own else ades.ades_basic_validation
        result = asyncio.run(
            process(signed, self.spec, timing_info=self.timing, status_cls=StandardCMSSignatureStatus)
        )
        return [str(result.ades_subindic.standard_name)]


_FAILURES = {"FORMAT_FAILURE", "HASH_FAILURE", "SIG_CRYPTO_FAILURE", "REVOKED"}


def roots_in(data: bytes) -> set[bytes]:
    """Return the certificates of CAs that signed themselves and that a PDF brings along, in DER."""
    found: set[bytes] = set()
    try:
        for one in PdfFileReader(io.BytesIO(data), strict=False).embedded_signatures:
            brought = [each.chosen for each in one.signed_data["certificates"]]
            brought += ades._dss_to_local_knowledge(one.reader).known_certs
            for token in extract_tst_data_iter(one.signer_info, signed=False):
                brought += [each.chosen for each in token["certificates"]]
            found |= {each.dump() for each in brought if each.ca and each.subject == each.issuer}
    except Exception:  # noqa: BLE001 - what cannot be read brings no more
        return found
    return found


def claimed_in(data: bytes) -> datetime | None:
    """Return when the first signature in a PDF says that it was made."""
    try:
        for one in PdfFileReader(io.BytesIO(data), strict=False).embedded_signatures:
            at: datetime | None = one.self_reported_timestamp
            if at is not None and at.tzinfo is not None:
                return at
    except Exception:  # noqa: BLE001 - as above
        return None
    return None


def _stamp(one: Any) -> bool:
    return str(one.sig_object_type) == "/DocTimeStamp"


def _joined(*parts: LocalKnowledge) -> LocalKnowledge:
    return LocalKnowledge(
        known_ocsps=[one for each in parts for one in each.known_ocsps],
        known_crls=[one for each in parts for one in each.known_crls],
        known_certs=[one for each in parts for one in each.known_certs],
    )


def _certificates(ders: Iterable[bytes]) -> list[x509.Certificate]:
    return [x509.Certificate.load(each) for each in ders]
