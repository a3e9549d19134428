"""How signing in through a provider can fail, in words for the person who tried."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError


class OidcError(KouanError):
    """Base of what signing in through a provider raises; nothing else leaves ``kouan.web.oidc``."""

    code = "sign-in-failed"
    message = _("Signing in did not succeed. Try again.")


class ProviderUnreachable(OidcError):
    """No whole answer came in time, or it was too large; ``host`` is the provider's."""

    code = "provider-unreachable"
    status = 503
    message = _("The identity provider %(host)s does not answer as it should. Try again in a few minutes.")


class ProviderUnsuitable(OidcError):
    """What the provider says of itself, or how it answers, is not what the standards ask."""

    code = "provider-unsuitable"
    status = 502
    message = _(
        "The identity provider %(host)s gave an answer that this node cannot use (%(detail)s). Tell this "
        "node's operator."
    )


class SignInRefused(OidcError):
    """The provider refused (RFC 6749 section 4.1.2.1); ``reason`` is its error code."""

    code = "sign-in-refused"
    status = 403
    message = _("The identity provider did not sign you in (%(reason)s). Try again.")


class SignInExpired(OidcError):
    """The answer belongs to no attempt of this browser that is still open."""

    code = "sign-in-expired"
    status = 400
    message = _("This attempt to sign in is over, or it began in another browser. Begin again.")


class AnswerNotTrusted(OidcError):
    """An answer that fails a check; ``detail`` names the check, never a value from the answer."""

    code = "sign-in-not-trusted"
    status = 400
    message = _(
        "The answer of the identity provider could not be trusted (%(detail)s), so you are not signed in. "
        "Begin again; if it goes on, tell this node's operator."
    )


class LevelTooLow(OidcError):
    """The provider did not sign the person in at a level that was asked for (``acr``)."""

    code = "sign-in-level-too-low"
    status = 403
    message = _(
        "The identity provider signed you in at a lower level than is needed here. Use a stronger way to "
        "sign in there."
    )


class SignInTooOld(OidcError):
    """The person proved who they are too long ago (``auth_time``)."""

    code = "sign-in-too-old"
    status = 403
    message = _("You signed in at the identity provider too long ago. Sign in there again.")


class LogoutNotTrusted(OidcError):
    """A logout token that fails a check; ``detail`` names it."""

    code = "logout-not-trusted"
    status = 400
    message = _("The logout token could not be trusted (%(detail)s).")
