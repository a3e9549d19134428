"""Every error that this app may show to a person or to a program."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError


class OperationsError(KouanError):
    """Base of this app's errors."""

    code = "operations-error"
    message = _("The request could not be carried out.")


class BadCursor(OperationsError):
    """A place in a list that this node did not hand out."""

    code = "bad-cursor"
    message = _("The address of this page of the list is damaged. Start again from the newest.")


class BadSearch(OperationsError):
    """A search text that cannot be the beginning of an id."""

    code = "bad-search"
    status = 422
    message = _("Search with at least the first %(digits)s digits of a message id or a conversation id.")


class NoSuchCrossing(OperationsError):
    """No message with this id has crossed or waits."""

    code = "no-such-crossing"
    status = 404
    message = _("This node has no message %(message)s.")


class NoSuchComparison(OperationsError):
    """No comparison with this id has been made."""

    code = "no-such-comparison"
    status = 404
    message = _("This node has made no such comparison.")


class BadDay(OperationsError):
    """A day that cannot be compared."""

    code = "bad-day"
    status = 422
    message = _("Give a day that has begun, such as 2026-01-31.")


class NoCheckpoint(OperationsError):
    """Nothing has been published yet."""

    code = "no-checkpoint"
    status = 404
    message = _("This node has not published a checkpoint of its ledger yet.")


class CannotRetry(OperationsError):
    """The message did not fail, so there is nothing to try again."""

    code = "cannot-retry"
    status = 409
    message = _("Message %(message)s is not a dead letter (any more); look at its present state.")


class CannotPutAway(OperationsError):
    """A message of a peer is not ours to withdraw."""

    code = "cannot-put-away"
    status = 409
    message = _(
        "Message %(message)s came from the other side: it can be tried again here, but only its sender "
        "can withdraw it."
    )


class NoBundle(OperationsError):
    """A form without the file that it is about."""

    code = "no-bundle"
    status = 422
    message = _("Choose the evidence bundle that you were given.")


class BundleTooLarge(OperationsError):
    """A file that no node makes as evidence."""

    code = "bundle-too-large"
    status = 413
    message = _("The file is larger than any evidence bundle, which has at most %(most)s MB.")
