"""Every use of an identity through this node: the person sees it, and signing out ends it."""

from __future__ import annotations

import uuid

from django.db import models


class SignIn(models.Model):
    """That a person was told to a client: a service of this side, or a peer's node for one of its services.

    On the home side it names the resident; on the side of the service it has what the home side's node said,
    and the resident whose account here is linked, if any.
    """

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    """The ``sid`` of the tokens."""
    client = models.CharField(max_length=64)
    service = models.JSONField()
    """What the service is called, and its purpose, as at the time: see ``provider.clients.ServiceFacts``."""
    home_side = models.CharField(max_length=16)
    resident = models.ForeignKey(
        "identity.Resident", models.CASCADE, null=True, related_name="sign_ins", db_index=False
    )
    """Looked up by an index of its own, newest first."""
    home_session = models.ForeignKey(
        "identity.HomeSession", models.SET_NULL, null=True, related_name="sign_ins"
    )
    peer_sid = models.CharField(max_length=64, default="")
    """The ``sid`` of the home side's node, where that is another."""
    subject = models.CharField(max_length=64)
    level = models.IntegerField()
    amr = models.JSONField(default=list)
    authenticated_at = models.DateTimeField()
    claims = models.JSONField(default=list)
    """The names of what was told."""
    told = models.BinaryField(null=True)
    """Sealed JSON: the claims themselves, until the tokens have expired."""
    receipt = models.ForeignKey(
        "identity.ConsentReceipt", models.SET_NULL, null=True, related_name="sign_ins"
    )
    at = models.DateTimeField()
    id_token_digest = models.BinaryField(null=True, max_length=32)
    userinfo_digest = models.BinaryField(null=True, max_length=32)
    message_id = models.UUIDField(null=True)
    """The message that carried the digests over the door, into both ledgers."""
    witnessed_at = models.DateTimeField(null=True)
    """On the side of the service: when that message was here and its digests were those of the tokens."""
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=20, default="")

    class Meta:
        indexes = [
            models.Index(fields=["resident", "-id"], name="identity_signin_resident"),
            models.Index(fields=["home_side", "peer_sid"], name="identity_signin_peer"),
            models.Index(fields=["client", "subject"], name="identity_signin_subject"),
            models.Index(
                fields=["home_side", "at"],
                name="identity_signin_unrecorded",
                condition=models.Q(message_id__isnull=True) & ~models.Q(peer_sid=""),
            ),
            models.Index(fields=["at"], name="identity_signin_told", condition=models.Q(told__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.client} {self.at}"


class LogoutDelivery(models.Model):
    """A logout token that waits to be posted to a service (OpenID Connect Back-Channel Logout)."""

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting"
        DELIVERED = "delivered"
        GIVEN_UP = "given-up"

    sign_in = models.OneToOneField(SignIn, models.CASCADE, related_name="logout")
    uri = models.CharField(max_length=500)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    failures = models.IntegerField(default=0)
    next_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "next_at"], name="identity_logout_due")]

    def __str__(self) -> str:
        return f"logout of {self.sign_in}"
