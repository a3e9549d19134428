"""The sides whose trust documents were imported, and every document that ever was."""

from __future__ import annotations

from django.db import models


class Member(models.Model):
    """A side that this node exchanges with, by its trust document in use."""

    side = models.CharField(max_length=16, unique=True)
    fingerprint = models.CharField(max_length=64)
    serial = models.BigIntegerField()
    document = models.BinaryField()
    imported_at = models.DateTimeField()
    imported_by = models.CharField(max_length=150)

    def __str__(self) -> str:
        return f"{self.side} {self.serial}"


class MemberHistory(models.Model):
    """Each document as it was imported; nothing is ever taken out."""

    side = models.CharField(max_length=16)
    fingerprint = models.CharField(max_length=64)
    serial = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    document = models.BinaryField()
    imported_at = models.DateTimeField()
    imported_by = models.CharField(max_length=150)
    acknowledgement = models.BinaryField(default=bytes)
    """What we signed about it, when it came as a message; empty when a person brought it."""

    class Meta:
        verbose_name_plural = "member histories"
        constraints = [
            models.UniqueConstraint(fields=["side", "fingerprint", "serial"], name="trust_history_once")
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.serial}"


class HeldDocument(models.Model):
    """A member's document under another anchor than the one in use: it waits for an operator."""

    side = models.CharField(max_length=16, unique=True)
    known = models.CharField(max_length=64)
    """The fingerprint in use when it came."""
    fingerprint = models.CharField(max_length=64)
    serial = models.BigIntegerField()
    document = models.BinaryField()
    acknowledgement = models.BinaryField()
    held_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.side} {self.serial}"


class ReportedKey(models.Model):
    """A member's key that it reported compromised; nothing is ever taken out."""

    side = models.CharField(max_length=16)
    use = models.CharField(max_length=16)
    kid = models.CharField(max_length=32)
    since = models.DateTimeField()
    at = models.DateTimeField()
    """When the side says that it reported it."""
    reason = models.CharField(max_length=200)
    received_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["side", "kid"], name="trust_reported_once")]

    def __str__(self) -> str:
        return f"{self.side} {self.use} {self.kid}"


class KeyNews(models.Model):
    """A document of ours on its way to one member, and what the member signed about it."""

    peer = models.CharField(max_length=16)
    serial = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    payload = models.BinaryField()
    """The message's payload: the document and the statements of our keys."""
    urgent = models.BooleanField(default=False)
    """Whether it reports a compromise, so that it is also handed in at the peer's door."""
    made_at = models.DateTimeField()
    message_id = models.UUIDField(null=True)
    """The message that carries it, once it is queued."""
    problem = models.CharField(max_length=300, default="")
    """Why it could not be queued or was refused; empty when all is well."""
    acknowledgement = models.BinaryField(default=bytes)
    verdict = models.CharField(max_length=16, default="")
    acknowledged_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "key news"
        constraints = [models.UniqueConstraint(fields=["peer", "digest"], name="trust_news_once")]

    def __str__(self) -> str:
        return f"{self.peer} {self.serial}"
