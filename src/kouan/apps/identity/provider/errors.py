"""OAuth's and OpenID Connect's own errors: the word that a program reads, and a sentence for a person."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from kouan.apps.identity.errors import IdentityError


class OAuthError(IdentityError):
    """Base of what a client is told; ``error`` is the word that RFC 6749 or one of its kin registers."""

    code = "oauth-error"
    error: ClassVar[str] = "invalid_request"


class InvalidRequest(OAuthError):
    """A parameter that is missing, repeated, too long or not what it should be."""

    code = "invalid-request"
    message = _("The parameter %(parameter)s is missing, repeated, too long, or not as it should be.")


class MalformedRequest(OAuthError):
    """A body or a query that is no form."""

    code = "malformed-request"
    message = _("The request is not a form (application/x-www-form-urlencoded) of the size that is taken.")


class MustPush(OAuthError):
    """A request in the browser's address by a client that has to push its requests (RFC 9126)."""

    code = "must-push"
    message = _("This client must push its requests first, and then send the browser with the request_uri.")


class InvalidRequestUri(OAuthError):
    """A ``request_uri`` that nobody was given, of another client, used before, or too old."""

    code = "invalid-request-uri"
    error = "invalid_request_uri"
    message = _(
        "This sign-in was begun before, or too long ago. Go back to the service and sign in there again."
    )


class RequestNotSupported(OAuthError):
    """A request object (RFC 9101)."""

    code = "request-not-supported"
    error = "request_not_supported"
    message = _("Request objects are not taken; push the request instead.")


class RequestUriNotSupported(OAuthError):
    """A ``request_uri`` that is an address."""

    code = "request-uri-not-supported"
    error = "request_uri_not_supported"
    message = _("Only a request_uri that this provider gave out is taken.")


class RegistrationNotSupported(OAuthError):
    """A ``registration`` parameter."""

    code = "registration-not-supported"
    error = "registration_not_supported"
    message = _("Clients are registered by this side's registrar, not by a request.")


class UnsupportedResponseType(OAuthError):
    """Anything but a code in the query."""

    code = "unsupported-response-type"
    error = "unsupported_response_type"
    message = _("Only response_type=code with response_mode=query is offered.")


class InvalidScope(OAuthError):
    """A request without ``openid``."""

    code = "invalid-scope"
    error = "invalid_scope"
    message = _("The scope must hold openid.")


class InvalidAuthorizationDetails(OAuthError):
    """Details (RFC 9396) of a type or a content that is not taken from this client."""

    code = "invalid-authorization-details"
    error = "invalid_authorization_details"
    message = _("The authorization_details are not those that are taken from this client.")


class InvalidClient(OAuthError):
    """A client that did not prove who it is; ``reason`` names the check and never a value."""

    code = "invalid-client"
    error = "invalid_client"
    status = 401
    message = _("The client could not be authenticated (%(reason)s).")


class InvalidGrant(OAuthError):
    """A code that does not count."""

    code = "invalid-grant"
    error = "invalid_grant"
    message = _("The code is used, too old, or was not given to this client for this request.")


class UnsupportedGrantType(OAuthError):
    """Anything but an authorization code."""

    code = "unsupported-grant-type"
    error = "unsupported_grant_type"
    message = _("Only grant_type=authorization_code is offered.")


class InvalidProof(OAuthError):
    """A proof of possession (RFC 9449) that does not count; ``reason`` names the check."""

    code = "invalid-dpop-proof"
    error = "invalid_dpop_proof"
    message = _("The DPoP proof does not count (%(reason)s).")


class InvalidToken(OAuthError):
    """An access token that does not count here (RFC 6750 section 3.1)."""

    code = "invalid-token"
    error = "invalid_token"
    status = 401
    message = _("The access token is missing, has expired, has been revoked, or is not shown as it must be.")


class AccessDenied(OAuthError):
    """The person said no, or what rules the crossing did."""

    code = "access-denied"
    error = "access_denied"
    status = 403
    message = _("Signing in was refused or broken off.")


class LoginRequired(OAuthError):
    """Nobody is signed in, or not freshly enough, and nobody may be asked."""

    code = "login-required"
    error = "login_required"
    message = _("The person has to sign in, anew or as the person that was asked for.")


class InteractionRequired(OAuthError):
    """The person would have to choose or sign in on another side, and may not be asked."""

    code = "interaction-required"
    error = "interaction_required"
    message = _("The person would have to take part, but the request says that nobody may be asked.")


class ConsentRequired(OAuthError):
    """The person has not agreed to all of it before, and may not be asked."""

    code = "consent-required"
    error = "consent_required"
    message = _("The person would have to agree, but the request says that nobody may be asked.")


class UnmetRequirements(OAuthError):
    """The level that was asked for is none of this provider's, or was not reached."""

    code = "unmet-authentication-requirements"
    error = "unmet_authentication_requirements"
    message = _("The level of assurance that was asked for is unknown here or was not reached.")


class TemporarilyUnavailable(OAuthError):
    """Too much at one time; ``seconds`` until it is worth to try again."""

    code = "temporarily-unavailable"
    error = "temporarily_unavailable"
    status = 429
    message = _("There are too many requests. Wait %(seconds)s seconds and try again.")


class UnknownRedirect(OAuthError):
    """An address that is not registered for the client: nothing is ever sent there."""

    code = "unknown-redirect-uri"
    message = _(
        "The service asked to have you sent to an address that is not registered for it, so you stay here. "
        "Tell the service."
    )
