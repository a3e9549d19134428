"""What proves later that a certificate held when it signed: its chain, and lists or responses on all of it.

It is taken from what this node judges by itself (``validating.services.trust``) and from the document:
nothing is fetched. Where something is missing there is no evidence: no reader could do with half of it. It
runs in the worker, since certificates and lists come in documents, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from asn1crypto import crl, ocsp, x509
from pyhanko.sign.validation.policy_decl import bootstrap_validation_data_handlers
from pyhanko_certvalidator import CertificateValidator, errors

from kouan.apps.signing.validating.engine import Carried, Engine
from kouan.apps.signing.validating.naming import party

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Unproved(Exception):
    """A certificate that nothing proves; ``code`` is one of ``labels.REFUSED``, ``about`` whose it is."""

    def __init__(self, code: str, about: str) -> None:
        super().__init__(code, about)
        self.code, self.about = code, about


@dataclass
class Evidence:
    """Certificates, revocation lists and responses, each once."""

    certificates: dict[bytes, x509.Certificate] = field(default_factory=dict)
    crls: dict[bytes, crl.CertificateList] = field(default_factory=dict)
    ocsps: dict[bytes, ocsp.OCSPResponse] = field(default_factory=dict)


class Gatherer:
    """Gathers evidence on certificates as of now."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._now = self._engine.timing().validation_time

    async def add(
        self,
        to: Evidence,
        certificate: x509.Certificate,
        *,
        others: Sequence[x509.Certificate] = (),
        carried: Carried | None = None,
        stamps: bool = False,
    ) -> None:
        """Add what proves a certificate; raises ``Unproved``.

        ``others`` are certificates that came with it, ``carried`` what the document holds. For one that
        ``stamps`` the time, a path may end at a time-stamping authority's root as well.
        """
        spec = self._engine.spec(carried)
        policy: Any = spec.ts_cert_validation_policy if stamps else spec.cert_validation_policy
        timing = self._engine.timing()
        context = policy.build_validation_context(
            timing_info=timing, handlers=bootstrap_validation_data_handlers(spec, timing_info=timing)
        )
        validator = CertificateValidator(
            certificate, intermediate_certs=list(others), validation_context=context
        )
        try:
            path = await validator.async_validate_usage(key_usage=set())  # type: ignore[no-untyped-call]
        except Exception as error:  # noqa: BLE001 - the library's errors on foreign certificates are many
            raise _why(certificate, error) from None
        chain = list(path.iter_certs(include_root=True))
        to.certificates |= {each.dump(): each for each in chain}
        self.revocation(to, chain, carried=carried)

    def revocation(
        self, to: Evidence, certificates: Iterable[x509.Certificate], *, carried: Carried | None = None
    ) -> None:
        """Add the lists and responses on some certificates that are in date; none is no error."""
        issuers, serials = set(), set()
        for each in certificates:
            issuers.add(each.issuer.hashable)
            serials.add(each.serial_number)
        trust, more = self._engine.trust, carried or Carried()
        for data in dict.fromkeys((*trust.crls, *more.crls)):
            listed = crl.CertificateList.load(data)
            until = listed["tbs_cert_list"]["next_update"].native
            if listed.issuer.hashable in issuers and until is not None and until > self._now:
                to.crls[data] = listed
        for data in dict.fromkeys((*trust.ocsps, *more.ocsps)):
            response = ocsp.OCSPResponse.load(data)
            for one in response.response_data["responses"]:
                until = one["next_update"].native
                about = one["cert_id"]["serial_number"].native
                if about in serials and (until is None or until > self._now):
                    to.ocsps[data] = response

    def time_roots(self) -> list[x509.Certificate]:
        """Return the roots of time-stamping authorities."""
        return [x509.Certificate.load(each) for each in self._engine.trust.time_roots]


def _why(certificate: x509.Certificate, error: Exception) -> Unproved:
    about = party(certificate.subject).name[:100] or f"{certificate.serial_number:x}"
    for kind, code in (
        (errors.PathBuildingError, "no-path"),
        (errors.RevokedError, "revoked"),
        (errors.ExpiredError, "ended"),
        (errors.InsufficientRevinfoError, "no-revocation-data"),
    ):
        if isinstance(error, kind):
            return Unproved(code, about)
    return Unproved("library", f"{about}: {type(error).__name__}")
