"""Whether anything at hand says that a certificate was revoked, whatever else says that it was not.

The library asks the responses first, is content with the newest that says *good*, and looks at the lists only
where there is none. An old *good* would so outweigh a newer list, and whoever made a document may have put the
old one into it. Here a path that the library found good is asked about once more: one response or list in its
time that says *revoked* counts.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from pyhanko.sign.validation.generic_cms import CertvalidatorOperationResult, handle_certvalidator_errors
from pyhanko_certvalidator._state import ValProcState
from pyhanko_certvalidator.errors import CRLValidationError
from pyhanko_certvalidator.revinfo import validate_ocsp
from pyhanko_certvalidator.revinfo.validate_crl import verify_crl
from pyhanko_certvalidator.util import ConsList

if TYPE_CHECKING:
    from asn1crypto import x509
    from pyhanko_certvalidator.context import ValidationContext
    from pyhanko_certvalidator.path import ValidationPath
    from pyhanko_certvalidator.revinfo.archival import OCSPContainer

_one_response: Final[Any] = validate_ocsp._handle_single_ocsp_resp  # noqa: SLF001 - the public one stops at *good*


async def revoked(
    path: ValidationPath, certificate: x509.Certificate, context: ValidationContext
) -> CertvalidatorOperationResult[None] | None:
    """Return what is wrong with a path that was found good for a certificate; ``None`` for nothing.

    ``context`` is what it was found good by.
    """
    found = await handle_certvalidator_errors(cert=certificate, coro=_require_unrevoked(path, context))
    return None if found.error_subindic is None else found


async def _require_unrevoked(path: ValidationPath, context: ValidationContext) -> None:
    """Raise the library's ``RevokedError`` if a response or a list says so of a certificate of a path."""
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


def _is_about(response: OCSPContainer, certificate: x509.Certificate) -> bool:
    """Whether a response is about the serial number of a certificate; whose it is the library looks at."""
    one = response.extract_single_response()
    return one is not None and one["cert_id"]["serial_number"].native == certificate.serial_number
