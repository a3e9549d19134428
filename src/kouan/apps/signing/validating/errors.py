"""What validation refuses, and why."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError


class SignatureValidationError(KouanError):
    """Base of this part's errors."""

    code = "signature-validation-error"
    message = _("The signatures could not be validated.")


class NothingSigned(SignatureValidationError):
    """A file of a kind that carries no signatures, or without any."""

    code = "nothing-signed"
    status = 422
    message = _(
        "This file carries no electronic signature. Choose the signed file itself: PDF, OFD, CMS, XML or JWS."
    )


class FileForSignatures(SignatureValidationError):
    """No file, an empty one, or too much at once."""

    code = "signature-file-unusable"
    status = 422
    message = _("Send %(most)s files at most, of %(limit)s MB together, none of them empty.")


class ValidationBusy(SignatureValidationError):
    """All workers are at work."""

    code = "signature-validation-busy"
    status = 503
    message = _("Too many files are being validated at the moment. Try again in a few seconds.")
    retry_after = 5.0


class UnknownReport(SignatureValidationError):
    """No report at this address, or no more."""

    code = "unknown-signature-report"
    status = 404
    message = _("There is no report at this address. Reports are kept for a day: validate the file again.")


class BadValidationToken(SignatureValidationError):
    """A token that is unknown, expired or revoked."""

    code = "bad-signature-validation-token"
    status = 401
    message = _("The access token is missing, unknown, expired or revoked.")


class UnusableRevocationData(SignatureValidationError):
    """A bundle, a list or a response that cannot be taken in."""

    code = "revocation-data-unusable"
    status = 422
    message = _("%(name)s: %(detail)s")
