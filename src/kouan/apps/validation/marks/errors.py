"""Every error that a credential may show."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.apps.validation.errors import NoMark, ValidationError


class UnsignedCredential(ValidationError):
    """A credential that no key pair signed, so that its fingerprint could be guessed."""

    code = "unsigned-credential"
    status = 422
    message = _(
        "The credential is not signed by a key pair of its issuer, so anybody could have written it. Sign "
        "it, for example with ES256, or carry it as a package."
    )


class CredentialOfAnother(ValidationError):
    """A credential whose claim names another institution or side."""

    code = "credential-of-another"
    status = 422
    message = _(
        "The claim “kouan” of the credential names %(reference)s, which is not this institution's. Correct "
        "the claim and sign the credential again."
    )


class CredentialWithoutReference(ValidationError):
    """A credential that does not say how its fingerprint is computed."""

    code = "credential-without-reference"
    status = 422
    message = _(
        "A credential without the claim “kouan” does not say that its fingerprint is taken with SM3. Write "
        "the claim and sign the credential again, or choose SHA-256."
    )


class UnnamedCredential(NoMark):
    """A credential that does not name its reference, and none was typed."""

    code = "unnamed-credential"
    message = _("The credential does not name its reference. Type the reference that came with it.")
