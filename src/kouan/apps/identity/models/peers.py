"""The other sides' providers, as they announced themselves over the door, and sign-ins under way there."""

from __future__ import annotations

from django.db import models


class PeerProvider(models.Model):
    """What a side last said of its provider, in a message that it signed."""

    side = models.CharField(max_length=16, unique=True)
    issuer = models.CharField(max_length=200)
    keys = models.JSONField(default=list)
    """``{"use", "jwk", "since", "until"}``: token, client or receipt; seconds since 1970."""
    serial = models.BigIntegerField()
    """Only a higher one takes its place."""
    told_at = models.DateTimeField()
    message_id = models.UUIDField()

    def __str__(self) -> str:
        return f"{self.side} {self.serial}"


class Relay(models.Model):
    """A person's sign-in on another side, for an interaction here."""

    interaction = models.OneToOneField("identity.Interaction", models.CASCADE, related_name="relay")
    side = models.CharField(max_length=16)
    issuer = models.CharField(max_length=200)
    """Whose answer is awaited; any other's is refused (RFC 9207)."""
    state = models.BinaryField(unique=True, max_length=32)
    """SHA-256 of the ``state``."""
    nonce = models.CharField(max_length=64)
    verifier = models.BinaryField()
    """Sealed: PKCE's verifier."""
    level = models.IntegerField()
    """The lowest level that is asked for."""
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.side} for {self.interaction}"
