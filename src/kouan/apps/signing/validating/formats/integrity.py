"""Whether a CMS signature holds, whoever made it: what it is over, its arithmetic, and by which certificate.

What is judged after that is the very certificate that the signature was checked with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pyhanko.sign.validation import ades
from pyhanko.sign.validation.status import StandardCMSSignatureStatus

from kouan.apps.signing.validating.engine import sub_of
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
    intact = bool(
        status is not None and status.intact and status.valid and status.signing_cert.dump() == named.dump()
    )
    if sub is SubIndication.NO_CERTIFICATE_CHAIN_FOUND and intact:
        # Nobody was trusted, so that there is no path says that all that comes before it holds.
        return Integrity(None, named)
    return Integrity(sub or SubIndication.GENERIC, named, intact)
