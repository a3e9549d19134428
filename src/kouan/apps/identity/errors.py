"""Every error that this app may show to a person or to a program; OAuth's own are in ``provider.errors``."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError


class IdentityError(KouanError):
    """Base of this app's errors."""

    code = "identity-error"
    message = _("Signing in did not work.")


class InteractionOver(IdentityError):
    """The sign-in is not under way any more, or not in this browser."""

    code = "sign-in-over"
    status = 410
    message = _(
        "This sign-in is over, or was begun in another browser. Go back to the service and begin again."
    )


class NotThisStep(IdentityError):
    """A step of a sign-in out of its order: a form sent twice, or an old page."""

    code = "not-this-step"
    status = 409
    message = _("This step of the sign-in was done already. Go on in the window in which you did it.")


class SideNotOffered(IdentityError):
    """A side whose residents the service does not take, or which has no provider now."""

    code = "side-not-offered"
    status = 422
    message = _("This service does not take identities of %(side)s at present. Choose one of those shown.")


class LevelNotReached(IdentityError):
    """The sign-in is of a lower level of assurance than was asked for."""

    code = "level-not-reached"
    status = 403
    message = _(
        "The service asks for a sign-in of level %(wanted)s or higher; yours was of level %(reached)s. Begin "
        "again with a stronger way of signing in."
    )


class UnknownService(IdentityError):
    """No service of this side is registered under the id, or it is switched off."""

    code = "unknown-service"
    status = 404
    message = _("No service is registered under this id, or it has been switched off.")


class NoPeerProvider(IdentityError):
    """The side has not announced a provider yet."""

    code = "no-peer-provider"
    status = 503
    message = _("%(side)s has not announced its identity provider yet. Try again later.")
    retry_after = 30


class UnknownConsent(IdentityError):
    """No consent of this resident has the reference."""

    code = "unknown-consent"
    status = 404
    message = _("There is no such consent of yours.")


class UnreadableSecret(IdentityError):
    """What was sealed does not open: the node's secret is another one now."""

    code = "unreadable-identity-secret"
    status = 500
    message = _("Something that this node keeps sealed cannot be read; its secret may have been changed.")
