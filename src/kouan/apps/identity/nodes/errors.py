"""What may go wrong between this node and another side's provider."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.apps.identity.errors import IdentityError


class RelayOver(IdentityError):
    """An answer to a question that is not open: used up, too old, or of another browser."""

    code = "relay-over"
    status = 410
    message = _(
        "This sign-in on the other side is over, was used already, or was begun in another browser. Go back "
        "to the service and begin again."
    )


class AnotherIssuer(IdentityError):
    """The answer names another provider than the one that was asked (RFC 9207)."""

    code = "another-issuer"
    status = 403
    message = _(
        "The answer came from another provider than the one that was asked. Nothing was taken from it. Go "
        "back to the service and begin again."
    )


class PeerSaysNo(IdentityError):
    """The other side's provider ended the sign-in; ``error`` is OAuth's word for why."""

    code = "peer-says-no"
    status = 403
    message = _("%(side)s did not let the sign-in go on (%(error)s). Go back to the service and begin again.")


class PeerUnavailable(PeerSaysNo):
    """The other side's provider cannot work just now."""

    code = "peer-unavailable"
    status = 503
    message = _("The identity provider of %(side)s cannot answer at present. Wait a little and try again.")
    retry_after = 10


class PeerLevelNotReached(PeerSaysNo):
    """The person could not sign in strongly enough there."""

    code = "peer-level-not-reached"
    message = _(
        "The service asks for a stronger way of signing in than the one that was used in %(side)s. Go back "
        "to the service, begin again, and choose a stronger way."
    )


class BadPeerAnswer(IdentityError):
    """What the other side's provider gave does not hold; ``detail`` is a fixed word, never its content."""

    code = "bad-peer-answer"
    status = 502
    message = _(
        "What the identity provider of %(side)s answered does not hold (%(detail)s), so nothing was taken "
        "from it. Begin again; if it stays so, tell the operator of this node."
    )


class UnknownAnnouncement(IdentityError):
    """An announcement of a provider that this node cannot use."""

    code = "unusable-announcement"
    status = 422
    message = _("The announced provider cannot be used: %(detail)s.")


class NotFreshEnough(IdentityError):
    """What is asked for needs a sign-in of the last minutes."""

    code = "not-fresh-enough"
    status = 403
    message = _("Sign in again first: this needs a sign-in of the last %(minutes)s minutes.")


class LinkNotPossible(IdentityError):
    """No pair of documents of these two accounts is known to any issuer."""

    code = "link-not-possible"
    status = 422
    message = _(
        "These two accounts cannot be linked: the issuer of one side's document has no record of the "
        "other's. A Hong Kong identity card goes with a Home Return Permit or a residence permit."
    )


class DocumentIsLinked(IdentityError):
    """A link with the document counts already, or is on its way to count."""

    code = "document-is-linked"
    status = 409
    message = _("A link with this document exists already. End it first if you want to make another.")


class TooManyLinks(IdentityError):
    """The most tries of a day are used up."""

    code = "too-many-links"
    status = 429
    message = _("You have tried to link accounts %(most)s times within a day. Try again tomorrow.")


class LinkOver(IdentityError):
    """There is no such link of this resident, or it is not at this step (any more)."""

    code = "link-over"
    status = 409
    message = _("This link is over, or is not at this step any more. Look at the page of your links.")


class UnexpectedMatch(IdentityError):
    """A question or an answer about a link that this side did not ask for, or of another side."""

    code = "unexpected-match"
    status = 422
    message = _("No question of this side is open to which this belongs.")


class IssuerUnavailable(IdentityError):
    """The issuer of this side's documents does not answer."""

    code = "issuer-unavailable"
    status = 503
    message = _("The issuer of the document cannot answer at present.")
    retry_after = 30


class RecordedAlready(IdentityError):
    """A second record of one sign-in."""

    code = "recorded-already"
    status = 409
    message = _("This sign-in is on record already.")
