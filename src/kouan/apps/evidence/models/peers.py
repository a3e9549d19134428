"""What other sides told of their issuers, and what they were told of this one."""

from __future__ import annotations

from django.db import models

from kouan.apps.evidence.models.credentials import StatusList


class PeerIssuer(models.Model):
    """Another side's issuer: its name, its keys, and its types of evidence."""

    side = models.CharField(max_length=16, unique=True)
    issuer = models.CharField(max_length=200)
    keys = models.JSONField()
    types = models.JSONField()
    serial = models.BigIntegerField()
    told_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.side} {self.issuer}"


class PeerStatusList(models.Model):
    """A status list of another side's, as it was verified last."""

    side = models.CharField(max_length=16)
    uri = models.CharField(max_length=300)
    bits = models.IntegerField()
    data = models.BinaryField()
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    ttl = models.IntegerField(null=True)
    """Seconds."""
    received_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["side", "uri"], name="evidence_peer_list_once")]

    def __str__(self) -> str:
        return f"{self.side} {self.uri}"


class Announced(models.Model):
    """What a member was last told of this side's issuer."""

    side = models.CharField(max_length=16, unique=True)
    serial = models.BigIntegerField(default=0)
    digest = models.BinaryField(max_length=32, default=b"")
    version = models.PositiveSmallIntegerField(default=2)
    """Of the message that its node understands."""
    next_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.side


class StatusTold(models.Model):
    """Which version of a status list a member was last told."""

    side = models.CharField(max_length=16)
    list = models.ForeignKey(StatusList, models.CASCADE, related_name="told")
    version = models.IntegerField()
    next_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["side", "list"], name="evidence_status_told_once")]

    def __str__(self) -> str:
        return f"{self.side} {self.list_id}/{self.version}"
