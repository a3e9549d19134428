"""What was issued: keys, status lists, each credential's place in one, and whom it was shown to."""

from __future__ import annotations

import uuid

from django.db import models

from kouan.apps.evidence.models.records import EvidenceRecord


class IssuerKey(models.Model):
    """A P-256 key of this side's issuer. The private half is sealed under the node's secret."""

    kid = models.CharField(max_length=43, unique=True)
    """The JWK's SHA-256 thumbprint (RFC 7638)."""
    public = models.JSONField()
    """The public JWK."""
    private = models.BinaryField()
    """Sealed PKCS#8 DER."""
    since = models.DateTimeField()
    """From when on it signs; it is published at once."""
    until = models.DateTimeField()
    """Until when it signs; it is published for good, for what it signed may count for long."""

    def __str__(self) -> str:
        return self.kid


class StatusList(models.Model):
    """Two bits for each of 16384 credentials: valid, revoked, suspended."""

    audience = models.CharField(max_length=16)
    """The side that its credentials are shown to; empty for those that persons take out, and decisions."""
    bits = models.BinaryField()
    next = models.IntegerField(default=0)
    """How many places are taken."""
    factor = models.IntegerField()
    """With ``offset``, scatters the places, so that neighbours in time are no neighbours in the list."""
    offset = models.IntegerField()
    version = models.IntegerField(default=1)
    """Grows with each change of a status."""
    expires_at = models.DateTimeField(null=True)
    """When the last of its credentials ends: the year 9999 where one has no end, none while it is empty."""
    token = models.TextField(default="")
    """The list as it was signed last."""
    signed_at = models.DateTimeField(null=True)
    signed_version = models.IntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["audience", "next"], name="evidence_list_audience")]

    def __str__(self) -> str:
        return f"{self.pk} {self.audience}"


class Credential(models.Model):
    """One credential that was issued, without what it says."""

    class Kind(models.TextChoices):
        """What it was issued for."""

        SHOWN = "shown"
        """To be shown to another side, once."""
        TAKEN = "taken"
        """To be taken out by the person."""
        DECISION = "decision"
        """The result of a case, or another that stands on no record."""

    list = models.ForeignKey(StatusList, models.PROTECT, related_name="credentials")
    index = models.IntegerField()
    kind = models.CharField(max_length=8, choices=Kind)
    record = models.ForeignKey(EvidenceRecord, models.CASCADE, null=True, related_name="credentials")
    type = models.CharField(max_length=120)
    digest = models.BinaryField(max_length=32)
    """SHA-256 of the signed part."""
    about = models.JSONField(null=True)
    """Of a decision: its title and its claims' titles, for the description of its type."""
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["list", "index"], name="evidence_credential_place")]
        indexes = [
            models.Index(fields=["record", "expires_at"], name="evidence_credential_record"),
            models.Index(fields=["type", "-id"], name="evidence_credential_type"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.list_id}/{self.index}"


class Showing(models.Model):
    """That a person showed evidence, or took it out: to whom, when, which claims; not what they say."""

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    person = models.CharField(max_length=64)
    """The person's key on this side (``web.persons``)."""
    record = models.ForeignKey(EvidenceRecord, models.SET_NULL, null=True, related_name="showings")
    credential = models.ForeignKey(Credential, models.SET_NULL, null=True)
    type = models.CharField(max_length=64)
    to = models.CharField(max_length=16)
    """A side; empty where the person took it out."""
    matter = models.CharField(max_length=200)
    claims = models.JSONField()
    level = models.IntegerField()
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["person", "-at"], name="evidence_showing_person")]

    def __str__(self) -> str:
        return f"{self.type} → {self.to or 'the person'}"
