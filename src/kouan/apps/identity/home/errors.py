"""What can go wrong between this node and a home provider."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from kouan.apps.identity.errors import IdentityError
from kouan.web.persons import level_name


class NoHomeProvider(IdentityError):
    """No home provider of this node reaches the level."""

    code = "no-home-provider"
    status = 503
    message = _(
        "Nobody can sign in here at level %(level)s: this node has no identity provider that reaches it. "
        "Tell its operator."
    )
    words: ClassVar = {"level": level_name}


class UnknownHomeProvider(IdentityError):
    """An address that names no home provider of this node."""

    code = "unknown-home-provider"
    status = 404
    message = _("This node knows no such identity provider. Go back and choose one of those shown.")


class UnknownLevel(IdentityError):
    """The provider named a level, or a way of authenticating, that stands in no table of ours."""

    code = "unknown-level"
    status = 502
    message = _(
        "The identity provider signed you in at a level that this node does not know, so it does not count. "
        "Tell this node's operator."
    )


class UnusableAttributes(IdentityError):
    """Something that the provider says of the person cannot be right; ``claim`` names it."""

    code = "unusable-attributes"
    status = 502
    message = _(
        "The identity provider's record of you cannot be used here: %(claim)s is not as it should be. Have "
        "the provider correct it, or tell this node's operator."
    )


class HomeRefused(IdentityError):
    """The person cancelled at the provider, or the provider said no."""

    code = "home-refused"
    status = 403
    message = _("You were not signed in: it was cancelled, or took too long. You can try again.")


class HomeAnswerRefused(IdentityError):
    """A provider's answer that fails a check; ``detail`` names the check, never what was said."""

    code = "home-answer-refused"
    status = 502
    message = _(
        "The identity provider's answer could not be trusted (%(detail)s), so you are not signed in. Begin "
        "again; if it goes on, tell this node's operator."
    )


class AnotherPerson(IdentityError):
    """Somebody else came back from the provider than the one who had to authenticate anew."""

    code = "another-person"
    status = 403
    message = _(
        "You were asked to sign in again as the same person, but it was another account. Sign out here first "
        "if you want to change accounts."
    )
