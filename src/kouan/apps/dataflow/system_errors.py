"""What is refused to the systems of institutions, for how they ask and not for what they ask."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError


class BadAccessToken(KouanError):
    """An access token that is unknown, expired or revoked."""

    code = "bad-token"
    status = 401
    message = _("The access token is missing, unknown, expired or revoked.")


class NoIdempotencyKey(KouanError):
    """A request to send without the name by which it can be tried again."""

    code = "no-idempotency-key"
    status = 400
    message = _(
        "Send the header Idempotency-Key, 1 to 200 printable ASCII characters, new for each record and the "
        "same when you try again."
    )


class OtherBodySameKey(KouanError):
    """The key was used for another record."""

    code = "idempotency-key-reused"
    status = 422
    message = _("This Idempotency-Key was used for another record. Take a new key for each record.")


class SeveralContracts(KouanError):
    """Records that rest on different contracts were to leave together."""

    code = "several-contracts"
    status = 422
    message = _("These records rest on different contracts. Send those of each contract by themselves.")
