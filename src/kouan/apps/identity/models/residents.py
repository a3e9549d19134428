"""People who sign in here: known by a random id, and by what their home provider calls them."""

from __future__ import annotations

import uuid

from django.db import models


class Resident(models.Model):
    """A person who has an account with this side's home provider."""

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    """Random; subjects are made from it, never from an identity number."""
    created_at = models.DateTimeField()
    language = models.CharField(max_length=10, default="en")

    def __str__(self) -> str:
        return str(self.key)


class HomeAccount(models.Model):
    """What a home provider calls a resident."""

    resident = models.ForeignKey(Resident, models.CASCADE, related_name="accounts")
    provider = models.CharField(max_length=40)
    """The adapter's name, as in ``node.toml``."""
    subject = models.CharField(max_length=255)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "subject"], name="identity_home_account_once")
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.resident}"


class HomeSession(models.Model):
    """One sign-in at the home provider: what it showed, and until when it lets the person go on."""

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    resident = models.ForeignKey(Resident, models.CASCADE, related_name="sessions")
    provider = models.CharField(max_length=40)
    level = models.IntegerField()
    amr = models.JSONField(default=list)
    """How the person authenticated (RFC 8176), as the provider says."""
    authenticated_at = models.DateTimeField()
    began_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    provider_sid = models.CharField(max_length=255, default="")
    """The provider's own name of its session, by which it may tell of the end."""
    attributes = models.BinaryField(null=True)
    """Sealed JSON of claims; erased when the session has ended."""

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="identity_session_expiry")]

    def __str__(self) -> str:
        return str(self.key)


class PairwiseSubject(models.Model):
    """What one sector knows a resident by; kept, so that the key that made it may change."""

    resident = models.ForeignKey(Resident, models.CASCADE, related_name="subjects")
    sector = models.CharField(max_length=120)
    subject = models.CharField(max_length=64, unique=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["resident", "sector"], name="identity_subject_once")]

    def __str__(self) -> str:
        return f"{self.sector} {self.subject}"


class Notice(models.Model):
    """Something that a resident is told on the pages of their own."""

    resident = models.ForeignKey(Resident, models.CASCADE, related_name="notices")
    at = models.DateTimeField()
    kind = models.CharField(max_length=40)
    """What it is about; ``labels`` has the words."""
    params = models.JSONField(default=dict)
    read_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.at}"


class HomeAttempt(models.Model):
    """A browser that was sent to a home provider. Its answer is taken by deleting this row: once."""

    state = models.BinaryField(unique=True, max_length=32)
    """SHA-256 of what comes back with the answer."""
    browser = models.BinaryField(max_length=32)
    """As an interaction's: an answer that another browser brings is refused."""
    provider = models.CharField(max_length=40)
    kept = models.BinaryField()
    """Sealed JSON: what the adapter needs to understand the answer."""
    interaction = models.ForeignKey("identity.Interaction", models.CASCADE, null=True)
    """What the sign-in is for; nothing where the resident comes to the pages of their own."""
    resident = models.ForeignKey(Resident, models.CASCADE, null=True)
    """Who must come back, where somebody authenticates anew."""
    level = models.IntegerField()
    """The lowest level that was asked for."""
    back_to = models.CharField(max_length=500, default="")
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["expires_at"], name="identity_attempt_expiry"),
            models.Index(fields=["browser", "-id"], name="identity_attempt_browser"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} until {self.expires_at}"
