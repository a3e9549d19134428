"""Every error that this app may show to a person or to a program."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError


class AttachedError(KouanError):
    """Base of this app's errors."""

    code = "attached-error"
    message = _("The request could not be carried out.")


# Systems


class BadSystemName(AttachedError):
    """A name that no system can have."""

    code = "bad-system-name"
    status = 422
    message = _("A system's name has 2 to 40 characters: a-z, 0-9 and -, beginning with a letter.")


class SystemExists(AttachedError):
    """The name is taken."""

    code = "system-exists"
    status = 409
    message = _("A system with the name %(name)s is attached already.")


class UnknownSystem(AttachedError):
    """No such system."""

    code = "unknown-system"
    status = 404
    message = _("No system with the name %(name)s is attached to this node.")


class UnknownType(AttachedError):
    """A permission for a type that nobody has declared."""

    code = "unknown-type"
    status = 422
    message = _(
        "No declaration of this node names the message type %(type)s. Put its file into the folder of "
        "declarations first."
    )


class BadSystemToken(AttachedError):
    """A token that no live system has."""

    code = "bad-token"
    status = 401
    message = _("The access token is not valid (any more). Ask this node's operator for a new one.")


class TooManyRequests(AttachedError):
    """A system asks more often than it may."""

    code = "too-many-requests"
    status = 429
    message = _("This system asks more often than it may. Wait %(seconds)s seconds and try again.")


# Sending


class BadMessage(AttachedError):
    """A request to send that is not one."""

    code = "bad-message"
    status = 422
    message = _("The request does not fit: %(field)s: %(detail)s.")


class MessageTooLarge(AttachedError):
    """A request larger than any message may be."""

    code = "message-too-large"
    status = 413
    message = _("The request has more than %(limit)s bytes; no message may be so large.")


class NoIdempotencyKey(AttachedError):
    """A request to send without the name by which it can be tried again."""

    code = "no-idempotency-key"
    status = 400
    message = _(
        "Send the header Idempotency-Key, 1 to 200 printable ASCII characters, new for each message and the "
        "same when you try again."
    )


class OtherBodySameKey(AttachedError):
    """The key was used for another message."""

    code = "idempotency-key-reused"
    status = 422
    message = _("This Idempotency-Key was used for another message. Use a new key for a new message.")


class TypeNotAllowed(AttachedError):
    """A type that this system may not send."""

    code = "type-not-allowed"
    status = 403
    message = _("The system %(system)s may not send messages of the type %(type)s.")


class NotDeclaredForSystems(AttachedError):
    """A type that an app of the node handles by itself."""

    code = "not-for-systems"
    status = 403
    message = _("Messages of the type %(type)s are not sent by attached systems.")


class NoSuchMessage(AttachedError):
    """No message of this system has the id."""

    code = "no-such-message"
    status = 404
    message = _("This system has no message %(message)s.")


# Receiving


class NoSystemForType(AttachedError):
    """A message for which this side's declaration names no system."""

    code = "no-system"
    status = 422
    message = _("The declaration of %(type)s names no system that handles it on this side.")


class SystemNotAttached(AttachedError):
    """The system that the declaration names is not there, or may not: no fault of the sender's."""

    code = "system-not-attached"
    status = 503
    message = _(
        "The system %(system)s, which handles %(type)s, is not attached or may not receive it. Attach it, "
        "and have the message handled again."
    )


class AlreadyEnded(AttachedError):
    """The message was acknowledged before it was to be refused, or the other way round."""

    code = "already-ended"
    status = 409
    message = _("Message %(message)s has already been acknowledged or refused otherwise; that stands.")


# Webhooks


class BadWebhookAddress(AttachedError):
    """An address to which the node does not post."""

    code = "bad-webhook-address"
    status = 422
    message = _(
        "A webhook's address is https://…, or http://… on this very machine, without a user name, a password "
        "or a fragment."
    )


class NoWebhook(AttachedError):
    """The system has no webhook."""

    code = "no-webhook"
    status = 409
    message = _("The system %(name)s has no webhook. The operator sets one with `kouan system webhook`.")


class UnreadableSecret(AttachedError):
    """The webhook's secret was sealed under another secret of the node."""

    code = "unreadable-secret"
    status = 500
    message = _(
        "The webhook secret of %(name)s cannot be opened: the node's secret has changed since. Set the "
        "webhook anew."
    )


class NoSuchDelivery(AttachedError):
    """No delivery of this system has the id."""

    code = "no-such-delivery"
    status = 404
    message = _("This system has no such delivery.")
