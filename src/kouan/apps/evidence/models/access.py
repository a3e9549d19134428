"""What departments' own systems show to act for them."""

from __future__ import annotations

from django.db import models


class DepartmentAccess(models.Model):
    """A token of a department that keeps evidence. Only its digest is kept."""

    department = models.CharField(max_length=64)
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
        indexes = [models.Index(fields=["department", "prefix"], name="evidence_access_prefix")]

    def __str__(self) -> str:
        return f"{self.department} {self.prefix}…"
