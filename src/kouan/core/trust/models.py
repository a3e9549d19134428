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

    class Meta:
        verbose_name_plural = "member histories"
        constraints = [
            models.UniqueConstraint(fields=["side", "fingerprint", "serial"], name="trust_history_once")
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.serial}"
