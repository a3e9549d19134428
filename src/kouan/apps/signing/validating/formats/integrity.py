"""Whether a CMS signature holds, whoever made it: what it is over, its arithmetic, and by which certificate.

What is judged after that is the very certificate that the signature was checked with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pyhanko.sign.validation import ades
from pyhanko.sign.validation.status import StandardCMSSignatureStatus

from kouan.apps.signing.validating.engine import Judged, knowable, sub_of
from kouan.apps.signing.validating.formats import cades
from kouan.apps.signing.validating.formats.plain import Refused
from kouan.apps.signing.validating.report import SubIndication
from kouan.core.exchange.stamp import named_signers

if TYPE_CHECKING:
    from asn1crypto import cms, x509

    from kouan.apps.signing.validating.engine import Engine


@dataclass(frozen=True, slots=True)
class Integrity:
    """What came of looking at a signature alone."""

    sub: SubIndication | None
    """What is wrong with it; ``None`` for one that holds."""
    certificate: x509.Certificate
    """By which it was checked."""
    intact: bool = True
    """Whether what it covers is unchanged and the arithmetic holds, also by an algorithm that is not safe."""
    theirs: bool = True
    """Whether it is of the certificate's key, whatever became of what it is over."""


def signer_of(signed: cms.SignedData) -> x509.Certificate:
    """Return the certificate that the one signer names; raises ``Refused`` unless there is exactly one."""
    found = named_signers(signed)
    if len(found) != 1:  # EN 319 102-1 section 5.2.3.4
        code = "several-signing-certificates" if found else "no-signing-certificate"
        raise Refused(SubIndication.NO_SIGNING_CERTIFICATE_FOUND, code)
    return found[0]


async def integrity(signed: cms.SignedData, judge: Engine, *, digest: bytes | None) -> Integrity:
    """Look at the one signature of signed data; ``digest`` is of what it is about, if that is not within.

    Raises ``Refused`` if it is open who is said to have signed.
    """
    named = signer_of(signed)
    result = await ades.ades_basic_validation(
        signed,
        judge.trusting_nobody,
        timing_info=judge.timing(),
        raw_digest=digest,
        status_cls=StandardCMSSignatureStatus,
    )
    sub, status = sub_of(result.ades_subindic), cast("StandardCMSSignatureStatus | None", result.api_status)
    theirs = bool(status is not None and status.valid and status.signing_cert.dump() == named.dump())
    intact = bool(theirs and status is not None and status.intact)
    if sub is SubIndication.NO_CERTIFICATE_CHAIN_FOUND and intact:
        # Nobody was trusted, so that there is no path says that all that comes before it holds.
        return Integrity(None, named)
    return Integrity(sub or SubIndication.GENERIC, named, intact, theirs)


async def failed(found: Integrity, signed: cms.SignedData, judge: Engine) -> Judged:
    """Return how a signature is judged that does not hold, with whose it is if that can be said."""
    chain: tuple[x509.Certificate, ...] = (found.certificate,)
    if found.theirs:
        carried = knowable(cades.certificates(signed), (), ())
        chain = (await judge.judge_certificate(found.certificate, carried=carried)).chain
    return Judged(found.sub, chain)
