"""What institutions' own systems show to act for them, and what they have sent under which key."""

from __future__ import annotations

from django.db import models

from kouan.apps.dataflow.models.records import Record


class InstitutionAccess(models.Model):
    """A token of an institution that is a party to contracts. Only its digest is kept."""

    institution = models.CharField(max_length=64)
    """The party's code, as contracts name it."""
    name = models.CharField(max_length=80)
    """What the system is, in the words of who asked for the token."""
    prefix = models.CharField(max_length=32)
    """The token's first characters, to tell tokens apart."""
    digest = models.BinaryField(unique=True, max_length=32)
    """SHA-256 of the token; the token holds 256 random bits, so no salt is needed."""
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["institution", "prefix"], name="dataflow_access_prefix")]

    def __str__(self) -> str:
        return f"{self.institution} {self.prefix}…"


class SentOnce(models.Model):
    """That an institution has sent a record under a key, so that the same try again sends nothing."""

    institution = models.CharField(max_length=64)
    key = models.CharField(max_length=200)
    request = models.BinaryField(max_length=32)
    """A keyed digest of what was asked, which cannot be tried out without the node's secret."""
    record = models.ForeignKey(Record, models.CASCADE, null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["institution", "key"], name="dataflow_sent_once")]

    def __str__(self) -> str:
        return f"{self.institution} {self.created_at:%Y-%m-%d %H:%M}"
