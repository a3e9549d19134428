"""What making signatures refuses."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.apps.signing.errors import SigningError


class NoSuchSigner(SigningError):
    """A name that no ``[[signer]]`` table of ``node.toml`` has."""

    code = "no-such-signer"
    status = 404
    message = _("No signer is called %(name)s. node.toml names: %(known)s.")


class SignerUnusable(SigningError):
    """A token, a remote service or a key file that cannot be used now, or that answers what it should not."""

    code = "signer-unusable"
    status = 503
    message = _("The signer %(name)s cannot be used: %(detail)s.")


class NotSignable(SigningError):
    """A file that cannot be signed in the form that was asked for."""

    code = "not-signable"
    status = 422
    message = _("This file cannot be signed: %(detail)s.")


class UnknownOrder(SigningError):
    """No order of this number, or not this person's."""

    code = "unknown-signing-order"
    status = 404
    message = _("There is no such document waiting for a signature.")


class OrderExpired(SigningError):
    """A signature that came after its time."""

    code = "signing-order-expired"
    status = 410
    message = _("The time to sign ended at %(at)s. Prepare the document again.")


class OrderClosed(SigningError):
    """An order that has ended otherwise."""

    code = "signing-order-closed"
    status = 409
    message = _("This document was signed already, or its signing was given up. Prepare it again.")


class AnswerRejected(SigningError):
    """A signature or a certificate that came back and does not belong to what was sent."""

    code = "signing-answer-rejected"
    status = 422
    message = _("What came back does not sign this document: %(detail)s. Nothing was changed.")


class OnlyInDemonstrations(SigningError):
    """The simulator, asked for by a node that is no demonstration."""

    code = "only-in-demonstrations"
    status = 403
    message = _("The signing simulator proves nothing and runs in demonstrations alone.")


class NotRenewable(SigningError):
    """A document that is no archived PDF with a time-stamp that still holds."""

    code = "not-renewable"
    status = 422
    message = _("The document's time-stamps cannot be renewed: %(detail)s.")


class NotProvable(SigningError):
    """A signature for which something is lacking that would prove it later."""

    code = "not-provable"
    status = 422
    message = _("The signature cannot be made to last: %(detail)s.")


class BadSigningToken(SigningError):
    """A token for signing that was never given, or works no more."""

    code = "bad-signing-token"
    status = 401
    message = _("This access token is unknown, has ended or was revoked.")


class NotForThisToken(SigningError):
    """A token that works, but not for this."""

    code = "not-for-this-token"
    status = 403
    message = _("This access token was not made for that. `kouan signing access` says what one may do.")


class NotArchived(SigningError):
    """No archived document of this number."""

    code = "unknown-archived-document"
    status = 404
    message = _("There is no such document in the archive.")
