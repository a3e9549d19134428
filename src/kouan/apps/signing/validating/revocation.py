"""Whether anything at hand says that a certificate was revoked, whatever else says that it was not.

The library asks the responses first, is content with the newest that says *good*, and looks at the lists
only where there is none. An old *good* would so outweigh a newer list, and whoever made a document may have
put the old one into it. Here a path that the library found good is asked about once more: one response or
list in its time that says *revoked* counts.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import core, ocsp
from pyhanko.sign.validation.generic_cms import CertvalidatorOperationResult, handle_certvalidator_errors
from pyhanko_certvalidator._state import ValProcState
from pyhanko_certvalidator.errors import CRLValidationError
from pyhanko_certvalidator.revinfo import validate_ocsp
from pyhanko_certvalidator.revinfo.archival import OCSPContainer
from pyhanko_certvalidator.revinfo.validate_crl import verify_crl
from pyhanko_certvalidator.util import ConsList

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asn1crypto import x509
    from pyhanko_certvalidator.context import ValidationContext
    from pyhanko_certvalidator.path import ValidationPath

_one_response: Final[Any] = validate_ocsp._handle_single_ocsp_resp  # noqa: SLF001 - the public one stops at *good*


async def revoked(
    path: ValidationPath, certificate: x509.Certificate, context: ValidationContext
) -> CertvalidatorOperationResult[ValidationPath] | None:
    """Return what is wrong with a path that was found good for a certificate; ``None`` for nothing.

    ``context`` is what it was found good by.
    """
    found = await handle_certvalidator_errors(cert=certificate, coro=_unrevoked(path, context))
    return None if found.error_subindic is None else found


async def _unrevoked(path: ValidationPath, context: ValidationContext) -> ValidationPath:
    """Return a path; raises the library's ``RevokedError`` if a response or a list says so of one in it."""
    for place, certificate in enumerate(path.iter_certs(include_root=False), 1):
        issuer = path.find_issuing_authority(certificate)
        responses = await context.revinfo_manager.async_retrieve_ocsps(certificate, issuer)
        about = [each for each in responses if _is_about(each, certificate)]
        if not about:
            continue  # and so the library has looked at every list
        state = ValProcState(cert_path_stack=ConsList.sing(path), init_index=place)
        for each in about:
            with contextlib.suppress(ValueError):  # as the library does: what cannot be read says nothing
                await _one_response(
                    cert=certificate,
                    issuer=issuer,
                    path=path,
                    ocsp_response=each,
                    validation_context=context,
                    errs=validate_ocsp._OCSPErrs(),  # noqa: SLF001 - as above
                    proc_state=state,
                )
        with contextlib.suppress(CRLValidationError):  # there need be none: a response said that it is good
            await verify_crl(certificate, path, context, proc_state=state)
    return path


def _is_about(response: OCSPContainer, certificate: x509.Certificate) -> bool:
    """Whether a response is about the serial number of a certificate; whose it is the library looks at."""
    one = response.extract_single_response()
    return one is not None and one["cert_id"]["serial_number"].native == certificate.serial_number


_LAST: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class _AsOf(OCSPContainer):
    """A response as of a moment: that a certificate was revoked after it says that it was good then.

    The library takes such a response for none; of such a list it says that the certificate was good.
    """

    at: datetime = _LAST

    def extract_single_response(self) -> ocsp.SingleResponse | None:
        """Return what is said of the one certificate, as of the moment."""
        one = super().extract_single_response()
        if one is None or one["cert_status"].name != "revoked":
            return one
        if one["cert_status"].chosen["revocation_time"].native <= self.at:
            return one
        good = one.copy()
        good["cert_status"] = ocsp.CertStatus("good", core.Null())
        return good


def as_of(responses: Iterable[OCSPContainer], at: datetime) -> list[OCSPContainer]:
    """Return responses as of a moment, also those of a later time."""
    return [_AsOf(each.ocsp_response_data, each.index, at) for each in responses]
