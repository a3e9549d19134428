"""The other sides' providers, what they announced and put on record, and sign-ins under way there."""

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


class Announcement(models.Model):
    """What a member was last told of this side's provider, and when to look again."""

    side = models.CharField(max_length=16, unique=True)
    digest = models.BinaryField(max_length=32, default=b"")
    """SHA-256 over issuer and keys; empty when the peer did not take them."""
    serial = models.BigIntegerField(default=0)
    next_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.side} {self.serial}"


class SignInRecord(models.Model):
    """What the home side put on record of a sign-in at a service of this side (``identity.sign-in``).

    It may be here before the person's browser is, and stays by itself if that never comes.
    """

    side = models.CharField(max_length=16)
    sid = models.CharField(max_length=64)
    """The home side's name of the sign-in, as in its ID token."""
    service = models.CharField(max_length=64)
    subject = models.CharField(max_length=64)
    acr = models.CharField(max_length=40)
    claims = models.JSONField(default=list)
    id_token_digest = models.BinaryField(max_length=32)
    userinfo_digest = models.BinaryField(max_length=32)
    consent = models.UUIDField(null=True, db_index=True)
    """The home side's number of the consent, as its signed receipt names it."""
    receipt = models.TextField()
    problem = models.CharField(max_length=40, default="")
    """What is wrong with it by itself: its sign-in does not stay."""
    message_id = models.UUIDField()
    at = models.DateTimeField()
    """When the home side sent it."""
    sign_in = models.OneToOneField(
        "identity.SignIn", models.SET_NULL, null=True, related_name="witness_record"
    )
    ended_at = models.DateTimeField(null=True)
    """When the home side said that the sign-in is over or its consent withdrawn."""
    settled_at = models.DateTimeField(null=True)
    """When it was held against the sign-in, or there was no more reason to wait for one."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["side", "sid"], name="identity_record_once")]
        indexes = [models.Index(fields=["settled_at", "at"], name="identity_record_open")]

    def __str__(self) -> str:
        return f"{self.side} {self.sid}"


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
