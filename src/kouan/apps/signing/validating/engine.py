"""Judging a signature: its certificate's path, revocation and time-stamps (ETSI EN 319 102-1).

pyHanko builds and checks the paths and the time-stamps; the rules of sections 5.5 and 5.6 about time are
applied here, for every format alike.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import cms, crl, ocsp, x509
from pyhanko.sign.validation import ades
from pyhanko.sign.validation.generic_cms import validate_cert_usage
from pyhanko.sign.validation.policy_decl import (
    CertificateFetchingRule,
    LocalKnowledge,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
    bootstrap_validation_data_handlers,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.fetchers import FetcherBackend
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer

from kouan.apps.signing.validating import report, revocation
from kouan.apps.signing.validating.algorithms import AlgorithmPolicy
from kouan.apps.signing.validating.naming import party
from kouan.apps.signing.validating.report import SubIndication
from kouan.core.exchange.stamp import is_for_stamps_alone, named_signers
from kouan.core.trust import sm2_certificates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyhanko_certvalidator.context import ValidationContext

    from kouan.apps.signing.validating.algorithms import Checker
    from kouan.apps.signing.validating.trust import Trust

MAX_CERTIFICATES: Final = 200
"""Certificates, and revocation lists and responses, that one document may carry along."""
_KEY_USAGE: Final = KeyUsageConstraints(
    key_usage={"non_repudiation", "digital_signature"}, match_all_key_usages=False
)
_WITH_PROOF: Final = {
    SubIndication.REVOKED_NO_POE,
    SubIndication.REVOKED_CA_NO_POE,
    SubIndication.OUT_OF_BOUNDS_NO_POE,
}
_REVOKED: Final = {SubIndication.REVOKED, SubIndication.REVOKED_NO_POE, SubIndication.REVOKED_CA_NO_POE}
_BROKEN: Final = report.FAILURES - {SubIndication.REVOKED}
"""What no proof of an earlier time mends."""
_MOST_PAST: Final = 8


class _NoFetcher(FetcherBackend):
    """Asks nobody: what a document names is not called, and what is not at hand is not known."""

    def get_fetchers(self) -> Any:
        """Never called, as nothing may be fetched."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Carried:
    """What a document brings along to be judged by, in DER."""

    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of judging one signature."""

    sub: SubIndication | None
    chain: tuple[x509.Certificate, ...] = ()
    """From the signer's certificate to the root; the signer's alone where no path was found."""
    anchored: bool = False
    """Whether the chain ends at a root that is trusted."""
    best_time: datetime | None = None
    time_source: report.TimeSource = "now"
    time_stamps: tuple[report.TimeStamp, ...] = ()
    revoked_at: datetime | None = None
    detail: str = ""


@dataclass
class Engine:
    """Judges by one trust. It keeps what it has parsed: one is used for many files."""

    trust: Trust
    checker: Checker
    retroactive: bool = False
    """Whether lists that were issued after the moment count for it: they say when something was revoked."""
    known: LocalKnowledge | None = None
    """What the trust knows, parsed, where another engine has parsed it."""
    _spec: SignatureValidationSpec = field(init=False)
    _stampers: list[x509.Certificate] = field(init=False)
    _past: OrderedDict[tuple[datetime, bool], Engine] = field(init=False, default_factory=OrderedDict)

    def __post_init__(self) -> None:
        roots = [_certificate(each) for each in self.trust.roots]
        stampers = [*roots, *(_certificate(each) for each in self.trust.time_roots)]
        self._stampers = stampers
        if self.known is None:
            self.known = _knowledge(self.trust.certificates, self.trust.crls, self.trust.ocsps)
        known = self.known
        policy = CertValidationPolicySpec(
            trust_manager=SimpleTrustManager.build(trust_roots=roots),
            revinfo_policy=CertRevTrustPolicy(
                revocation_checking_policy=REQUIRE_REVINFO, retroactive_revinfo=self.retroactive
            ),
            algorithm_usage_policy=AlgorithmPolicy(),
            signature_validator=self.checker,
        )
        self._spec = SignatureValidationSpec(
            cert_validation_policy=policy,
            ts_cert_validation_policy=replace(
                policy, trust_manager=SimpleTrustManager.build(trust_roots=stampers)
            ),
            revinfo_gathering_policy=RevocationInfoGatheringSpec(
                online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY,
                fetcher_backend=_NoFetcher(),
                certificate_fetching_rule=CertificateFetchingRule.NEVER_FETCH,
            ),
            key_usage_settings=_KEY_USAGE,
            local_knowledge=replace(known, known_ocsps=self._as_of(known.known_ocsps)),
        )

    def spec(
        self, carried: Carried | None = None, *, stamped: datetime | None = None
    ) -> SignatureValidationSpec:
        """Return how pyHanko validates: with what this node knows, and what a document brings along.

        ``stamped`` is the time that a time-stamp states: its path ends only at a root that was trusted then
        (``Trust.periods``).
        """
        spec = self._spec
        if carried is not None:
            known, more = spec.local_knowledge, _brought(carried)
            spec = replace(
                spec,
                local_knowledge=LocalKnowledge(
                    known_ocsps=known.known_ocsps + self._as_of(more.known_ocsps),
                    known_crls=known.known_crls + more.known_crls,
                    known_certs=known.known_certs + more.known_certs,
                ),
            )
        if stamped is None or not self.trust.periods:
            return spec
        trusted = [each for each in self._stampers if self.trust.stamps_at(each.dump(), stamped)]
        stamps: Any = spec.ts_cert_validation_policy
        manager = SimpleTrustManager.build(trust_roots=trusted)
        return replace(spec, ts_cert_validation_policy=replace(stamps, trust_manager=manager))

    def _as_of(self, responses: list[OCSPContainer]) -> list[OCSPContainer]:
        """Return responses as of the moment, where those of a later time count."""
        at = self.trust.moment
        return responses if at is None or not self.retroactive else revocation.as_of(responses, at)

    @cached_property
    def trusting_nobody(self) -> SignatureValidationSpec:
        """How pyHanko looks at a signature's arithmetic alone: no path leads anywhere."""
        nobody = SimpleTrustManager.build(trust_roots=[])
        policy = replace(self._spec.cert_validation_policy, trust_manager=nobody)
        return replace(
            self._spec,
            cert_validation_policy=policy,
            ts_cert_validation_policy=policy,
            local_knowledge=LocalKnowledge(),
        )

    def past(self, at: datetime, *, retroactive: bool = False) -> Engine:
        """Return this engine as of a moment: by what was valid then, and by all that is known now.

        ``retroactive`` lets lists count that were issued later: they say when something was revoked.
        """
        found = self._past.get((at, retroactive))
        if found is None:
            found = Engine(replace(self.trust, moment=at), self.checker, retroactive, self.known)
            self._past[at, retroactive] = found
            if len(self._past) > _MOST_PAST:
                self._past.popitem(last=False)
        return found

    def timing(self, best: datetime | None = None) -> ValidationTimingInfo:
        """Return when it is judged."""
        now = self.trust.moment or datetime.now(UTC)
        return ValidationTimingInfo(
            validation_time=now,
            best_signature_time=best or now,
            point_in_time_validation=self.trust.moment is not None,
        )

    async def judge_certificate(
        self, certificate: x509.Certificate, *, carried: Carried, proof: datetime | None = None
    ) -> Judged:
        """Judge who signed; ``proof`` is when a time-stamp saw the signature.

        EN 319 102-1 section 5.5.4: what has since expired or been revoked held at the time of the proof.
        """
        spec, timing = self.spec(carried), self.timing(proof)
        context = spec.cert_validation_policy.build_validation_context(
            timing_info=timing, handlers=bootstrap_validation_data_handlers(spec, timing_info=timing)
        )
        try:
            result = await validate_cert_usage(
                certificate,
                context,
                key_usage_settings=spec.key_usage_settings,
                paths=context.path_builder.async_build_paths_lazy(certificate),
            )
            if result.success_result is not None:
                told = await revocation.revoked(result.success_result, certificate, context)
                result = result if told is None else told
        except ValueError:  # the library's word for certificates or lists that cannot be read
            return Judged(SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE, (certificate,))
        path = result.success_result or result.error_path
        sub = None if result.error_subindic is None else SubIndication(result.error_subindic.standard_name)
        revoked = None if result.revo_details is None else result.revo_details.revocation_date
        best = proof or timing.validation_time
        if proof is not None and sub in _WITH_PROOF:
            held = revoked is None or proof < revoked
            if held and certificate.not_valid_before <= proof <= certificate.not_valid_after:
                # Everything else is asked as of the proof. A list of today names what was revoked since;
                # for an expired certificate it may name it no more, so that one needs a list of its own time.
                return await self._at(certificate, carried, proof, retroactive=revoked is not None)
        chain = chain_of(path, certificate)
        return Judged(sub, chain, path is not None, best, "timestamp" if proof else "now", revoked_at=revoked)

    async def _at(
        self, certificate: x509.Certificate, carried: Carried, proof: datetime, *, retroactive: bool
    ) -> Judged:
        """Judge a certificate as of the time of a proof of existence."""
        found = await self.past(proof, retroactive=retroactive).judge_certificate(
            certificate, carried=carried
        )
        if found.sub is None and not retroactive:
            found = await self.revoked_by(proof, certificate, carried=carried) or found
        return replace(found, time_source="timestamp")

    async def revoked_by(
        self, proof: datetime, certificate: x509.Certificate, *, carried: Carried
    ) -> Judged | None:
        """Return how a certificate is judged that had been revoked by a moment; ``None`` for another.

        A list of a later day may say so: nobody knew, and it counts.
        """
        later = await self.past(proof, retroactive=True).judge_certificate(certificate, carried=carried)
        return later if later.revoked_at is not None and later.revoked_at <= proof else None

    async def judge_time_stamp(
        self,
        token: cms.SignedData,
        imprint: Callable[[str], bytes],
        *,
        carried: Carried,
        kind: str = "signature",
        proof: datetime | None = None,
    ) -> report.TimeStamp:
        """Judge a time-stamp (EN 319 102-1 section 5.4) over what ``imprint`` gives the digest of.

        ``proof`` is when a later time-stamp saw this one: what has since expired or been revoked held then.
        """
        found = await self._time_stamp(token, imprint, carried, kind)
        if found.holds or proof is None or found.sub_indication in _BROKEN:
            return found
        past = self.past(proof, retroactive=found.sub_indication in _REVOKED)
        then = await past._time_stamp(token, imprint, carried, kind)  # noqa: SLF001 - another of its own kind
        if not then.holds or past.retroactive:
            return then
        # As for a signer: a list of a later day may say that the authority had been revoked by then.
        later = await self.past(proof, retroactive=True)._time_stamp(token, imprint, carried, kind)  # noqa: SLF001 - as above
        return later if later.sub_indication in _REVOKED else then

    async def _time_stamp(
        self, token: cms.SignedData, imprint: Callable[[str], bytes], carried: Carried, kind: str
    ) -> report.TimeStamp:
        info = token["encap_content_info"]["content"].parsed
        spec, timing = self.spec(carried, stamped=info["gen_time"].native), self.timing()
        handlers = bootstrap_validation_data_handlers(spec, timing_info=timing)
        result = await ades.ades_timestamp_validation(
            token, spec, imprint, timing_info=timing, validation_data_handlers=handlers
        )
        sub = sub_of(result.ades_subindic)
        if sub is None and len(named_signers(token)) > 1:
            sub = SubIndication.NO_SIGNING_CERTIFICATE_FOUND
        signers = [each.chosen for each in token["certificates"] if each.name == "certificate"]
        authority = party(signers[0].subject).name if signers else ""
        status = result.api_status
        if status is not None and status.signing_cert is not None:
            authority = party(status.signing_cert.subject).name
        if sub is None:
            policy: Any = spec.ts_cert_validation_policy
            sub = await _amiss(status, policy.build_validation_context(timing_info=timing, handlers=handlers))
        return report.TimeStamp.model_validate(
            {"kind": kind, "at": info["gen_time"].native, "authority": authority, "holds": sub is None,
             "sub_indication": sub}
        )  # fmt: skip


async def _amiss(status: Any, context: ValidationContext) -> SubIndication | None:
    """Return what is wrong with a time-stamp that the library found good."""
    if not is_for_stamps_alone(status.signing_cert):  # RFC 3161 section 2.3
        return SubIndication.CHAIN_CONSTRAINTS_FAILURE
    found = await revocation.revoked(status.validation_path, status.signing_cert, context)
    return None if found is None else sub_of(found.error_subindic)


def sub_of(found: Any) -> SubIndication | None:
    """Return pyHanko's sub-indication in our terms; ``None`` for a pass."""
    name = found.standard_name
    return None if name == "OK" else SubIndication(name)


def chain_of(path: Any, certificate: x509.Certificate) -> tuple[x509.Certificate, ...]:
    """Return a path from the signer's certificate to the root."""
    if path is None:
        return (certificate,)
    found: list[x509.Certificate] = list(path.iter_certs(include_root=True))
    found.reverse()
    return tuple(found) or (certificate,)


def knowable(certificates: Iterable[bytes], crls: Iterable[bytes], ocsps: Iterable[bytes]) -> Carried:
    """Return what a document brings along, what cannot be read left out; no more of each than a bound."""
    return Carried(
        tuple(each for each in certificates if _readable(each, _certificate))[:MAX_CERTIFICATES],
        tuple(each for each in crls if _readable(each, _list))[:MAX_CERTIFICATES],
        tuple(each for each in ocsps if _readable(each, _responses))[:MAX_CERTIFICATES],
    )


def _readable(data: bytes, read: Callable[[bytes], object]) -> bool:
    try:
        read(data)
    except Exception:  # noqa: BLE001 - the library's errors on foreign bytes are many; unreadable is unreadable
        return False
    return True


def _certificate(data: bytes) -> x509.Certificate:
    return sm2_certificates.load(data)


def _list(data: bytes) -> CRLContainer:
    found = crl.CertificateList.load(data, strict=True)
    _ = found.issuer.hashable, found["tbs_cert_list"]["this_update"].native
    return CRLContainer(found)


def _responses(data: bytes) -> list[OCSPContainer]:
    return OCSPContainer.load_multi(ocsp.OCSPResponse.load(data, strict=True))


@lru_cache(maxsize=1)
def _brought(carried: Carried) -> LocalKnowledge:
    """Return what a document brings along, parsed once for all that is asked about it."""
    return _knowledge(carried.certificates, carried.crls, carried.ocsps)


def _knowledge(
    certificates: Iterable[bytes], crls: Iterable[bytes], ocsps: Iterable[bytes]
) -> LocalKnowledge:
    return LocalKnowledge(
        known_certs=[_certificate(each) for each in certificates],
        known_crls=[_list(each) for each in crls],
        known_ocsps=[one for each in ocsps for one in _responses(each)],
    )
