"""Every error that this app may show to a person or to a program; OAuth's own are in ``provider.errors``."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError
from kouan.web.persons import level_name


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
    words: ClassVar = {"wanted": level_name, "reached": level_name}


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


class ConsentNeeded(IdentityError):
    """A request not to ask, where the person has to be asked."""

    code = "consent-needed"
    status = 403
    message = _("The person has not agreed to this before, so they have to be asked.")


# The register of services


class BadRegistration(IdentityError):
    """Base of what a service cannot be registered with; ``field`` is where it stands."""

    code = "bad-registration"
    status = 422
    message = _("The service cannot be registered like this.")
    field: ClassVar[str] = ""


class BadClientId(BadRegistration):
    """An id that no service can have."""

    code = "bad-client-id"
    message = _("An id has 3 to 64 characters: a-z, 0-9 and -, beginning with a letter.")
    field = "client_id"


class ServiceExists(BadRegistration):
    """The id is taken."""

    code = "service-exists"
    status = 409
    message = _("A service with the id %(client_id)s is registered already.")
    field = "client_id"


class BadText(BadRegistration):
    """A name or a purpose that is missing in one of the scripts, or too long."""

    code = "bad-service-text"
    message = _(
        "Enter “%(field)s” in English, 繁體中文 and 简体中文, each with at most %(limit)s characters."
    )
    field = "name"


class BadDepartment(BadRegistration):
    """No department, or more than a line."""

    code = "bad-department"
    message = _("Enter the department that answers for the service, with at most 200 characters.")
    field = "department"


class BadRedirectUri(BadRegistration):
    """An address to which nobody is sent back."""

    code = "bad-redirect-uri"
    message = _(
        "The address %(uri)s cannot be used. Enter it whole and exactly: https://, a host, no “*”, no “#”, "
        "no user name, at most 500 characters."
    )
    field = "redirect_uris"


class NoRedirectUri(BadRegistration):
    """A service with nowhere to go back to, or with far too many addresses."""

    code = "no-redirect-uri"
    message = _("Enter at least one address to which people are sent back, and at most %(limit)s.")
    field = "redirect_uris"


class BadLogoutUri(BadRedirectUri):
    """An address that is not told of a sign-out, or to which nobody is sent after one."""

    code = "bad-logout-uri"
    field = "post_logout_redirect_uris"


class BadServiceKeys(BadRegistration):
    """Something that is no set of public keys, or keys that this node does not take."""

    code = "bad-service-keys"
    message = _(
        "These keys cannot be used (%(detail)s). Enter a JSON Web Key Set with 1 to %(limit)s public keys: "
        "EC P-256, Ed25519, or RSA of 2048 to 4096 bits."
    )
    field = "jwks"


class PublicClientKeys(BadRegistration):
    """Keys for a client that cannot keep any."""

    code = "public-client-keys"
    message = _(
        "A public client keeps no secret, so it has no keys. Leave them out, or choose another profile."
    )
    field = "jwks"


class BadClaims(BadRegistration):
    """Something that no service is told."""

    code = "bad-claims"
    message = _("No service can be told “%(claim)s”. Choose from the list.")
    field = "claims"


class NoLegalReason(BadRegistration):
    """The number of an identity document without a law that asks for it."""

    code = "no-legal-reason"
    message = _("Name the law that lets the service learn the number of an identity document.")
    field = "legal_reason"


class BadLevel(BadRegistration):
    """No level of assurance."""

    code = "bad-level"
    message = _("Choose a level of assurance from 1 to 4.")
    field = "level"


class BadProfile(BadRegistration):
    """No set of rules that a service's requests follow."""

    code = "bad-profile"
    message = _("Choose a profile: fapi2, confidential or public.")
    field = "profile"


class BadSides(BadRegistration):
    """A side that there is not."""

    code = "bad-sides"
    message = _("There is no side “%(side)s”. Choose from the list.")
    field = "sides"


# A resident's own pages


class UnknownSignIn(IdentityError):
    """No sign-in of this resident has the number."""

    code = "unknown-sign-in"
    status = 404
    message = _("There is no such sign-in of yours.")


class UnknownLink(IdentityError):
    """No link of this resident has the number."""

    code = "unknown-link"
    status = 404
    message = _("There is no such link of yours.")
